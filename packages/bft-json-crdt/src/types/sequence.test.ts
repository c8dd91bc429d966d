import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SequenceModel, type ModelElement } from "./sequence.model.ts";
import { LEFT, LIST_CONTENT, RIGHT, Sequence, TEXT_CONTENT, type Side } from "./sequence.ts";

/** A change as far as keys are concerned. */
interface Stamp {
  readonly lamport: number;
  readonly id: string;
}

function compareStamps(a: Stamp, b: Stamp): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  return a.id < b.id ? -1 : 1;
}

/** One run of one change, in terms of any replica that knows its parent. */
interface Insertion {
  readonly lv: number;
  readonly change: number;
  readonly parent: number;
  readonly side: Side;
  readonly values: readonly string[];
  readonly visible: boolean;
}

const WIDE_VALUES = ["🙂", "𝄞", "🜁"];

/** A step of a history that anyone might have written; numbers are reduced to what exists when it is their turn. */
const insertStep = fc.record({
  kind: fc.constant("insert" as const),
  /** Counted from the youngest element, so that small numbers build on recent ones. */
  parent: fc.oneof(fc.nat(3), fc.nat(10_000)),
  hang: fc.constantFrom("left" as const, "right" as const, "typed" as const),
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6 })),
  wide: fc.boolean(),
  visible: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
  sameChange: fc.boolean(),
  lamportGap: fc.nat(3),
  id: fc.nat(99),
});
const removeStep = fc.record({
  kind: fc.constant("remove" as const),
  start: fc.nat(10_000),
  count: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
});
type Step =
  | (typeof insertStep extends fc.Arbitrary<infer T> ? T : never)
  | (typeof removeStep extends fc.Arbitrary<infer T> ? T : never);
const steps = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof({ weight: 3, arbitrary: insertStep }, { weight: 1, arbitrary: removeStep }), {
    minLength: 1,
    maxLength: length,
    size: "max",
  });

/** A sequence and its model, fed the same steps; `text` follows the sequence only by what it reports. */
class Trial {
  readonly stamps: Stamp[] = [];
  readonly changeOf: number[] = [];
  readonly insertions: Insertion[] = [];
  readonly sequence: Sequence<string>;
  readonly list: Sequence<readonly unknown[]>;
  readonly model: SequenceModel;
  text = "";

  constructor() {
    const order = {
      compareChanges: (a: number, b: number) => {
        if (a === b) throw new Error("compared with itself");
        return compareStamps(this.stamps[a]!, this.stamps[b]!);
      },
    };
    this.sequence = new Sequence(order, TEXT_CONTENT);
    this.list = new Sequence(order, LIST_CONTENT);
    this.model = new SequenceModel(order);
  }

  run(step: Step): void {
    const known = this.changeOf.length;
    if (step.kind === "remove") {
      // Starts among the known ones, and may go beyond them.
      this.remove(step.start % (known + 1), step.count);
      return;
    }
    let parent = known - 1 - (step.parent % (known + 1));
    let side: Side = step.hang === "left" && parent >= 0 ? LEFT : RIGHT;
    if (step.hang === "typed") {
      expect(this.sequence.placeAfter(parent)).toBe(true);
      ({ parent, side } = this.sequence);
    }
    const above = parent < 0 ? 0 : this.stamps[this.changeOf[parent]!]!.lamport;
    const last = this.stamps.length - 1;
    const fits =
      last >= 0 && (above < this.stamps[last]!.lamport || this.changeOf[parent] === last);
    if (!step.sameChange || !fits) {
      const id = `${step.id}`.padStart(2, "0") + `/${last + 1}`;
      this.stamps.push({ lamport: above + 1 + step.lamportGap, id });
    }
    const values = Array.from({ length: step.count }, (_, i) =>
      step.wide ? WIDE_VALUES[(known + i) % 3]! : String.fromCharCode(97 + ((known + i) % 26)),
    );
    this.insert({
      lv: known,
      change: this.stamps.length - 1,
      parent,
      side,
      values,
      visible: step.visible,
    });
  }

  insert(insertion: Insertion): void {
    const { lv, change, parent, side, values, visible } = insertion;
    this.insertions.push(insertion);
    for (let i = 0; i < values.length; i++) this.changeOf.push(change);
    this.model.insert(lv, change, parent, side, values, visible);
    const content = values.join("");
    const width = values[0]!.length === 2 ? 2 : 1;
    const at = this.sequence.insert(
      lv,
      values.length,
      change,
      parent,
      side,
      width,
      content,
      visible,
    );
    if (visible) this.text = this.text.slice(0, at) + content + this.text.slice(at);
    expect(at).toBe(this.sequence.unitIndexOf(lv));
    this.list.insert(lv, values.length, change, parent, side, 1, values, visible);
  }

  remove(lv: number, count: number): void {
    const expected = this.model.remove(lv, count);
    let told = 0;
    const died = this.sequence.remove(lv, count, (unitIndex, units, elementIndex, elements) => {
      expect([...this.text.slice(0, unitIndex)].length).toBe(elementIndex);
      expect([...this.text.slice(unitIndex, unitIndex + units)].length).toBe(elements);
      this.text = this.text.slice(0, unitIndex) + this.text.slice(unitIndex + units);
      told += elements;
    });
    expect([died, told]).toEqual([expected, expected]);
    expect(this.list.remove(lv, count)).toBe(expected);
  }

  /** Everything that can be read without asking for single elements. */
  expectSameOrder(): readonly ModelElement[] {
    const { sequence, list, model } = this;
    sequence.check();
    list.check();
    const visible = model.visible();
    const shown = visibleOf(sequence);
    expect(shown.lvs).toEqual(visible.map(({ lv }) => lv));
    expect(shown.text).toBe(visible.map(({ value }) => value).join(""));
    expect(this.text).toBe(shown.text);
    expect(sequence.length).toBe(visible.length);
    expect(sequence.units).toBe(shown.text.length);
    const values: unknown[] = [];
    list.forEachVisible((_lv, _count, content) => values.push(...content));
    expect(values).toEqual(visible.map(({ value }) => value));
    expect(list.units).toBe(visible.length);
    return visible;
  }

  /** Every question about every element. */
  expectSame(): void {
    const { sequence, list, model } = this;
    const visible = this.expectSameOrder();
    let index = 0;
    let units = 0;
    for (const { lv, alive, value } of model.walk()) {
      expect([sequence.has(lv), sequence.alive(lv)]).toEqual([true, alive]);
      expect([sequence.indexOf(lv), sequence.unitIndexOf(lv)]).toEqual([index, units]);
      expect(list.unitIndexOf(lv)).toBe(index);
      expect(sequence.placeAfter(lv)).toBe(true);
      const place = { parent: sequence.parent, side: sequence.side };
      expect(place).toEqual(model.placeAfter(lv));
      if (!alive) continue;
      expect(sequence.lvAt(index)).toBe(lv);
      expect(sequence.contentAt(index)).toBe(true);
      expect(
        sequence.content!.slice(sequence.contentOffset, sequence.contentOffset + value.length),
      ).toBe(value);
      expect(list.contentAt(index)).toBe(true);
      expect(list.content![list.contentOffset]).toBe(value);
      for (let offset = 0; offset < value.length; offset++) {
        expect(sequence.locateUnit(units + offset)).toBe(lv);
        expect([sequence.foundElement, sequence.foundOffset]).toEqual([index, offset]);
      }
      index += 1;
      units += value.length;
      expect(sequence.placeAt(index)).toBe(true);
      expect({ parent: sequence.parent, side: sequence.side }).toEqual(place);
      expect(sequence.placeAtUnit(units)).toBe(true);
      expect({ parent: sequence.parent, side: sequence.side }).toEqual(place);
      if (value.length === 2) expect(sequence.placeAtUnit(units - 1)).toBe(false);
    }
    expect(sequence.placeAt(0)).toBe(true);
    expect({ parent: sequence.parent, side: sequence.side }).toEqual(model.placeAfter(-1));
    this.expectNothingBeyond();
    const from = Math.floor(visible.length / 3);
    this.expectRanges(visible, from, Math.max(1, visible.length - 2 * from));
  }

  expectRanges(visible: readonly ModelElement[], from: number, count: number): void {
    const { sequence } = this;
    const wanted = visible.slice(from, from + count);
    const unit = visible.slice(0, from).reduce((sum, { value }) => sum + value.length, 0);
    const units = wanted.reduce((sum, { value }) => sum + value.length, 0);
    const byElement: number[] = [];
    sequence.livingRanges(from, count, (lv, length) => byElement.push(...consecutive(lv, length)));
    const byUnit: number[] = [];
    sequence.livingUnitRanges(unit, units, (lv, length) => byUnit.push(...consecutive(lv, length)));
    expect(byElement).toEqual(wanted.map(({ lv }) => lv));
    expect(byUnit).toEqual(byElement);
    const parts: string[] = [];
    const lvs: number[] = [];
    sequence.forEachVisibleIn(from, count, (lv, length, content, width) => {
      expect(content.length).toBe(length * width);
      parts.push(content);
      lvs.push(...consecutive(lv, length));
    });
    expect(lvs).toEqual(byElement);
    expect(parts.join("")).toBe(wanted.map(({ value }) => value).join(""));
  }

  private expectNothingBeyond(): void {
    const { sequence } = this;
    const unknown = this.changeOf.length;
    expect([sequence.has(unknown), sequence.alive(unknown), sequence.placeAfter(unknown)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([sequence.indexOf(unknown), sequence.unitIndexOf(unknown)]).toEqual([-1, -1]);
    for (const index of [-1, sequence.length, NaN]) {
      expect([sequence.lvAt(index), sequence.contentAt(index)]).toEqual([-1, false]);
    }
    expect([sequence.locateUnit(-1), sequence.locateUnit(sequence.units)]).toEqual([-1, -1]);
    expect([sequence.placeAt(-1), sequence.placeAt(sequence.length + 1)]).toEqual([false, false]);
    expect([sequence.placeAtUnit(-1), sequence.placeAtUnit(sequence.units + 1)]).toEqual([
      false,
      false,
    ]);
  }
}

function consecutive(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

function visibleOf(sequence: Sequence<string>): { lvs: number[]; text: string } {
  const lvs: number[] = [];
  const parts: string[] = [];
  sequence.forEachVisible((lv, count, content, width) => {
    expect(content.length).toBe(count * width);
    lvs.push(...consecutive(lv, count));
    parts.push(content);
  });
  return { lvs, text: parts.join("") };
}

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => (state = (state * 48_271) % 0x7fff_ffff) % bound;
}

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
        if (random(4) === 0) {
          trial.run({
            kind: "remove",
            start: random(100_000),
            count: 1 + random(random(40) === 0 ? 300 : 5),
          });
        } else {
          trial.run({
            kind: "insert",
            parent: random(reach),
            hang: (["left", "right", "typed"] as const)[random(3)]!,
            count: 1 + random(4),
            wide: random(3) === 0,
            visible: random(8) > 0,
            sameChange: random(2) === 0,
            lamportGap: random(4),
            id: random(100),
          });
        }
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
    const localChanges: number[] = [];
    const toLocal = new Map<number, number>([[-1, -1]]);
    const toTrial: number[] = [];
    const sequence = new Sequence<string>(
      {
        compareChanges: (a, b) =>
          compareStamps(trial.stamps[localChanges[a]!]!, trial.stamps[localChanges[b]!]!),
      },
      TEXT_CONTENT,
    );
    const due = [...removals];
    while (waiting.length > 0) {
      const ready = waiting.filter(({ change, runs }) =>
        runs.every(({ parent }) => toLocal.has(parent) || trial.changeOf[parent] === change),
      );
      const next = ready[random(ready.length)]!;
      waiting.splice(waiting.indexOf(next), 1);
      localChanges.push(next.change);
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
          localChanges.length - 1,
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
      fc.property(
        fc.array(edit, { maxLength: 80, size: "max" }),
        fc.boolean(),
        (edits, oneChange) => {
          const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
          let mirror: string[] = [];
          let lv = 0;
          let change = 0;
          for (const { at, remove, text } of edits) {
            const index = at % (mirror.length + 1);
            const unit = mirror.slice(0, index).join("").length;
            const doomed: [number, number][] = [];
            sequence.livingRanges(index, remove, (start, count) => doomed.push([start, count]));
            for (const [start, count] of doomed) sequence.remove(start, count);
            const characters = [...text];
            let typedAt = unit;
            for (const value of characters) {
              expect(sequence.placeAtUnit(typedAt)).toBe(true);
              const { parent, side } = sequence;
              const width = value.length === 2 ? 2 : 1;
              expect(sequence.insert(lv, 1, change, parent, side, width, value, true)).toBe(
                typedAt,
              );
              lv += 1;
              typedAt += value.length;
              if (!oneChange) change += 1;
            }
            mirror = [...mirror.slice(0, index), ...characters, ...mirror.slice(index + remove)];
            sequence.check();
            expect(visibleOf(sequence).text).toBe(mirror.join(""));
            expect([sequence.length, sequence.units]).toEqual([
              mirror.length,
              mirror.join("").length,
            ]);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("typing takes one run, whatever the number of changes", () => {
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    for (let i = 0; i < 1_000; i++) {
      sequence.placeAt(i);
      sequence.insert(i, 1, i, sequence.parent, sequence.side, 1, "x", true);
    }
    let runs = 0;
    sequence.forEachVisible(() => (runs += 1));
    expect(runs).toBe(1);
  });

  test("a long run is kept in portions and is one range for a removal", () => {
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    const text = "abcdefghij".repeat(10_000);
    sequence.insert(7, text.length, 0, -1, RIGHT, 1, text, true);
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
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    for (let i = 0; i < size; i++) sequence.insert(2 * i, 1, i, -1, RIGHT, 1, "x", true);
    expect(sequence.remove(0, 2 * size)).toBe(size);
    let calls = 0;
    for (let i = 0; i < size; i++)
      expect(sequence.remove(i, 2 * size - i, () => (calls += 1))).toBe(0);
    expect(calls).toBe(0);
    expect(sequence.length).toBe(0);
    sequence.check();
  });

  test("an element that was named too early is alive when it comes", () => {
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    sequence.insert(500, 1, 0, -1, RIGHT, 1, "x", true);
    expect(sequence.remove(0, 1_000)).toBe(1);
    sequence.insert(600, 100, 1, 500, RIGHT, 1, "y".repeat(100), true);
    sequence.insert(100, 100, 2, 500, LEFT, 1, "z".repeat(100), true);
    sequence.check();
    expect(sequence.remove(0, 1_000)).toBe(200);
  });

  test("an id that is known, or a parent that is not, is refused", () => {
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    sequence.insert(5, 5, 0, -1, RIGHT, 1, "abcde", true);
    for (const [lv, count] of [
      [5, 1],
      [9, 1],
      [0, 6],
      [4, 20],
      [0, 0],
    ] as const) {
      expect(() => sequence.insert(lv, count, 1, -1, RIGHT, 1, "x".repeat(count), true)).toThrow();
    }
    expect(() => sequence.insert(20, 1, 1, 4, RIGHT, 1, "x", true)).toThrow();
    expect(() => sequence.insert(20, 1, 1, -1, LEFT, 1, "x", true)).toThrow();
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
    const order = {
      compareChanges: (a: number, b: number) => {
        comparisons += 1;
        return rank(a) - rank(b);
      },
    };
    // Without a rule to join contents every element stays an entry of its own.
    const sequence = new Sequence<string>(order, { slice: (content, from, to) => content.slice(from, to) });
    for (let lv = 0; lv < size; lv++) {
      const { parent, side } = at(lv);
      sequence.insert(lv, 1, lv, parent, side, 1, "x", true);
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
    // Behind the root stand all the markers and then the last element.
    for (let i = 0; i < 1_000; i++) {
      sequence.placeAt(0);
      expect([sequence.parent, sequence.side]).toEqual([SIZE - 1, LEFT]);
    }
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
    const sequence = new Sequence<string>({ compareChanges: (a, b) => a - b }, TEXT_CONTENT);
    sequence.insert(0, SIZE, 0, -1, RIGHT, 1, "x".repeat(SIZE), true);
    for (let lv = 0; lv < SIZE; lv += 2) expect(sequence.remove(lv, 1)).toBe(1);
    sequence.check();
    const random = seeded(5);
    for (let i = 0; i < 10_000; i++) {
      sequence.placeAt(random(sequence.length + 1));
      sequence.insert(SIZE + i, 1, 1 + i, sequence.parent, sequence.side, 1, "y", true);
    }
    sequence.check();
    expect(sequence.length).toBe(SIZE / 2 + 10_000);
  });
});
