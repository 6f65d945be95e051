/** What a person enters into a control: read, checked, sent, answered. */
import type { ControlView, Outcome } from '@killcord/client';
import { short, type Value } from '../lib/format';

/** A number as people write it; `null` when it is none. A comma may stand for the point. */
export function parsed(text: string): number | null {
  const trimmed = text.trim().replace('−', '-').replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : null;
}

/** What is wrong with `text` for `control`; `null` when nothing is. */
export function problem(control: ControlView, text: string): string | null {
  if (control.kind.kind !== 'number') return null;
  const { min, max } = control.kind;
  const range = `${short(min)} to ${short(max)}${control.unit ? ` ${control.unit}` : ''}`;
  const value = parsed(text);
  if (value === null) return `Enter a number, ${range}.`;
  return value < min || value > max ? `Out of range: ${range}.` : null;
}

/** One control's entry. */
export class Entry {
  text = $state('');
  busy = $state(false);
  message = $state<string | null>(null);
  readonly #send: (value: Value) => Promise<Outcome>;

  constructor(send: (value: Value) => Promise<Outcome>) {
    this.#send = send;
  }

  /** Checks the text of a number control and sends it; the text stays when it was refused. */
  async submit(control: ControlView): Promise<void> {
    this.message = problem(control, this.text);
    const value = parsed(this.text);
    if (this.message !== null || value === null) return;
    if (await this.send(value)) this.text = '';
  }

  /** Sends a value; true when it was done. */
  async send(value: Value): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.message = null;
    const outcome = await this.#send(value);
    this.busy = false;
    if (!outcome.ok) this.message = outcome.message;
    return outcome.ok;
  }
}
