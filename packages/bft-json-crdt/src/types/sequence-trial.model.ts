/**
 * A sequence and its model side by side, and histories to feed them: what honest editors write and what they never
 * would. For tests only.
 */
import fc from "fast-check";
import { same, sameAll } from "../../test/same.ts";
import { SequenceModel, type ChangeOrder, type ModelElement } from "./sequence.model.ts";
import { LIST_CONTENT, TEXT_CONTENT } from "./sequence-content.ts";
import { LEFT, RIGHT, Sequence, type Side } from "./sequence.ts";

/** A change as far as keys are concerned. */
export interface Stamp {
  readonly lamport: number;
  readonly id: string;
}

/** Lamport first, then id. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  return a.id < b.id ? -1 : 1;
}

/** One run of one change, in terms of any replica that knows its parent. */
export interface Insertion {
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
/** A step; see above. */
export type Step =
  | (typeof insertStep extends fc.Arbitrary<infer T> ? T : never)
  | (typeof removeStep extends fc.Arbitrary<infer T> ? T : never);
/** A history of at most so many steps. */
export const steps = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof({ weight: 3, arbitrary: insertStep }, { weight: 1, arbitrary: removeStep }), {
    minLength: 1,
    maxLength: length,
    size: "max",
  });

/** The order of elements, by that of the changes which made them. */
export function elementOrder(
  { compareChanges }: ChangeOrder,
  changeOf: readonly number[],
): (a: number, b: number) => number {
  return (a, b) =>
    changeOf[a] === changeOf[b] ? a - b : compareChanges(changeOf[a]!, changeOf[b]!);
}

/** A sequence and its model, fed the same steps; `text` follows the sequence only by what it reports. */
export class Trial {
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
    const compare = elementOrder(order, this.changeOf);
    this.sequence = new Sequence(compare, TEXT_CONTENT);
    this.list = new Sequence(compare, LIST_CONTENT);
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
      same(this.sequence.placeAfter(parent), true);
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
    this.sequence.insert(lv, values.length, parent, side, width, content, visible);
    if (visible) {
      const at = this.sequence.unitIndexOf(lv);
      this.text = this.text.slice(0, at) + content + this.text.slice(at);
    }
    this.list.insert(lv, values.length, parent, side, 1, values, visible);
  }

  remove(lv: number, count: number): void {
    const expected = this.model.remove(lv, count);
    let told = 0;
    const died = this.sequence.remove(lv, count, (unitIndex, units, elementIndex, elements) => {
      same(Array.from(this.text.slice(0, unitIndex)).length, elementIndex);
      same(Array.from(this.text.slice(unitIndex, unitIndex + units)).length, elements);
      this.text = this.text.slice(0, unitIndex) + this.text.slice(unitIndex + units);
      told += elements;
    });
    same(died, expected);
    same(told, expected);
    same(this.list.remove(lv, count), expected);
  }

  /** Everything that can be read without asking for single elements. */
  expectSameOrder(): readonly ModelElement[] {
    const { sequence, list, model } = this;
    sequence.check();
    list.check();
    const visible = model.visible();
    const shown = visibleOf(sequence);
    sameAll(
      shown.lvs,
      visible.map(({ lv }) => lv),
    );
    same(shown.text, visible.map(({ value }) => value).join(""));
    same(this.text, shown.text);
    same(sequence.length, visible.length);
    same(sequence.units, shown.text.length);
    const values: unknown[] = [];
    list.forEachVisible((_lv, count, content, from) =>
      values.push(...content.slice(from, from + count)),
    );
    sameAll(
      values,
      visible.map(({ value }) => value),
    );
    same(list.units, visible.length);
    return visible;
  }

  /** Every question about every element. */
  expectSame(): void {
    const { sequence, list, model } = this;
    const visible = this.expectSameOrder();
    let index = 0;
    let units = 0;
    for (const { lv, alive, value } of model.walk()) {
      same(sequence.has(lv), true);
      same(sequence.alive(lv), alive);
      same(sequence.indexOf(lv), index);
      same(sequence.unitIndexOf(lv), units);
      same(list.unitIndexOf(lv), index);
      const { parent, side } = model.placeAfter(lv);
      this.expectPlace(sequence.placeAfter(lv), parent, side);
      if (!alive) continue;
      same(sequence.lvAt(index), lv);
      same(sequence.contentAt(index), true);
      const { content, contentOffset } = sequence;
      same(content!.slice(contentOffset, contentOffset + value.length), value);
      same(list.contentAt(index), true);
      same(list.content![list.contentOffset], value);
      same(sequence.livingRun(units, value.length), true);
      same(sequence.foundElement, lv);
      same(sequence.foundCount, 1);
      for (let offset = 0; offset < value.length; offset++) {
        same(sequence.locateUnit(units + offset), lv);
        same(sequence.foundIndex, index);
        same(sequence.foundOffset, offset);
      }
      index += 1;
      units += value.length;
      this.expectPlace(sequence.placeAt(index), parent, side);
      this.expectPlace(sequence.placeAtUnit(units), parent, side);
      if (value.length === 2) same(sequence.placeAtUnit(units - 1), false);
    }
    const { parent, side } = model.placeAfter(-1);
    this.expectPlace(sequence.placeAt(0), parent, side);
    this.expectPlace(sequence.placeAtUnit(0), parent, side);
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
    sameAll(
      byElement,
      wanted.map(({ lv }) => lv),
    );
    sameAll(byUnit, byElement);
    if (sequence.livingRun(unit, units)) {
      sameAll(consecutive(sequence.foundElement, sequence.foundCount), byElement);
    }
    if (wanted.length === 0) return;
    // A pair that is cut counts as whole.
    const [before, after] = [wanted[0]!.value.length - 1, wanted.at(-1)!.value.length - 1];
    if (units - before - after > 0) {
      const cut: number[] = [];
      sequence.livingUnitRanges(unit + before, units - before - after, (lv, length) => {
        cut.push(...consecutive(lv, length));
      });
      sameAll(cut, byElement);
    }
    const parts: string[] = [];
    const lvs: number[] = [];
    sequence.forEachVisibleIn(from, count, (lv, length, content, start, width) => {
      const part = content.slice(start, start + length * width);
      same(part.length, length * width);
      parts.push(part);
      lvs.push(...consecutive(lv, length));
    });
    sameAll(lvs, byElement);
    same(parts.join(""), wanted.map(({ value }) => value).join(""));
    const items: unknown[] = [];
    const ids: number[] = [];
    this.list.forEachVisibleIn(from, count, (lv, length, content, start) => {
      items.push(...content.slice(start, start + length));
      ids.push(...consecutive(lv, length));
    });
    sameAll(ids, byElement);
    sameAll(
      items,
      wanted.map(({ value }) => value),
    );
  }

  private expectPlace(found: boolean, parent: number, side: Side): void {
    same(found, true);
    same(this.sequence.parent, parent);
    same(this.sequence.side, side);
  }

  private expectNothingBeyond(): void {
    const { sequence } = this;
    const unknown = this.changeOf.length;
    same(sequence.has(unknown), false);
    same(sequence.alive(unknown), false);
    same(sequence.placeAfter(unknown), false);
    same(sequence.indexOf(unknown), -1);
    same(sequence.unitIndexOf(unknown), -1);
    for (const index of [-1, sequence.length, NaN]) {
      same(sequence.lvAt(index), -1);
      same(sequence.contentAt(index), false);
    }
    same(sequence.locateUnit(-1), -1);
    same(sequence.locateUnit(sequence.units), -1);
    same(sequence.livingRun(-1, 1), false);
    same(sequence.livingRun(sequence.units, 1), false);
    same(sequence.livingRun(0, sequence.units + 1), false);
    same(sequence.livingRun(0, 0), false);
    same(sequence.placeAt(-1), false);
    same(sequence.placeAt(sequence.length + 1), false);
    same(sequence.placeAtUnit(-1), false);
    same(sequence.placeAtUnit(sequence.units + 1), false);
  }
}

/** `count` numbers from `start` on. */
export function consecutive(start: number, count: number): number[] {
  const numbers = Array<number>(count);
  for (let i = 0; i < count; i++) numbers[i] = start + i;
  return numbers;
}

/** What a text shows: the ids of its elements and the characters. */
export function visibleOf(sequence: Sequence<string>): { lvs: number[]; text: string } {
  const lvs: number[] = [];
  const parts: string[] = [];
  sequence.forEachVisible((lv, count, content, from, width) => {
    same(from, 0);
    same(content.length, count * width);
    for (let i = 0; i < count; i++) lvs.push(lv + i);
    parts.push(content);
  });
  return { lvs, text: parts.join("") };
}

/** Numbers that look random and are the same in every run. */
export function seeded(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => (state = (state * 48_271) % 0x7fff_ffff) % bound;
}
