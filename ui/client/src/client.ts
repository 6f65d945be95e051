/**
 * One page's session with a host: connects, beats, resumes, sends commands, and keeps a {@link Model}.
 *
 * It decides nothing about the hardware, and nothing waits in it for later: a safe stop that cannot go out
 * now is `not_delivered`.
 */
import { Commands, NO_ANSWER, NOT_SENT, type Outcome } from './commands';
import { browserEnvironment, type Environment, type Life } from './environment';
import { CLOSE_CODES, VERSION, type ReadingUpdate, type Role, type ToHost, type ToPage } from './generated/wire';
import { type Event, reduce } from './reduce';
import { initial, type Model } from './state';
import type { Bye, Connection, Presence, Transport } from './transport';

/** Whether the host has taken a safe stop. */
export type Delivery = 'delivered' | 'not_delivered';

/** A safe stop that the host has not taken within so many milliseconds is not delivered. */
const DELIVERY_MS = 2_000;
/** How often time is looked at, in milliseconds. */
const TICK_MS = 250;
/** Pauses between attempts to reach the host, in milliseconds. */
const RETRY_MS = [250, 500, 1_000, 2_000, 5_000] as const;

export class Killcord {
  readonly #transport: Transport;
  readonly #env: Environment;
  readonly #nonce: string;
  readonly #commands = new Commands();
  readonly #watchers = new Set<(model: Model) => void>();
  readonly #readers = new Set<(updates: readonly ReadingUpdate[]) => void>();
  #model: Model;
  #connection: Connection | null = null;
  #welcomed = false;
  #generation = 0;
  #beats = 0;
  #stopBeats: () => void = () => {};
  #stopTicks: () => void = () => {};
  #stopLife: () => void = () => {};
  #attempts = 0;
  #over = false;
  #want: Role = 'operator';

  constructor(transport: Transport, env: Environment = browserEnvironment()) {
    this.#transport = transport;
    this.#env = env;
    this.#nonce = env.nonce() ?? env.newId();
    this.#model = initial(env.now());
  }

  /** What is known now. */
  get model(): Model {
    return this.#model;
  }

  /** The page's monotonic clock, which the model's times are in. */
  now(): number {
    return this.#env.now();
  }

  /** Calls `watcher` with the model now and after each change; the returned function ends that. */
  subscribe(watcher: (model: Model) => void): () => void {
    this.#watchers.add(watcher);
    watcher(this.#model);
    return () => void this.#watchers.delete(watcher);
  }

  /** Calls `reader` with new values; they are not part of the model, for they come at any rate. */
  onReadings(reader: (updates: readonly ReadingUpdate[]) => void): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  /** Connects, and goes on trying until there is an answer or {@link end} is called. Never arms anything. */
  async connect(want: Role = 'operator'): Promise<void> {
    this.#want = want;
    this.#stopTicks();
    this.#stopTicks = this.#env.every(TICK_MS, () => this.#tick());
    this.#stopLife();
    this.#stopLife = this.#env.onLife((life) => this.#onLife(life));
    await this.#reach();
  }

  /** The person is still there. */
  async stay(): Promise<Delivery> {
    const delivery = await this.#now({ t: 'stay' });
    if (delivery === 'delivered') this.#apply({ e: 'stayed', now: this.now() });
    return delivery;
  }

  /** Asks for control; with `force`, without waiting for the holder. */
  takeControl(force = false): Promise<Delivery> {
    return this.#now(force ? { t: 'take_control', force } : { t: 'take_control' });
  }

  /**
   * Gives control up: to whoever asks for it, else to nobody. With `to`, to that session and to no other; where it
   * cannot take it, control stays here and the model has a `refusal`.
   */
  yieldControl(to?: number): Promise<Delivery> {
    return this.#now(to === undefined ? { t: 'yield_control' } : { t: 'yield_control', to });
  }

  /** Safe stop, by the rig's `on_safe_stop`. From any session, at any time; never kept for later. */
  safeStop(): Promise<Delivery> {
    return this.#now({ t: 'stop' });
  }

  /** The controlled sequence, staying connected. From any session, at any time; never kept for later. */
  makeSafe(): Promise<Delivery> {
    return this.#now({ t: 'safe' });
  }

  /** A trip, or an unclean run, was seen by a person. */
  acknowledge(): Promise<Delivery> {
    return this.#now({ t: 'acknowledge', epoch: this.#model.epoch });
  }

  /** Arms the rig. */
  arm(): Promise<Outcome> {
    const id = this.#env.newId();
    return this.#command(id, { t: 'arm', epoch: this.#model.epoch, id });
  }

  /** Sets a control of a device. */
  async set(device: string, control: string, value: boolean | number | string): Promise<Outcome> {
    const id = this.#env.newId();
    const frame: ToHost = { t: 'set', epoch: this.#model.epoch, id, device, control, value };
    const outcome = await this.#command(id, frame);
    if (outcome.ok) {
      const at = this.#model.rig?.devices.findIndex(({ name }) => name === device) ?? -1;
      this.#apply({ e: 'patch', patch: { setpoints: [[at, control, value]] }, now: this.now() });
    }
    return outcome;
  }

  /** The person has read the last refusal. */
  dismissRefusal(): void {
    this.#apply({ e: 'dismiss', now: this.now() });
  }

  /** Ends the session from this side. */
  async end(): Promise<void> {
    const bye = this.#bye(false);
    if (bye) await this.#now(bye);
    this.#env.resume.set(null);
    this.#transport.lastWords?.(null);
    this.#apply({ e: 'left', now: this.now() });
    this.#stop();
  }

  async #reach(): Promise<void> {
    const generation = ++this.#generation;
    const stale = (): boolean => this.#over || generation !== this.#generation;
    for (; !stale(); this.#attempts += 1) {
      // Only a welcome sets the pauses back: a host that takes connections and drops them is none to hammer.
      if (this.#attempts > 0) await this.#pause(this.#attempts - 1);
      if (stale()) return;
      try {
        const connection = await this.#transport.open({
          frame: (frame) => stale() || this.#onFrame(frame),
          beat: () => stale() || this.#onBeat(),
          presence: () => this.#presence(),
          closed: (code) => stale() || this.#onClosed(code),
        });
        if (stale()) return connection.close();
        this.#connection = connection;
        await connection.send(this.#hello());
        return;
      } catch {
        if (stale()) return;
        this.#drop();
      }
    }
  }

  #pause(attempt: number): Promise<void> {
    const ms = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 5_000;
    return this.#transport.after?.(ms) ?? this.#env.after(ms);
  }

  #hello(): ToHost {
    const resume = this.#env.resume.get();
    const hello = { t: 'hello', v: VERSION, nonce: this.#nonce, want: this.#want } as const;
    return resume === null ? hello : { ...hello, resume };
  }

  #onFrame(frame: ToPage): void {
    if (frame.t === 'readings') {
      for (const reader of this.#readers) reader(frame.readings);
      return;
    }
    if (frame.t === 'done') this.#commands.settle(frame.id, { ok: true });
    if (frame.t === 'error' && frame.id !== undefined) {
      this.#commands.settle(frame.id, { ok: false, code: frame.code, message: frame.message });
    }
    this.#apply({ e: 'frame', frame, now: this.now() });
    if (frame.t === 'welcome') this.#onWelcome(frame.resume, frame.policy.beat_ms);
    if (frame.t === 'ended') this.#onEnded();
  }

  #onWelcome(resume: string, beatMs: number): void {
    this.#welcomed = true;
    this.#attempts = 0;
    this.#env.resume.set(resume);
    const [gone, kept] = [this.#bye(false), this.#bye(true)];
    if (gone && kept) this.#transport.lastWords?.({ gone, kept });
    this.#stopBeats();
    if (this.#connection?.present) return;
    this.#stopBeats = this.#env.every(beatMs, () => this.#beat());
    this.#beat();
  }

  /** After its host's end a page that outlives it waits for the next; every other end is the person's to undo. */
  #onEnded(): void {
    this.#env.resume.set(null);
    this.#transport.lastWords?.(null);
    const { session } = this.#model;
    const waits = session.name === 'ended' && session.reason === 'host_stopping';
    if (!waits || !this.#transport.outlivesHost) this.#stop();
  }

  #onLife(life: Life): void {
    switch (life.kind) {
      case 'hide': {
        const bye = this.#bye(life.persisted);
        if (bye) this.#transport.bye?.(bye);
        if (life.persisted && this.#transport.outlivesHost) this.#leave();
        return;
      }
      case 'back':
        if (this.#over || !this.#transport.outlivesHost) return;
        this.#attempts = 0;
        return void this.#reach();
      case 'freeze':
        return this.#connection?.present?.({ ...this.#presence(), visible: false });
      case 'seen':
        this.#tick();
        if (this.#welcomed) this.#beat();
    }
  }

  /** Into the browser's cache: nothing of this page may hold a connection there. */
  #leave(): void {
    this.#generation += 1;
    this.#connection?.close();
    this.#drop();
    this.#apply({ e: 'closed', now: this.now() });
  }

  #bye(persisted: boolean): Bye | null {
    const { id, session } = this.#model;
    if (id === null || session.name === 'ended') return null;
    return { t: 'bye', session: id, nonce: this.#nonce, persisted };
  }

  #presence(): Presence {
    return { visible: this.#env.visible(), input_ms: this.#env.inputAge() };
  }

  #tick(): void {
    this.#apply({ e: 'tick', now: this.now() });
  }

  #onBeat(): void {
    this.#apply({ e: 'beat', now: this.now() });
  }

  #beat(): void {
    const connection = this.#connection;
    if (!connection) return;
    if (connection.present) return connection.present(this.#presence());
    this.#beats += 1;
    const frame: ToHost = { t: 'beat', n: this.#beats, ...this.#presence() };
    // A lost beat needs no word of its own: its ack will be missed.
    connection.send(frame).catch(() => {});
    this.#onBeat();
  }

  #onClosed(code?: number): void {
    const reason = code === undefined ? undefined : CLOSE_CODES[code];
    if (!this.#welcomed) this.#attempts += 1;
    this.#drop();
    if (reason === undefined) {
      this.#apply({ e: 'closed', now: this.now() });
    } else {
      this.#apply({ e: 'ended', reason, now: this.now() });
      this.#onEnded();
    }
    if (!this.#over) void this.#reach();
  }

  async #now(frame: ToHost): Promise<Delivery> {
    const connection = this.#connection;
    if (!connection || !this.#welcomed || this.#over) return 'not_delivered';
    const sent = connection.send(frame).then(
      () => 'delivered' as const,
      () => 'not_delivered' as const,
    );
    const late = this.#env.after(DELIVERY_MS).then(() => 'not_delivered' as const);
    return Promise.race([sent, late]);
  }

  async #command(id: string, frame: ToHost): Promise<Outcome> {
    const connection = this.#connection;
    if (!connection || this.#model.session.name !== 'live') return NOT_SENT;
    const answer = this.#commands.wait(id);
    connection.send(frame).catch(() => this.#commands.settle(id, NOT_SENT));
    return answer;
  }

  #apply(event: Event): void {
    const before = this.#model;
    this.#model = reduce(before, event);
    if (this.#model === before) return;
    if (this.#model.session.name === 'lost' && before.session.name !== 'lost') {
      this.#commands.settleAll(NO_ANSWER);
    }
    for (const watcher of this.#watchers) watcher(this.#model);
  }

  #drop(): void {
    this.#connection = null;
    this.#welcomed = false;
    this.#stopBeats();
    this.#commands.settleAll(NO_ANSWER);
  }

  #stop(): void {
    this.#over = true;
    this.#stopTicks();
    this.#stopLife();
    this.#connection?.close();
    this.#drop();
  }
}
