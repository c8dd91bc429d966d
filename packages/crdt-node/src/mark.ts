/**
 * The high-water mark beside a store: how many records the log of each document held, and the last own change in it.
 *
 * LevelDB drops a torn or damaged end of its newest file without a word, as if the last changes had never been made. An
 * author who then goes on would sign other changes with numbers that are used. The mark tells: it is written after an
 * append is durable and before anything of it leaves the process. It is not synced: it outlives the process however
 * that ends, and after a power cut it may be behind the log, never ahead of it.
 *
 * One file for all documents of a store, rewritten in place: a slot of 128 bytes for each, all integers big-endian:
 * document (32) ‖ id (32) ‖ chain (8) ‖ seq (8) ‖ records (8) ‖ zeros (24) ‖ the first 16 bytes of the SHA-256 of these.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { equalBytes, sha256 } from "bft-json-crdt";

/** A change signed with this node's key. */
export interface OwnChange {
  readonly id: Uint8Array;
  readonly chain: bigint;
  readonly seq: number;
}

/** What the log of one document has held. */
export interface Mark {
  readonly records: number;
  /** The last change made here; null before the first. */
  readonly own: OwnChange | null;
}

const SLOT_BYTES = 128;
const SUMMED_BYTES = SLOT_BYTES - 16;
const CHAIN_AT = 64;
const SEQ_AT = 72;
const RECORDS_AT = 80;

/** The open mark file of a store, for one document. */
export class MarkFile {
  /** False when a slot is damaged. */
  readonly intact: boolean;
  /** The file's inode: it stays the same for as long as the file is only written by this class. */
  readonly inode: string;
  readonly #file: number;
  readonly #document: Uint8Array;
  #slots: Buffer[];
  #mark: Mark | null = null;

  /** Opens the file, or makes an empty one; throws what the file system throws. */
  constructor(path: string, document: Uint8Array) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { ino, size } = fstatSync(this.#file, { bigint: true });
    this.inode = ino.toString();
    this.#document = document;
    const bytes = Buffer.alloc(Number(size));
    const length = readSync(this.#file, bytes, 0, bytes.length, 0);
    const all = Array.from({ length: Math.floor(length / SLOT_BYTES) }, (_, i) =>
      bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES),
    );
    this.#slots = all.filter(isIntact);
    this.intact = this.#slots.length * SLOT_BYTES === bytes.length;
    const own = this.#slots[this.#position()];
    if (own !== undefined) this.#mark = readSlot(own);
  }

  /** What was written last; null when nothing was, or when it is damaged. */
  get mark(): Mark | null {
    return this.#mark;
  }

  /** Forgets all documents: the store is a new one. */
  clear(): void {
    ftruncateSync(this.#file, 0);
    this.#slots = [];
    this.#mark = null;
  }

  /** Leaves out what is damaged. */
  mend(): void {
    ftruncateSync(this.#file, 0);
    this.#slots.forEach((slot, i) => {
      writeSync(this.#file, slot, 0, SLOT_BYTES, i * SLOT_BYTES);
    });
  }

  /** One write in place. */
  write(mark: Mark): void {
    const slot = Buffer.alloc(SLOT_BYTES);
    slot.set(this.#document);
    if (mark.own !== null) {
      slot.set(mark.own.id, 32);
      slot.writeBigUInt64BE(mark.own.chain, CHAIN_AT);
      slot.writeBigUInt64BE(BigInt(mark.own.seq), SEQ_AT);
    }
    slot.writeBigUInt64BE(BigInt(mark.records), RECORDS_AT);
    slot.set(sumOf(slot), SUMMED_BYTES);
    let position = this.#position();
    if (position < 0) position = this.#slots.length;
    writeSync(this.#file, slot, 0, SLOT_BYTES, position * SLOT_BYTES);
    this.#slots[position] = slot;
    this.#mark = mark;
  }

  close(): void {
    closeSync(this.#file);
  }

  #position(): number {
    return this.#slots.findIndex((slot) => equalBytes(slot.subarray(0, 32), this.#document));
  }
}

function readSlot(slot: Buffer): Mark {
  const seq = Number(slot.readBigUInt64BE(SEQ_AT));
  const records = Number(slot.readBigUInt64BE(RECORDS_AT));
  // Numbers of one chain begin with 1.
  if (seq === 0) return { records, own: null };
  const id = new Uint8Array(slot.subarray(32, 64));
  return { records, own: { id, chain: slot.readBigUInt64BE(CHAIN_AT), seq } };
}

function isIntact(slot: Buffer): boolean {
  return equalBytes(slot.subarray(SUMMED_BYTES), sumOf(slot));
}

function sumOf(slot: Buffer): Uint8Array {
  return sha256(slot.subarray(0, SUMMED_BYTES)).subarray(0, 16);
}
