import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { same, sameAll } from "../../test/same.ts";
import { LIST_CONTENT } from "./sequence-content.ts";
import { LEFT, RIGHT, Sequence } from "./sequence.ts";

type Items = Sequence<readonly unknown[]>;

/** A list whose elements are ordered by number; what is put into it goes where somebody who types there would put it. */
function emptyList(): Items {
  return new Sequence((a, b) => a - b, LIST_CONTENT);
}

/** Items in a leaf: as many as it may have before it is split, and one more run. */
const MOST = 256 + LIST_CONTENT.maxRun;

/** What is kept by each leaf, in order. */
function leavesOf(list: Items): { items: number; room: number }[] {
  const leaves: { items: number; room: number }[] = [];
  for (
    let leaf = list["tree"].first as (typeof list)["tree"]["first"] | null;
    leaf !== null;
    leaf = leaf.next
  )
    leaves.push({ items: leaf.items, room: leaf.contents.length });
  return leaves;
}

function shown(list: Items): unknown[] {
  const values: unknown[] = [];
  list.forEachVisible((_lv, count, content, from) => {
    for (let i = 0; i < count; i++) values.push(content[from + i]);
  });
  return values;
}

describe("the items of a list", () => {
  test("are those of an array to which the same is done, in pieces of any length", () => {
    const step = fc.record({
      place: fc.nat(10_000),
      count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 400 })),
      kind: fc.constantFrom("insert", "insert", "invisible", "remove"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, place) => {
        const list = emptyList();
        const model: number[] = [];
        let next = 0;
        for (const { kind, place: at, count } of steps) {
          const index = at % (model.length + 1);
          if (kind === "remove") {
            const gone = model.splice(index, count);
            // From the last on: what is removed changes the indexes of nothing that is still to be removed.
            for (const lv of gone.toReversed()) list.remove(lv, 1);
          } else {
            same(list.placeAt(index), true);
            const visible = kind === "insert";
            const lvs = Array.from({ length: count }, (_, i) => next + i);
            list.insert(next, count, list.parent, list.side, 1, visible ? lvs : null, visible);
            if (visible) model.splice(index, 0, ...lvs);
            next += count;
          }
          list.check();
        }
        sameAll(shown(list), model);
        const from = place % (model.length + 1);
        const part: unknown[] = [];
        list.forEachVisibleIn(from, 300, (_lv, count, content, start) =>
          part.push(...content.slice(start, start + count)),
        );
        sameAll(part, model.slice(from, from + 300));
        for (const [index, value] of model.entries()) {
          same(list.contentAt(index), true);
          same(list.content![list.contentOffset], value);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("are never many in one leaf, wherever they come, so that few are moved for each", () => {
    const orders: Record<string, (length: number) => number> = {
      "at the beginning": () => 0,
      "at the end": (length) => length,
      "in the middle": (length) => length >> 1,
      "behind the first": (length) => Math.min(length, 1),
    };
    for (const indexOf of Object.values(orders)) {
      for (const count of [1, 7, LIST_CONTENT.maxRun, 300]) {
        const list = emptyList();
        for (let lv = 0; lv < 6_000; lv += count) {
          list.placeAt(indexOf(list.length));
          const items = Array.from({ length: count }, (_, i) => lv + i);
          list.insert(lv, count, list.parent, list.side, 1, items, true);
        }
        list.check();
        expect(Math.max(...leavesOf(list).map(({ items }) => items))).toBeLessThanOrEqual(MOST);
      }
    }
  });

  test("are never many in one leaf when the runs in it grow", () => {
    const list = emptyList();
    const RUNS = 90;
    const run = LIST_CONTENT.maxRun;
    for (let at = 0; at < RUNS; at++) list.insert(at * run, 1, -1, RIGHT, 1, [at], true);
    for (let at = 0; at < RUNS; at++) {
      for (let i = 1; i < run; i++) {
        const lv = at * run + i;
        list.insert(lv, 1, lv - 1, RIGHT, 1, [lv], true);
      }
    }
    list.check();
    expect(list.length).toBe(RUNS * run);
    expect(Math.max(...leavesOf(list).map(({ items }) => items))).toBeLessThanOrEqual(MOST);
  });

  test("take few leaves, also when somebody puts single ones between full runs", () => {
    const list = emptyList();
    const FULL = LIST_CONTENT.maxRun;
    let lv = 0;
    const insert = (count: number): void => {
      const items = Array.from({ length: count }, (_, i) => i);
      list.insert(lv, count, list.parent, list.side, 1, items, true);
      lv += count;
    };
    list.placeAt(0);
    insert(FULL * 100);
    for (let run = 0; run < 100; run++) {
      for (let i = 0; i < 100; i++) {
        // Behind the first element of a run, each before the one that came there last: nothing goes on where another ends.
        list.placeAfter(run * FULL);
        insert(1);
      }
    }
    list.check();
    expect(leavesOf(list).length).toBeLessThan(lv / 40);
  });

  test("are let go when they are removed, and their room is given back", () => {
    const list = emptyList();
    const items = Array.from({ length: 1_000 }, (_, i) => ({ i }));
    list.insert(0, 1_000, -1, RIGHT, 1, items, true);
    list.insert(1_000, 1, 500, LEFT, 1, [{ i: -1 }], true);
    list.remove(10, 980);
    list.check();
    expect(shown(list)).toEqual([...items.slice(0, 10), { i: -1 }, ...items.slice(990)]);
    const room = leavesOf(list).reduce((sum, leaf) => sum + leaf.room, 0);
    expect(room).toBeLessThan(21 * 3 + leavesOf(list).length * 18);
    list.remove(0, 1_001);
    list.check();
    expect(shown(list)).toEqual([]);
    expect(leavesOf(list).every(({ room: left }) => left <= 18)).toBe(true);
  });

  test("are not those of whoever gave them, whose array may change", () => {
    const list = emptyList();
    const given = ["a", "b", "c"];
    list.insert(0, 3, -1, RIGHT, 1, given, true);
    given[1] = "x";
    list.insert(3, 1, 0, RIGHT, 1, ["d"], true);
    list.remove(2, 1);
    expect(shown(list)).toEqual(["a", "d", "b"]);
    expect(given).toEqual(["a", "x", "c"]);
  });
});
