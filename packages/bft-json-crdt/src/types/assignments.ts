/**
 * The merge logic of a register: the assignments that nobody has replaced.
 *
 * An assignment names the assignments that it replaces, so what stands is a plain set difference, whatever the order of
 * arrival, and no question about ancestry is asked. The greatest key among those that stand is shown; the others stay
 * readable as conflicts. A few are kept in order; of many a heap keeps every operation at O(log n) in what stands, however many
 * concurrent assignments a liar makes.
 */
import { LateHeap } from "../history/late-heap.ts";

/** Compares the keys (lamport, change id, index) of two elements. */
export type CompareElements = (a: number, b: number) => number;

/** Assignments that are kept in order; a heap gives way to that again at half of it. */
const MOST_IN_ORDER = 16;

/** The assignments of one register that stand; elements are named by their local numbers. */
export class Assignments<T> {
  readonly #compare: CompareElements;
  /** The only one that stands, when there is no more than one; -1 for none. */
  #only = -1;
  #value: T | undefined;
  /** All that stand, once there are two of them: most registers have one assignment. */
  #standing: Few<T> | Many<T> | null = null;
  #latest = -1;

  constructor(compare: CompareElements) {
    this.#compare = compare;
  }

  /** How many assignments stand. */
  get size(): number {
    return this.#standing?.size ?? (this.#only < 0 ? 0 : 1);
  }

  /** The element of the assignment that is shown, or -1. */
  get winner(): number {
    return this.#standing?.first ?? this.#only;
  }

  /** The element of the assignment that was added last, if it is not below `least` and still stands; else -1. */
  latestFrom(least: number): number {
    return this.#latest >= least && this.has(this.#latest) ? this.#latest : -1;
  }

  has(element: number): boolean {
    return this.#standing?.has(element) ?? (element >= 0 && element === this.#only);
  }

  valueOf(element: number): T | undefined {
    if (this.#standing !== null) return this.#standing.valueOf(element);
    return this.has(element) ? this.#value : undefined;
  }

  /** The elements of all standing assignments, the shown one first, by descending key. */
  standing(): number[] {
    if (this.#standing !== null) return this.#standing.all();
    return this.#only < 0 ? [] : [this.#only];
  }

  /** The same of the first `count` of them only: O(count · log n). */
  greatest(count: number): number[] {
    return this.#standing?.greatest(count) ?? this.standing().slice(0, count);
  }

  /** Adds an assignment. */
  add(element: number, value: T): void {
    this.#latest = element;
    if (this.#standing === null) {
      if (this.#only < 0 || this.#only === element) {
        this.#only = element;
        this.#value = value;
        return;
      }
      this.#standing = new Few(this.#compare, this.#only, this.#value!);
      this.#only = -1;
      this.#value = undefined;
    } else if (this.#standing instanceof Few && this.#standing.size === MOST_IN_ORDER) {
      const many = new Many<T>(this.#compare);
      this.#standing.giveTo(many);
      this.#standing = many;
    }
    this.#standing.add(element, value);
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    const standing = this.#standing;
    if (standing === null) {
      if (!this.has(element)) return false;
      this.#only = -1;
      this.#value = undefined;
      return true;
    }
    if (!standing.remove(element)) return false;
    if (standing.size === 1) {
      this.#only = standing.first;
      this.#value = standing.valueOf(this.#only);
      this.#standing = null;
    } else if (standing instanceof Many && standing.size <= MOST_IN_ORDER / 2) {
      const [first, ...others] = standing.all();
      const few = new Few(this.#compare, first!, standing.valueOf(first!)!);
      for (const other of others) few.add(other, standing.valueOf(other)!);
      this.#standing = few;
    }
    return true;
  }
}

/** A few assignments that stand, by descending key. */
class Few<T> {
  readonly #compare: CompareElements;
  readonly #elements: number[];
  readonly #values: T[];

  constructor(compare: CompareElements, element: number, value: T) {
    this.#compare = compare;
    this.#elements = [element];
    this.#values = [value];
  }

  get size(): number {
    return this.#elements.length;
  }

  get first(): number {
    return this.#elements[0]!;
  }

  has(element: number): boolean {
    return this.#placeOf(element) >= 0;
  }

  valueOf(element: number): T | undefined {
    const at = this.#placeOf(element);
    return at < 0 ? undefined : this.#values[at];
  }

  all(): number[] {
    return this.#elements.slice();
  }

  greatest(count: number): number[] {
    return this.#elements.slice(0, count);
  }

  add(element: number, value: T): void {
    const elements = this.#elements;
    const values = this.#values;
    let place = 0;
    while (place < elements.length && this.#compare(elements[place]!, element) > 0) place++;
    elements.push(element);
    values.push(value);
    for (let at = elements.length - 1; at > place; at--) {
      elements[at] = elements[at - 1]!;
      values[at] = values[at - 1]!;
    }
    elements[place] = element;
    values[place] = value;
  }

  remove(element: number): boolean {
    const elements = this.#elements;
    const values = this.#values;
    const at = this.#placeOf(element);
    if (at < 0) return false;
    for (let next = at + 1; next < elements.length; next++) {
      elements[next - 1] = elements[next]!;
      values[next - 1] = values[next]!;
    }
    elements.pop();
    values.pop();
    return true;
  }

  giveTo(many: Many<T>): void {
    for (let at = 0; at < this.#elements.length; at++)
      many.add(this.#elements[at]!, this.#values[at]!);
  }

  /** For so few a loop is faster than indexOf. */
  #placeOf(element: number): number {
    const elements = this.#elements;
    for (let at = 0; at < elements.length; at++) if (elements[at] === element) return at;
    return -1;
  }
}

/** Many assignments that stand. */
class Many<T> {
  readonly #compare: CompareElements;
  readonly #values = new Map<number, T>();
  readonly #ordered: LateHeap;

  constructor(compare: CompareElements) {
    this.#compare = compare;
    this.#ordered = new LateHeap(compare, (element) => this.#values.has(element));
  }

  get size(): number {
    return this.#values.size;
  }

  get first(): number {
    return this.#ordered.first;
  }

  has(element: number): boolean {
    return this.#values.has(element);
  }

  valueOf(element: number): T | undefined {
    return this.#values.get(element);
  }

  all(): number[] {
    return [...this.#values.keys()].sort((a, b) => this.#compare(b, a));
  }

  greatest(count: number): number[] {
    return this.#ordered.greatest(count);
  }

  add(element: number, value: T): void {
    this.#values.set(element, value);
    this.#ordered.add(element);
  }

  remove(element: number): boolean {
    if (!this.#values.delete(element)) return false;
    this.#ordered.shrunk(this.#values.size);
    return true;
  }
}
