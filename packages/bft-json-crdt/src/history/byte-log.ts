/**
 * Byte strings one after another in large blocks: a history holds hundreds of thousands of small ones, and an array of
 * their own for each would take the collector's time and twice the memory.
 */
import { copyPart } from "../encoding/bytes.ts";
import type { ByteWriter } from "../encoding/index.ts";
import { IntColumn } from "./columns.ts";

/** Bytes of the first block, and of the largest: each is twice the one before, so that small histories stay small. */
const FIRST_BLOCK_BYTES = 4_096;
const MAX_BLOCK_BYTES = 1_048_576;

/** A growable column of byte strings, each below 2 GiB. */
export class ByteLog {
  length = 0;
  readonly #blocks: Uint8Array[] = [];
  /** Bytes used of the last block. */
  #used = 0;
  readonly #blockOf = new IntColumn();
  readonly #starts = new IntColumn();
  readonly #sizes = new IntColumn();

  /** Adds a copy of some bytes, from an offset on. */
  push(bytes: Uint8Array, from = 0): void {
    const size = bytes.length - from;
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || this.#used + size > block.length) block = this.#addBlock(size);
    copyPart(block, this.#used, bytes, from, bytes.length);
    this.#blockOf.push(this.#blocks.length - 1);
    this.#starts.push(this.#used);
    this.#sizes.push(size);
    this.#used += size;
    this.length++;
  }

  /** The bytes of a row: a view, not to be written to. */
  at(row: number): Uint8Array {
    const start = this.#starts.at(row);
    return this.#blocks[this.#blockOf.at(row)]!.subarray(start, start + this.#sizes.at(row));
  }

  /** Writes the bytes of a row. */
  writeTo(writer: ByteWriter, row: number): void {
    const start = this.#starts.at(row);
    writer.part(this.#blocks[this.#blockOf.at(row)]!, start, start + this.#sizes.at(row));
  }

  /** How many bytes a row has. */
  sizeAt(row: number): number {
    return this.#sizes.at(row);
  }

  #addBlock(least: number): Uint8Array {
    const doubled = Math.min(
      MAX_BLOCK_BYTES,
      FIRST_BLOCK_BYTES << Math.min(this.#blocks.length, 8),
    );
    const block = new Uint8Array(Math.max(least, doubled));
    this.#blocks.push(block);
    this.#used = 0;
    return block;
  }
}
