/** What a list of numbers comes to. */

/** The value that this part of all (0 to 1) does not exceed; 0 when there are none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/** How many of these moments (milliseconds) lie in each bin of so many milliseconds, beginning with 0. */
export function binned(moments: readonly number[], width: number): number[] {
  const bins: number[] = [];
  for (const moment of moments) {
    const bin = Math.max(0, Math.floor(moment / width));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return Array.from(bins, (count) => count ?? 0);
}

/** The middle of the values, for few of them; 0 when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
