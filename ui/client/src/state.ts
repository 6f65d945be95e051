/**
 * What a page knows of its session and of the rig, as one immutable value.
 *
 * Times are milliseconds of the page's monotonic clock unless they say otherwise.
 */
import type {
  Cause,
  ErrorCode,
  Extent,
  Hardware,
  Mode,
  PolicyView,
  RigView,
  Role,
  SessionEnd,
  TeardownDevice,
  WarningKind,
} from './generated/wire';

/** Something that will happen unless the person acts. */
export interface Warning {
  readonly kind: WarningKind;
  /** When. */
  readonly at: number;
}

/** Where the session stands. */
export type SessionState =
  | { readonly name: 'connecting'; readonly since: number }
  | {
      readonly name: 'live';
      readonly role: Role;
      /** Goes on from an earlier page. */
      readonly resumed: boolean;
      readonly warning?: Warning;
    }
  | {
      /** Out of reach. It says nothing of the hardware: this page cannot know. */
      readonly name: 'lost';
      /** When the host was last heard. */
      readonly since: number;
      /** When, by the host's rules, the lease is over at the latest. */
      readonly leaseEndsAt: number;
      /** That time is past. */
      readonly overdue: boolean;
    }
  | {
      readonly name: 'stopping';
      readonly cause: string;
      readonly devices: readonly TeardownDevice[];
    }
  | {
      readonly name: 'ended';
      readonly reason: SessionEnd;
      /** When this page heard of it. */
      readonly at: number;
      /** What the host knew then; `unknown` where its last word was not heard. */
      readonly hardware: Hardware | 'unknown';
      /** The rig's own words, HTML made by the host; may be empty. */
      readonly text: string;
    };

/** A teardown that runs or has just ended. */
export interface Teardown {
  readonly cause: Cause;
  /** The cause in words. */
  readonly text: string;
  readonly mode: Mode;
  readonly extent: Extent;
  /** Over by then at the latest. */
  readonly deadlineAt: number;
  readonly devices: readonly TeardownDevice[];
  /** Every device's status is final. */
  readonly done: boolean;
}

/** Something that the host refused, and that was no numbered command. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Everything a page knows. */
export interface Model {
  readonly session: SessionState;
  /** Of the host; `null` before the first welcome. */
  readonly rig: RigView | null;
  readonly policy: PolicyView | null;
  /** The rig's own words, HTML made by the host, by their keys in the rig file. */
  readonly messages: Readonly<Partial<Record<string, string>>>;
  /** This session's number. */
  readonly id: number | null;
  /** To give with commands. */
  readonly epoch: string;
  readonly role: Role;
  readonly resumed: boolean;
  /** This document had a session before this one, or lost touch with it. */
  readonly returned: boolean;
  /** Another session took control from this one. */
  readonly takenOver: boolean;
  /** When it did. */
  readonly takenAt: number;
  /** When the last welcome came. */
  readonly welcomeAt: number;
  /** The operator's session. */
  readonly holder: number | null;
  /** The session that asks for control. */
  readonly asking: number | null;
  readonly teardown: Teardown | null;
  readonly refusal: Refusal | null;
  /** The host's clock minus the page's, in milliseconds. */
  readonly hostOffset: number;
  /** The host's wall clock minus its own clock, in milliseconds. */
  readonly wallOffset: number;
  /** When the last ack (or welcome) came. */
  readonly ackAt: number;
  /** When the last frame of any kind came. */
  readonly heardAt: number;
  /** The lease's rest, as of the last ack. */
  readonly expiresMs: number;
  /** When the last beat went out. */
  readonly beatAt: number;
}

/** Where every page starts. */
export function initial(now: number): Model {
  return {
    session: { name: 'connecting', since: now },
    rig: null,
    policy: null,
    messages: {},
    id: null,
    epoch: '',
    role: 'observer',
    resumed: false,
    returned: false,
    takenOver: false,
    takenAt: now,
    welcomeAt: now,
    holder: null,
    asking: null,
    teardown: null,
    refusal: null,
    hostOffset: 0,
    wallOffset: 0,
    ackAt: now,
    heardAt: now,
    expiresMs: 0,
    beatAt: now,
  };
}
