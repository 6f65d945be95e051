/**
 * Live values: taken in at any rate, shown at a calm one.
 *
 * Values go into rings at once; what a person reads as text changes at most ten times a second.
 */
import type { ReadingUpdate, RigView } from '@killcord/client';
import type { Value } from '../lib/format';
import { Ring } from '../lib/ring';

/** How much of the past a chart shows, in milliseconds. */
export const WINDOW = 60_000;
/** Text changes at most so often, in milliseconds. */
const CALM = 100;
/** No ring is smaller, should values come faster than a rig file says. */
const SMALLEST = 512;
/** No ring is larger, whatever a rig file says of `every`. */
const LARGEST = 8_192;

/** One value as it is shown. */
export interface Sample {
  /** `null` before the first, or when none could be had. */
  readonly value: Value | null;
  /** When, in the host's milliseconds; `null` before the first. */
  readonly at: number | null;
  /** When the last good value was read. */
  readonly goodAt: number | null;
  readonly error: string | null;
  readonly outside: boolean;
}

const NOTHING: Sample = { value: null, at: null, goodAt: null, error: null, outside: false };

/** One reading, or one control's readback. */
export class Live {
  shown = $state.raw<Sample>(NOTHING);
  readonly ring: Ring | null;
  /** The largest size seen so far, for as many decimals as that deserves. */
  scale = 0;
  #next: Sample = NOTHING;

  constructor(ring: Ring | null, first: Sample = NOTHING) {
    this.ring = ring;
    this.shown = this.#next = first;
  }

  /** Takes a value in; it is shown at the next {@link publish}. */
  take(update: ReadingUpdate): void {
    const value = update.value ?? null;
    this.#next = {
      value,
      at: update.at_ms,
      goodAt: value === null ? this.#next.goodAt : update.at_ms,
      error: update.error ?? null,
      outside: update.outside ?? false,
    };
    if (typeof value === 'number' && Number.isFinite(value)) {
      this.scale = Math.max(this.scale, Math.abs(value));
    }
    this.ring?.push(update.at_ms, typeof value === 'number' ? value : NaN);
  }

  /** Shows what was taken in. */
  publish(): void {
    if (this.shown !== this.#next) this.shown = this.#next;
  }
}

/** All of a rig's live values. */
export class Readings {
  #lives = $state.raw(new Map<string, Live>());
  readonly #waiting = new Set<Live>();
  #publishedAt = -Infinity;

  /** Begins anew with what a welcome tells. */
  begin(rig: RigView): void {
    const lives = new Map<string, Live>();
    rig.devices.forEach((device, at) => {
      for (const reading of device.readings) {
        const ring = new Ring(capacity(reading.every_ms));
        for (const [time, value] of reading.history) ring.push(time, value);
        const last = reading.history.at(-1);
        const first = last
          ? { ...NOTHING, value: last[1], at: last[0], goodAt: last[0] }
          : NOTHING;
        const live = new Live(ring, first);
        const sizes = [reading.limits?.min, reading.limits?.max, ...reading.history.map(([, v]) => v)];
        for (const size of sizes) live.scale = Math.max(live.scale, Math.abs(size ?? 0));
        lives.set(key(at, reading.name, false), live);
      }
      for (const control of device.controls) {
        const first = { ...NOTHING, value: control.readback };
        lives.set(key(at, control.name, true), new Live(null, first));
      }
    });
    this.#waiting.clear();
    this.#lives = lives;
  }

  /** Takes new values in; those of unknown readings are ignored. */
  take(updates: readonly ReadingUpdate[]): void {
    for (const update of updates) {
      const live = this.#lives.get(key(update.device, update.name, update.control ?? false));
      if (!live) continue;
      live.take(update);
      this.#waiting.add(live);
    }
  }

  /** Shows what waits, if it is time; true while something still waits. */
  publish(now: number): boolean {
    if (this.#waiting.size === 0) return false;
    if (now - this.#publishedAt < CALM) return true;
    this.#publishedAt = now;
    for (const live of this.#waiting) live.publish();
    this.#waiting.clear();
    return false;
  }

  /** A reading's live values. */
  reading(device: number, name: string): Live | undefined {
    return this.#lives.get(key(device, name, false));
  }

  /** A control's readback. */
  readback(device: number, name: string): Live | undefined {
    return this.#lives.get(key(device, name, true));
  }
}

function capacity(everyMs: number): number {
  const due = Math.ceil((WINDOW / Math.max(1, everyMs)) * 1.2) + 16;
  return Math.min(LARGEST, Math.max(SMALLEST, due));
}

function key(device: number, name: string, control: boolean): string {
  return `${device}${control ? '=' : ':'}${name}`;
}
