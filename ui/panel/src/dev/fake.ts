/**
 * A host that is none: plays the states of a bench to the panel, and answers what a person does there.
 * Development only; never part of the production build.
 */
import type {
  Connection,
  DeviceState,
  Extent,
  Listener,
  PolicyView,
  ReadingUpdate,
  RigView,
  Role,
  TeardownDevice,
  ToHost,
  ToPage,
  Transport,
} from '@killcord/client';
import type { Panel } from '../state/panel.svelte';
import type { Guests } from './access';
import { bench, wave } from './bench';

/** How the fake host's story begins. */
export interface Scene {
  /** Changes the bench before the welcome. */
  readonly rig?: (rig: RigView) => void;
  readonly role?: Role;
  /** How often every instrument is read, in milliseconds. */
  readonly every?: number;
  /** It answers nothing from the start. */
  readonly silent?: boolean;
  /** It refuses the page, in these words. */
  readonly refusal?: string;
  /** Silence after which a lease is over, in milliseconds. */
  readonly expire?: number;
  /** The rig's own words. */
  readonly messages?: Record<string, string>;
  /** Who is attached and let in; it is a scene of a browser then. */
  readonly guests?: Guests;
  /** What the person has done before. */
  readonly panel?: (panel: Panel) => void;
  /** What happens right after the welcome. */
  readonly then?: (host: FakeHost) => void;
}

const POLICY: PolicyView = {
  beat_ms: 1_000, expire_after_ms: 5_000, reload_grace_ms: 2_000, deadline_ms: 10_000, on_control_lost: 'safe',
  on_last_session: 'release', hold_for_ms: 28_800_000,
};

export class FakeHost implements Transport {
  readonly rig: RigView = bench();
  readonly sent: ToHost[] = [];
  /** Answers nothing any more. */
  silent = false;
  role: Role;
  readonly #scene: Scene;
  readonly #now: () => number;
  #listener: Listener | null = null;
  #n = 1;
  readonly #readAt = new Map<string, number>();
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(scene: Scene = {}, now: () => number = () => performance.now()) {
    this.#scene = scene;
    this.#now = now;
    this.role = scene.role ?? 'operator';
    this.silent = scene.silent ?? false;
    scene.rig?.(this.rig);
  }

  open(listener: Listener): Promise<Connection> {
    this.#listener = listener;
    const { refusal } = this.#scene;
    if (refusal) listener.frame({ t: 'error', code: 'version', message: refusal });
    if (this.silent) return Promise.reject(new Error('silent'));
    return Promise.resolve({
      send: (frame) => {
        if (this.silent) return new Promise<void>(() => {});
        this.sent.push(frame);
        queueMicrotask(() => this.#take(frame));
        return Promise.resolve();
      },
      close: () => this.stop(),
    });
  }

  get #expire(): number {
    return this.#scene.expire ?? POLICY.expire_after_ms;
  }

  /** Sends a frame to the page. */
  say(frame: ToPage): void {
    if (!this.silent) this.#listener?.frame(frame);
  }

  /** Cuts the connection. */
  cut(): void {
    this.silent = true;
    this.#listener?.closed();
  }

  /** Ends its timers. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** Changes the rig's state and that of every device that acts. */
  become(state: RigView['state'], device?: DeviceState): void {
    this.rig.state = state;
    const devices = this.rig.devices
      .map((view, at): [number, DeviceState] => [at, view.acts && device ? device : view.state])
      .map(([at, next]): [number, DeviceState] => {
        const view = this.rig.devices[at];
        if (view) view.state = next;
        return [at, next];
      });
    this.say({ t: 'rig', state, devices });
  }

  /** Raises the epoch, as every teardown does. */
  raise(): void {
    this.#n += 1;
    this.say({ t: 'control', role: this.role, epoch: `1.${this.#n}`, ...(this.role === 'operator' ? { holder: 1 } : { holder: 2 }) });
  }

  /** A moment of a teardown. */
  teardown(
    devices: TeardownDevice[],
    part: { extent?: Extent; done?: boolean; text?: string; left?: number } = {},
  ): void {
    this.say({
      t: 'teardown',
      cause: { cause: part.extent === 'end' ? 'window_closed' : 'safe_stop' },
      text: part.text ?? (part.extent === 'end' ? 'window closed' : 'safe stop'),
      mode: part.extent === 'end' ? 'safe' : 'emergency',
      extent: part.extent ?? 'stay',
      deadline_ms: part.left ?? 8_000,
      devices,
      done: part.done ?? false,
    });
  }

  #take(frame: ToHost): void {
    switch (frame.t) {
      case 'hello':
        return this.#welcome(frame.resume !== undefined);
      case 'beat':
        return this.say({ t: 'ack', n: frame.n, expires_ms: this.#expire });
      case 'arm':
        return this.#arm(frame.id);
      case 'set':
        return this.#set(frame.id, frame.device, frame.control, frame.value);
      case 'safe':
      case 'stop':
        return this.#makeSafe();
      case 'acknowledge':
        this.rig.trip = this.rig.unclean = null;
        this.rig.arm_refused = [];
        return this.say({ t: 'rig', trip: null, unclean: null, arm_refused: [] });
      case 'take_control':
        this.role = 'operator';
        return this.raise();
      case 'yield_control':
        if (frame.to === 9) return this.say({ t: 'error', code: 'not_given', message: 'control stays with this session: that session has ended' });
        this.role = 'observer';
        return this.raise();
      default:
        return;
    }
  }

  #welcome(resumed: boolean): void {
    const now = this.#now();
    const energised = this.rig.state === 'armed';
    for (const [at, device] of this.rig.devices.entries()) {
      for (const reading of device.readings) {
        reading.history = [];
        for (let t = now - 60_000; t <= now; t += reading.every_ms) {
          const value = wave(at, reading.name, t, energised);
          if (typeof value === 'number') reading.history.push([t, value]);
        }
      }
    }
    this.say({
      t: 'welcome',
      session: 1,
      resume: 'fake',
      role: this.role,
      epoch: `1.${this.#n}`,
      resumed,
      policy: { ...POLICY, expire_after_ms: this.#expire },
      ...(this.#scene.messages ? { messages: this.#scene.messages } : {}),
      rig: structuredClone(this.rig),
      now: { host_ms: now, unix_ms: Date.now() },
    });
    this.#timers.push(setInterval(() => this.measure(), this.#scene.every ?? 100));
    this.measure();
    this.#scene.then?.(this);
  }

  /** Reads what is due. */
  measure(): void {
    const at = this.#now();
    const energised = this.rig.state === 'armed';
    const readings: ReadingUpdate[] = [];
    this.rig.devices.forEach((device, place) => {
      if (typeof device.state === 'object' || device.state === 'disconnected') return;
      for (const { name, limits, every_ms } of device.readings) {
        const key = `${place}:${name}`;
        if (at - (this.#readAt.get(key) ?? -Infinity) < every_ms) continue;
        this.#readAt.set(key, at);
        const value = wave(place, name, at, energised);
        const outside = typeof value === 'number' && value > (limits?.max ?? Infinity);
        readings.push({ device: place, name, at_ms: at, value, outside });
      }
      for (const { name, setpoint } of device.controls) {
        const value = name === 'output' ? energised : name === 'mode' ? 'CURR' : setpoint;
        if (value !== null) readings.push({ device: place, name, control: true, at_ms: at, value });
      }
    });
    this.say({ t: 'readings', readings });
  }

  #arm(id: string): void {
    const refusal = this.rig.arm_refused[0];
    if (refusal) return this.say({ t: 'error', id, code: 'arm_refused', message: refusal.message });
    this.become('arming', 'arming');
    this.#later(600, () => {
      this.become('armed', 'armed');
      this.say({ t: 'done', id });
    });
  }

  #set(id: string, device: string, control: string, value: boolean | number | string): void {
    const view = this.rig.devices.find(({ name }) => name === device);
    const found = view?.controls.find(({ name }) => name === control);
    if (!found) return this.say({ t: 'error', id, code: 'unknown', message: 'No such control.' });
    found.setpoint = value;
    this.say({ t: 'done', id });
  }

  #makeSafe(): void {
    this.raise();
    this.become('making_safe', 'making_safe');
    const rows = (done: boolean): TeardownDevice[] =>
      [0, 1, 2].map((device) => ({
        device,
        doing: done ? 'verified' : 'OUTP OFF',
        ...(done ? { status: 'safe_verified' as const } : {}),
        confirmed: done,
        released: false,
        remarks: [],
      }));
    this.teardown(rows(false));
    this.#later(700, () => {
      this.become('safe', 'safe');
      this.teardown(rows(true), { done: true });
    });
  }

  #later(ms: number, work: () => void): void {
    const timer = setInterval(() => {
      clearInterval(timer);
      work();
    }, ms);
    this.#timers.push(timer);
  }
}
