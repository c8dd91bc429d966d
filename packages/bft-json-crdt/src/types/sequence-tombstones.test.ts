import { describe, expect, test } from "vitest";
import { TEXT_CONTENT } from "./sequence-content.ts";
import { RIGHT, Sequence } from "./sequence.ts";

describe("dead elements between visible ones", () => {
  const DEAD = 50_000;

  /** "ab", then very many dead siblings that cannot be joined, then "yz"; counts steps from leaf to leaf. */
  function gap(): { sequence: Sequence<string>; steps: () => number } {
    const sequence = new Sequence<string>((a, b) => a - b, TEXT_CONTENT);
    sequence.insert(0, 2, -1, RIGHT, 1, "ab", true);
    sequence.insert(2, 2, 1, RIGHT, 1, "yz", true);
    for (let i = 0; i < DEAD; i++) sequence.insert(4 + i, 1, 1, RIGHT, 1, "x", true);
    sequence.remove(4, DEAD);
    sequence.check();
    let steps = 0;
    let leaves = 0;
    for (let leaf: { next: unknown } | null = sequence["tree"].first; leaf !== null; leaves++) {
      const { next } = leaf;
      Object.defineProperty(leaf, "next", { get: () => (steps++, next) });
      leaf = next as { next: unknown } | null;
    }
    expect(leaves).toBeGreaterThan(DEAD / 64);
    return { sequence, steps: () => steps };
  }

  test("are not walked through by who reads the visible ones", () => {
    const { sequence, steps } = gap();
    const seen: unknown[] = [];
    sequence.forEachVisible((lv, count, content) => seen.push([lv, count, content]));
    sequence.forEachVisibleIn(1, 2, (lv, count, content, from) =>
      seen.push([lv, count, content.slice(from, from + count)]),
    );
    expect(seen).toEqual([
      [0, 2, "ab"],
      [2, 2, "yz"],
      [1, 1, "b"],
      [2, 1, "y"],
    ]);
    expect(steps()).toBeLessThan(20);
  });

  test("are not walked through by a removal across them", () => {
    const { sequence, steps } = gap();
    const ranges: [number, number][] = [];
    sequence.livingRanges(0, 4, (lv, count) => ranges.push([lv, count]));
    sequence.livingUnitRanges(1, 2, (lv, count) => ranges.push([lv, count]));
    // Two ids that follow each other are one range, whatever stands between.
    expect(ranges).toEqual([
      [0, 4],
      [1, 2],
    ]);
    expect(steps()).toBeLessThan(20);
  });

  test("are no more in one entry than it can count, however many they are", () => {
    const most = 2 ** 24 - 1;
    const sequence = new Sequence<string>((a, b) => a - b, TEXT_CONTENT);
    const add = (lv: number, count: number, text: string | null): void => {
      sequence.insert(lv, count, lv - 1, RIGHT, 1, text, text !== null);
      sequence.check();
    };
    add(0, most, null);
    add(most, 3, "abc");
    add(most + 3, most, null);
    add(2 * most + 3, 5, null);
    add(2 * most + 8, 2 * most + 2, null);
    // The first and the last of the text would each become part of a neighbour that is full.
    for (const lv of [most, most + 2]) {
      expect(sequence.remove(lv, 1)).toBe(1);
      sequence.check();
    }
    const shown: unknown[] = [];
    sequence.forEachVisible((lv, count, text) => shown.push([lv, count, text]));
    expect(shown).toEqual([[most + 1, 1, "b"]]);
    for (const lv of [0, most - 1, most]) expect(sequence.indexOf(lv)).toBe(0);
    for (const lv of [most + 2, most + 3, 2 * most + 2, 2 * most + 3, 4 * most + 9]) {
      expect([sequence.has(lv), sequence.indexOf(lv)]).toEqual([true, 1]);
    }
    expect(sequence.has(4 * most + 10)).toBe(false);
  });
});
