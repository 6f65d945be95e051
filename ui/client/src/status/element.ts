/**
 * `<killcord-status>`: where the page's session stands, in words, wherever an author puts it. Importing this
 * module defines the element.
 *
 * It shows and asks; what it knows is the client's. Nothing inline: it works under `default-src 'self'`, and
 * needs nothing from a host that is gone.
 */
import type { Killcord } from '../client';
import { putOwnWords } from '../own';
import { onPageClient } from '../page';
import { initial, type Model } from '../state';
import { WORDS } from '../words';
import { drawn, STYLE } from './look';
import { type Act, type Row, type View, view } from './view';

/** How often the clock is looked at, in milliseconds. */
const TICK_MS = 250;

export class KillcordStatus extends HTMLElement {
  readonly #calm = region('status');
  readonly #loud = region('alert');
  #client: Killcord | null = null;
  /** What is known without a session. */
  #nothing: Model = initial(performance.now());
  #own = false;
  #shown = '';
  #countdown: HTMLElement | null = null;
  #rows: HTMLElement | null = null;
  #rowsShown = '';
  #stop: () => void = () => {};
  #unfollow: () => void = () => {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#calm, this.#loud);
  }

  /** The session to show. Left alone, the element shows that of {@link connect}. */
  get client(): Killcord | null {
    return this.#client;
  }

  set client(client: Killcord | null) {
    this.#own = client !== null;
    this.#follow(client);
  }

  connectedCallback(): void {
    const timer = setInterval(() => this.#draw(), TICK_MS);
    const unfind = onPageClient((client) => this.#own || this.#follow(client));
    this.#stop = () => {
      clearInterval(timer);
      unfind();
    };
    this.#follow(this.#client);
    this.#draw();
  }

  disconnectedCallback(): void {
    this.#stop();
    this.#unfollow();
  }

  #follow(client: Killcord | null): void {
    this.#unfollow();
    this.#client = client;
    this.#unfollow = client && this.isConnected ? client.subscribe(() => this.#draw()) : () => {};
  }

  /** Draws anew only what has changed: a button keeps its focus while seconds pass. */
  #draw(): void {
    const now = this.#client?.now() ?? performance.now();
    const shown = view(this.#client?.model ?? this.#nothing, now);
    const rows = JSON.stringify(shown.rows);
    const key = JSON.stringify({ ...shown, countdown: '', rows: shown.rows.length > 0 });
    if (key !== this.#shown) {
      this.#shown = key;
      const [here, away] = shown.alert ? [this.#loud, this.#calm] : [this.#calm, this.#loud];
      away.replaceChildren();
      here.replaceChildren(this.#box(shown));
    }
    if (this.#rows && rows !== this.#rowsShown) this.#rows.replaceChildren(...items(shown.rows));
    this.#rowsShown = rows;
    const { countdown } = shown;
    if (this.#countdown && this.#countdown.textContent !== countdown) this.#countdown.textContent = countdown;
  }

  #box(shown: View): HTMLElement {
    const box = make('div', `box ${shown.tone}`, `box ${shown.state} ${shown.tone}`);
    const icon = make('div', 'icon', 'icon');
    icon.append(drawn(shown.shape));
    const words = make('div', 'words', 'words');
    const said = [make('p', 'title', 'title', shown.title), ...shown.text.map((text) => make('p', 'text', 'text', text))];
    const own = make('div', 'own', 'message');
    putOwnWords(own, shown.own);
    this.#countdown = make('p', 'countdown', 'countdown', shown.countdown);
    // What changes each second would be read out each second.
    this.#countdown.setAttribute('aria-live', 'off');
    this.#rows = make('ul', '', 'devices');
    this.#rows.setAttribute('aria-live', 'off');
    this.#rowsShown = '';
    const facts = shown.facts.map((text) => make('p', 'fact', 'fact', text));
    words.append(slotted(shown.slots, said), own, ...facts, this.#countdown);
    if (shown.rows.length > 0) words.append(this.#rows);
    box.append(icon, words);
    const side = this.#side(shown);
    if (side) box.append(side);
    return box;
  }

  #side(shown: View): HTMLElement | null {
    if (!shown.rig && shown.buttons.length === 0) return null;
    const side = make('div', `side ${shown.buttons.length > 0 ? 'acts' : ''}`, 'side');
    if (shown.rig) {
      const rig = make('span', 'rig', 'rig', `${WORDS.rig}: `);
      rig.append(make('b', '', 'rig-state', shown.rig));
      side.append(rig);
    }
    for (const { act, label, disabled } of shown.buttons) {
      const button = make('button', act === 'stay' ? 'strong' : '', `button ${act}`, label);
      button.type = 'button';
      button.disabled = disabled ?? false;
      button.addEventListener('click', () => this.#act(act));
      side.append(button);
    }
    return side;
  }

  #act(act: Act): void {
    switch (act) {
      case 'stay':
        return void this.#client?.stay();
      case 'take':
        return void this.#client?.takeControl();
      case 'give':
        return void this.#client?.yieldControl();
      case 'reload':
        return location.reload();
    }
  }
}

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  part: string,
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.setAttribute('part', part);
  element.textContent = text;
  return element;
}

function region(role: 'status' | 'alert'): HTMLElement {
  const element = document.createElement('div');
  element.setAttribute('role', role);
  return element;
}

/** `content` inside its slots: an author's words take its place, the most particular ones first. */
function slotted(names: readonly string[], content: readonly HTMLElement[]): HTMLElement {
  const [first, ...rest] = names;
  const slot = document.createElement('slot');
  if (first) slot.name = first;
  if (rest.length > 0) slot.append(slotted(rest, content));
  else slot.append(...content);
  return slot;
}

function items(rows: readonly Row[]): HTMLElement[] {
  return rows.map((row) => {
    const item = make('li', row.tone, 'device');
    item.append(
      make('span', 'name', 'device-name', row.name),
      make('b', '', 'device-state', row.word),
      make('span', 'doing', 'device-doing', row.doing),
      ...row.remarks.map((text) => make('span', 'remark', 'device-remark', text)),
    );
    return item;
  });
}

if (!customElements.get('killcord-status')) customElements.define('killcord-status', KillcordStatus);

declare global {
  interface HTMLElementTagNameMap {
    'killcord-status': KillcordStatus;
  }
}
