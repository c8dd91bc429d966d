/**
 * The merge logic of a register: the assignments that nobody has replaced.
 *
 * An assignment names the assignments that it replaces, so what stands is a plain set difference, whatever the order of
 * arrival, and no question about ancestry is asked. The greatest key among those that stand is shown; the others stay
 * readable as conflicts. A few are kept in order; of many a heap keeps every operation at O(log n) in what stands, however many
 * concurrent assignments a liar makes.
 */
import { LateHeap } from "../history/late-heap.ts";
import type { CompareElements } from "./order.ts";

/** Assignments that are kept in order; a heap gives way to that again at half of it. */
const MOST_IN_ORDER = 16;

/** Elements and their values by turns, by descending key. One array: in a map of many keys, each piece of memory costs. */
type InOrder<T> = (number | T)[];

/** The assignments of one register that stand; elements are named by their local numbers. */
export class Assignments<T> {
  readonly #compare: CompareElements;
  /** The only one that stands, when there is no more than one (-1 for none): most registers have one assignment. */
  #only = -1;
  #value: T | undefined;
  /** All that stand, when there are a few. */
  #few: InOrder<T> | null = null;
  /** All that stand when there are more. */
  #many: Many<T> | null = null;
  #latest = -1;

  constructor(compare: CompareElements) {
    this.#compare = compare;
  }

  /** How many assignments stand. */
  get size(): number {
    if (this.#few !== null) return this.#few.length / 2;
    return this.#many?.size ?? (this.#only < 0 ? 0 : 1);
  }

  /** The element of the assignment that is shown, or -1. */
  get winner(): number {
    if (this.#few !== null) return this.#few[0] as number;
    return this.#many?.first ?? this.#only;
  }

  /** The element of the assignment that was added last, if it is not below `least` and still stands; else -1. */
  latestFrom(least: number): number {
    return this.#latest >= least && this.has(this.#latest) ? this.#latest : -1;
  }

  has(element: number): boolean {
    if (this.#few !== null) return placeOf(this.#few, element) >= 0;
    return this.#many?.has(element) ?? (element >= 0 && element === this.#only);
  }

  valueOf(element: number): T | undefined {
    if (this.#few !== null) {
      const place = placeOf(this.#few, element);
      return place < 0 ? undefined : (this.#few[place + 1] as T);
    }
    if (this.#many !== null) return this.#many.valueOf(element);
    return this.has(element) ? this.#value : undefined;
  }

  /** The elements of all standing assignments, the shown one first, by descending key. */
  standing(): number[] {
    if (this.#few !== null) return elementsOf(this.#few);
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
    const few = this.#few;
    if (few !== null) {
      if (few.length < 2 * MOST_IN_ORDER) {
        few.push(element, value);
        this.#settle(few, few.length - 2, element, value);
      } else {
        this.#toMany(few).add(element, value);
      }
    } else if (this.#many !== null) {
      this.#many.add(element, value);
    } else if (this.#only < 0 || this.#only === element) {
      this.#only = element;
      this.#value = value;
    } else {
      this.#few = [this.#only, this.#value!, element, value];
      this.#only = -1;
      this.#value = undefined;
      this.#settle(this.#few, 2, element, value);
    }
  }

  /** Adds an assignment in the place of another, if that stands: what remove and add do, in one step. */
  replace(old: number, element: number, value: T): void {
    const few = this.#few;
    const place = few === null ? -1 : placeOf(few, old);
    if (few === null || place < 0) {
      this.remove(old);
      this.add(element, value);
    } else {
      this.#latest = element;
      this.#settle(few, place, element, value);
    }
  }

  /** Gives a standing assignment another value. */
  setValue(element: number, value: T): void {
    if (this.#few !== null) this.#few[placeOf(this.#few, element) + 1] = value;
    else if (this.#many !== null) this.#many.setValue(element, value);
    else this.#value = value;
  }

  /** Removes an assignment that was replaced; false when it does not stand. */
  remove(element: number): boolean {
    if (this.#few !== null) return this.#removeFrom(this.#few, element);
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

  /** Puts an assignment where it belongs in the order; what is at `place` is given up for it. */
  #settle(few: InOrder<T>, place: number, element: number, value: T): void {
    let at = place;
    // What is new is mostly the greatest.
    for (; at > 0 && this.#compare(few[at - 2] as number, element) <= 0; at -= 2) {
      few[at] = few[at - 2]!;
      few[at + 1] = few[at - 1]!;
    }
    if (at === place) {
      const last = few.length - 2;
      for (; at < last && this.#compare(few[at + 2] as number, element) > 0; at += 2) {
        few[at] = few[at + 2]!;
        few[at + 1] = few[at + 3]!;
      }
    }
    few[at] = element;
    few[at + 1] = value;
  }

  #removeFrom(few: InOrder<T>, element: number): boolean {
    const place = placeOf(few, element);
    if (place < 0) return false;
    for (let at = place + 2; at < few.length; at++) few[at - 2] = few[at]!;
    few.length -= 2;
    if (few.length > 2) return true;
    this.#only = few[0] as number;
    this.#value = few[1] as T;
    this.#few = null;
    return true;
  }

  #toMany(few: InOrder<T>): Many<T> {
    const many = new Many<T>(this.#compare);
    for (let at = 0; at < few.length; at += 2) many.add(few[at] as number, few[at + 1] as T);
    this.#few = null;
    this.#many = many;
    return many;
  }

  #toFew(many: Many<T>): void {
    this.#few = many.all().flatMap((element) => [element, many.valueOf(element)!]);
    this.#many = null;
  }
}

/** Where an element is, or -1. For a few a loop is faster than indexOf. */
function placeOf(few: readonly unknown[], element: number): number {
  for (let at = 0; at < few.length; at += 2) if (few[at] === element) return at;
  return -1;
}

function elementsOf(few: readonly unknown[]): number[] {
  return few.filter((_, at) => at % 2 === 0) as number[];
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
