import { ChangeLog, documentId, type LevelLike } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { MemoryLevel } from "./memory-level.ts";
import { SharedWrites } from "./shared-writes.ts";

type Puts = Parameters<LevelLike["batch"]>[0];

const options = { sync: true, keyEncoding: "view", valueEncoding: "view" } as const;

/** A database whose writes wait until they are let through, and fail when told to. */
class Gated extends MemoryLevel {
  readonly writes: number[][] = [];
  readonly #gates: (() => void)[] = [];
  failure: Error | null = null;

  override async batch(puts: Puts): Promise<void> {
    this.writes.push(puts.map(({ key }) => key[0]!));
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    if (this.failure !== null) throw this.failure;
    await super.batch(puts);
  }

  /** Lets the write that has been under way for longest through. */
  pass(): void {
    this.#gates.shift()!();
  }
}

/** Everything that follows from what was just done has happened. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function put(name: number, bytes = 1): Puts {
  return [{ type: "put", key: new Uint8Array([name]), value: new Uint8Array(bytes) }];
}

describe("the writes of several logs", () => {
  it("that come while two are under way are the next one, together", async () => {
    const store = new Gated();
    const shared = new SharedWrites(store);
    const first = shared.batch(put(1), options);
    const second = shared.batch(put(2), options);
    const others = [3, 4, 5].map((name) => shared.batch(put(name), options));
    expect(store.writes).toEqual([[1], [2]]);
    store.pass();
    await first;
    expect(store.writes).toEqual([[1], [2], [3, 4, 5]]);
    const more = [6, 7].map((name) => shared.batch(put(name), options));
    expect(store.writes).toHaveLength(3);
    store.pass();
    await second;
    expect(store.writes).toEqual([[1], [2], [3, 4, 5], [6, 7]]);
    store.pass();
    store.pass();
    await Promise.all([...others, ...more]);
    const later = shared.batch(put(8), options);
    store.pass();
    await later;
    expect(store.writes).toEqual([[1], [2], [3, 4, 5], [6, 7], [8]]);
  });

  it("have a bound, and small ones do not wait for large ones", async () => {
    const store = new Gated();
    const shared = new SharedWrites(store);
    const large = 3 * 1_048_576;
    const all = [
      shared.batch(put(1), options),
      shared.batch(put(2), options),
      shared.batch(put(3, large), options),
      shared.batch(put(4, large), options),
      shared.batch(put(5), options),
      shared.batch(put(6, 2 * large), options),
    ];
    for (let passed = 1; passed <= 5; passed++) {
      store.pass();
      await tick();
      expect(store.writes).toHaveLength(Math.min(5, passed + 2));
    }
    await Promise.all(all);
    expect(store.writes).toEqual([[1], [2], [3, 5], [4], [6]]);
  });

  it("fail together when one fails, and the later ones are written all the same", async () => {
    const store = new Gated();
    const shared = new SharedWrites(store);
    store.failure = new Error("no space");
    const first = shared.batch(put(1), options);
    const second = shared.batch(put(2), options);
    const third = shared.batch(put(3), options);
    const fourth = shared.batch(put(4), options);
    store.pass();
    await expect(first).rejects.toThrow("no space");
    store.failure = null;
    store.pass();
    await second;
    store.failure = new Error("no space again");
    store.pass();
    await expect(third).rejects.toThrow("no space again");
    await expect(fourth).rejects.toThrow("no space again");
    store.failure = null;
    const later = shared.batch(put(5), options);
    store.pass();
    await later;
    expect(store.writes).toEqual([[1], [2], [3, 4], [5]]);
  });

  it("are read back log by log", async () => {
    const shared = new SharedWrites(new MemoryLevel());
    const documents = ["a", "b", "c"].map((room) => documentId(room));
    await Promise.all(
      documents.map((document, n) =>
        new ChangeLog(shared, document).append([
          { ids: [new Uint8Array(32)], group: new Uint8Array([n]) },
        ]),
      ),
    );
    for (const [n, document] of documents.entries()) {
      const groups: Uint8Array[] = [];
      for await (const read of new ChangeLog(shared, document).read())
        if (read.ok) groups.push(read.value.group);
      expect(groups).toEqual([new Uint8Array([n])]);
    }
  });
});
