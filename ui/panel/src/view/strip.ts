/** A strip chart on uPlot: fixed window, limits dashed, scale by limits and values. */
import type { ReadingView } from '@killcord/client';
import uPlot from 'uplot';
import type { Paintable } from '../lib/painter';
import type { Points, Ring } from '../lib/ring';
import { short } from '../lib/format';
import { WINDOW } from '../state/readings.svelte';
import { range } from './range';

/** A chart that a painter draws. */
export interface Strip extends Paintable {
  resize(): void;
  seen(visible: boolean): void;
  destroy(): void;
}

const COLOURS = ['--glass-trace', '--glass-limit', '--glass-muted', '--glass-edge'] as const;
/** At the latest so often, in milliseconds, though nothing new came: the strip moves on. */
const SLOWEST = 1_000;

/** Puts a chart of `ring` into `box`. */
export function strip(
  box: HTMLElement,
  ring: Ring,
  reading: ReadingView,
  hostNow: () => number,
): Strip {
  const style = getComputedStyle(box);
  const [trace, limit, muted, edge] = COLOURS.map((name) => style.getPropertyValue(name).trim());
  const points: Points = { x: [], y: [] };
  let width = Math.max(1, box.clientWidth);
  let visible = true;
  let fresh = true;
  let paintedAt = -Infinity;
  const bounds = [reading.limits?.min, reading.limits?.max].filter(
    (value): value is number => typeof value === 'number',
  );
  const font = `11px ${style.getPropertyValue('--sans')}`;
  const plot = new uPlot(
    {
      width,
      height: Math.max(1, box.clientHeight),
      legend: { show: false },
      cursor: { show: false },
      padding: [5, 0, 4, 0],
      scales: { x: { time: false, auto: false }, y: { range: (_, low, high) => range(low, high, bounds) } },
      axes: [
        { show: false },
        {
          side: 1,
          size: 44,
          gap: 4,
          space: 22,
          font,
          stroke: muted ?? '',
          grid: { stroke: edge ?? '', width: 1 },
          ticks: { show: false },
          values: (_, splits) => splits.map(short),
        },
      ],
      series: [{}, { stroke: trace ?? '', width: 1.5, points: { show: false }, spanGaps: false }],
      hooks: { draw: [(u) => dashes(u, bounds, limit ?? '')] },
    },
    [[], []],
    box,
  );
  const perPixel = (): number => WINDOW / Math.max(1, width - 44);

  return {
    due: (now) => visible && (fresh || now - paintedAt >= Math.min(SLOWEST, perPixel())),
    paint(now) {
      const end = hostNow();
      ring.points(end - WINDOW, perPixel(), Math.max(reading.stale_after_ms, 3 * reading.every_ms), points);
      plot.setData([points.x, points.y], false);
      plot.setScale('x', { min: end - WINDOW, max: end });
      fresh = false;
      paintedAt = now;
    },
    resize() {
      width = Math.max(1, box.clientWidth);
      plot.setSize({ width, height: Math.max(1, box.clientHeight) });
      fresh = true;
    },
    seen(now) {
      fresh = now && !visible ? true : fresh;
      visible = now;
    },
    destroy: () => plot.destroy(),
  };
}

function dashes(plot: uPlot, bounds: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const bound of bounds) {
    const y = Math.round(plot.valToPos(bound, 'y', true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}
