/**
 * The frame that shows the app: loads it at the page's own path, and mirrors where the person goes in it into the
 * page's address, so that a reload keeps the place. It touches nothing of the app's documents.
 */
import { onInput } from '@killcord/client';
import { unmarked } from './address';

/** What the frame tells the page. */
export interface Told {
  /** The person gave input in it. */
  input(): void;
  /** F12 was pressed in it. */
  stop(): void;
  /** Its document has this title. */
  title(text: string): void;
}

/** Frames within the frame that are looked into. */
const MOST_WINDOWS = 32;

export class Frame {
  readonly #element: HTMLIFrameElement;
  readonly #told: Told;
  /** Windows whose input is heard; a document that is replaced takes its window with it. */
  readonly #heard = new WeakSet<Document>();

  constructor(element: HTMLIFrameElement, told: Told) {
    this.#element = element;
    this.#told = told;
  }

  /** Shows `url`; leaves no step in the history. */
  show(url: URL): void {
    this.#element.contentWindow?.location.replace(url);
  }

  /** Looks where it is now. A frame that has left this origin keeps its place to itself. */
  look(): void {
    const inside = this.#element.contentWindow;
    const at = inside && placeOf(inside);
    if (!inside || !at) return;
    const place = unmarked(at);
    if (place.href !== at.href) quietly(() => inside.history.replaceState(inside.history.state, '', place));
    if (place.href !== location.href) history.replaceState(history.state, '', place);
    this.#told.title(inside.document.title);
    this.#hear([inside]);
  }

  #hear(windows: Window[]): void {
    for (let n = 0; n < windows.length && n < MOST_WINDOWS; n += 1) {
      const within = windows[n];
      const document = within && quietly(() => within.document);
      if (!within || !document) continue;
      for (let at = 0; at < within.length; at += 1) {
        const next = within[at];
        if (next) windows.push(next);
      }
      if (this.#heard.has(document)) continue;
      this.#heard.add(document);
      onInput(within, () => this.#told.input());
      within.addEventListener('keydown', (event) => this.#onKey(event), { capture: true });
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'F12') return;
    event.preventDefault();
    if (!event.repeat) this.#told.stop();
  }
}

/** Its address; `null` where that is another origin's, or no page yet. */
function placeOf(inside: Window): URL | null {
  const href = quietly(() => inside.location.href);
  return href?.startsWith(`${location.origin}/`) ? new URL(href) : null;
}

/** Another origin's window throws when it is looked into. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
