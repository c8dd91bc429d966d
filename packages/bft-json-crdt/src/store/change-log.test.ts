import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import { ChangeLog, LogWriteError } from "./change-log.ts";
import type { LevelLike, LevelPut } from "./level.ts";
import type { LogFault, LogRecord, NewRecord } from "./record.ts";

const document = new Uint8Array(32).fill(7);

function memory(): MemoryLevel<Uint8Array, Uint8Array> {
  return new MemoryLevel({ keyEncoding: "view", valueEncoding: "view", storeEncoding: "view" });
}

function record(n: number, changes = 1): NewRecord {
  const ids = Array.from({ length: changes }, (_, index) =>
    new Uint8Array(32).fill(n).fill(index, 31),
  );
  return { ids, group: new Uint8Array([n, n, n]) };
}

async function contentOf(log: ChangeLog): Promise<{ records: LogRecord[]; faults: LogFault[] }> {
  const records: LogRecord[] = [];
  const faults: LogFault[] = [];
  for await (const read of log.read()) {
    if (read.ok) records.push(read.value);
    else faults.push(read.error);
  }
  return { records, faults };
}

async function groupsOf(log: ChangeLog): Promise<number[]> {
  const { records, faults } = await contentOf(log);
  expect(faults).toEqual([]);
  expect(records.map((one) => one.position)).toEqual(records.map((_, index) => index));
  return records.map((one) => one.group[0] ?? -1);
}

/** A database whose writes wait for a gate, which notes how many operations each write had, and fails on demand. */
class GatedLevel implements LevelLike {
  readonly inner = memory();
  readonly writes: number[] = [];
  readonly #gates: (() => void)[] = [];
  failure: Error | null = null;

  async batch(operations: LevelPut[], options: Parameters<LevelLike["batch"]>[1]): Promise<void> {
    expect(options.sync).toBe(true);
    this.writes.push(operations.length);
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    if (this.failure !== null) throw this.failure;
    await this.inner.batch(operations, options);
  }

  iterator(range: Parameters<LevelLike["iterator"]>[0]): AsyncIterable<[Uint8Array, Uint8Array]> {
    return this.inner.iterator(range);
  }

  async open(): Promise<void> {
    while (this.#gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
    this.#gates.shift()?.();
  }
}

function keyOf(position: number): Uint8Array {
  const key = new Uint8Array(41).fill(7);
  key[0] = 0x67;
  new DataView(key.buffer).setBigUint64(33, BigInt(position));
  return key;
}

describe("ChangeLog", () => {
  it("reads back what was appended, in order, whatever calls and restarts it took", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 3 }), { maxLength: 4 }),
          { maxLength: 4 },
        ),
        async (runs) => {
          const db = memory();
          const model: number[] = [];
          for (const calls of runs) {
            const log = new ChangeLog(db, document);
            await Promise.all(calls.map((call) => log.append(call.map((n) => record(n)))));
            model.push(...calls.flat());
            expect(await log.open()).toBe(model.length);
            expect(log.length).toBe(model.length);
          }
          expect(await groupsOf(new ChangeLog(db, document))).toEqual(model);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("keeps the ids beside each group", async () => {
    const log = new ChangeLog(memory(), document);
    await log.append([record(1, 3), record(2)]);
    const { records } = await contentOf(log);
    expect(records.map((one) => one.ids.map(toHex))).toEqual([
      record(1, 3).ids.map(toHex),
      record(2).ids.map(toHex),
    ]);
  });

  it("keeps the logs of different documents apart in one database", async () => {
    const db = memory();
    const documents = [0, 7, 0xff].map((n) => new Uint8Array(32).fill(n));
    const logs = documents.map((id) => new ChangeLog(db, id));
    await Promise.all(logs.map((log, index) => log.append([record(index), record(index)])));
    for (const [index, id] of documents.entries()) {
      expect(await groupsOf(new ChangeLog(db, id))).toEqual([index, index]);
    }
  });

  it("writes everything that arrived during one write with the next", async () => {
    const db = new GatedLevel();
    const log = new ChangeLog(db, document);
    const done: number[] = [];
    const appends = [0, 1, 2, 3].map((n) => log.append([record(n)]).then(() => done.push(n)));
    await db.open();
    await appends[0];
    expect(done).toEqual([0]);
    await db.open();
    await Promise.all(appends);
    expect(done).toEqual([0, 1, 2, 3]);
    expect(db.writes).toEqual([1, 3]);
    expect(await groupsOf(log)).toEqual([0, 1, 2, 3]);
  });

  it("splits what waits into writes of bounded size", async () => {
    const db = new GatedLevel();
    const log = new ChangeLog(db, document);
    const large = { ids: record(1).ids, group: new Uint8Array(1_500_000) };
    const appends = Array.from({ length: 5 }, () => log.append([large]));
    for (let write = 0; write < 3; write++) await db.open();
    await Promise.all(appends);
    expect(db.writes).toEqual([1, 2, 2]);
  });

  it("resolves an empty append only once the appends before it are durable", async () => {
    const db = new GatedLevel();
    const log = new ChangeLog(db, document);
    const done: string[] = [];
    const first = log.append([record(1)]).then(() => done.push("record"));
    const barrier = log.append([]).then(() => done.push("barrier"));
    expect(done).toEqual([]);
    await db.open();
    await Promise.all([first, barrier]);
    expect(done).toEqual(["record", "barrier"]);
  });

  it("refuses everything after a failed write, also what was waiting, with the reason", async () => {
    const db = new GatedLevel();
    const log = new ChangeLog(db, document);
    const kept = log.append([record(0)]);
    await db.open();
    await kept;
    db.failure = new Error("no space left on device");
    const appends = [log.append([record(1)]), log.append([record(2)]), log.append([])];
    const outcomes = Promise.allSettled(appends);
    await db.open();
    for (const outcome of await outcomes) {
      expect(outcome.status).toBe("rejected");
      if (outcome.status !== "rejected") continue;
      expect(outcome.reason).toBeInstanceOf(LogWriteError);
      expect(String(outcome.reason)).toContain("no space left on device");
    }
    db.failure = null;
    await expect(log.append([record(3)])).rejects.toBeInstanceOf(LogWriteError);
    expect(await groupsOf(new ChangeLog(db, document))).toEqual([0]);
  });

  it("names the place of a hole and reads on behind it", async () => {
    const db = memory();
    const log = new ChangeLog(db, document);
    await log.append([0, 1, 2, 3, 4].map((n) => record(n)));
    await db.del(keyOf(1));
    await db.del(keyOf(2));
    const { records, faults } = await contentOf(new ChangeLog(db, document));
    expect(records.map((one) => one.position)).toEqual([0, 3, 4]);
    expect(faults).toMatchObject([
      { position: 1, detail: "position 1 of the log: 2 records are missing" },
    ]);
  });

  it("reports a torn record with the ids that can still be read", async () => {
    const whole = memory();
    await new ChangeLog(whole, document).append([record(1, 2)]);
    const value = await whole.get(keyOf(0));
    if (value === undefined) throw new Error("nothing was stored");
    for (let length = 0; length < value.length; length++) {
      const db = memory();
      await db.put(keyOf(0), value.slice(0, length));
      const { records, faults } = await contentOf(new ChangeLog(db, document));
      expect(records).toEqual([]);
      expect(faults).toMatchObject([{ position: 0, code: "malformed" }]);
      if (length >= 70)
        expect(faults[0]?.detail).toContain(toHex(record(1, 2).ids[1] ?? new Uint8Array()));
    }
  });

  it("never throws, whatever bytes are in the database", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 80 })), {
          maxLength: 5,
        }),
        async (entries) => {
          const db = memory();
          for (const [tail, value] of entries)
            await db.put(new Uint8Array([0x67, ...document, ...tail]), value);
          await new ChangeLog(db, document).open();
          await contentOf(new ChangeLog(db, document));
        },
      ),
    );
  });

  it("appends behind the last readable position, also when the key behind it is junk", async () => {
    const db = memory();
    await new ChangeLog(db, document).append([record(0)]);
    await db.put(new Uint8Array([...keyOf(5), 1]), new Uint8Array());
    const log = new ChangeLog(db, document);
    await log.append([record(1)]);
    expect((await contentOf(log)).records.map((one) => one.position)).toEqual([0, 1]);
  });
});
