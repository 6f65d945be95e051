import { describe, expect, it } from 'vitest';
import { age, limits, live, number, plain, took } from '../src/lib/format';
import { Painter, type Paintable } from '../src/lib/painter';
import { Ring } from '../src/lib/ring';
import { range } from '../src/view/range';

describe('numbers', () => {
  it.each([
    [11.9984, 0, '11.998'],
    [0.00021, 13, '0.000'],
    [-0.00021, 13, '0.000'],
    [-0.5, 0, '−0.500'],
    [123.456, 0, '123.46'],
    [12345.6, 0, '12346'],
    [3.1e-9, 3.4e-9, '3.100e−9'],
    [0, 0, '0.000'],
    [Infinity, 0, '∞'],
    [NaN, 0, 'not a number'],
  ])('%d of %d is shown as %s', (value, scale, text) => {
    expect(number(value, scale)).toBe(text);
  });

  it('that were written by a person stay as short as they were', () => {
    expect(plain(12.5)).toBe('12.5');
    expect(plain(0.1 + 0.2)).toBe('0.3');
    expect(plain(false)).toBe('Off');
    expect(live('CURR')).toBe('CURR');
  });

  it('of limits and ages read as words', () => {
    expect(limits({ min: null, max: 13, makes_safe: true }, 'V')).toBe('max 13 V');
    expect(limits({ min: -1, max: 2, makes_safe: true }, '')).toBe('−1 to 2');
    expect([age(-5), age(3_999), age(119_999), age(120_000), age(7_200_000)]).toEqual([
      '0 s', '3 s', '119 s', '2 min', '2 h',
    ]);
  });
});

it.each([
  [7.6, '8 ms'],
  [99.4, '99 ms'],
  [99.6, '0.10 s'],
  [412, '0.41 s'],
  [999, '1.00 s'],
  [3_140, '3.1 s'],
])('%d ms are told as %s', (ms, text) => {
  expect(took(ms)).toBe(text);
});

describe('a ring', () => {
  it('keeps the newest, and gives them oldest first', () => {
    const ring = new Ring(3);
    for (let t = 1; t <= 5; t += 1) ring.push(t, t * 10);
    expect(ring.length).toBe(3);
    expect(ring.points(0, 0.5, 100)).toEqual({ x: [3, 4, 5], y: [30, 40, 50] });
  });

  it('never loses a spike, and gives at most two points a column', () => {
    const ring = new Ring(4_096);
    for (let t = 0; t < 3_000; t += 1) ring.push(t, t === 1_234 ? 99 : t === 1_235 ? -99 : 0);
    const { x, y } = ring.points(0, 100, 1_000);
    expect(x.length).toBeLessThanOrEqual(60);
    expect(y).toContain(99);
    expect(y).toContain(-99);
    expect([...x].sort((a, b) => a - b)).toEqual(x);
  });

  it('shows a missing value and a long silence as gaps', () => {
    const ring = new Ring(16);
    ring.push(0, 1);
    ring.push(10, NaN);
    ring.push(20, 2);
    ring.push(500, 3);
    expect(ring.points(0, 1, 100).y).toEqual([1, null, 2, null, 3]);
  });

  it('ignores a value from the past', () => {
    const ring = new Ring(4);
    ring.push(10, 1);
    ring.push(9, 2);
    expect(ring.length).toBe(1);
  });
});

describe('the painter', () => {
  it('draws what is due within its budget, and the rest in the next frame', () => {
    let time = 0;
    const frames: ((now: number) => void)[] = [];
    const painter = new Painter((work) => frames.push(work), () => time);
    const painted: number[] = [];
    const chart = (n: number): Paintable => ({
      due: () => !painted.includes(n),
      paint: () => {
        painted.push(n);
        time += 4;
      },
    });
    for (const n of [1, 2, 3, 4]) painter.add(chart(n));
    expect(frames).toHaveLength(1);
    frames.shift()?.(time);
    expect(painted).toEqual([1, 2]);
    frames.shift()?.(time);
    expect(painted).toEqual([1, 2, 3, 4]);
    frames.shift()?.(time);
    expect(frames).toHaveLength(0);
  });
});

describe('the scale of a chart', () => {
  it('holds values and limits, and does not blow noise up', () => {
    const [low, high] = range(11.99, 12.01, []);
    expect(high - low).toBeGreaterThan(0.4);
    expect(range(0, 12, [13])[1]).toBeGreaterThan(13);
    expect(range(null, null, [])).toEqual([0, 1]);
    expect(range(0, 0, [])).toEqual([-0.5, 0.5]);
  });
});
