/** What a page may truthfully say when it cannot ask the host. */
import type { Model } from './state';

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
  return session.overdue
    ? `No answer since ${since}. By its rules the bench was to be made safe by ${due}; this page cannot confirm it.`
    : `No answer since ${since}. By its rules the bench is to be made safe by ${due} unless it is heard again; this page cannot confirm it.`;
}
