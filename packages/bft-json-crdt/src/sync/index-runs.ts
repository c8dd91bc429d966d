/**
 * A set of local indexes that only grows at its end and shrinks at its start, kept as runs: what a peer is still to be
 * sent is mostly one stretch of the history, and must not cost a number per change.
 */

/** Ascending runs of indexes. */
export class IndexRuns {
  /** Starts and ends (exclusive) in turn; everything before `#offset` is used up. */
  #edges: number[] = [];
  #offset = 0;

  get isEmpty(): boolean {
    return this.#offset === this.#edges.length;
  }

  /** How many runs there are. */
  get runs(): number {
    return (this.#edges.length - this.#offset) / 2;
  }

  /** The least index; -1 when there is none. */
  get first(): number {
    return this.#edges[this.#offset] ?? -1;
  }

  /** The index after the first run; -1 when there is none. */
  get firstEnd(): number {
    return this.#edges[this.#offset + 1] ?? -1;
  }

  /** Adds an index; one that is not above all others is passed over. */
  add(index: number): void {
    const end = this.isEmpty ? -1 : this.#edges[this.#edges.length - 1]!;
    if (index === end) this.#edges[this.#edges.length - 1] = index + 1;
    else if (index > end) this.#edges.push(index, index + 1);
  }

  has(index: number): boolean {
    let low = this.#offset / 2;
    let high = this.#edges.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#edges[2 * middle + 1]! <= index) low = middle + 1;
      else high = middle;
    }
    return 2 * low < this.#edges.length && this.#edges[2 * low]! <= index;
  }

  /** All indexes below `end`, ascending. */
  below(end: number): number[] {
    const indexes: number[] = [];
    for (let edge = this.#offset; edge < this.#edges.length; edge += 2) {
      const last = Math.min(end, this.#edges[edge + 1]!);
      for (let index = this.#edges[edge]!; index < last; index++) indexes.push(index);
      if (last === end) break;
    }
    return indexes;
  }

  /** Removes all indexes below `end`. */
  dropBelow(end: number): void {
    while (!this.isEmpty && this.#edges[this.#offset + 1]! <= end) this.#offset += 2;
    if (!this.isEmpty && this.first < end) this.#edges[this.#offset] = end;
    this.#compact();
  }

  /** Removes the run of the least indexes. */
  dropFirstRun(): void {
    if (!this.isEmpty) this.dropBelow(this.#edges[this.#offset + 1]!);
  }

  clear(): void {
    this.#edges = [];
    this.#offset = 0;
  }

  #compact(): void {
    if (this.isEmpty) this.clear();
    else if (this.#offset > 1_024 && this.#offset * 2 > this.#edges.length) {
      this.#edges = this.#edges.slice(this.#offset);
      this.#offset = 0;
    }
  }
}
