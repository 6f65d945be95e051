/** Values, times and limits in words. */
import type { LimitsView } from '@killcord/client';

/** A value of the wire. */
export type Value = boolean | number | string;

/**
 * A number with so many decimals as its size deserves. `scale` is the largest that the same reading had or
 * may have: by it the digits stand still, and noise about zero looks like noise.
 */
export function number(value: number, scale = 0): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : '−∞';
  const size = Math.max(Math.abs(value), scale);
  if (value === 0) return '0.000';
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return minus(value.toExponential(3));
  const decimals = size >= 10_000 ? 0 : size >= 1_000 ? 1 : size >= 100 ? 2 : 3;
  return minus(value.toFixed(decimals));
}

/** A number as short as it was written: for limits and setpoints. */
export function short(value: number): string {
  return minus(String(Number(value.toPrecision(9))));
}

/** Any value of a reading. */
export function live(value: Value, scale = 0): string {
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  return typeof value === 'number' ? number(value, scale) : value;
}

/** Any value of a setpoint or readback. */
export function plain(value: Value): string {
  return typeof value === 'number' ? short(value) : live(value);
}

/** How long ago: `3 s`, `4 min`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** A time span as short as it deserves: `8 ms`, `0.42 s`, `3.1 s`. */
export function took(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 100) return `${whole} ms`;
  return ms < 1_000 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A moment of the wall clock, with its day. */
export function moment(unixMs: number): string {
  return new Date(unixMs).toLocaleString([], { hour12: false });
}

/** Limits in words: `max 13 V`, `0 to 13 V`. */
export function limits({ min, max }: LimitsView, unit: string): string {
  const behind = unit ? ` ${unit}` : '';
  if (min !== null && max !== null) return `${short(min)} to ${short(max)}${behind}`;
  if (max !== null) return `max ${short(max)}${behind}`;
  return min !== null ? `min ${short(min)}${behind}` : '';
}

/** The typographic minus, and none before a zero. */
function minus(text: string): string {
  return Number(text) === 0 ? text.replace('-', '') : text.replaceAll('-', '−');
}
