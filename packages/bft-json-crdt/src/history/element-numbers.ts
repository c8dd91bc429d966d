/**
 * The numbers of elements: those of all changes in local order, one after another, so that a change's are consecutive.
 *
 * Which change made an element is asked at each comparison of two elements. A mark for every 64 elements leaves a few
 * changes to search; an element takes at least one byte of a body, so nobody gets marks for nothing.
 */
import { FloatColumn, IntColumn } from "./columns.ts";

/** Elements for each mark. */
const STRIDE = 64;

/** Which elements the changes of one history made. */
export class ElementNumbers {
  /** How many elements are numbered. */
  count = 0;
  /** First element of each change. */
  readonly #bases = new FloatColumn();
  /** For each STRIDE elements, the change that made the first of them. */
  readonly #marks = new IntColumn();

  /** Numbers the elements of the next change. */
  append(elements: number): void {
    const change = this.#bases.length;
    this.#bases.push(this.count);
    this.count += elements;
    while (this.#marks.length * STRIDE < this.count) this.#marks.push(change);
  }

  /** The number of a change's first element. */
  baseOf(change: number): number {
    return this.#bases.at(change);
  }

  /** How many elements of a change are numbered. */
  countOf(change: number): number {
    const next = change + 1;
    return (next < this.#bases.length ? this.#bases.at(next) : this.count) - this.#bases.at(change);
  }

  /** The change that made an element, by the element's number, which is less than `count`; O(log STRIDE) at most. */
  changeOf(element: number): number {
    const bases = this.#bases;
    const marks = this.#marks;
    const mark = Math.floor(element / STRIDE);
    let low = marks.at(mark);
    let high = mark + 1 < marks.length ? marks.at(mark + 1) : bases.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (bases.at(middle) <= element) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
