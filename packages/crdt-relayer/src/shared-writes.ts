/**
 * Group commit over all rooms: what several logs write while writes are under way goes to the disk in one, the next. A disk
 * takes milliseconds to make a write durable, however small, and a database has few threads to wait for it: with a write for
 * each room, somebody who writes into very many rooms would let all others wait.
 *
 * Two are under way at once: the database begins with the second as soon as the first is durable, and not only when the
 * thread that serves, which may be busy, has heard of that.
 */
import type { LevelLike } from "bft-json-crdt";

type Puts = Parameters<LevelLike["batch"]>[0];
type WriteOptions = Parameters<LevelLike["batch"]>[1];

/** Bytes of one write: as much as LevelDB takes into its write buffer (4 MiB) without forcing a compaction. */
const MAX_WRITE_BYTES = 4 * 1_048_576;

/** Writes that the database is given at once: one that it makes durable, and one that it goes on with. */
const WRITES_AT_ONCE = 2;

interface Waiting {
  readonly puts: Puts;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A database with two writes at a time, either of which may be durable first: a log waits for its own. What is written by one
 * call stays whole, and fails with the write it was in.
 */
export class SharedWrites implements LevelLike {
  readonly #store: LevelLike;
  #waiting: Waiting[] = [];
  #underWay = 0;

  constructor(store: LevelLike) {
    this.#store = store;
  }

  batch(puts: Puts, options: WriteOptions): Promise<void> {
    const bytes = puts.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ puts, bytes, resolve, reject });
      if (this.#underWay < WRITES_AT_ONCE) void this.#drain(options);
    });
  }

  iterator(range: Parameters<LevelLike["iterator"]>[0]): ReturnType<LevelLike["iterator"]> {
    return this.#store.iterator(range);
  }

  /** All logs write with the same options. */
  async #drain(options: WriteOptions): Promise<void> {
    this.#underWay++;
    while (this.#waiting.length > 0) {
      const some = this.#take();
      try {
        await this.#store.batch(
          some.flatMap(({ puts }) => puts),
          options,
        );
        for (const { resolve } of some) resolve();
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#underWay--;
  }

  /** The oldest, and of the others what fits beside it: a small one does not wait for large ones. */
  #take(): Waiting[] {
    const some: Waiting[] = [];
    const left: Waiting[] = [];
    let bytes = 0;
    for (const one of this.#waiting) {
      const isTaken = some.length === 0 || bytes + one.bytes <= MAX_WRITE_BYTES;
      if (isTaken) bytes += one.bytes;
      (isTaken ? some : left).push(one);
    }
    this.#waiting = left;
    return some;
  }
}
