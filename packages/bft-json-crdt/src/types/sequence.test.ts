import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { same, sameAll } from "../../test/same.ts";
import {
  Trial,
  compareStamps,
  consecutive,
  elementOrder,
  seeded,
  steps,
  visibleOf,
  type Step,
} from "./sequence-trial.model.ts";
import { TEXT_CONTENT } from "./sequence-content.ts";
import { LEFT, RIGHT, Sequence, type Side } from "./sequence.ts";

/** The order of elements of which each was made after all before. */
const byNumber = (a: number, b: number) => a - b;

describe("a sequence is the walk of its tree", () => {
  test("after every step of any history, hostile ones included, each question has the model's answer", () => {
    fc.assert(
      fc.property(steps(40), (history) => {
        const trial = new Trial();
        for (const step of history) {
          trial.run(step);
          trial.expectSame();
        }
      }),
      { numRuns: 150 },
    );
  });

  test("an element in the middle of a run of several changes keeps the key of its own change", () => {
    const link = fc.record({
      visible: fc.boolean(),
      wide: fc.boolean(),
      sameChange: fc.boolean(),
      id: fc.nat(99),
    });
    const cut = fc.record({ start: fc.nat(30), count: fc.integer({ min: 1, max: 5 }) });
    const probe = fc.record({ parent: fc.nat(30), id: fc.nat(99) });
    const chains = fc.array(link, { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(chains, fc.array(cut), fc.array(probe), (links, cuts, probes) => {
        const trial = new Trial();
        const base = { kind: "insert", hang: "right", count: 1, lamportGap: 0 } as const;
        for (const step of links) trial.run({ ...base, ...step, parent: 0 });
        for (const { start, count } of cuts) trial.run({ kind: "remove", start, count });
        for (const { parent, id } of probes) {
          // A sibling of what follows in the chain, with the same lamport, so that only the id decides.
          const back = trial.changeOf.length - 1 - (parent % links.length);
          const step = { sameChange: false, visible: true, wide: false, id };
          trial.run({ ...base, ...step, parent: back });
          trial.expectSame();
        }
      }),
      { numRuns: 300 },
    );
  });

  test("ids that do not come in ascending order are no reason to join runs", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    sequence.insert(500, 1, -1, RIGHT, 1, "a", true);
    sequence.insert(502, 1, 500, RIGHT, 1, "b", true);
    sequence.insert(501, 1, 500, RIGHT, 1, "c", true);
    sequence.check();
    expect(visibleOf(sequence).text).toBe("abc");
  });

  test("an element that has a sibling does not become part of a dead run, which would forget that", () => {
    const rank = [0, 10, 5, 30, 20];
    const sequence = new Sequence<string>((a, b) => rank[a]! - rank[b]!, TEXT_CONTENT);
    sequence.insert(0, 2, -1, RIGHT, 1, "ab", true);
    sequence.insert(2, 1, 0, RIGHT, 1, "c", true);
    sequence.remove(0, 2);
    sequence.insert(3, 1, 1, LEFT, 1, "d", true);
    sequence.insert(4, 1, 0, RIGHT, 1, "e", true);
    sequence.check();
    expect(visibleOf(sequence).text).toBe("edc");
  });

  test("of a long run that has a sibling, only the first element has one", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    sequence.insert(0, 1, -1, RIGHT, 1, "a", true);
    sequence.insert(1, 3_000, -1, RIGHT, 1, "b".repeat(3_000), true);
    for (const [lv, parent, side] of [
      [3_001, 1_025, LEFT],
      [3_002, 1_024, RIGHT],
    ] as const) {
      sequence.insert(lv, 1, parent, side, 1, "c", true);
      sequence.check();
    }
    const expected = [...consecutive(1, 1_024), 3_002, 3_001, ...consecutive(1_025, 1_976), 0];
    expect(visibleOf(sequence).lvs).toEqual(expected);
  });

  /** A step of a history; new elements hang on one of so many of the latest. */
  function someStep(random: (bound: number) => number, reach: number, removed: number): Step {
    if (random(4) === 0) return { kind: "remove", start: random(100_000), count: 1 + removed };
    return {
      kind: "insert",
      parent: random(reach),
      hang: (["left", "right", "typed"] as const)[random(3)]!,
      count: 1 + random(4),
      wide: random(3) === 0,
      visible: random(8) > 0,
      sameChange: random(2) === 0,
      lamportGap: random(4),
      id: random(100),
    };
  }

  test("after histories of hundreds of steps, in which all write at the same few places", () => {
    for (let seed = 1; seed <= 120; seed++) {
      const random = seeded(seed * 7_919);
      const trial = new Trial();
      const reach = [4, 8, 30, 300][seed % 4]!;
      for (let i = 0; i < 300; i++) {
        trial.run(someStep(random, reach, random(5)));
        if (i % 30 === 0) trial.expectSameOrder();
      }
      trial.expectSame();
    }
  });

  test("after histories of thousands of steps", () => {
    for (const [seed, reach] of [
      [1, 20_000],
      [2, 20_000],
      [3, 8],
      [4, 300],
    ] as const) {
      const random = seeded(seed);
      const trial = new Trial();
      for (let i = 0; i < 4_000; i++) {
        trial.run(someStep(random, reach, random(random(40) === 0 ? 300 : 5)));
        if (i % 500 === 0) trial.expectSameOrder();
      }
      trial.expectSame();
      const visible = trial.model.visible();
      for (let i = 0; i < 200; i++)
        trial.expectRanges(visible, random(visible.length), 1 + random(500));
    }
  });
});

describe("replicas that got the same runs in other orders show the same", () => {
  /** Applies the runs and removals of a trial in an order of its own; returns what it shows, in the trial's ids. */
  function replay(
    trial: Trial,
    removals: readonly (readonly [number, number])[],
    random: (bound: number) => number,
  ): number[] {
    const changes = trial.stamps.map((_, change) => ({
      change,
      runs: trial.insertions.filter((run) => run.change === change),
    }));
    const waiting = changes.filter(({ runs }) => runs.length > 0);
    const toLocal = new Map<number, number>([[-1, -1]]);
    const toTrial: number[] = [];
    const inTrial = elementOrder(
      { compareChanges: (a, b) => compareStamps(trial.stamps[a]!, trial.stamps[b]!) },
      trial.changeOf,
    );
    const sequence = new Sequence<string>(
      (a, b) => inTrial(toTrial[a]!, toTrial[b]!),
      TEXT_CONTENT,
    );
    const due = [...removals];
    while (waiting.length > 0) {
      const ready = waiting.filter(({ change, runs }) =>
        runs.every(({ parent }) => toLocal.has(parent) || trial.changeOf[parent] === change),
      );
      const next = ready[random(ready.length)]!;
      waiting.splice(waiting.indexOf(next), 1);
      for (const { lv, parent, side, values, visible } of next.runs) {
        values.forEach((_, i) => {
          toLocal.set(lv + i, toTrial.length);
          toTrial.push(lv + i);
        });
        const width = values[0]!.length === 2 ? 2 : 1;
        const start = toLocal.get(lv)!;
        sequence.insert(
          start,
          values.length,
          toLocal.get(parent)!,
          side,
          width,
          values.join(""),
          visible,
        );
      }
      // A removal is due as soon as what it names is there.
      for (let i = due.length - 1; i >= 0; i--) {
        const named = consecutive(...due[i]!);
        if (!named.every((lv) => toLocal.has(lv))) continue;
        due.splice(i, 1);
        for (const lv of named) sequence.remove(toLocal.get(lv)!, 1);
      }
    }
    sequence.check();
    expect(due).toEqual([]);
    return visibleOf(sequence).lvs.map((lv) => toTrial[lv]!);
  }

  test("for any history and any order with parents before children", () => {
    fc.assert(
      fc.property(steps(60), fc.integer({ min: 1, max: 1e9 }), (history, seed) => {
        const trial = new Trial();
        const removals: [number, number][] = [];
        for (const step of history) {
          trial.run(step);
          if (step.kind !== "remove") continue;
          const start = step.start % (trial.changeOf.length + 1);
          const count = Math.min(step.count, trial.changeOf.length - start);
          if (count > 0) removals.push([start, count]);
        }
        const expected = trial.expectSameOrder().map(({ lv }) => lv);
        const random = seeded(seed);
        for (let i = 0; i < 3; i++) expect(replay(trial, removals, random)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});

describe("two runs typed concurrently at one position do not interleave", () => {
  /** Types `count` characters after the first `at` of a base text, each in a change of its own or all in one. */
  const author = fc.record({
    backward: fc.boolean(),
    count: fc.integer({ min: 1, max: 8 }),
    oneChange: fc.boolean(),
    id: fc.nat(99),
    lamportGap: fc.nat(4),
  });
  type Author = typeof author extends fc.Arbitrary<infer T> ? T : never;

  test("whichever way and in whichever changes they were typed, and whoever sees which first", () => {
    fc.assert(
      fc.property(
        steps(15),
        fc.nat(),
        author,
        author,
        fc.boolean(),
        (history, at, first, second, swap) => {
          const record = (who: Author, name: string) => {
            const trial = new Trial();
            for (const step of history) trial.run(step);
            const base = trial.insertions.length;
            const lvs = trial.changeOf.length;
            const start = at % (trial.sequence.length + 1);
            const lamport =
              Math.max(...trial.stamps.map((stamp) => stamp.lamport), 0) + who.lamportGap;
            for (let i = 0; i < who.count; i++) {
              trial.sequence.placeAt(who.backward ? start : start + i);
              const { parent, side } = trial.sequence;
              if (i === 0 || !who.oneChange)
                trial.stamps.push({ lamport: lamport + i + 1, id: `${who.id}${name}${i}` });
              trial.insert({
                lv: lvs + i,
                change: trial.stamps.length - 1,
                parent,
                side,
                values: [name],
                visible: true,
              });
            }
            return {
              stamps: trial.stamps.slice(trial.insertions[base]!.change),
              runs: trial.insertions.slice(base),
            };
          };
          const authors = [record(first, "A"), record(second, "B")];
          if (swap) authors.reverse();
          const merged = new Trial();
          for (const step of history) merged.run(step);
          const known = merged.changeOf.length;
          for (const { stamps, runs } of authors) {
            const byLv = merged.changeOf.length - known;
            const byChange = merged.stamps.length - runs[0]!.change;
            merged.stamps.push(...stamps);
            for (const run of runs) {
              const parent = run.parent >= known ? run.parent + byLv : run.parent;
              merged.insert({ ...run, lv: run.lv + byLv, change: run.change + byChange, parent });
            }
          }
          merged.expectSame();
          const typed = merged.text.replaceAll(/[^AB]/g, "");
          expect(typed).toMatch(/^(A+B+|B+A+)$/);
          expect(merged.text).toContain("A".repeat(first.count));
          expect(merged.text).toContain("B".repeat(second.count));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("local editing", () => {
  test("an index means what it means in a JavaScript string, wide characters included", () => {
    const edit = fc.record({
      at: fc.nat(),
      remove: fc.nat(12),
      text: fc.string({ unit: "grapheme", maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 80, size: "max" }), (edits) => {
        const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
        let mirror: string[] = [];
        let lv = 0;
        for (const { at, remove, text } of edits) {
          const index = at % (mirror.length + 1);
          const unit = mirror.slice(0, index).join("").length;
          const doomed: [number, number][] = [];
          sequence.livingRanges(index, remove, (start, count) => doomed.push([start, count]));
          for (const [start, count] of doomed) sequence.remove(start, count);
          const characters = [...text];
          let typedAt = unit;
          for (const value of characters) {
            same(sequence.placeAtUnit(typedAt), true);
            const { parent, side } = sequence;
            const width = value.length === 2 ? 2 : 1;
            sequence.insert(lv, 1, parent, side, width, value, true);
            same(sequence.unitIndexOf(lv), typedAt);
            lv += 1;
            typedAt += value.length;
          }
          mirror = [...mirror.slice(0, index), ...characters, ...mirror.slice(index + remove)];
          sequence.check();
          same(visibleOf(sequence).text, mirror.join(""));
          sameAll([sequence.length, sequence.units], [mirror.length, mirror.join("").length]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("typing takes one run, whatever the number of changes", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    for (let i = 0; i < 1_000; i++) {
      sequence.placeAt(i);
      sequence.insert(i, 1, sequence.parent, sequence.side, 1, "x", true);
    }
    let runs = 0;
    sequence.forEachVisible(() => (runs += 1));
    expect(runs).toBe(1);
  });

  test("a long run is kept in portions and is one range for a removal", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    const text = "abcdefghij".repeat(10_000);
    sequence.insert(7, text.length, -1, RIGHT, 1, text, true);
    sequence.check();
    expect(visibleOf(sequence).text).toBe(text);
    const ranges: number[][] = [];
    sequence.livingRanges(5, 90_000, (lv, count) => ranges.push([lv, count]));
    expect(ranges).toEqual([[12, 90_000]]);
    expect(sequence.remove(12, 90_000)).toBe(90_000);
    sequence.check();
    expect(visibleOf(sequence).text).toBe(text.slice(0, 5) + text.slice(90_005));
  });
});

describe("removals", () => {
  test("the same many pieces can be named again and again at no cost", () => {
    // Even ids in one sequence, odd ids in none: each element is a piece, and each unknown id a gap.
    const size = 25_000;
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    for (let i = 0; i < size; i++) sequence.insert(2 * i, 1, -1, RIGHT, 1, "x", true);
    expect(sequence.remove(0, 2 * size)).toBe(size);
    let calls = 0;
    let again = 0;
    for (let i = 0; i < size; i++) again += sequence.remove(i, 2 * size - i, () => (calls += 1));
    expect([again, calls]).toEqual([0, 0]);
    expect(sequence.length).toBe(0);
    sequence.check();
  });

  test("an element that was named too early is alive when it comes", () => {
    const rank = (lv: number) => (lv < 500 ? lv + 1_000 : lv);
    const sequence = new Sequence<string>((a, b) => rank(a) - rank(b), TEXT_CONTENT);
    sequence.insert(500, 1, -1, RIGHT, 1, "x", true);
    expect(sequence.remove(0, 1_000)).toBe(1);
    sequence.insert(600, 100, 500, RIGHT, 1, "y".repeat(100), true);
    sequence.insert(100, 100, 500, LEFT, 1, "z".repeat(100), true);
    sequence.check();
    expect(sequence.remove(0, 1_000)).toBe(200);
  });

  test("an id that is known, or a parent that is not, is refused", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    sequence.insert(5, 5, -1, RIGHT, 1, "abcde", true);
    for (const [lv, count] of [
      [5, 1],
      [9, 1],
      [0, 6],
      [4, 20],
      [0, 0],
    ] as const) {
      expect(() => sequence.insert(lv, count, -1, RIGHT, 1, "x".repeat(count), true)).toThrow(
        /known already|no elements/,
      );
    }
    expect(() => sequence.insert(20, 1, 4, RIGHT, 1, "x", true)).toThrow("unknown");
    expect(() => sequence.insert(20, 1, -1, LEFT, 1, "x", true)).toThrow("left children");
    sequence.check();
    expect(visibleOf(sequence).text).toBe("abcde");
  });
});

describe("trees that no editor would build take O(n log n)", () => {
  const SIZE = 100_000;

  /** Builds a sequence of single elements; counts comparisons of keys, of which each insertion may make some hundreds. */
  function build(
    size: number,
    at: (lv: number) => { parent: number; side: Side },
    rank: (lv: number) => number = (lv) => lv,
  ): Sequence<string> {
    let comparisons = 0;
    const compare = (a: number, b: number) => {
      comparisons += 1;
      return rank(a) - rank(b);
    };
    // Every element stays an entry of its own.
    const sequence = new Sequence<string>(compare, { ...TEXT_CONTENT, maxRun: 1 });
    for (let lv = 0; lv < size; lv++) {
      const { parent, side } = at(lv);
      sequence.insert(lv, 1, parent, side, 1, "x", true);
    }
    expect(comparisons).toBeLessThan(size * 400);
    sequence.check();
    return sequence;
  }

  /** A bijection of the numbers below the size: 7,919 is prime and no factor of it. */
  const scramble = (lv: number) => (lv * 7_919) % SIZE;
  const descending = (a: number, b: number) => b - a;

  test("left spine", () => {
    const sequence = build(SIZE, (lv) => ({ parent: lv - 1, side: lv === 0 ? RIGHT : LEFT }));
    expect(visibleOf(sequence).lvs).toEqual(consecutive(0, SIZE).sort(descending));
    sequence.placeAt(0);
    expect([sequence.parent, sequence.side]).toEqual([SIZE - 1, LEFT]);
  });

  test("right spine", () => {
    const sequence = build(SIZE, (lv) => ({ parent: lv - 1, side: RIGHT }));
    expect(visibleOf(sequence).lvs).toEqual(consecutive(0, SIZE));
  });

  test("zigzag spine", () => {
    const sequence = build(SIZE, (lv) => ({ parent: lv - 1, side: lv % 2 === 0 ? RIGHT : LEFT }));
    const lvs = visibleOf(sequence).lvs;
    const even = consecutive(0, SIZE / 2).map((i) => 2 * i);
    expect(lvs).toEqual([...even.map((lv) => lv + 1), ...even.sort(descending)]);
  });

  test.each([
    ["ascending", (lv: number) => lv],
    ["descending", (lv: number) => SIZE - lv],
    ["scrambled", scramble],
  ])("siblings in %s order, at the root and on either side of one element", (_name, rank) => {
    const expected = consecutive(0, SIZE).sort((a, b) => rank(b) - rank(a));
    expect(visibleOf(build(SIZE, () => ({ parent: -1, side: RIGHT }), rank)).lvs).toEqual(expected);
    for (const side of [LEFT, RIGHT] as const) {
      const ranked = (lv: number) => (lv === 0 ? -1 : rank(lv));
      const lvs = visibleOf(
        build(SIZE, (lv) => (lv === 0 ? { parent: -1, side: RIGHT } : { parent: 0, side }), ranked),
      ).lvs;
      const siblings = expected.filter((lv) => lv !== 0);
      expect(lvs).toEqual(side === LEFT ? [...siblings, 0] : [0, ...siblings]);
    }
  });

  test.each([
    ["smaller", "left", LEFT],
    ["smaller", "right", RIGHT],
    ["greater", "left", LEFT],
    ["greater", "right", RIGHT],
  ] as const)("a sibling of %s key for each element of a %s spine", (kind, _side, side) => {
    const links = SIZE / 2;
    const [link, sibling] = [(i: number) => i, (i: number) => links + i];
    const sequence = build(
      SIZE - 1,
      (lv) => {
        if (lv === 0) return { parent: -1, side: RIGHT };
        return { parent: lv < links ? lv - 1 : lv - links, side };
      },
      (lv) => (lv < links ? 2 * lv : kind === "greater" ? 2 * lv : 2 * (lv - links) + 1),
    );
    // Each sibling hangs on the same link as the link after it: before all that hangs on that, or behind it.
    const above = consecutive(0, links - 1);
    const last = link(links - 1);
    const between = (i: number) => (side === LEFT ? [sibling(i), link(i)] : [link(i), sibling(i)]);
    const expected = {
      smaller: {
        left: [last, ...above.toReversed().flatMap(between)],
        right: [...above.map(link), last, ...above.toReversed().map(sibling)],
      },
      greater: {
        left: [...above.map(sibling), last, ...above.toReversed().map(link)],
        right: [...above.flatMap(between), last],
      },
    }[kind][side === LEFT ? "left" : "right"];
    expect(visibleOf(sequence).lvs).toEqual(expected);
    // In the left spine with smaller ones, all the markers stand behind the root.
    for (let i = 0; i < 1_000; i++) {
      sequence.placeAt(0);
      const { parent } = sequence;
      expect(parent).toBe(expected[0]);
    }
  });

  test("children of small keys below a deep spine pass over all of it", () => {
    // A spine of great keys hangs at the root; then come siblings of its top with smaller keys.
    const half = SIZE / 2;
    for (const side of [LEFT, RIGHT] as const) {
      const sequence = build(
        SIZE,
        (lv) => (lv === 0 || lv >= half ? { parent: -1, side: RIGHT } : { parent: lv - 1, side }),
        (lv) => (lv < half ? SIZE + lv : scramble(lv)),
      );
      const spine = consecutive(0, half);
      if (side === LEFT) spine.reverse();
      const rest = consecutive(half, half).sort((a, b) => scramble(b) - scramble(a));
      expect(visibleOf(sequence).lvs).toEqual([...spine, ...rest]);
    }
  });

  test("every other element of a long run removed, then typed between", () => {
    const sequence = new Sequence<string>(byNumber, TEXT_CONTENT);
    sequence.insert(0, SIZE, -1, RIGHT, 1, "x".repeat(SIZE), true);
    let removed = 0;
    for (let lv = 0; lv < SIZE; lv += 2) removed += sequence.remove(lv, 1);
    expect(removed).toBe(SIZE / 2);
    sequence.check();
    const random = seeded(5);
    for (let i = 0; i < 10_000; i++) {
      sequence.placeAt(random(sequence.length + 1));
      sequence.insert(SIZE + i, 1, sequence.parent, sequence.side, 1, "y", true);
    }
    sequence.check();
    expect(sequence.length).toBe(SIZE / 2 + 10_000);
  });
});
