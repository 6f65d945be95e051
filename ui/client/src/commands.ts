/** Commands that wait for their answer, by id. */
import type { ErrorCode } from './generated/wire';

/** How a command ended. */
export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The host's code, or that it never got an answer. */
      readonly code: ErrorCode | 'not_sent' | 'no_answer';
      /** What to do next. */
      readonly message: string;
    };

/** It did not leave this page. */
export const NOT_SENT: Outcome = {
  ok: false,
  code: 'not_sent',
  message: 'Not sent: the host is out of reach. Try again once the panel is connected.',
};

/** It left, and nothing came back. */
export const NO_ANSWER: Outcome = {
  ok: false,
  code: 'no_answer',
  message: 'No answer: it may or may not have been done. Check the readback before you try again.',
};

/** The open commands of one page. */
export class Commands {
  readonly #open = new Map<string, (outcome: Outcome) => void>();

  /** Waits for the answer to `id`. */
  wait(id: string): Promise<Outcome> {
    return new Promise((resolve) => this.#open.set(id, resolve));
  }

  /** The answer to `id`; one that nobody waits for is ignored. */
  settle(id: string, outcome: Outcome): void {
    const resolve = this.#open.get(id);
    this.#open.delete(id);
    resolve?.(outcome);
  }

  /** No answer will come to any of them. */
  settleAll(outcome: Outcome): void {
    for (const id of [...this.#open.keys()]) this.settle(id, outcome);
  }
}
