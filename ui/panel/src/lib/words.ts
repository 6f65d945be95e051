/** States in words, and the shape that goes with each: never colour alone. */
import type {
  DeviceState,
  Hardware,
  Model,
  RigState,
  SessionEnd,
  TeardownDevice,
  UncleanRun,
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
  opening: { word: 'Opening', shape: 'opening' },
  safe: { word: 'Safe', shape: 'safe' },
  arming: { word: 'Arming', shape: 'arming' },
  armed: { word: 'Armed', shape: 'armed' },
  making_safe: { word: 'Making safe', shape: 'making-safe' },
  not_safe: { word: 'NOT safe', shape: 'not-safe' },
  released: { word: 'Released', shape: 'released' },
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
    return { word: 'Unknown', shape: 'unknown', detail: `when it ended: ${RIG[session.hardware].word}` };
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
  switch (device.status) {
    case 'safe_verified':
      return { word: device.released ? 'Safe, released' : 'Safe', shape: 'safe' };
    case 'safe_unverified':
      return { word: 'Not verified', shape: device.confirmed ? 'safe' : 'not-safe' };
    case 'failed':
      return RIG.not_safe;
    case 'unreachable':
      return { word: 'Unreachable', shape: 'unknown' };
  }
}

/** Whether the watchdog confirmed every device that a dead host had left to it. */
export function madeSafe({ by_watchdog }: UncleanRun): boolean {
  const devices = by_watchdog?.devices ?? [];
  return devices.length > 0 && devices.every(({ confirmed }) => confirmed);
}

/** Why a session ended. */
export const END: Record<SessionEnd, string> = {
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
export const HARDWARE: Record<Hardware, string> = {
  safe: 'When it ended, every device was confirmed safe.',
  armed: 'When it ended, the rig was armed. Others are in control, or it is held.',
  making_safe: 'When it ended, the rig was being made safe. This page cannot confirm that it is.',
  not_safe: 'When it ended, at least one device was NOT confirmed safe. Check the bench by hand.',
};
