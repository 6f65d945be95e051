/** The safe stop: pressed any time, by anybody; says whether the host has taken it. */
import type { Delivery } from '@killcord/client';

/** How the last press went. */
export type Press = 'none' | 'sending' | Delivery;

/** A delivery is told for so long, in milliseconds; then the rig's own state says enough. */
const TOLD = 8_000;

export class SafeStop {
  last = $state.raw<Press>('none');
  readonly #send: () => Promise<Delivery>;
  readonly #now: () => number;
  #presses = 0;
  #answeredAt = 0;

  constructor(send: () => Promise<Delivery>, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  /** Sends it; pressing again sends it again. */
  async press(): Promise<void> {
    const press = (this.#presses += 1);
    this.last = 'sending';
    const delivery = await this.#send();
    if (press !== this.#presses) return;
    this.last = delivery;
    this.#answeredAt = this.#now();
  }

  /** What to tell the person; empty before the first press. */
  get text(): string {
    switch (this.last) {
      case 'none':
        return '';
      case 'sending':
        return 'Sending…';
      case 'delivered':
        return 'Delivered';
      case 'not_delivered':
        return 'NOT delivered. Use the bench’s own stop.';
    }
  }

  /** Takes the word of a delivery away after a while; a failure stays. */
  tidy(): void {
    if (this.last === 'delivered' && this.#now() - this.#answeredAt >= TOLD) this.last = 'none';
  }

  /** Forgotten, once the rig is armed anew. */
  reset(): void {
    if (this.last !== 'sending') this.last = 'none';
  }
}
