/** Latencies in milliseconds, and what they come to beside others. */

/** A set of measured latencies. */
export class Latencies {
  readonly #sorted: readonly number[];

  /** Milliseconds, in any order; at least one. */
  constructor(measured: readonly number[]) {
    if (measured.length === 0) throw new Error("nothing was measured");
    this.#sorted = measured.toSorted((a, b) => a - b);
  }

  get count(): number {
    return this.#sorted.length;
  }

  /** The latency that this part of all (0 to 1) does not exceed. */
  at(part: number): number {
    return this.#sorted[Math.min(this.count - 1, Math.floor(part * this.count))]!;
  }
}

/** Prints both, and the ratio of the second to the first. */
export function printComparison(what: string, calm: Latencies, flooded: Latencies): void {
  const ms = (value: number): string => `${value.toFixed(3)} ms`.padStart(12);
  const lines = (["median", "p99"] as const).map((name) => {
    const part = name === "median" ? 0.5 : 0.99;
    const [before, during] = [calm.at(part), flooded.at(part)];
    const ratio = `${(during / before).toFixed(2)} ×`.padStart(9);
    return `  ${what.padEnd(34)}${name.padEnd(8)}${ms(before)}${ms(during)}${ratio}\n`;
  });
  process.stdout.write(lines.join(""));
}
