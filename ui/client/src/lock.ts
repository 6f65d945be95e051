/**
 * A Web Lock that the page holds while it is connected, and that its worker waits for: Chromium freezes no page
 * that holds a lock which others wait for (NOTES: browsers). Where there are no locks (plain http from
 * elsewhere), nothing is held, and the host's `frozen_for` is what remains.
 */

/** To the worker: wait for the lock of that name. */
export interface LockOrder {
  readonly o: 'lock';
  readonly name: string;
}

/** Holds the lock; `held` is called once it does. The returned function lets go. */
export function hold(name: string, held: () => void): () => void {
  if (!('locks' in navigator)) return () => {};
  let release: () => void = () => {};
  const over = new Promise<void>((done) => (release = done));
  // A refusal (no storage in this document) costs the protection alone.
  navigator.locks.request(name, () => (held(), over)).catch(() => {});
  return release;
}

/** Waits for the lock, and gives it back at once. */
export function queueFor(name: string): void {
  if ('locks' in navigator) navigator.locks.request(name, () => {}).catch(() => {});
}
