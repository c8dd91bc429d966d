/**
 * Sets of local indexes that nearly always hold one or a few: the heads of a history, the tips of a chain. A few are kept
 * in an array, which costs nothing to change; what a liar makes of them in a Set.
 */

/** Indexes that an array may hold; a Set gives way to an array again at half of that. */
const MOST_IN_ARRAY = 16;

/** A set of numbers, in the order of their addition. */
export class IndexSet {
  #few: number[];
  #many: Set<number> | null = null;

  /** `first` are different indexes, few of them. */
  constructor(...first: number[]) {
    this.#few = first;
  }

  get size(): number {
    return this.#many?.size ?? this.#few.length;
  }

  /** The one that was added first, or -1. */
  get first(): number {
    if (this.#many === null) return this.#few[0] ?? -1;
    for (const index of this.#many) return index;
    return -1;
  }

  has(index: number): boolean {
    return this.#many?.has(index) ?? this.#few.includes(index);
  }

  /** Adds an index that is not in the set. */
  add(index: number): void {
    if (this.#many !== null) {
      this.#many.add(index);
      return;
    }
    this.#few.push(index);
    if (this.#few.length <= MOST_IN_ARRAY) return;
    this.#many = new Set(this.#few);
    this.#few = [];
  }

  /** Takes an index out, if it is in the set. */
  delete(index: number): void {
    if (this.#many !== null) {
      this.#many.delete(index);
      if (this.#many.size > MOST_IN_ARRAY / 2) return;
      this.#few = [...this.#many];
      this.#many = null;
      return;
    }
    const few = this.#few;
    const at = few.length === 0 ? -1 : few.indexOf(index);
    if (at < 0) return;
    if (at === few.length - 1) few.pop();
    else few.splice(at, 1);
  }

  [Symbol.iterator](): IterableIterator<number> {
    return this.#many?.values() ?? this.#few.values();
  }
}
