/**
 * What a page may truthfully say, in plain English: all the words of the client and of `<killcord-status>`.
 *
 * Out of reach no sentence here says that the bench *is* safe.
 */
import type { Hardware, PolicyView, RigState, SessionEnd, TeardownDevice } from './generated/wire';
import type { Model } from './state';

/** The rig's state. */
export const RIG_WORDS: Record<RigState, string> = {
  opening: 'Opening',
  safe: 'Safe',
  arming: 'Arming',
  armed: 'Armed',
  making_safe: 'Making safe',
  not_safe: 'NOT safe',
  released: 'Released',
};

/** Why a session ended. */
export const END_WORDS: Record<SessionEnd, string> = {
  window_closed: 'The window was closed.',
  page_closed: 'The page was closed.',
  expired: 'Nothing was heard from this page for too long.',
  frozen: 'The browser froze this page for too long.',
  idle: 'Nobody was at the screen for too long.',
  signed_out: 'You signed out.',
  ended_by_operator: 'An operator ended this session.',
  renderer_crashed: 'The process that draws this page died.',
  host_stopping: 'The host has stopped.',
};

/** What the host said of the hardware when the session ended. */
export const HARDWARE_WORDS: Record<Hardware | 'unknown', string> = {
  safe: 'When it ended, every device was confirmed safe.',
  armed: 'When it ended, the rig was armed. Others are in control, or it is held.',
  making_safe: 'When it ended, the rig was being made safe. This page cannot confirm that it is.',
  not_safe: 'When it ended, at least one device was NOT confirmed safe. Check the bench by hand.',
  unknown: 'This page was not told how the hardware was then. Check the bench before you touch it.',
};

/** The same in a sentence of the rig's own. */
export const HARDWARE_NOW: Record<Hardware | 'unknown', string> = {
  safe: 'every device is confirmed safe',
  armed: 'the rig is armed',
  making_safe: 'the rig is being made safe',
  not_safe: 'at least one device is NOT confirmed safe',
  unknown: 'not known: this page cannot confirm it',
};

/** What else `<killcord-status>` says. */
export const WORDS = {
  connecting: 'Connecting to the host…',
  silent: 'No answer from the host yet',
  silentText: 'This page knows nothing of the bench: treat the bench as live. The page goes on trying.',
  operator: 'You are in control',
  observer: 'You are observing',
  takenOver: 'Another session has taken control',
  takenOverText: 'You are observing now.',
  elsewhere: 'Another session is in control.',
  nobody: 'Nobody is in control.',
  notSafe: 'NOT safe: check the bench before you touch it',
  notSafeText: 'At least one device is not confirmed safe. Killcord goes on trying.',
  resumed: 'Connected again',
  resumedText: 'The session goes on where it was.',
  newSession: 'This is a new session. Nothing was armed by it.',
  idle: 'Are you still there?',
  takeOver: 'Another session asks for control',
  holdOver: 'The hold ends; then the rig is made safe',
  notResponding: 'This page did not respond for a while',
  lost: 'Connection lost',
  uncovered: 'A host that has died is not covered: treat the bench as live until you have checked it.',
  untilSafe: 'Time left until the bench is to be made safe',
  untilLost: 'Time left until this page loses control',
  retrying: 'This page goes on trying. When the host answers, nothing is armed by that.',
  stopping: 'The host is stopping; the bench is being made safe',
  reportSafe: 'The host has stopped; every device was confirmed safe',
  reportNotSafe: 'The host has stopped; NOT confirmed safe: check by hand',
  late: 'Its time is over; the report follows.',
  ended: 'This session has ended',
  comesBack: 'When the host is back, this page connects by itself; nothing is armed by that.',
  stay: 'Stay',
  take: 'Take control',
  asked: 'Asked for control',
  give: 'Give control',
  reload: 'Reload',
  rig: 'Rig',
} as const;

/** Whole seconds from `now` until `at`, never less than none. */
export function secondsLeft(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}

/** A time of the page's monotonic clock, as the person's wall clock shows it: `14:03:02`. */
export function clockTime(at: number, now: number, wall: Date = new Date()): string {
  const then = new Date(wall.getTime() - (now - at));
  return [then.getHours(), then.getMinutes(), then.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** What to say while the host is out of reach. It never says that the bench *is* safe. */
export function lostText(model: Model, now: number, wall: Date = new Date()): string {
  const { session } = model;
  if (session.name !== 'lost') return '';
  const since = clockTime(session.since, now, wall);
  const due = clockTime(session.leaseEndsAt, now, wall);
  if (model.role === 'observer') {
    // An observer's lease ends its own session and nothing else.
    return `No answer since ${since}. This page was observing: whether the bench is made safe does not depend on it, and it cannot know.`;
  }
  const held = heldText(model.policy);
  if (held !== null) {
    const past = session.overdue ? '' : ` unless the page is heard again by ${due}`;
    return `No answer since ${since}. By its rules the bench is ${held}${past}; this page cannot confirm it.`;
  }
  return session.overdue
    ? `No answer since ${since}. By its rules the bench was to be made safe by ${due}; this page cannot confirm it.`
    : `No answer since ${since}. By its rules the bench is to be made safe by ${due} unless the page is heard again; this page cannot confirm it.`;
}

/** What becomes of the bench without its operator where it may be left running; `null` where it is made safe. */
export function heldText(policy: PolicyView | null): string | null {
  const alone = policy?.on_last_session === 'hold';
  const among = policy?.on_control_lost === 'hold';
  if (!policy || !(alone || among)) return null;
  const running = `left running for ${span(policy.hold_for_ms)} at most`;
  if (alone && among) return running;
  return alone
    ? `${running}, or made safe if other sessions are attached`
    : `made safe, or ${running} if other sessions are attached`;
}

/** A length of time in one unit: `8 h`, `90 min`, `45 s`. */
function span(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s % 3600 === 0) return `${s / 3600} h`;
  return s % 60 === 0 ? `${s / 60} min` : `${s} s`;
}

/** How a device stands in a teardown. */
export function deviceWord(device: TeardownDevice): string {
  if (device.status === undefined) return RIG_WORDS.making_safe;
  switch (device.status) {
    case 'safe_verified':
      return device.released ? 'Safe, released' : RIG_WORDS.safe;
    case 'safe_unverified':
      return 'Not verified';
    case 'failed':
      return RIG_WORDS.not_safe;
    case 'unreachable':
      return 'Unreachable';
  }
}
