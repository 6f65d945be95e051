/**
 * The panel's state: the client's model, live values, and what the person is doing. No DOM.
 *
 * It decides nothing about the hardware; it shows what the host says and passes on what the person wants.
 */
import type { Killcord, Model, Outcome } from '@killcord/client';
import { Painter } from '../lib/painter';
import type { Access } from '../lib/access';
import type { Value } from '../lib/format';
import { Readings } from './readings.svelte';
import { SafeStop } from './safestop.svelte';
import { Sessions } from './sessions.svelte';

/** What the panel asks of what it runs in. */
export interface Shell {
  /** A report was read: the window may go. A page in a browser has none. */
  readonly close?: () => Promise<void>;
  /** The person leaves this browser's session. The window has none. */
  readonly signOut?: () => Promise<void>;
  /** What the sessions page asks. */
  readonly access?: Access;
  /** The page begins anew. */
  reload(): void;
}

/** What fills the window. */
export type View = 'connecting' | 'bench' | 'sessions' | 'teardown' | 'ended';

export class Panel {
  model = $state.raw() as Model;
  /** The page's clock, moved on each {@link tick}. */
  now = $state(0);
  /** The confirmation is open. */
  confirming = $state(false);
  /** The about box is open. */
  about = $state(false);
  /** The question whether to sign out is open. */
  leaving = $state(false);
  /** Why the last arming did not go through. */
  armProblem = $state<string | null>(null);
  /** The finished teardown that the person has put away. */
  putAway = $state.raw<Model['teardown']>(null);
  /** Why the window could not be closed. */
  closeProblem = $state<string | null>(null);
  readonly readings = new Readings();
  readonly safeStop: SafeStop;
  readonly sessions: Sessions;
  readonly painter: Painter;
  readonly client: Killcord;
  readonly shell: Shell;

  readonly view = $derived.by((): View => {
    const { session, teardown, rig } = this.model;
    const over = session.name === 'ended' || session.name === 'stopping' || session.name === 'lost';
    if (over && teardown?.extent === 'end') return 'teardown';
    if (session.name === 'ended') return 'ended';
    if (!rig) return 'connecting';
    return this.sessions.open ? 'sessions' : 'bench';
  });

  constructor(
    client: Killcord,
    shell: Shell,
    frame: (work: (now: number) => void) => void,
  ) {
    this.client = client;
    this.shell = shell;
    this.model = client.model;
    this.now = client.now();
    this.safeStop = new SafeStop(() => client.safeStop(), () => client.now());
    this.sessions = new Sessions(client, shell.access);
    this.painter = new Painter(frame, () => client.now());
    this.painter.first((now) => this.readings.publish(now));
    client.subscribe((model) => this.#onModel(model));
    client.onReadings((updates) => {
      this.readings.take(updates);
      this.painter.request();
    });
  }

  /** Moves the clock that ages are told by; charts move with it. */
  tick(): void {
    this.now = this.client.now();
    this.safeStop.tidy();
    this.painter.request();
  }

  /** The host's clock now, in its milliseconds. */
  hostNow(now: number = this.now): number {
    return now + this.model.hostOffset;
  }

  /** A moment of the host's clock as the host's wall clock has it. */
  hostTime(hostMs: number): Date {
    return new Date(hostMs + this.model.wallOffset);
  }

  /** Opens the confirmation; it says so when arming is refused. */
  askToArm(): void {
    this.armProblem = null;
    this.confirming = true;
  }

  /** Arms, after the confirmation. */
  async arm(): Promise<void> {
    this.confirming = false;
    const outcome = await this.client.arm();
    this.armProblem = outcome.ok ? null : outcome.message;
  }

  /** Sets a control. */
  set(device: string, control: string, value: Value): Promise<Outcome> {
    return this.client.set(device, control, value);
  }

  /** Lets the shell close the window after a report was read. */
  async closeWindow(): Promise<void> {
    this.closeProblem = null;
    try {
      await this.shell.close?.();
    } catch {
      this.closeProblem = 'The window did not close: close it by its own button.';
    }
  }

  #onModel(model: Model): void {
    const before = this.model;
    this.model = model;
    if (model.rig && !sameReadings(before.rig, model.rig)) this.readings.begin(model.rig);
    if (model.session.name !== 'live') this.confirming = false;
    if (model.rig?.state === 'arming' && before.rig?.state !== 'arming') this.safeStop.reset();
    if (model.rig?.state === 'armed') this.armProblem = null;
  }
}

/** A patch keeps each device's readings, a welcome brings new ones. */
function sameReadings(before: Model['rig'], after: NonNullable<Model['rig']>): boolean {
  return (
    before !== null &&
    before.devices.length === after.devices.length &&
    after.devices.every((device, at) => device.readings === before.devices[at]?.readings)
  );
}
