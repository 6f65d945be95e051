/** The scale of a strip chart. */

/** Values and limits in sight, with a little air; never so near that noise looks like a storm. */
export function range(
  low: number | null,
  high: number | null,
  bounds: readonly number[],
): [number, number] {
  const seen = [low, high, ...bounds].filter(
    (value): value is number => value !== null && Number.isFinite(value),
  );
  if (seen.length === 0) return [0, 1];
  const min = Math.min(...seen);
  const max = Math.max(...seen);
  const least = Math.max(Math.abs(min), Math.abs(max)) * 0.04 || 1;
  const air = Math.max(least - (max - min), (max - min) * 0.12) / 2;
  return [min - air, max + air];
}
