/**
 * What was promised, kept outside of everything that can be killed: each line that was acknowledged, by room. Whoever
 * shows a room must show each of these lines, and no line twice.
 */

/** What is wrong with what somebody shows. */
export interface Difference {
  readonly lost: readonly string[];
  readonly twice: readonly string[];
}

/** All acknowledged lines. */
export class Ledger {
  readonly #rooms = new Map<string, Set<string>>();

  acknowledge(room: string, line: string): void {
    let lines = this.#rooms.get(room);
    if (lines === undefined) this.#rooms.set(room, (lines = new Set()));
    lines.add(line);
  }

  /** Lines acknowledged in a room. */
  count(room: string): number {
    return this.#rooms.get(room)?.size ?? 0;
  }

  /** Lines acknowledged in all rooms. */
  get total(): number {
    let total = 0;
    for (const lines of this.#rooms.values()) total += lines.size;
    return total;
  }

  /** Compares with the lines that somebody shows. */
  compare(room: string, shown: readonly string[]): Difference {
    const seen = new Set<string>();
    const twice: string[] = [];
    for (const line of shown) {
      if (seen.has(line)) twice.push(line);
      seen.add(line);
    }
    const lost = [...(this.#rooms.get(room) ?? [])].filter((line) => !seen.has(line));
    return { lost, twice };
  }
}

/** What was counted over many comparisons. */
export class Tally {
  comparisons = 0;
  lost = 0;
  twice = 0;
  readonly examples: string[] = [];

  /** True when something was compared and nothing was lost. */
  get isLossless(): boolean {
    return this.comparisons > 0 && this.lost === 0;
  }

  /** Adds a comparison; `where` names it in an example. */
  add(where: string, { lost, twice }: Difference): void {
    this.comparisons++;
    this.lost += lost.length;
    this.twice += twice.length;
    if (this.examples.length >= 3) return;
    if (lost.length > 0) this.examples.push(`${where}: lost ${lost.slice(0, 3).join(", ")}`);
    if (twice.length > 0) this.examples.push(`${where}: twice ${twice.slice(0, 3).join(", ")}`);
  }

  /** The numbers in words, with up to three examples of what is wrong. */
  describe(): string {
    const numbers = `${this.lost} lost and ${this.twice} twice in ${this.comparisons} comparisons`;
    return [numbers, ...this.examples].join("; ");
  }
}
