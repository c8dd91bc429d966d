/**
 * The part of an abstract-level database that the store needs, so that the core itself does no I/O: classic-level on a
 * disk, IndexedDB in a browser and a map in memory all fit. Encodings are named on every call; what the owner opened
 * the database with does not matter.
 */

/** Keys and values are plain bytes; "view" is abstract-level's name for a `Uint8Array`. */
interface ByteEncodings {
  /** Keys are bytes. */
  readonly keyEncoding: "view";
  /** Values are bytes. */
  readonly valueEncoding: "view";
}

/** One write of a batch. */
export interface LevelPut {
  /** Nothing is ever deleted. */
  readonly type: "put";
  /** Where it stands: 41 bytes. */
  readonly key: Uint8Array;
  /** One record of the log. */
  readonly value: Uint8Array;
}

/** `sync: true` resolves only when the bytes are on the disk itself (fsync), so that they outlive a power cut. */
export interface LevelWriteOptions extends ByteEncodings {
  /** True: not before the bytes are on the disk. */
  readonly sync: boolean;
}

/** Keys from `gte` (inclusive) to `lt` (exclusive), in byte order or its reverse, at most `limit` (-1: all). */
export interface LevelRange extends ByteEncodings {
  /** The first key, itself in the range. */
  readonly gte: Uint8Array;
  /** The end, not in the range. */
  readonly lt: Uint8Array;
  /** From the last key to the first. */
  readonly reverse: boolean;
  /** How many entries at most; -1 for all. */
  readonly limit: number;
}

/** The subset of abstract-level's `AbstractLevel` that {@link ChangeLog} uses; a batch is written whole or not at all. */
export interface LevelLike {
  /** Writes all of these, or none. */
  batch(operations: LevelPut[], options: LevelWriteOptions): Promise<void>;
  /** The entries of a range, in the order of their keys as bytes, or its reverse. */
  iterator(range: LevelRange): AsyncIterable<[Uint8Array, Uint8Array]>;
}
