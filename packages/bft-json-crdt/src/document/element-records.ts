/**
 * Which container each element belongs to: runs of consecutive element numbers with their owner, in ascending order.
 * Elements of inert ops have no record. Appending is O(1), looking up O(log n).
 */
import { IntColumn } from "../history/columns.ts";
import type { ElementOwner } from "./containers.ts";

/** The owners of all elements of a document. */
export class ElementRecords {
  /** Found by the last `find`: the run [start, end) and its owner. */
  start = -1;
  end = -1;
  owner: ElementOwner | null = null;

  readonly #starts = new IntColumn();
  readonly #ends = new IntColumn();
  readonly #owners: ElementOwner[] = [];

  /** Records elements greater than all before. */
  append(start: number, count: number, owner: ElementOwner): void {
    const last = this.#starts.length - 1;
    if (last >= 0 && this.#ends.at(last) === start && this.#owners[last] === owner) {
      this.#ends.set(last, start + count);
      return;
    }
    this.#starts.push(start);
    this.#ends.push(start + count);
    this.#owners.push(owner);
  }

  /** Finds the run that holds an element, or else the next run after it; false when there is neither. */
  find(element: number): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends.at(middle) > element) high = middle;
      else low = middle + 1;
    }
    if (low === this.#starts.length) return false;
    this.start = this.#starts.at(low);
    this.end = this.#ends.at(low);
    this.owner = this.#owners[low]!;
    return true;
  }

  /** The owner of an element, or null when its op was inert. */
  ownerOf(element: number): ElementOwner | null {
    return this.find(element) && this.start <= element ? this.owner : null;
  }
}
