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
  /** The only one that stands, when there is no more than one (-1 for none): most registers have one assignment. */
  #only = -1;
  #value: T | undefined;
  /** All that stand, by descending key, and their values, when there are a few. Arrays of this very object: a map of many
   * keys is found in memory piece by piece, and each piece costs. */
  #elements: number[] | null = null;
  #values: T[] | null = null;
  /** All that stand when there are more. */
  #many: Many<T> | null = null;
  #latest = -1;

  constructor(compare: CompareElements) {
    this.#compare = compare;
  }

  /** How many assignments stand. */
  get size(): number {
    if (this.#elements !== null) return this.#elements.length;
    return this.#many?.size ?? (this.#only < 0 ? 0 : 1);
  }

  /** The element of the assignment that is shown, or -1. */
  get winner(): number {
    if (this.#elements !== null) return this.#elements[0]!;
    return this.#many?.first ?? this.#only;
  }

  /** The element of the assignment that was added last, if it is not below `least` and still stands; else -1. */
  latestFrom(least: number): number {
    return this.#latest >= least && this.has(this.#latest) ? this.#latest : -1;
  }

  has(element: number): boolean {
    if (this.#elements !== null) return placeOf(this.#elements, element) >= 0;
    return this.#many?.has(element) ?? (element >= 0 && element === this.#only);
  }

  valueOf(element: number): T | undefined {
    if (this.#elements !== null) {
      const place = placeOf(this.#elements, element);
      return place < 0 ? undefined : this.#values![place];
    }
    if (this.#many !== null) return this.#many.valueOf(element);
    return this.has(element) ? this.#value : undefined;
  }

  /** The elements of all standing assignments, the shown one first, by descending key. */
  standing(): number[] {
    if (this.#elements !== null) return this.#elements.slice();
    if (this.#many !== null) return this.#many.all();
    return this.#only < 0 ? [] : [this.#only];
  }

  /** The same of the first `count` of them only: O(count · log n). */
  greatest(count: number): number[] {
    return this.#many?.greatest(count) ?? this.standing().slice(0, count);
  }

  /** Adds an assignment. */
  add(element: number, value: T): void {
    this.#latest = element;
    if (this.#elements !== null) {
      if (this.#elements.length < MOST_IN_ORDER) this.#insert(this.#elements, element, value);
      else this.#toMany().add(element, value);
    } else if (this.#many !== null) {
      this.#many.add(element, value);
    } else if (this.#only < 0 || this.#only === element) {
      this.#only = element;
      this.#value = value;
    } else {
      this.#elements = [this.#only];
      this.#values = [this.#value!];
      this.#only = -1;
      this.#value = undefined;
      this.#insert(this.#elements, element, value);
    }
  }

  /** Gives a standing assignment another value. */
  setValue(element: number, value: T): void {
    if (this.#elements !== null) this.#values![placeOf(this.#elements, element)] = value;
    else if (this.#many !== null) this.#many.setValue(element, value);
    else this.#value = value;
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    if (this.#elements !== null) return this.#removeFrom(this.#elements, element);
    if (this.#many !== null) {
      if (!this.#many.remove(element)) return false;
      if (this.#many.size <= MOST_IN_ORDER / 2) this.#toFew(this.#many);
      return true;
    }
    if (!this.has(element)) return false;
    this.#only = -1;
    this.#value = undefined;
    return true;
  }

  #insert(elements: number[], element: number, value: T): void {
    const values = this.#values!;
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

  #removeFrom(elements: number[], element: number): boolean {
    const values = this.#values!;
    const place = placeOf(elements, element);
    if (place < 0) return false;
    for (let at = place + 1; at < elements.length; at++) {
      elements[at - 1] = elements[at]!;
      values[at - 1] = values[at]!;
    }
    elements.pop();
    values.pop();
    if (elements.length > 1) return true;
    this.#only = elements[0]!;
    this.#value = values[0]!;
    this.#elements = null;
    this.#values = null;
    return true;
  }

  #toMany(): Many<T> {
    const many = new Many<T>(this.#compare);
    this.#elements!.forEach((element, at) => many.add(element, this.#values![at]!));
    this.#elements = null;
    this.#values = null;
    this.#many = many;
    return many;
  }

  #toFew(many: Many<T>): void {
    this.#elements = many.all();
    this.#values = this.#elements.map((element) => many.valueOf(element)!);
    this.#many = null;
  }
}

/** For a few a loop is faster than indexOf. */
function placeOf(elements: readonly number[], element: number): number {
  for (let at = 0; at < elements.length; at++) if (elements[at] === element) return at;
  return -1;
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

  setValue(element: number, value: T): void {
    this.#values.set(element, value);
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
