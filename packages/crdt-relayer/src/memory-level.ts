/**
 * A database in memory with the few operations that a change log needs: rooms come and go as with a disk, and everything
 * is forgotten when the process ends.
 */
import { compareBytes, type LevelLike } from "bft-json-crdt";

type Writes = Parameters<LevelLike["batch"]>[0];
type Range = Parameters<LevelLike["iterator"]>[0];

/** Keys and values in memory; reading sorts the keys, which happens once per loading of a room. */
export class MemoryLevel implements LevelLike {
  readonly #entries = new Map<string, [Uint8Array, Uint8Array]>();

  batch(operations: Writes): Promise<void> {
    for (const { key, value } of operations) {
      this.#entries.set(Buffer.from(key).toString("latin1"), [key, value]);
    }
    return Promise.resolve();
  }

  async *iterator({
    gte,
    lt,
    reverse,
    limit,
  }: Range): AsyncGenerator<[Uint8Array, Uint8Array], void, void> {
    const found = [...this.#entries.values()]
      .filter(([key]) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
      .sort(([a], [b]) => (reverse ? compareBytes(b, a) : compareBytes(a, b)));
    yield* limit < 0 ? found : found.slice(0, limit);
  }

  close(): Promise<void> {
    this.#entries.clear();
    return Promise.resolve();
  }
}
