import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { forge, person, type Forged } from "../../test/forge.ts";
import { encodeGroup } from "../change/index.ts";
import { compareBytes, toHex } from "../encoding/bytes.ts";
import { History } from "../history/index.ts";
import { ChangeLog } from "./change-log.ts";
import { recordsOf } from "./record.ts";
import type { LogFault } from "./record.ts";

const document = new Uint8Array(32).fill(7);

type Level = MemoryLevel<Uint8Array, Uint8Array>;

function memory(): Level {
  return new MemoryLevel({ keyEncoding: "view", valueEncoding: "view", storeEncoding: "view" });
}

/** Changes of some authors, each built on an earlier one of its chain (sometimes a fork) and on some others. */
const histories = fc
  .array(fc.record({ author: fc.nat(3), back: fc.nat(5), parent: fc.nat() }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    const made: Forged[] = [];
    for (const { author, back, parent } of steps) {
      const keys = person(author);
      const own = made.filter(({ header }) => compareBytes(header.author, keys.publicKey) === 0);
      const prev = own[own.length - 1 - (back < 4 ? 0 : 1)] ?? null;
      const other = made[parent % Math.max(made.length, 1)];
      const parents = other === undefined || other === prev ? [] : [other];
      made.push(forge({ document, author: keys, prev, parents, time: made.length }));
    }
    return made;
  });

async function logged(db: Level, changes: readonly Forged[]): Promise<History> {
  const history = new History({ document });
  const log = new ChangeLog(db, document);
  for (const { group } of changes)
    await log.append(recordsOf(history, history.receive(group).applied));
  return history;
}

async function replayed(db: Level): Promise<{ history: History; faults: LogFault[] }> {
  const history = new History({ document });
  const faults: LogFault[] = [];
  for await (const fault of new ChangeLog(db, document).replay(history))
    if (fault !== null) faults.push(fault);
  return { history, faults };
}

async function alter(
  db: Level,
  position: number,
  change: (value: Uint8Array) => Uint8Array,
): Promise<void> {
  let at = 0;
  for await (const [key, value] of db.iterator()) {
    if (at++ === position) await db.put(key, change(value.slice()));
  }
}

describe("a replayed log", () => {
  it("gives the history that was logged, forks included, however it came in", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.infiniteStream(fc.nat()), async (changes, random) => {
        // Any order of arrival: what waits is released, and logged, by what it waited for.
        const order = [...changes].map((change) => ({ change, rank: random.next().value ?? 0 }));
        const arrivals = order.sort((a, b) => a.rank - b.rank).map(({ change }) => change);
        const db = memory();
        const original = await logged(db, arrivals);
        const { history, faults } = await replayed(db);
        expect(faults).toEqual([]);
        expect(history.length).toBe(changes.length);
        expect(history.frontier().map(toHex)).toEqual(original.frontier().map(toHex));
        for (let index = 0; index < history.length; index++)
          expect(history.idAt(index)).toEqual(original.idAt(index));
      }),
      { numRuns: 50 },
    );
  });

  it("still gives every change to others: what it sends is closed", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), async (changes, some) => {
        const db = memory();
        await logged(db, changes);
        const { history } = await replayed(db);
        const other = new History({ document });
        const known = changes.slice(0, some % (changes.length + 1));
        for (const { group } of known) other.receive(group);
        const missing = history.missingFor(known.map(({ id }) => history.indexOf(id)));
        for (const group of history.groupsFor(missing)) other.receive(group);
        expect(other.frontier().map(toHex)).toEqual(history.frontier().map(toHex));
      }),
      { numRuns: 50 },
    );
  });

  it("names a record whose change cannot be read, between others that are whole", async () => {
    const changes: Forged[] = [];
    for (let n = 0; n < 3; n++)
      changes.push(forge({ document, author: person(1), prev: changes[n - 1] ?? null }));
    const db = memory();
    const log = new ChangeLog(db, document);
    const junk = encodeGroup([{ body: Uint8Array.of(1, 2, 3), signature: null }]);
    await log.append(
      changes.map(({ id, group }, n) => ({ ids: [id], group: n === 1 ? junk : group })),
    );
    const { history, faults } = await replayed(db);
    expect(history.length).toBe(1);
    expect(faults[0]!.ids.map(toHex)).toEqual([changes[1]!.hex]);
  });

  it("merges more changes than one group may hold", async () => {
    const changes: Forged[] = [];
    const keys = person(1);
    for (let n = 0; n < 2_500; n++)
      changes.push(forge({ document, author: keys, prev: changes[n - 1] ?? null }));
    const db = memory();
    await logged(db, changes);
    const { history, faults } = await replayed(db);
    expect(faults).toEqual([]);
    expect(history.length).toBe(2_500);
    const signed = Array.from({ length: 2_500 }, (_, index) => history.signatureAt(index)).filter(
      (one) => one !== null,
    );
    expect(signed.length).toBe(3);
  });

  it("names the changes of a record that was altered, and of what builds on it", async () => {
    const keys = person(1);
    const changes: Forged[] = [];
    for (let n = 0; n < 5; n++)
      changes.push(forge({ document, author: keys, prev: changes[n - 1] ?? null }));
    for (const from of [10, 100]) {
      const db = memory();
      await logged(db, changes);
      await alter(db, 2, (value) => {
        // The value ends with the body, the head of the signature and the signature.
        value[value.length - 66 - from]! ^= 1;
        return value;
      });
      const { history, faults } = await replayed(db);
      expect(history.length).toBe(2);
      expect(faults.map(({ position }) => position)).toEqual([2, 3, 4]);
      expect(faults[0]?.detail).toContain(changes[2]?.hex);
    }
  });

  it("does without a signature that was altered when a later one of the chain covers the change", async () => {
    const keys = person(1);
    const first = forge({ document, author: keys });
    const second = forge({ document, author: keys, prev: first });
    for (const [position, expected] of [
      [0, 2],
      [1, 1],
    ] as const) {
      const db = memory();
      await logged(db, [first, second]);
      await alter(db, position, (value) => {
        value[value.length - 1]! ^= 1;
        return value;
      });
      const { history, faults } = await replayed(db);
      expect(history.length).toBe(expected);
      expect(faults.length).toBe(2 - expected);
    }
  });

  it("never throws, whatever a record holds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }),
        async (groups) => {
          const db = memory();
          const ids = [new Uint8Array(32)];
          await new ChangeLog(db, document).append(groups.map((group) => ({ ids, group })));
          const { history, faults } = await replayed(db);
          expect([history.length, faults.length]).toEqual([0, groups.length]);
        },
      ),
    );
  });
});
