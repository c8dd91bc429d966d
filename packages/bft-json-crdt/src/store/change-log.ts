/**
 * The append-only log of one document: closed groups in the order in which they were applied, so that receiving them in
 * that order never leaves anything pending. An append resolves only when it is durable. Everything read back is treated
 * as bytes from outside: damage is reported with its place, never thrown.
 *
 * Key: "g" ‖ document (32 bytes) ‖ position (8 bytes, big-endian), so that byte order is append order.
 * Value: deterministic CBOR [ids concatenated, group]; the ids allow damage to be named by change.
 */
import { ByteReader } from "../encoding/reader.ts";
import { toHex } from "../encoding/bytes.ts";
import { ByteWriter, headSize } from "../encoding/writer.ts";
import { ok, type Result } from "../result.ts";
import type { LevelLike, LevelPut, LevelRange } from "./level.ts";
import { logFault, type LogFault, type LogRecord, type NewRecord } from "./record.ts";
import { replay, type ReplayHistory } from "./replay.ts";

/** Thrown by appends once a write has failed; `cause` is the first failure. The log must then be opened anew. */
export class LogWriteError extends Error {
  /** For programs. */
  readonly code = "write_failed";

  /** @internal */
  constructor(cause: unknown) {
    super(
      `could not write the change log: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
    this.name = "LogWriteError";
  }
}

/** Bytes of one write: as much as LevelDB takes into its write buffer (4 MiB) without forcing a compaction. */
const MAX_BATCH_BYTES = 4 * 1_048_576;

const ID_BYTES = 32;
const KEY_PREFIX = 0x67; // "g"
const KEY_BYTES = 1 + 32 + 8;

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: LogWriteError) => void;
}

/** An append-only log of closed groups of one document, in application order, in a database shared with other logs. */
export class ChangeLog {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  readonly #db: LevelLike;
  readonly #queue: Waiting[] = [];
  #next = -1;
  #writing = false;
  #failure: LogWriteError | null = null;

  /** `document` is the 32-byte document id. Nothing is read before it is needed. */
  constructor(db: LevelLike, document: Uint8Array) {
    this.#db = db;
    this.document = document;
  }

  /** Records that are durable; 0 until {@link open}, a whole {@link read} or the first append has looked. */
  get length(): number {
    return Math.max(this.#next, 0);
  }

  /** Finds the end of the log and returns its length; throws only what the database throws. */
  async open(): Promise<number> {
    if (this.#next < 0) {
      let last = -1;
      for await (const [key] of this.#db.iterator(this.#range(true))) {
        last = positionOf(key);
        if (last >= 0) break;
      }
      // A reader and an append may have looked at once; the append's answer is the newer one.
      if (this.#next < 0) this.#next = last + 1;
    }
    return this.#next;
  }

  /**
   * Appends records and resolves when they, and all appended before them, are durable (`sync: true`). Concurrent calls
   * share one write, in call order. After a failed write this and every later append rejects with {@link LogWriteError},
   * since a log with a hole would lose what was acknowledged. An empty list waits for the earlier ones. The bytes must
   * not be changed afterwards.
   */
  append(records: readonly NewRecord[]): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    let bytes = 0;
    for (const record of records) bytes += record.group.length + record.ids.length * ID_BYTES;
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  /**
   * All records in order. A damaged record, and the first position of each hole, is an error; reading goes on after it.
   * A record that reads well can still hold a change that was altered: {@link faultOf} finds that once it was received.
   */
  async *read(): AsyncGenerator<Result<LogRecord, LogFault>, void, void> {
    let expected = 0;
    try {
      for await (const [key, value] of this.#db.iterator(this.#range(false))) {
        const position = positionOf(key);
        if (position < expected) {
          yield logFault(expected, [], `an entry with an impossible key: ${toHex(key)}`);
          continue;
        }
        if (position > expected) {
          const missing = position - expected;
          yield logFault(
            expected,
            [],
            `${missing === 1 ? "1 record is" : `${missing} records are`} missing`,
          );
        }
        expected = position + 1;
        yield readRecord(position, value);
      }
    } catch (error) {
      // LevelDB noticed by its own checksums; any other failure is the caller's (a closed database, a dead disk).
      if (!isCorruption(error)) throw error;
      yield logFault(expected, [], `the database is damaged: ${String(error)}`);
      return;
    }
    if (this.#next < expected) this.#next = expected;
  }

  /**
   * Receives the whole log into a history, in merged groups: few signatures are checked, all hashes and links are. Gives
   * after each step the damage that it found, or null; other work can have its turn between steps.
   */
  replay(history: ReplayHistory): AsyncGenerator<LogFault | null, void, void> {
    return replay(this.read(), history);
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0) {
      const waiting = this.#takeBatch();
      try {
        await this.#write(waiting);
      } catch (error) {
        this.#failure = new LogWriteError(error);
        for (const one of waiting) one.reject(this.#failure);
        for (const one of this.#queue.splice(0)) one.reject(this.#failure);
        break;
      }
      for (const one of waiting) one.resolve();
    }
    this.#writing = false;
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const one of this.#queue) {
      bytes += one.bytes;
      if (count > 0 && bytes > MAX_BATCH_BYTES) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #write(waiting: readonly Waiting[]): Promise<void> {
    const operations: LevelPut[] = [];
    let position = await this.open();
    for (const { records } of waiting) {
      for (const record of records) {
        operations.push({ type: "put", key: this.#key(position++), value: writeRecord(record) });
      }
    }
    if (operations.length === 0) return;
    await this.#db.batch(operations, { sync: true, keyEncoding: "view", valueEncoding: "view" });
    this.#next = position;
  }

  #key(position: number): Uint8Array {
    const key = new Uint8Array(KEY_BYTES);
    key[0] = KEY_PREFIX;
    key.set(this.document, 1);
    new DataView(key.buffer).setBigUint64(KEY_BYTES - 8, BigInt(position));
    return key;
  }

  #range(reverse: boolean): LevelRange {
    const first = this.#key(0);
    // One byte longer than any key of this document, so that even the greatest position is inside.
    const end = new Uint8Array(KEY_BYTES + 1).fill(0xff);
    end.set(first.subarray(0, KEY_BYTES - 8));
    return { gte: first, lt: end, reverse, limit: -1, keyEncoding: "view", valueEncoding: "view" };
  }
}

function writeRecord(record: NewRecord): Uint8Array {
  const { ids, group } = record;
  const idBytes = ids.length * ID_BYTES;
  const writer = new ByteWriter(
    1 + headSize(idBytes) + idBytes + headSize(group.length) + group.length,
  );
  writer.arrayHeader(2);
  writer.bytesHeader(idBytes);
  for (const id of ids) writer.raw(id);
  writer.bytes(group);
  return writer.whole();
}

function readRecord(position: number, value: Uint8Array): Result<LogRecord, LogFault> {
  const reader = new ByteReader(value);
  if (reader.arrayHeader() !== 2) reader.fail();
  const joined = reader.bytes();
  const ids: Uint8Array[] = [];
  for (let start = 0; start + ID_BYTES <= joined.length; start += ID_BYTES) {
    ids.push(joined.subarray(start, start + ID_BYTES));
  }
  const group = reader.bytes();
  if (!reader.done || ids.length === 0 || joined.length % ID_BYTES !== 0) {
    return logFault(position, ids, "the record is torn or altered");
  }
  return ok({ position, ids, group });
}

/** The position in a key, or -1 when it is none that a log writes. */
function positionOf(key: Uint8Array): number {
  if (key.length !== KEY_BYTES) return -1;
  const position = new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(
    KEY_BYTES - 8,
  );
  return position <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(position) : -1;
}

function isCorruption(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "LEVEL_CORRUPTION";
}
