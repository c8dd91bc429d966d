import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forge, type Forged, person } from "../../test/forge.ts";
import { anyWorld, validOf } from "../../test/history-model.ts";
import { documentId } from "../change/index.ts";
import { toHex } from "../encoding/index.ts";
import { liveGroups, SyncSession } from "../sync/index.ts";
import { MisuseError } from "../result.ts";
import { PendingPool } from "./causal-queue.ts";
import { completeLimits } from "./history-limits.ts";
import type { HistoryLimits } from "./history-limits.ts";
import { History } from "./history.ts";
import type { ReceivedGroup } from "./received.ts";

const DOCUMENT = documentId("limits");

const anyLimits: fc.Arbitrary<HistoryLimits> = fc.record({
  pendingBytes: fc.constantFrom(0, 1_500, 4_000, 100_000),
  pendingBytesPerPeer: fc.constantFrom(0, 1_500, 3_000, 100_000),
  pendingBytesPerAuthor: fc.constantFrom(0, 1_500, 3_000, 100_000),
  pendingBytesPerExposedAuthor: fc.constantFrom(0, 1_300, 100_000),
  rejectedIds: fc.constantFrom(0, 1, 5, 1_000),
});

/** Lets two histories talk until nothing is left to say. */
function meet(histories: readonly [History, History]): void {
  const queue: (() => void)[] = [];
  const sessions = histories.map((history, side) => {
    const session: SyncSession = new SyncSession({
      history,
      peer: "the other",
      send: (frame) => {
        queue.push(() => {
          sessions[1 - side]!.receive(frame);
        });
        return true;
      },
      receiveGroup: (group): ReceivedGroup => {
        const received = history.receive(group, "the other");
        for (const live of liveGroups(history, group, received))
          session.push(live.group, live.indexes);
        return received;
      },
    });
    return session;
  });
  for (const session of sessions) session.open();
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) step();
}

/** So many changes of one chain whose first is withheld: each waits, and takes as much as any other. */
function orphans(count: number): Forged[] {
  const author = person(1);
  let last = forge({ document: DOCUMENT, author });
  return Array.from({ length: count }, () => {
    last = forge({ document: DOCUMENT, author, prev: last });
    return last;
  });
}

describe("limits of a history", () => {
  it("are filled in where they are left out; an exposed author has an eighth of what others have", () => {
    expect(completeLimits({})).toEqual({
      pendingBytes: 67_108_864,
      pendingBytesPerPeer: 8_388_608,
      pendingBytesPerAuthor: 8_388_608,
      pendingBytesPerExposedAuthor: 1_048_576,
      rejectedIds: 65_536,
    });
    expect(completeLimits({ pendingBytesPerAuthor: 801 }).pendingBytesPerExposedAuthor).toBe(100);
  });

  it("can be changed while changes wait: what is over the total goes at once, what is over a quota with the next one", () => {
    const history = new History({ document: DOCUMENT });
    const waiting = orphans(8);
    for (const change of waiting) history.receive(change.group, "peer");
    const { count, bytes } = history.pending;
    expect(count).toBe(8);
    history.setLimits({ pendingBytes: bytes / 2 });
    expect(history.pending.count).toBe(4);
    history.setLimits({ pendingBytesPerPeer: bytes / 4 });
    expect(history.pending.count).toBe(4);
    history.receive(waiting[0]!.group, "peer");
    expect(history.pending.count).toBe(2);
    expect(() => {
      history.setLimits({ pendingBytes: -1 });
    }).toThrow(MisuseError);
  });

  it("of a pool of histories can be changed too: the queue that holds most gives way at once", () => {
    const pool = new PendingPool(1_000_000);
    const history = new History({ document: DOCUMENT, pool });
    for (const change of orphans(8)) history.receive(change.group, "peer");
    pool.limit = pool.bytes / 2;
    expect([history.pending.count, pool.limit]).toEqual([4, pool.bytes]);
  });

  it("are refused when they are no numbers of bytes, or have a name that is none", () => {
    const wrong: object[] = [
      { pendingBytes: -1 },
      { pendingBytesPerPeer: 1.5 },
      { pendingBytesPerAuthor: NaN },
      { rejectedIds: "7" },
      { pendingByte: 5_000_000 },
      { toString: 5 },
    ];
    for (const limits of wrong) {
      const open = (): History => new History({ document: DOCUMENT, limits });
      expect(open).toThrow(MisuseError);
      expect(open).toThrow(Object.keys(limits)[0]!);
    }
  });

  it("never decide what is applied: histories with any limits end with the same once they have talked", () => {
    let differed = 0;
    fc.assert(
      fc.property(
        anyWorld(DOCUMENT, 16),
        anyLimits,
        anyLimits,
        fc.infiniteStream(fc.nat()),
        (changes, one, other, numbers) => {
          const open = (limits: HistoryLimits): History =>
            new History({ document: DOCUMENT, limits });
          const histories = [open(one), open(other)] as const;
          // Each hears everything once, in an order of its own and from several peers; much of it is dropped.
          for (const history of histories) {
            const order = changes
              .map((change) => ({ change, at: numbers.next().value! }))
              .toSorted((a, b) => a.at - b.at);
            for (const { change, at } of order) history.receive(change.group, `peer ${at % 3}`);
          }
          if (histories[0].length !== histories[1].length) differed++;
          const valid = [...validOf(DOCUMENT, changes).keys()].toSorted();
          // An honest author who has all of it meets both, as sooner or later somebody does.
          const author = new History({ document: DOCUMENT });
          for (let round = 0; author.length < valid.length && round < changes.length; round++)
            for (const change of changes) author.receive(change.group);
          for (const history of histories) meet([history, author]);
          for (const history of histories) {
            const applied = Array.from({ length: history.length }, (_, i) =>
              toHex(history.idAt(i)),
            );
            expect(applied.toSorted()).toEqual(valid);
            expect(history.forks().map(({ ids }) => ids)).toEqual(
              expect.arrayContaining(author.forks().map(({ ids }) => ids)),
            );
          }
        },
      ),
      { numRuns: 150 },
    );
    // Otherwise this says nothing.
    expect(differed).toBeGreaterThan(20);
  });

  it("let what a flood pushed out of the queue arrive through sync", () => {
    const limits = { pendingBytes: 12_000, pendingBytesPerPeer: 12_000 };
    const history = new History({ document: DOCUMENT, limits });
    const author = new History({ document: DOCUMENT });
    const line = [forge({ document: DOCUMENT, author: person(1) })];
    for (let i = 0; i < 5; i++)
      line.push(forge({ document: DOCUMENT, author: person(1), prev: line.at(-1)! }));
    for (const { group } of line) author.receive(group);
    for (const { group } of line.slice(1)) history.receive(group, "early");
    expect(history.pending.count).toBe(5);
    for (let i = 0; i < 40; i++) {
      const missing = forge({ document: DOCUMENT, author: person(50 + i) });
      const orphan = forge({ document: DOCUMENT, author: person(50 + i), prev: missing });
      history.receive(orphan.group, `flooder ${i % 4}`);
      expect(history.pending.bytes).toBeLessThanOrEqual(12_000);
    }
    // The first change releases none of those that waited for it: they were dropped.
    history.receive(line[0]!.group, "early");
    expect(history.length).toBeLessThan(line.length);
    meet([history, author]);
    expect(history.frontier()).toEqual(author.frontier());
  });

  it("of a history that is put away give back what it held", () => {
    const history = new History({ document: DOCUMENT });
    const missing = forge({ document: DOCUMENT, author: person(1) });
    const orphan = forge({ document: DOCUMENT, author: person(1), prev: missing });
    history.receive(orphan.group);
    history.forgetPending();
    expect([history.pending, history.pendingMissing()]).toEqual([{ count: 0, bytes: 0 }, []]);
    history.receive(missing.group);
    expect(history.receive(orphan.group).status).toBe("applied");
  });
});
