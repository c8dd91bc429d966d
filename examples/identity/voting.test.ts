import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { viewFrom } from "./graph.model.ts";
import type { Edge } from "./graph.model.ts";
import { WHOLE } from "./schema.ts";
import { votingPower } from "./voting.ts";
import type { Poll } from "./voting.ts";

const poll: Poll = { anchors: ["me"], budget: 1_000_000, via: { knows: WHOLE }, rounds: 8 };

const names = ["me", "h1", "h2", "h3", "s1", "s2", "s3", "s4", "s5"];
const anyEdges = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom(...names),
    fc.constantFrom(...names),
    fc.integer({ min: 1, max: WHOLE }),
  ),
  { maxLength: 50, selector: ([from, to]) => `${from} ${to}` },
);

describe("voting power", () => {
  it("is handed on, not made: its sum is the budget, and a crowd has no more than those who vouched for it", () => {
    fc.assert(
      fc.property(anyEdges, (all) => {
        const edges = all.filter(([from, to]) => from !== to);
        const power = votingPower(viewFrom(edges, 0, names), poll);
        const sumOf = (ids: readonly string[]): number =>
          ids.reduce((sum, id) => sum + (power.get(id) ?? 0), 0);
        expect(sumOf(names)).toBe(poll.budget);
        for (const amount of power.values()) expect(Number.isSafeInteger(amount)).toBe(true);
        const isMadeUp = (id: string): boolean => id.startsWith("s");
        const vouched = edges.filter(([from, to]) => !isMadeUp(from) && isMadeUp(to));
        const vouchers = [...new Set(vouched.map(([from]) => from))];
        expect(sumOf(names.filter(isMadeUp))).toBeLessThanOrEqual(sumOf(vouchers));
      }),
      runs(500),
    );
  });

  it("is the same for a crowd of two and of fifty", () => {
    const crowd = (count: number): Edge[] => [
      ["me", "h1", 9_000],
      ["h1", "s0", 9_000],
      ...Array.from({ length: count }, (_, i): Edge[] => [
        ["s0", `s${i + 1}`, WHOLE],
        [`s${i + 1}`, "s0", WHOLE],
      ]).flat(),
    ];
    const theirs = (count: number): number => {
      const power = votingPower(viewFrom(crowd(count)), poll);
      return [...power].reduce((sum, [id, it]) => (id.startsWith("s") ? sum + it : sum), 0);
    };
    expect(theirs(2)).toBe(250_000);
    expect(theirs(50)).toBe(250_000);
  });

  it("goes by confidence and weight", () => {
    const view = viewFrom([
      ["me", "a", 9_000],
      ["me", "b", 3_000],
      ["me", "c", 6_000, { claim: "met" }],
      ["me", "d", 6_000, { claim: "skill:x" }],
    ]);
    const via = { knows: WHOLE, met: 5_000 };
    expect(votingPower(view, { ...poll, budget: 3_000, via })).toEqual(
      new Map([
        ["me", 1_500],
        ["a", 900],
        ["b", 300],
        ["c", 300],
      ]),
    );
  });
});
