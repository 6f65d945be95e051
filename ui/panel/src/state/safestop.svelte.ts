/** The safe stop: pressed any time, by anybody; says whether the host has taken it. */
import type { Delivery } from '@killcord/client';

/** How the last press went. */
export type Press = 'none' | 'sending' | Delivery;

export class SafeStop {
  last = $state.raw<Press>('none');
  readonly #send: () => Promise<Delivery>;
  #presses = 0;

  constructor(send: () => Promise<Delivery>) {
    this.#send = send;
  }

  /** Sends it; pressing again sends it again. */
  async press(): Promise<void> {
    const press = (this.#presses += 1);
    this.last = 'sending';
    const delivery = await this.#send();
    if (press === this.#presses) this.last = delivery;
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

  /** Forgotten, once the rig is armed anew. */
  reset(): void {
    if (this.last !== 'sending') this.last = 'none';
  }
}
