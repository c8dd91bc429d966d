/**
 * A table from 32-byte ids to small integers, in the order of their insertion.
 *
 * Open addressing over flat arrays. Authors can grind ids until many fall into one bucket, so the hash mixes in a
 * secret drawn once per process, and a run of collisions cannot be planned.
 */
import { ID_BYTES } from "../change/index.ts";
import { randomBytes } from "../crypto/index.ts";

const secret = new Uint32Array(randomBytes(32).slice().buffer);

/** Ids for which there is room at first. */
const FEW = 8;

/** Interns ids: the first gets 0, the next 1, and so on. */
export class IdTable {
  length = 0;
  #ids = new Uint8Array(FEW * ID_BYTES);
  /** Row + 1 at each slot; 0 is free. */
  #slots = new Int32Array(2 * FEW);

  /** The row of an id, or -1. */
  find(id: Uint8Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(id, 0) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0) return -1;
      if (this.#matches(row, id)) return row;
    }
  }

  /** Adds an id; returns its row, or -1 if it was in the table already. */
  addNew(id: Uint8Array): number {
    if ((this.length + 1) * 2 > this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let slot = hash(id, 0) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#matches(this.#slots[slot]! - 1, id)) return -1;
    }
    const row = this.length++;
    this.#ids.set(id, row * ID_BYTES);
    this.#slots[slot] = row + 1;
    return row;
  }

  /** Adds an id that is not in the table; returns its row. */
  add(id: Uint8Array): number {
    if ((this.length + 1) * 2 > this.#slots.length) this.#grow();
    const row = this.length++;
    this.#ids.set(id, row * ID_BYTES);
    this.#place(row);
    return row;
  }

  /** The id of a row: a view into the table, to be copied before it is given away. */
  at(row: number): Uint8Array {
    return this.#ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES);
  }

  /** Compares the ids of two rows as bytes. */
  compare(a: number, b: number): number {
    const ids = this.#ids;
    let i = a * ID_BYTES;
    let j = b * ID_BYTES;
    for (const end = i + ID_BYTES; i < end; i++, j++) {
      const difference = ids[i]! - ids[j]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #matches(row: number, id: Uint8Array): boolean {
    const start = row * ID_BYTES;
    for (let i = 0; i < ID_BYTES; i++) {
      if (this.#ids[start + i] !== id[i]) return false;
    }
    return true;
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#ids, row * ID_BYTES) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    if (this.#ids.length < (this.#slots.length / 2) * ID_BYTES) {
      const ids = new Uint8Array((this.#slots.length / 2) * ID_BYTES);
      ids.set(this.#ids);
      this.#ids = ids;
    }
    for (let row = 0; row < this.length; row++) this.#place(row);
  }
}

/** Multiplies and folds all 32 bytes with the secret (keyed, so that collisions cannot be ground offline). */
function hash(bytes: Uint8Array, start: number): number {
  let h = secret[0]!;
  for (let i = 0; i < 8; i++) {
    const at = start + i * 4;
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    h = Math.imul(h ^ word ^ secret[i]!, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}
