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
  /** The only one that stands, when there is no more than one; -1 for none. */
  #only = -1;
  #value: T | undefined;
  /** All that stand, once there are two of them: most registers have one assignment. */
  #many: Standing<T> | null = null;
  #latest = -1;

  constructor(compare: CompareElements) {
    this.#compare = compare;
  }

  /** How many assignments stand. */
  get size(): number {
    return this.#many?.values.size ?? (this.#only < 0 ? 0 : 1);
  }

  /** The element of the assignment that is shown, or -1. */
  get winner(): number {
    return this.#many?.ordered.first ?? this.#only;
  }

  /** The element of the assignment that was added last, -1 when it does not stand any more. */
  get latest(): number {
    return this.has(this.#latest) ? this.#latest : -1;
  }

  has(element: number): boolean {
    return this.#many?.values.has(element) ?? (element >= 0 && element === this.#only);
  }

  valueOf(element: number): T | undefined {
    if (this.#many !== null) return this.#many.values.get(element);
    return this.has(element) ? this.#value : undefined;
  }

  /** The elements of all standing assignments, the shown one first, by descending key. */
  standing(): number[] {
    return this.#all().sort((a, b) => this.#compare(b, a));
  }

  /** The same of the first `count` of them only: O(count · log n). */
  greatest(count: number): number[] {
    return this.#many?.ordered.greatest(count) ?? this.#all().slice(0, count);
  }

  /** Adds an assignment. */
  add(element: number, value: T): void {
    this.#latest = element;
    if (this.#many === null && (this.#only < 0 || this.#only === element)) {
      this.#only = element;
      this.#value = value;
      return;
    }
    if (this.#many === null) {
      this.#many = new Standing(this.#compare);
      this.#many.add(this.#only, this.#value!);
      this.#only = -1;
      this.#value = undefined;
    }
    this.#many.add(element, value);
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    const many = this.#many;
    if (many === null) {
      if (!this.has(element)) return false;
      this.#only = -1;
      this.#value = undefined;
      return true;
    }
    if (!many.values.delete(element)) return false;
    many.ordered.shrunk(many.values.size);
    if (many.values.size > 0) return true;
    this.#many = null;
    return true;
  }

  #all(): number[] {
    if (this.#many !== null) return [...this.#many.values.keys()];
    return this.#only < 0 ? [] : [this.#only];
  }
}

/** Several assignments that stand. */
class Standing<T> {
  readonly values = new Map<number, T>();
  readonly ordered: LateHeap;

  constructor(compare: CompareElements) {
    this.ordered = new LateHeap(compare, (element) => this.values.has(element));
  }

  add(element: number, value: T): void {
    this.values.set(element, value);
    this.ordered.add(element);
  }
}
