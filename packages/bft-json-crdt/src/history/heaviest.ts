/** Who has most bytes of very many, told in O(1) and kept in O(log n): a binary heap whose items know their places. */

/** Something that has bytes; `place` belongs to the heap that it is in, -1 when it is in none. */
export interface Weighed {
  readonly bytes: number;
  place: number;
}

/** Things by what they weigh. */
export class Heaviest<T extends Weighed> {
  readonly #heap: T[] = [];

  /** The heaviest, or null when there is none. */
  get first(): T | null {
    return this.#heap[0] ?? null;
  }

  /** Takes in an item, or puts one in its place whose bytes have changed; one that has none left is taken out. */
  update(item: T): void {
    const heap = this.#heap;
    if (item.place < 0) {
      if (item.bytes === 0) return;
      item.place = heap.length;
      heap.push(item);
      this.#rise(item);
    } else if (item.bytes > 0) {
      this.#rise(item);
      this.#sink(item);
    } else {
      const last = heap.pop()!;
      if (last !== item) {
        this.#put(last, item.place);
        this.#rise(last);
        this.#sink(last);
      }
      item.place = -1;
    }
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }

  #rise(item: T): void {
    let at = item.place;
    while (at > 0) {
      const parent = this.#heap[(at - 1) >>> 1]!;
      if (parent.bytes >= item.bytes) break;
      const place = parent.place;
      this.#put(parent, at);
      at = place;
    }
    this.#put(item, at);
  }

  #sink(item: T): void {
    const heap = this.#heap;
    let at = item.place;
    for (;;) {
      let child = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (child === undefined) break;
      if (right !== undefined && right.bytes > child.bytes) child = right;
      if (item.bytes >= child.bytes) break;
      const place = child.place;
      this.#put(child, at);
      at = place;
    }
    this.#put(item, at);
  }
}
