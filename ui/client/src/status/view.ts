/** What `<killcord-status>` shows of a model: `(model, now, wall) → View`, pure. It decides nothing. */
import type { TeardownDevice } from '../generated/wire';
import { ownWords, type OwnWords } from '../own';
import type { Model } from '../state';
import {
  deviceWord, END_WORDS, HARDWARE_WORDS, heldText, lostText, RIG_WORDS, secondsLeft, WORDS,
} from '../words';

/** What a button of the element does. */
export type Act = 'stay' | 'take' | 'give' | 'reload';
/** How grave it is. */
export type Tone = 'plain' | 'good' | 'busy' | 'warn' | 'danger';
/** The shape beside the words: no state is told by colour alone. */
export type Shape = 'turning' | 'shield' | 'armed' | 'person' | 'clock' | 'unknown' | 'down' | 'alert' | 'ended';

/** A button. */
export interface Button {
  readonly act: Act;
  readonly label: string;
  readonly disabled?: boolean;
}

/** One device in a teardown. */
export interface Row {
  readonly name: string;
  readonly word: string;
  readonly tone: Tone;
  readonly doing: string;
  readonly remarks: readonly string[];
}

/** Everything that is shown at one moment. */
export interface View {
  /** The state's name, which is its `::part` too. */
  readonly state: string;
  /** Slots that may replace title and text, the most particular first. */
  readonly slots: readonly string[];
  readonly tone: Tone;
  readonly shape: Shape;
  /** Said at once, by `role=alert`. */
  readonly alert: boolean;
  readonly title: string;
  readonly text: readonly string[];
  /** What no author's words replace: what is known of the hardware, and what is not. */
  readonly facts: readonly string[];
  /** The rig's own words. */
  readonly own: OwnWords | null;
  /** What time does to it; changes each second. */
  readonly countdown: string;
  /** The rig's state, where it is known. */
  readonly rig: string;
  readonly rows: readonly Row[];
  readonly buttons: readonly Button[];
}

/** A host that has not answered for so many milliseconds is worth a word. */
const SILENT_MS = 5_000;
/** A return is told for so many milliseconds. */
const RESUMED_MS = 5_000;

type Part = Partial<View> & Pick<View, 'state' | 'tone' | 'shape' | 'title'>;

/** What to show of `model` at `now`, which the person's clock calls `wall`. */
export function view(model: Model, now: number, wall: Date = new Date()): View {
  const { session, teardown } = model;
  switch (session.name) {
    case 'connecting':
      return connecting(model, now - session.since);
    case 'live':
      return live(model, now, wall);
    case 'lost':
      // The host's last word was its report.
      return teardown?.extent === 'end' && teardown.done ? stopping(model, now) : lost(model, now, wall);
    case 'stopping':
      return stopping(model, now);
    case 'ended':
      return ended(model, now, wall);
  }
}

function make(part: Part): View {
  const blank = { alert: false, text: [], facts: [], own: null, countdown: '', rig: '', rows: [], buttons: [] };
  return { ...blank, slots: [part.state], ...part };
}

function connecting(model: Model, for_ms: number): View {
  const silent = for_ms >= SILENT_MS || model.refusal !== null;
  return make({
    state: 'connecting',
    tone: silent ? 'warn' : 'busy',
    shape: 'turning',
    title: silent ? WORDS.silent : WORDS.connecting,
    facts: silent ? [...refusal(model), WORDS.silentText] : [],
  });
}

function live(model: Model, now: number, wall: Date): View {
  const { session, rig } = model;
  const warning = session.name === 'live' ? session.warning : undefined;
  const common = { rig: rig ? RIG_WORDS[rig.state] : '' };
  const left = warning ? secondsLeft(warning.at, now) : 0;
  const warn = (kind: string, title: string, countdown: string, buttons: Button[] = []): View =>
    make({
      ...common, state: 'warning', slots: [`warning-${kind}`, 'warning'], tone: 'warn', shape: 'clock',
      title, facts: grave(model), countdown, buttons,
    });
  const give: Button[] = [{ act: 'give', label: WORDS.give }];
  switch (warning?.kind) {
    case 'idle':
      return warn('idle', WORDS.idle, `This session ends in ${left} s.`, [{ act: 'stay', label: WORDS.stay }]);
    case 'take_over':
      return warn('take-over', WORDS.takeOver, `It gets control in ${left} s.`, give);
    case 'hold_over':
      return warn('hold-over', WORDS.holdOver, `In ${left} s.`);
    case 'page_not_responding':
      return warn('not-responding', WORDS.notResponding, '');
  }
  if (model.role === 'operator' && model.asking !== null) return warn('take-over', WORDS.takeOver, '', give);
  const buttons = model.role === 'observer' ? [take(model)] : [];
  if ((model.resumed || model.returned) && now - model.welcomeAt < RESUMED_MS) {
    const text = [model.resumed ? WORDS.resumedText : WORDS.newSession, ...role(model)];
    return make({
      ...common, state: 'resumed', tone: 'good', shape: 'shield', title: WORDS.resumed, text, facts: grave(model), buttons,
    });
  }
  const taken = model.takenOver && model.holder !== null;
  const state = model.role === 'operator' ? 'live' : taken ? 'taken-over' : 'observer';
  const facts = refusal(model);
  if (rig?.state === 'not_safe') {
    return make({
      ...common, state, tone: 'danger', shape: 'alert', title: WORDS.notSafe, text: role(model),
      facts: grave(model), buttons,
    });
  }
  if (model.role === 'operator') {
    const armed = rig?.state === 'armed' || rig?.state === 'arming';
    const look = armed ? ({ tone: 'warn', shape: 'armed' } as const) : ({ tone: 'plain', shape: 'shield' } as const);
    return make({ ...common, ...look, state, title: WORDS.operator, facts });
  }
  return make({
    ...common, state, facts, buttons,
    tone: taken ? 'warn' : 'plain',
    shape: 'person',
    title: taken ? WORDS.takenOver : WORDS.observer,
    text: [taken ? WORDS.takenOverText : whoElse(model)],
    own: ownWords(model, now, wall),
  });
}

function role(model: Model): string[] {
  return model.role === 'observer' ? [`${WORDS.observer}. ${whoElse(model)}`] : [`${WORDS.operator}.`];
}

function whoElse(model: Model): string {
  return model.holder === null ? WORDS.nobody : WORDS.elsewhere;
}

function grave(model: Model): string[] {
  return [...(model.rig?.state === 'not_safe' ? [WORDS.notSafeText] : []), ...refusal(model)];
}

function refusal(model: Model): string[] {
  return model.refusal ? [model.refusal.message] : [];
}

function take(model: Model): Button {
  const asked = model.asking !== null && model.asking === model.id;
  return asked
    ? { act: 'take', label: WORDS.asked, disabled: true }
    : { act: 'take', label: WORDS.take };
}

function lost(model: Model, now: number, wall: Date): View {
  const { session, rig } = model;
  if (session.name !== 'lost') return connecting(model, 0);
  const uncovered = rig && rig.watchdog.state !== 'watching' ? [WORDS.uncovered] : [];
  const operator = model.role === 'operator';
  const overdue = session.overdue && operator;
  const left = secondsLeft(session.leaseEndsAt, now);
  return make({
    state: overdue ? 'overdue' : 'lost',
    slots: overdue ? ['overdue', 'lost'] : ['lost'],
    tone: overdue ? 'danger' : 'warn',
    shape: overdue ? 'alert' : 'unknown',
    alert: overdue,
    title: WORDS.lost,
    facts: [lostText(model, now, wall), ...uncovered, WORDS.retrying],
    own: ownWords(model, now, wall),
    countdown: operator && !session.overdue ? `${heldText(model.policy) === null ? WORDS.untilSafe : WORDS.untilLost}: ${left} s.` : '',
  });
}

function stopping(model: Model, now: number): View {
  const { teardown, session } = model;
  const devices = teardown?.devices ?? (session.name === 'stopping' ? session.devices : []);
  const done = teardown?.done ?? false;
  const bad = done && devices.some(({ confirmed }) => !confirmed);
  const left = teardown ? secondsLeft(teardown.deadlineAt, now) : 0;
  return make({
    state: 'stopping',
    tone: bad ? 'danger' : done ? 'good' : 'busy',
    shape: bad ? 'alert' : done ? 'shield' : 'down',
    alert: true,
    title: bad ? WORDS.reportNotSafe : done ? WORDS.reportSafe : WORDS.stopping,
    text: [`Cause: ${teardown?.text ?? (session.name === 'stopping' ? session.cause : '')}.`],
    countdown: done ? '' : left > 0 ? `At most ${left} s more.` : WORDS.late,
    rows: rows(model, devices),
  });
}

function ended(model: Model, now: number, wall: Date): View {
  const { session, teardown } = model;
  if (session.name !== 'ended') return connecting(model, 0);
  const { reason, hardware } = session;
  const waits = reason === 'host_stopping';
  const bad = hardware === 'not_safe';
  const report = teardown?.extent === 'end' && teardown.done ? teardown.devices : [];
  return make({
    state: 'ended',
    slots: [`ended-${reason.replaceAll('_', '-')}`, 'ended'],
    tone: bad ? 'danger' : hardware === 'safe' ? 'plain' : 'warn',
    shape: bad ? 'alert' : 'ended',
    alert: bad,
    title: WORDS.ended,
    text: [END_WORDS[reason]],
    facts: [HARDWARE_WORDS[hardware], ...(waits ? [WORDS.comesBack] : [])],
    own: ownWords(model, now, wall),
    rows: rows(model, report.filter(({ confirmed }) => !confirmed)),
    buttons: waits ? [] : [{ act: 'reload', label: WORDS.reload }],
  });
}

function rows(model: Model, devices: readonly TeardownDevice[]): Row[] {
  return devices.map((device) => ({
    name: model.rig?.devices[device.device]?.title ?? `Device ${device.device + 1}`,
    word: deviceWord(device),
    tone: device.confirmed ? 'good' : device.status === undefined ? 'busy' : 'danger',
    doing: device.doing,
    remarks: device.remarks,
  }));
}
