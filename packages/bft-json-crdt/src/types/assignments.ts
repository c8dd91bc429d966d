/**
 * The merge logic of a register: the assignments that nobody has replaced.
 *
 * An assignment names the assignments that it replaces, so what stands is a plain set difference, whatever the order of
 * arrival, and no question about ancestry is asked. The greatest key among those that stand is shown; the others stay
 * readable as conflicts. A heap keeps every operation at O(log n) in what stands, however many concurrent assignments a
 * liar makes.
 */
import { LateHeap } from "../history/late-heap.ts";

/** Compares the keys (lamport, change id, index) of two elements. */
export type CompareElements = (a: number, b: number) => number;

/** The assignments of one register that stand; elements are named by their local numbers. */
export class Assignments<T> {
  readonly #compare: CompareElements;
  readonly #standing = new Map<number, T>();
  /** Only once there are two: most registers have one assignment. */
  #ordered: LateHeap | null = null;
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
    if (this.#ordered !== null) return this.#ordered.first;
    for (const element of this.#standing.keys()) return element;
    return -1;
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

  /** The same of the first `count` of them only: O(count · log n). */
  greatest(count: number): number[] {
    return this.#ordered?.greatest(count) ?? [...this.#standing.keys()].slice(0, count);
  }

  /** Adds an assignment. */
  add(element: number, value: T): void {
    if (this.#standing.size === 1 && this.#ordered === null) {
      this.#ordered = new LateHeap(this.#compare, (one) => this.#standing.has(one));
      for (const only of this.#standing.keys()) this.#ordered.add(only);
    }
    this.#standing.set(element, value);
    this.#ordered?.add(element);
    this.#latest = element;
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    if (!this.#standing.delete(element)) return false;
    if (this.#standing.size === 0) this.#ordered = null;
    else this.#ordered?.shrunk(this.#standing.size);
    return true;
  }
}
