/** The state of the page around a wrapped app: the client's model, and when the app is to be shown. No DOM. */
import type { Killcord, Model } from '@killcord/client';
import { APP, appState, type AppShown } from '../lib/words';
import { SafeStop } from '../state/safestop.svelte';

export class AppShell {
  model = $state.raw() as Model;
  /** How many lives of the app this page has seen begin; the frame is loaded for each. None: nothing to show yet. */
  life = $state(0);
  now = $state(0);
  readonly safeStop: SafeStop;
  readonly client: Killcord;
  #ready = false;
  /** The host's run that the app belongs to. */
  #run = '';
  #since = $state(0);

  readonly app = $derived.by((): AppShown => {
    const { rig, session } = this.model;
    if (!rig || session.name === 'connecting') return { text: APP.unknown, grave: false };
    return rig.app ? appState(rig.app) : { text: APP.none, grave: true };
  });

  /** Whether there is something to say of the app besides what it shows itself. */
  readonly tells = $derived(this.model.session.name === 'live' && this.model.rig?.app?.state !== 'ready');

  /** How long it has been waited for; empty where nothing is. */
  readonly waited = $derived.by((): string => {
    const seconds = Math.floor((this.now - this.#since) / 1_000);
    return this.model.rig?.app?.state === 'starting' && seconds > 0 ? APP.since(seconds) : '';
  });

  constructor(client: Killcord) {
    this.client = client;
    this.model = client.model;
    this.now = this.#since = client.now();
    this.safeStop = new SafeStop(() => client.safeStop(), () => client.now());
    client.subscribe((model) => this.#onModel(model));
  }

  /** Moves the clock. */
  tick(): void {
    this.now = this.client.now();
    this.safeStop.tidy();
  }

  #onModel(model: Model): void {
    const before = this.model.rig;
    this.model = model;
    if (before?.app?.state !== model.rig?.app?.state) this.#since = this.client.now();
    if (model.rig?.state === 'arming' && before?.state !== 'arming') this.safeStop.reset();
    if (model.session.name !== 'live') return;
    const [run = ''] = model.epoch.split('.');
    const ready = model.rig?.app?.state === 'ready';
    // Another host has another app, though none of it was seen to begin.
    if (ready && !(this.#ready && run === this.#run)) this.life += 1;
    this.#ready = ready;
    this.#run = run;
  }
}
