/**
 * The heads of a history: the changes on which no other builds. There may be as many as liars like, so what is asked of
 * them is kept from one time to the next, and brought up to date by what has come since.
 */
import { IndexSet } from "./index-set.ts";
import { LateHeap } from "./late-heap.ts";

/** How changes are compared: by their ids, and by (lamport, id). */
export interface HeadOrders {
  byId(a: number, b: number): number;
  byRank(a: number, b: number): number;
}

/** The frontier, by local indexes. */
export class Frontier {
  readonly #orders: HeadOrders;
  readonly #heads = new IndexSet();
  /** Changes so far. */
  #length = 0;
  /** The heads among the first `#sortedLength` changes at that time, ascending by id. */
  #sorted: number[] = [];
  #sortedLength = 0;
  /** The heads among the first `#rankedLength` changes. */
  readonly #ranked: LateHeap;
  #rankedLength = 0;

  constructor(orders: HeadOrders) {
    this.#orders = orders;
    this.#ranked = new LateHeap(
      (a, b) => orders.byRank(a, b),
      (head) => this.#heads.has(head),
    );
  }

  get size(): number {
    return this.#heads.size;
  }

  /** The one that came first, or -1. */
  get first(): number {
    return this.#heads.first;
  }

  /** Takes in the change of the next local index. */
  add(index: number): void {
    this.#heads.add(index);
    this.#length = index + 1;
  }

  /** Takes out what a change builds on. */
  delete(index: number): void {
    this.#heads.delete(index);
  }

  /** All heads, in the order in which they came. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.#heads[Symbol.iterator]();
  }

  /** All heads, ascending by id: O(heads), and sorting what is new since the last time. */
  sorted(): number[] {
    if (this.#sortedLength < this.#length) {
      const kept = this.#sorted.filter((head) => this.#heads.has(head));
      const fresh = this.#since(this.#sortedLength).sort((a, b) => this.#orders.byId(a, b));
      this.#sorted = merged(kept, fresh, this.#orders);
      this.#sortedLength = this.#length;
    }
    return [...this.#sorted];
  }

  /** The `count` greatest heads by (lamport, id), the greatest first: O((count + what is new) · log heads). */
  greatest(count: number): number[] {
    if (this.#heads.size === 1) return [this.#heads.first];
    const fresh = this.#since(this.#rankedLength);
    for (const head of fresh) this.#ranked.add(head);
    this.#rankedLength = this.#length;
    this.#ranked.shrunk(this.#heads.size);
    return this.#ranked.greatest(count);
  }

  /** The heads among the changes from a local index on. */
  #since(start: number): number[] {
    const fresh: number[] = [];
    for (let index = start; index < this.#length; index++) {
      if (this.#heads.has(index)) fresh.push(index);
    }
    return fresh;
  }
}

function merged(a: readonly number[], b: readonly number[], orders: HeadOrders): number[] {
  const all: number[] = [];
  let next = 0;
  for (const item of a) {
    for (; next < b.length && orders.byId(b[next]!, item) < 0; next++) all.push(b[next]!);
    all.push(item);
  }
  for (; next < b.length; next++) all.push(b[next]!);
  return all;
}
