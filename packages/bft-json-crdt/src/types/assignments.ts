/**
 * The merge logic of a register: the assignments that nobody has replaced.
 *
 * An assignment names the assignments that it replaces, so what stands is a plain set difference, whatever the order of
 * arrival, and no question about ancestry is asked. The greatest key among those that stand is shown; the others stay
 * readable as conflicts. A binary heap with lazy deletion keeps every operation at O(log n) in what stands, however many
 * concurrent assignments a liar makes.
 */

/** Compares the keys (lamport, change id, index) of two elements. */
export type CompareElements = (a: number, b: number) => number;

/** The assignments of one register that stand; elements are named by their local numbers. */
export class Assignments<T> {
  readonly #compare: CompareElements;
  readonly #standing = new Map<number, T>();
  /** A max-heap of elements; some may no longer stand, but never the first. */
  #heap: number[] = [];
  #latest = -1;

  constructor(compare: CompareElements) {
    this.#compare = compare;
  }

  /** How many assignments stand. */
  get size(): number {
    return this.#standing.size;
  }

  /** The element of the assignment that is shown, or -1. */
  get winner(): number {
    return this.#heap[0] ?? -1;
  }

  /** The element of the assignment that was added last, -1 when it does not stand any more. */
  get latest(): number {
    return this.#standing.has(this.#latest) ? this.#latest : -1;
  }

  has(element: number): boolean {
    return this.#standing.has(element);
  }

  valueOf(element: number): T | undefined {
    return this.#standing.get(element);
  }

  /** The elements of all standing assignments, the shown one first, by descending key. */
  standing(): number[] {
    return [...this.#standing.keys()].sort((a, b) => this.#compare(b, a));
  }

  /** Adds an assignment. */
  add(element: number, value: T): void {
    this.#standing.set(element, value);
    this.#latest = element;
    if (this.#standing.size === 1) this.#heap = [element];
    else this.#push(element);
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    if (!this.#standing.delete(element)) return false;
    if (this.#standing.size === 0) this.#heap = [];
    else if (this.#heap.length > 2 * this.#standing.size + 16) this.#heap = this.standing();
    while (this.#heap.length > 0 && !this.#standing.has(this.#heap[0]!)) this.#pop();
    return true;
  }

  #push(element: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(element);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#compare(heap[parent]!, element) >= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = element;
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
