/**
 * The part of an abstract-level database that the store needs, so that the core itself does no I/O: classic-level on a
 * disk, IndexedDB in a browser and a map in memory all fit. Encodings are named on every call; what the owner opened
 * the database with does not matter.
 */

/** Keys and values are plain bytes; "view" is abstract-level's name for a `Uint8Array`. */
interface ByteEncodings {
  readonly keyEncoding: "view";
  readonly valueEncoding: "view";
}

/** One write of a batch. */
export interface LevelPut {
  readonly type: "put";
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** `sync: true` resolves only when the bytes are on the disk itself (fsync), so that they outlive a power cut. */
export interface LevelWriteOptions extends ByteEncodings {
  readonly sync: boolean;
}

/** Keys from `gte` (inclusive) to `lt` (exclusive), in byte order or its reverse, at most `limit` (-1: all). */
export interface LevelRange extends ByteEncodings {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
}

/** The subset of abstract-level's `AbstractLevel` that {@link ChangeLog} uses; a batch is written whole or not at all. */
export interface LevelLike {
  batch(operations: LevelPut[], options: LevelWriteOptions): Promise<void>;
  iterator(range: LevelRange): AsyncIterable<[Uint8Array, Uint8Array]>;
}
