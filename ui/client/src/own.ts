/**
 * The rig's own words (`[messages]`): which of them are due, and how they get into a page.
 *
 * The HTML is the host's; what changes is filled in here, and only ever as text.
 */
import type { Hardware, RigState } from './generated/wire';
import type { Model } from './state';
import { clockTime, HARDWARE_NOW } from './words';

/** Words of the rig for where a session stands. */
export interface OwnWords {
  /** Made by the host. */
  readonly html: string;
  /** For its elements with `data-killcord="time"`. */
  readonly time: string;
  /** For its elements with `data-killcord="hardware"`. */
  readonly hardware: string;
}

const OF_STATE: Record<RigState, Hardware> = {
  opening: 'making_safe',
  safe: 'safe',
  arming: 'armed',
  armed: 'armed',
  making_safe: 'making_safe',
  not_safe: 'not_safe',
  released: 'safe',
};

/** What the rig says of where the session stands; `null` where it says nothing. */
export function ownWords(model: Model, now: number, wall: Date = new Date()): OwnWords | null {
  const { session, messages, rig } = model;
  const own = (html: string | undefined, at: number, hardware: Hardware | 'unknown'): OwnWords | null =>
    html ? { html, time: clockTime(at, now, wall), hardware: HARDWARE_NOW[hardware] } : null;
  switch (session.name) {
    case 'lost':
      return own(session.overdue ? messages['host_gone'] : messages['lost'], session.since, 'unknown');
    case 'ended':
      return own(session.text, session.at, session.hardware);
    case 'live': {
      const taken = model.takenOver && model.role === 'observer' && model.holder !== null;
      return taken ? own(messages['taken_over'], model.takenAt, rig ? OF_STATE[rig.state] : 'unknown') : null;
    }
    default:
      return null;
  }
}

/** Shows them in `into`, in place of what is there. */
export function putOwnWords(into: Element, own: OwnWords | null): void {
  into.innerHTML = own?.html ?? '';
  if (!own) return;
  for (const place of into.querySelectorAll('[data-killcord]')) {
    const name = place.getAttribute('data-killcord');
    place.textContent = name === 'time' ? own.time : name === 'hardware' ? own.hardware : '';
  }
}
