/**
 * The greatest of a set of numbers that others keep: a binary heap that learns late of what has left the set.
 *
 * Whatever is added costs O(log n), once when it comes and once when it is found to be gone; so the greatest few of very
 * many are told in O(few · log n), however often one asks.
 */

/** The numbers of a set, the greatest first. A number that has left the set never comes back. */
export class LateHeap {
  readonly #compare: (a: number, b: number) => number;
  readonly #isIn: (item: number) => boolean;
  #heap: number[] = [];

  /** `compare` is negative when the first is the smaller one; `isIn` tells whether a number is still in the set. */
  constructor(compare: (a: number, b: number) => number, isIn: (item: number) => boolean) {
    this.#compare = compare;
    this.#isIn = isIn;
  }

  /** The greatest number, or -1 when there is none. */
  get first(): number {
    this.#dropGone();
    return this.#heap[0] ?? -1;
  }

  /** Takes in a number that is new in the set. */
  add(item: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#compare(heap[parent]!, item) >= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  /** The `count` greatest numbers, the greatest first; fewer when there are no more. */
  greatest(count: number): number[] {
    const taken: number[] = [];
    for (let item = this.first; item >= 0 && taken.length < count; item = this.first) {
      taken.push(item);
      this.#pop();
    }
    for (const item of taken) this.add(item);
    return taken;
  }

  /** Tells that numbers have left the set, which now has `size`: those that are gone must not outnumber the others. */
  shrunk(size: number): void {
    if (size === 0) this.#heap = [];
    if (this.#heap.length <= 2 * size + 16) return;
    this.#heap = this.#heap.filter(this.#isIn).sort((a, b) => this.#compare(b, a));
  }

  #dropGone(): void {
    while (this.#heap.length > 0 && !this.#isIn(this.#heap[0]!)) this.#pop();
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && this.#compare(heap[right]!, heap[child]!) > 0) child = right;
      if (this.#compare(last, heap[child]!) >= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
