import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyOf } from "../../test/forge.ts";
import { decodeBody } from "../change/index.ts";
import { encodeValue } from "../encoding/index.ts";
import { CausalQueue, PendingChange, PendingPool } from "./causal-queue.ts";
import type { QueueBounds } from "./causal-queue.ts";

const UNBOUNDED: QueueBounds = {
  total: Infinity,
  perPeer: Infinity,
  perAuthor: Infinity,
  perExposedAuthor: Infinity,
};

/** Bytes that an entry is charged with besides its body, with up to four missing dependencies; and for each more. */
const OVERHEAD = 1_024;
const PER_DEPENDENCY = 192;

const SIGNATURE = new Uint8Array(64).fill(1);

function entry(
  key: string,
  waitsFor: readonly string[],
  peer = "p",
  author = 0,
  bytes = 0,
): PendingChange {
  return new PendingChange(
    key,
    new Uint8Array(bytes),
    { opsOffset: 0, opCount: 0, elements: 0, detached: false },
    SIGNATURE,
    `author ${author}`,
    peer,
    waitsFor,
  );
}

const keys = (entries: Iterable<PendingChange>): string[] => [...entries].map(({ key }) => key);

const anyKey = fc.nat(11).map((n) => `c${n}`);

const anyAction = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      key: anyKey,
      waitsFor: fc.uniqueArray(anyKey, { minLength: 1, maxLength: 6 }),
      peer: fc.constantFrom("p", "q", "author 0"),
      author: fc.nat(2),
      bytes: fc.nat(700),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("remove", "release", "condemn"), key: anyKey }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("expose"), key: anyKey, author: fc.nat(2) }),
  },
);

describe("a causal queue", () => {
  it("holds and gives out what a plain list of entries would, within its bounds", () => {
    const bounds = fc.record({
      total: fc.integer({ min: 1_200, max: 9_000 }),
      perPeer: fc.integer({ min: 1_200, max: 6_000 }),
      perAuthor: fc.integer({ min: 1_200, max: 6_000 }),
      perExposedAuthor: fc.integer({ min: 0, max: 3_000 }),
    });
    let dropped = 0;
    fc.assert(
      fc.property(
        bounds,
        fc.array(anyAction, { maxLength: 60, size: "max" }),
        (bounds, actions) => {
          const queue = new CausalQueue(bounds);
          let held: PendingChange[] = [];
          const exposed = new Set<number>();
          const quotaOf = (author: number): number =>
            exposed.has(author)
              ? Math.min(bounds.perAuthor, bounds.perExposedAuthor)
              : bounds.perAuthor;
          // An entry is charged for all that it waits for when it comes.
          const charged = new Map<string, number>();
          const costOf = (entries: readonly PendingChange[]): number =>
            entries.reduce((sum, one) => sum + charged.get(one.key)!, 0);
          for (const action of actions) {
            const { key } = action;
            if ("waitsFor" in action) {
              if (queue.get(key) !== undefined || action.waitsFor.includes(key)) continue;
              const added = entry(key, action.waitsFor, action.peer, action.author, action.bytes);
              const cost =
                action.bytes + OVERHEAD + Math.max(0, action.waitsFor.length - 4) * PER_DEPENDENCY;
              const least = Math.min(bounds.total, bounds.perPeer, quotaOf(action.author));
              expect(queue.add(added)).toBe(cost <= least);
              if (cost > least) continue;
              charged.set(key, cost);
              const before = held;
              held = before.filter((one) => queue.get(one.key) === one);
              // Room is made only where it is needed: at the cost of the same peer, the same author, or the total.
              if (held.length < before.length) {
                dropped++;
                expect(costOf(before) + cost).toBeGreaterThan(least);
              }
              held.push(added);
            } else if ("author" in action) {
              queue.expose(`author ${action.author}`);
              exposed.add(action.author);
              const before = held;
              held = before.filter((one) => queue.get(one.key) === one);
              // Nobody else loses anything, and this author no more than has to go: the oldest first.
              const author = `author ${action.author}`;
              const isTheirs = (one: PendingChange): boolean => one.author === author;
              expect(held.filter((one) => !isTheirs(one))).toEqual(
                before.filter((one) => !isTheirs(one)),
              );
              const [own, left] = [before.filter(isTheirs), held.filter(isTheirs)];
              expect(left).toEqual(own.slice(own.length - left.length));
              const last = own[own.length - left.length - 1];
              if (last !== undefined)
                expect(costOf([last, ...left])).toBeGreaterThan(quotaOf(action.author));
            } else if (action.do === "remove") {
              queue.remove(key);
              held = held.filter((one) => one.key !== key);
            } else if (action.do === "release") {
              const waiting = held.filter(({ waitsFor }) => waitsFor.includes(key));
              const ready = waiting.filter(({ waitsFor }) => waitsFor.length === 1);
              expect(keys(queue.release(key)).toSorted()).toEqual(keys(ready).toSorted());
              held = held.filter((one) => !ready.includes(one));
              for (const one of waiting) expect(one.waitsFor.includes(key)).toBe(false);
            } else {
              const waiting = held.filter(({ waitsFor }) => waitsFor.includes(key));
              expect(keys(queue.condemn(key)).toSorted()).toEqual(keys(waiting).toSorted());
              held = held.filter((one) => !waiting.includes(one));
            }
            expect(keys(queue.entries()).toSorted()).toEqual(keys(held).toSorted());
            expect(queue.count).toBe(held.length);
            expect(queue.bytes).toBe(costOf(held));
            expect(queue.bytes).toBeLessThanOrEqual(bounds.total);
            for (const peer of ["p", "q", "author 0"]) {
              expect(costOf(held.filter((one) => one.peer === peer))).toBeLessThanOrEqual(
                bounds.perPeer,
              );
            }
            for (const author of [0, 1, 2]) {
              const own = held.filter((one) => one.author === `author ${author}`);
              expect(costOf(own)).toBeLessThanOrEqual(quotaOf(author));
            }
            const waited = new Set(held.flatMap(({ waitsFor }) => waitsFor));
            const missing = [...waited].filter((one) => !keys(held).includes(one));
            expect(queue.missing().toSorted()).toEqual(missing.toSorted());
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(dropped).toBeGreaterThan(100);
  });

  it("says of what waits what was decoded from it", () => {
    const id = new Uint8Array(32).fill(7);
    const header = { document: id, author: id, chain: 3n, seq: 2, prev: id, parents: [] };
    const body = bodyOf({ ...header, lamport: 9, time: 5, refs: [] }, [
      encodeValue([2, 2, [["text"]], "ab"]),
      encodeValue([2, 1, [["text"]], 1, id]),
    ]);
    const decoded = decodeBody(body);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    const { opCount, elements, detached } = decoded.value;
    expect([opCount, elements, detached]).toEqual([2, 3, true]);
    const waiting = new PendingChange("c", body, decoded.value, SIGNATURE, "a", "p", ["b"]);
    expect(waiting.decoded()).toEqual(decoded.value);
    expect(waiting.body).toEqual(body);
    expect(waiting.signature).toEqual(SIGNATURE);
  });

  it("drops the oldest entries of whoever has most when the total is full", () => {
    const queue = new CausalQueue({ ...UNBOUNDED, total: 5 * OVERHEAD });
    queue.add(entry("a", ["x"], "small", 0));
    for (const key of ["b", "c", "d", "e"]) queue.add(entry(key, ["x"], "large", 1));
    queue.add(entry("f", ["x"], "small", 0));
    expect(keys(queue.entries())).toEqual(["a", "c", "d", "e", "f"]);
  });

  it("drops only what is needed, the oldest of the same peer first", () => {
    const queue = new CausalQueue({ ...UNBOUNDED, perPeer: 3 * OVERHEAD });
    for (const key of ["a", "b", "c"]) queue.add(entry(key, ["x"], "p"));
    queue.add(entry("z", ["x"], "q"));
    queue.add(entry("d", ["x"], "p"));
    expect(keys(queue.entries())).toEqual(["b", "c", "z", "d"]);
  });

  it("drops the oldest of the same author, whoever delivered it", () => {
    const queue = new CausalQueue({ ...UNBOUNDED, perAuthor: 2 * OVERHEAD });
    queue.add(entry("a", ["x"], "p", 1));
    queue.add(entry("b", ["x"], "q", 1));
    queue.add(entry("c", ["x"], "r", 2));
    queue.add(entry("d", ["x"], "s", 1));
    expect(keys(queue.entries())).toEqual(["b", "c", "d"]);
  });

  it("refuses what could never fit, and drops nothing for it", () => {
    const queue = new CausalQueue({ ...UNBOUNDED, perAuthor: 2 * OVERHEAD });
    queue.add(entry("a", ["x"]));
    expect(queue.add(entry("b", ["x"], "p", 0, OVERHEAD + 1))).toBe(false);
    expect(keys(queue.entries())).toEqual(["a"]);
    expect(queue.add(entry("c", ["x"], "p", 0, OVERHEAD))).toBe(true);
    expect(keys(queue.entries())).toEqual(["c"]);
  });

  it("forgets its accounts with the entries", () => {
    const queue = new CausalQueue({ ...UNBOUNDED, perPeer: 2 * OVERHEAD });
    for (let round = 0; round < 5; round++) {
      queue.add(entry("a", ["x"]));
      queue.add(entry("b", ["a"]));
      expect(queue.missing()).toEqual(["x"]);
      expect(keys(queue.release("x"))).toEqual(["a"]);
      expect(keys(queue.condemn("a"))).toEqual(["b"]);
      expect([queue.count, queue.bytes, queue.missing()]).toEqual([0, 0, []]);
    }
  });
});

describe("a pool of causal queues", () => {
  it("holds all of them together within its limit, and the fullest gives way", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(9), fc.boolean()), { maxLength: 60, size: "max" }),
        (room, steps) => {
          const pool = new PendingPool(room * OVERHEAD);
          const queues = [0, 1, 2, 3].map(() => new CausalQueue(UNBOUNDED, pool));
          for (const [which, number, isAdded] of steps) {
            const [queue, key] = [queues[which]!, `c${number}`];
            const before = queues.map(({ bytes }) => bytes);
            if (!isAdded) queue.remove(key);
            else if (queue.get(key) === undefined) {
              expect(queue.add(entry(key, ["x"]))).toBe(true);
              const after = queues.map(({ bytes }) => bytes);
              const total = before.reduce((sum, bytes) => sum + bytes, 0);
              for (const [i, bytes] of after.entries()) {
                if (bytes >= before[i]!) continue;
                expect(total + OVERHEAD).toBeGreaterThan(pool.limit);
                expect(before[i]).toBe(Math.max(...before));
              }
            }
            const sum = queues.reduce((all, { bytes }) => all + bytes, 0);
            expect(pool.bytes).toBe(sum);
            expect(sum).toBeLessThanOrEqual(pool.limit);
          }
          for (const queue of queues) queue.clear();
          expect(pool.bytes).toBe(0);
        },
      ),
    );
  });

  it("takes nothing that alone is over its limit, and drops nothing for it", () => {
    const pool = new PendingPool(2 * OVERHEAD);
    const [one, other] = [new CausalQueue(UNBOUNDED, pool), new CausalQueue(UNBOUNDED, pool)];
    expect(one.add(entry("a", ["x"]))).toBe(true);
    expect(other.add(entry("b", ["x"], "p", 0, OVERHEAD + 1))).toBe(false);
    expect([one.count, other.count, pool.bytes]).toEqual([1, 0, OVERHEAD]);
  });
});
