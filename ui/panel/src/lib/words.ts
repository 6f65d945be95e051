/** States in words, and the shape that goes with each: never colour alone. */
import {
  type AppView,
  type DeviceState,
  deviceWord,
  type Model,
  RIG_WORDS,
  type RigState,
  type TeardownDevice,
  type UncleanRun,
} from '@killcord/client';

/** The shapes that a state is shown by. */
export type Shape =
  | 'opening'
  | 'safe'
  | 'arming'
  | 'armed'
  | 'making-safe'
  | 'not-safe'
  | 'released'
  | 'unknown';

/** A state as it is shown. */
export interface Shown {
  readonly word: string;
  readonly shape: Shape;
  /** More, where there is more to say. */
  readonly detail?: string;
}

const RIG: Record<RigState, Shown> = {
  opening: { word: RIG_WORDS.opening, shape: 'opening' },
  safe: { word: RIG_WORDS.safe, shape: 'safe' },
  arming: { word: RIG_WORDS.arming, shape: 'arming' },
  armed: { word: RIG_WORDS.armed, shape: 'armed' },
  making_safe: { word: RIG_WORDS.making_safe, shape: 'making-safe' },
  not_safe: { word: RIG_WORDS.not_safe, shape: 'not-safe' },
  released: { word: RIG_WORDS.released, shape: 'released' },
};

/** The rig's state; out of reach nothing is known, whatever was last heard, but for a final report. */
export function rigState(model: Model): Shown {
  const { rig, session, teardown } = model;
  if (!rig || session.name === 'connecting') return { word: 'Connecting', shape: 'opening' };
  if (teardown?.extent === 'end' && teardown.done) {
    return teardown.devices.every((device) => device.confirmed) ? RIG.safe : RIG.not_safe;
  }
  if (session.name === 'lost') {
    return { word: 'Unknown', shape: 'unknown', detail: `last known: ${RIG[rig.state].word}` };
  }
  if (session.name === 'ended') {
    const { hardware } = session;
    if (hardware === 'unknown') return { word: 'Unknown', shape: 'unknown' };
    return { word: 'Unknown', shape: 'unknown', detail: `when it ended: ${RIG[hardware].word}` };
  }
  return session.name === 'stopping' ? RIG.making_safe : RIG[rig.state];
}

/** A device's state; one that never acts is connected rather than safe. */
export function deviceState(state: DeviceState, acts: boolean): Shown {
  if (typeof state === 'object') {
    const { fault } = state;
    switch (fault.fault) {
      case 'unreachable':
        return { word: 'Unreachable', shape: 'unknown', detail: fault.why };
      case 'wrong_identity':
        return {
          word: 'Wrong instrument',
          shape: 'not-safe',
          detail: `Another instrument answers: ${fault.found}. Nothing is sent to it.`,
        };
      case 'failed':
        return { word: 'Failed', shape: 'not-safe', detail: fault.why };
      case 'not_safe':
        return { word: 'NOT safe', shape: 'not-safe', detail: fault.why };
    }
  }
  switch (state) {
    case 'disconnected':
      return { word: 'Not connected', shape: 'released' };
    case 'connecting':
      return { word: 'Connecting', shape: 'opening' };
    case 'safe':
      return acts ? RIG.safe : { word: 'Connected', shape: 'safe' };
    case 'arming':
      return RIG.arming;
    case 'armed':
      return acts ? RIG.armed : { word: 'Connected', shape: 'safe' };
    case 'making_safe':
      return RIG.making_safe;
    case 'releasing':
      return { word: 'Releasing', shape: 'making-safe' };
    case 'released':
      return RIG.released;
  }
}

/** How a device stands in a teardown. */
export function teardownState(device: TeardownDevice): Shown {
  if (device.status === undefined) return RIG.making_safe;
  const word = deviceWord(device);
  switch (device.status) {
    case 'safe_verified':
      return { word, shape: 'safe' };
    case 'safe_unverified':
      return { word, shape: device.confirmed ? 'safe' : 'not-safe' };
    case 'failed':
      return { word, shape: 'not-safe' };
    case 'unreachable':
      return { word, shape: 'unknown' };
  }
}

/** Whether the watchdog confirmed every device that a dead host had left to it. */
export function madeSafe({ by_watchdog }: UncleanRun): boolean {
  const devices = by_watchdog?.devices ?? [];
  return devices.length > 0 && devices.every(({ confirmed }) => confirmed);
}

/** The wrapped app. */
export interface AppShown {
  readonly text: string;
  /** It is the person's to look after. */
  readonly grave: boolean;
}

/** Where the wrapped app stands. */
export function appState({ state, why }: AppView): AppShown {
  const because = why ? `: ${why}` : '';
  switch (state) {
    case 'waiting':
      return { text: 'The app is started once the rig is safe.', grave: false };
    case 'starting':
      return { text: 'The app is starting.', grave: false };
    case 'ready':
      return { text: 'The app is running.', grave: false };
    case 'stopping':
      return { text: `The app is being stopped${because}.`, grave: why !== null };
    case 'stopped':
      return { text: 'The app has been stopped.', grave: false };
    case 'exited':
      return { text: `The app has ended by itself${because}. It stays down until the rig is opened anew.`, grave: true };
    case 'restarting':
      return { text: `The app is started anew${because}.`, grave: why !== null };
  }
}

/** What the page around a wrapped app says. */
export const APP = {
  none: 'This rig has no app any more.',
  unknown: 'The app is shown once the host answers.',
  since: (seconds: number): string => `Waiting for it: ${seconds} s.`,
  panel: 'Panel',
  open: 'Open it',
} as const;

/** What the pair page says. */
export const PAIR = {
  ask: 'Paste the link or the code that the bench shows, or that an operator has sent you. It works once, for ten minutes. A key of “killcord token add” works too.',
  led: 'Press “Open” if it was you who wanted this bench. Where its rig file says so, opening it switches it on.',
  open: 'Open',
  pair: 'Pair',
  role: (host: string): string =>
    `You pair this browser with the bench at ${host}. What it may do there was chosen by whoever made the link or key.`,
  fingerprint:
    'Your browser’s own view of the certificate (at the lock beside the address) has to show the SHA-256 fingerprint that the bench’s window or terminal shows; this page alone proves nothing. The host says that it is:',
  pairing: 'Pairing…',
  paired: 'Paired.',
  used: 'This code has been used. Ask at the bench for a new one.',
  expired: 'This code has expired. Ask at the bench for a new one.',
  wrong: 'This code is wrong. Check it, or ask at the bench for a new one.',
  full: 'As many browsers are let in as can be. An operator has to revoke some first.',
  tooMany: (when: string): string => `Too many wrong codes. Try again after ${when}; another code is taken then.`,
  wrongHost: 'The host is not reached by this address. Open the address that the bench shows.',
  notEncrypted: 'The host takes nothing in plain text from another machine. Open the address that the bench shows.',
  slow: 'The host did not get the code in time. Try again.',
  ending: 'The host is stopping. Try again when it is back.',
  failed: 'The host could not pair this browser. Look at what it says in its own window or terminal.',
  unreachable: 'No answer from the host. Check that it runs, then try again.',
} as const;

/** What a panel in a browser says of signing out. */
export const SIGN_OUT = {
  button: 'Sign out',
  title: 'Sign out?',
  operator: 'You are in control. Without you the rig does what its file says for an operator that has gone: as a rule it is made safe.',
  observer: 'You are observing: nothing on the bench depends on this page.',
  cancel: 'Cancel',
} as const;
