/** Timing, checking and printing: a figure counts only after its result was checked. */

/** One measured line. */
export interface Row {
  readonly name: string;
  /** Operations. */
  readonly size: number;
  readonly milliseconds: number;
  readonly microsecondsPerOp: number;
}

/** Wall-clock milliseconds that a piece of work takes. */
export function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Ends the benchmark when a result is wrong. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new Error(`wrong result: ${what} should be ${String(expected)}, not ${String(actual)}`);
}

/** Prints a row at once, so that one sees the benchmark move. */
export function print(row: Row): void {
  const size = row.size.toLocaleString("en-US").padStart(9);
  const total = `${row.milliseconds.toFixed(1)} ms`.padStart(13);
  const each = `${row.microsecondsPerOp.toFixed(2)} µs/op`.padStart(15);
  process.stdout.write(`${row.name.padEnd(46)}${size}${total}${each}\n`);
}

/** Prints how the time per operation grew from one row to another of the same name. */
export function printGrowth(small: Row, large: Row): void {
  const growth = large.microsecondsPerOp / small.microsecondsPerOp;
  const sizes = `${small.size.toLocaleString("en-US")} → ${large.size.toLocaleString("en-US")}`;
  process.stdout.write(`${"".padEnd(4)}time per op, ${sizes}: ${growth.toFixed(2)} ×\n`);
}
