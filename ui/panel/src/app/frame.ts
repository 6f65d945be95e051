/**
 * The frame that shows the app. It is of an origin of its own: this page sees nothing of it, and it nothing of this page.
 * Each life of the app is shown at the page's own path, by an address that the host gives for once.
 */

/** Between two tries to get one. */
const AGAIN_MS = 1_000;

export class Frame {
  readonly #element: HTMLIFrameElement;
  readonly #enter: () => Promise<URL>;
  /** The life that is shown. */
  #shown = 0;
  #asking = false;
  #again = 0;

  /** `enter` asks for the address. */
  constructor(element: HTMLIFrameElement, enter: () => Promise<URL>) {
    this.#element = element;
    this.#enter = enter;
  }

  /** Shows this life of the app, if it does not yet; to be called until it does. */
  look(life: number, now: number): void {
    if (life === this.#shown || this.#asking || now < this.#again) return;
    this.#asking = true;
    this.#again = now + AGAIN_MS;
    void this.#show(life).finally(() => (this.#asking = false));
  }

  async #show(life: number): Promise<void> {
    try {
      const url = await this.#enter();
      // Leaves no step in the history.
      this.#element.contentWindow?.location.replace(url);
      this.#shown = life;
    } catch {
      // The host is away, or ends: the bar says so, and this is tried again.
    }
  }
}

/** The address by which the frame comes in, at the path of `here`; `root` is the folder of the host's own paths. */
export async function wayIn(ask: () => Promise<Response>, here: URL, root: URL): Promise<URL> {
  const answer = await ask();
  if (!answer.ok) throw new Error(`The host gives no way into the app: ${answer.status}.`);
  const { url } = (await answer.json()) as { readonly url: string };
  const way = new URL(url);
  const base = new URL('..', root).pathname;
  const path = here.pathname.startsWith(base) ? here.pathname.slice(base.length) : '';
  way.searchParams.set('to', `/${path}${here.search}`);
  // Redirects keep it, and no server sees it.
  way.hash = here.hash;
  return way;
}
