/**
 * A table from ids (32 bytes, or another multiple of four) to small integers, in the order of their insertion.
 *
 * Open addressing over flat arrays. Authors can grind ids until many fall into one bucket, so the hash mixes in a
 * secret drawn once per process, and a run of collisions cannot be planned.
 */
import { ID_BYTES } from "../change/index.ts";
import { randomBytes } from "../crypto/index.ts";
import { copyPart } from "../encoding/bytes.ts";
import type { ByteWriter } from "../encoding/index.ts";

/** Bytes of the longest ids. */
const MAX_BYTES = 40;

const secret = new Uint32Array(randomBytes(MAX_BYTES).slice().buffer);

/** Ids for which there is room at first. */
const FEW = 8;

/** Interns ids: the first gets 0, the next 1, and so on. */
export class IdTable {
  length = 0;
  readonly #width: number;
  #ids: Uint8Array;
  /**
   * At each slot row + 1 (0 is free) and the hash of the id there: what is in the way of another id is seen to be that without
   * a look at the id itself, which in a long history is far away in memory.
   */
  #slots = new Int32Array(2 * 2 * FEW);
  /** The first so many ids have their slots. Others get theirs when somebody searches: who only types never does. */
  #placed = 0;

  /** For ids of so many bytes, at most 40. */
  constructor(width: number = ID_BYTES) {
    this.#width = width;
    this.#ids = new Uint8Array(FEW * width);
  }

  /** The row of an id, or -1. */
  find(id: Uint8Array): number {
    if (this.#placed < this.length) this.#placeAll();
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = hashOf(id, 0, this.#width);
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const row = slots[at]! - 1;
      if (row < 0) return -1;
      if (slots[at + 1] === hash && this.isAt(row, id)) return row;
    }
  }

  /** Adds an id that is not in the table; returns its row. */
  add(id: Uint8Array): number {
    const row = this.length++;
    const start = row * this.#width;
    if (start === this.#ids.length) this.#grow();
    this.#ids.set(id, start);
    return row;
  }

  /** The id of a row: a view into the table, to be copied before it is given away. */
  at(row: number): Uint8Array {
    return this.#ids.subarray(row * this.#width, (row + 1) * this.#width);
  }

  /** A copy of the id of a row. */
  copyOf(row: number): Uint8Array {
    return this.#ids.slice(row * this.#width, (row + 1) * this.#width);
  }

  /** Copies the id of a row. */
  copy(row: number, target: Uint8Array): void {
    copyPart(target, 0, this.#ids, row * this.#width, (row + 1) * this.#width);
  }

  /** Writes the id of a row. */
  writeTo(writer: ByteWriter, row: number): void {
    writer.part(this.#ids, row * this.#width, (row + 1) * this.#width);
  }

  /** How many slots away from where its hash leads the farthest id is: what the slowest search takes. */
  get longestWay(): number {
    this.#placeAll();
    const slots = this.#slots;
    let longest = 0;
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at] === 0) continue;
      longest = Math.max(longest, ((at - (slots[at + 1]! << 1)) & (slots.length - 1)) >> 1);
    }
    return longest;
  }

  /** Compares the ids of two rows as bytes. */
  compare(a: number, b: number): number {
    const ids = this.#ids;
    let i = a * this.#width;
    let j = b * this.#width;
    for (const end = i + this.#width; i < end; i++, j++) {
      const difference = ids[i]! - ids[j]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Whether a row has this id. */
  isAt(row: number, id: Uint8Array): boolean {
    const start = row * this.#width;
    for (let i = 0; i < this.#width; i++) {
      if (this.#ids[start + i] !== id[i]) return false;
    }
    return true;
  }

  #grow(): void {
    const ids = new Uint8Array(2 * this.#ids.length);
    ids.set(this.#ids);
    this.#ids = ids;
  }

  /** Gives all ids their slots, of which at most half are taken. */
  #placeAll(): void {
    const { length } = this;
    if (4 * length > this.#slots.length) {
      const old = this.#slots;
      let room = old.length;
      while (4 * length > room) room *= 2;
      this.#slots = new Int32Array(room);
      for (let at = 0; at < old.length; at += 2) {
        if (old[at] !== 0) place(this.#slots, old[at]!, old[at + 1]!);
      }
    }
    for (let row = this.#placed; row < length; row++) {
      place(this.#slots, row + 1, hashOf(this.#ids, row * this.#width, this.#width));
    }
    this.#placed = length;
  }
}

/** Puts row + 1 into the first free slot that the hash of its id leads to. */
function place(slots: Int32Array, entry: number, hash: number): void {
  const mask = slots.length - 1;
  let at = (hash << 1) & mask;
  while (slots[at] !== 0) at = (at + 2) & mask;
  slots[at] = entry;
  slots[at + 1] = hash;
}

/** Multiplies and folds so many bytes with the secret (keyed, so that collisions cannot be ground offline). */
function hashOf(bytes: Uint8Array, start: number, width: number): number {
  let h = secret[0]!;
  for (let i = 0; i < width; i += 4) {
    const at = start + i;
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    h = Math.imul(h ^ word ^ secret[i >> 2]!, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h;
}
