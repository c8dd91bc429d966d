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

/** As {@link percentile}, of values of which only the counts in bins of so great a width are known. */
export function binnedPercentile(bins: readonly number[], width: number, part: number): number {
  const total = bins.reduce((sum, count) => sum + count, 0);
  let left = Math.floor(part * total);
  for (const [bin, count] of bins.entries()) {
    left -= count;
    if (left < 0) return (bin + 0.5) * width;
  }
  return 0;
}

/** The sums of several lists of counts. */
export function pooled(lists: readonly (readonly number[])[]): number[] {
  const length = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length }, (_, bin) => lists.reduce((sum, list) => sum + (list[bin] ?? 0), 0));
}
