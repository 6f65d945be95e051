/**
 * The rules of a page's session: `(model, event) → model`, pure.
 *
 * It reads no clock: every event carries the page's monotonic time. Out of reach it never says that the
 * bench is safe; the host owns expiry, and this page only knows what it last heard.
 */
import type { RigPatch, SessionEnd, ToPage } from './generated/wire';
import { patched } from './patch';
import type { Model, SessionState, Warning } from './state';

/** What can happen. */
export type Event =
  /** A frame has come. */
  | { readonly e: 'frame'; readonly frame: ToPage; readonly now: number }
  /** A beat has gone out. */
  | { readonly e: 'beat'; readonly now: number }
  /** Time has passed. */
  | { readonly e: 'tick'; readonly now: number }
  /** The connection is over. */
  | { readonly e: 'closed'; readonly now: number }
  /** The connection's close code says that the session is over; its last frame was not heard. */
  | { readonly e: 'ended'; readonly reason: SessionEnd; readonly now: number }
  /** This page has ended its session. */
  | { readonly e: 'left'; readonly now: number }
  /** What a command of this page has set. */
  | { readonly e: 'patch'; readonly patch: RigPatch; readonly now: number }
  /** The host has been told that the person is there. */
  | { readonly e: 'stayed'; readonly now: number }
  /** The person has seen a refusal. */
  | { readonly e: 'dismiss'; readonly now: number };

/** A page that was hung is told so for at least this long, in milliseconds. */
const NOT_RESPONDING_SHOWN = 5_000;

/** The model after `event`; the same object when nothing has changed. */
export function reduce(model: Model, event: Event): Model {
  if (model.session.name === 'ended') return afterEnd(model, event);
  switch (event.e) {
    case 'frame':
      return onFrame({ ...model, heardAt: event.now }, event.frame, event.now);
    case 'beat':
      return { ...model, beatAt: event.now };
    case 'tick':
      return onTick(model, event.now);
    case 'closed':
      return onClosed(model, event.now);
    case 'ended':
      return ended(model, event.reason, event.now);
    case 'left':
      return ended(model, 'page_closed', event.now);
    case 'patch':
      return model.rig ? { ...model, rig: patched(model.rig, event.patch) } : model;
    case 'stayed': {
      const { session } = model;
      const idle = session.name === 'live' && session.warning?.kind === 'idle';
      return idle ? withWarning(model, undefined) : model;
    }
    case 'dismiss':
      return model.refusal ? { ...model, refusal: null } : model;
  }
}

/** An end is final, but for a host's: the next one may welcome this page. */
function afterEnd(model: Model, event: Event): Model {
  const next = model.session.name === 'ended' && model.session.reason === 'host_stopping';
  const welcome = event.e === 'frame' && event.frame.t === 'welcome';
  return next && welcome ? onFrame({ ...model, heardAt: event.now }, event.frame, event.now) : model;
}

/** The host's last word was not heard: what the welcome said of such an end is all there is. */
function ended(model: Model, reason: SessionEnd, at: number): Model {
  const text = model.messages[reason] ?? '';
  return { ...model, session: { name: 'ended', reason, at, hardware: 'unknown', text } };
}

function onFrame(model: Model, frame: ToPage, now: number): Model {
  switch (frame.t) {
    case 'welcome':
      return {
        ...model,
        session: { name: 'live', role: frame.role, resumed: frame.resumed },
        rig: frame.rig,
        policy: frame.policy,
        messages: frame.messages ?? {},
        id: frame.session,
        epoch: frame.epoch,
        role: frame.role,
        resumed: frame.resumed,
        returned: model.id !== null,
        takenOver: false,
        welcomeAt: now,
        holder: frame.role === 'operator' ? frame.session : null,
        asking: null,
        teardown: null,
        refusal: null,
        hostOffset: frame.now.host_ms - now,
        wallOffset: frame.now.unix_ms - frame.now.host_ms,
        ackAt: now,
        expiresMs: frame.policy.expire_after_ms,
        beatAt: now,
      };
    case 'ack':
      return onAck(model, frame.expires_ms, frame.idle_ms, now);
    case 'rig': {
      if (!model.rig) return model;
      const rig = patched(model.rig, frame);
      // A new arming begins a new chapter: the last teardown has been read.
      return { ...model, rig, teardown: frame.state === 'arming' ? null : model.teardown };
    }
    case 'control': {
      const lostIt = frame.role === 'observer' && model.role === 'operator';
      return {
        ...model,
        holder: frame.holder ?? null,
        asking: frame.asking ?? null,
        role: frame.role,
        takenOver: lostIt || (frame.role === 'observer' && model.takenOver),
        takenAt: lostIt ? now : model.takenAt,
        epoch: frame.epoch,
        session: withControl(model.session, frame.role, frame.asking !== undefined),
      };
    }
    case 'warning': {
      if (model.session.name !== 'live') return model;
      const shown =
        frame.kind === 'page_not_responding'
          ? Math.max(frame.in_ms, NOT_RESPONDING_SHOWN)
          : frame.in_ms;
      return withWarning(model, { kind: frame.kind, at: now + shown });
    }
    case 'teardown': {
      const { cause, text, mode, extent, devices, done } = frame;
      const teardown = { cause, text, mode, extent, devices, done, deadlineAt: now + frame.deadline_ms };
      if (extent !== 'end') return { ...model, teardown };
      return { ...model, teardown, session: { name: 'stopping', cause: text, devices } };
    }
    case 'ended': {
      const { reason, hardware, message } = frame;
      return { ...model, session: { name: 'ended', reason, at: now, hardware, text: message } };
    }
    case 'error':
      if (frame.id !== undefined) return model;
      return { ...model, refusal: { code: frame.code, message: frame.message } };
    case 'readings':
    case 'done':
      return model;
  }
}

function onAck(model: Model, expiresMs: number, idleMs: number | undefined, now: number): Model {
  const heard = { ...model, ackAt: now, expiresMs };
  const { session } = model;
  if (session.name === 'lost') {
    return { ...heard, session: { name: 'live', role: model.role, resumed: model.resumed } };
  }
  if (session.name !== 'live' || session.warning?.kind !== 'idle') return heard;
  // Input was seen: the idle time starts again, and the warning is over.
  const renewed = idleMs !== undefined && now + idleMs > session.warning.at + 500;
  return renewed ? withWarning(heard, undefined) : heard;
}

function onTick(model: Model, now: number): Model {
  const { session, policy } = model;
  if (session.name === 'live' && session.warning && now >= session.warning.at) {
    return onTick(withWarning(model, undefined), now);
  }
  if (session.name === 'live' && policy && now - model.ackAt >= policy.expire_after_ms) {
    return lost(model, now);
  }
  if (session.name === 'stopping' && policy && now - model.heardAt >= policy.expire_after_ms) {
    // Within a teardown's deadline the host's silence says nothing.
    return now >= (model.teardown?.deadlineAt ?? now) ? lost(model, now) : model;
  }
  if (session.name === 'lost' && !session.overdue && now >= session.leaseEndsAt) {
    return { ...model, session: { ...session, overdue: true } };
  }
  return model;
}

function onClosed(model: Model, now: number): Model {
  const { name } = model.session;
  return name === 'live' || name === 'stopping' ? lost(model, now) : model;
}

function lost(model: Model, now: number): Model {
  const expireAfter = model.policy?.expire_after_ms ?? 0;
  // The last beat may have been heard though its ack was not: the lease ends no later than this.
  const leaseEndsAt = Math.max(model.ackAt + model.expiresMs, model.beatAt + expireAfter);
  const since = model.session.name === 'stopping' ? model.heardAt : model.ackAt;
  return { ...model, session: { name: 'lost', since, leaseEndsAt, overdue: now >= leaseEndsAt } };
}

/** A warning that control will pass is over once nobody asks any more, or it has passed. */
function withControl(session: SessionState, role: Model['role'], asked: boolean): SessionState {
  if (session.name !== 'live') return session;
  const { warning, ...rest } = session;
  const holds = role === 'operator' && asked;
  const keep = warning && (warning.kind !== 'take_over' || holds) ? { warning } : {};
  return { ...rest, ...keep, role };
}

function withWarning(model: Model, warning: Warning | undefined): Model {
  if (model.session.name !== 'live') return model;
  const { role, resumed } = model.session;
  return { ...model, session: { name: 'live', role, resumed, ...(warning ? { warning } : {}) } };
}
