import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodedBody } from "../change/index.ts";
import { admit } from "./admission.ts";
import type { Candidate } from "./admission.ts";

/** A candidate as it comes from the links; what it builds on is earlier. */
function candidate(
  at: number,
  signed: boolean,
  inGroup: Candidate[],
  prev: Candidate | null,
): Candidate {
  return {
    key: `c${at}`,
    id: new Uint8Array(32),
    body: new Uint8Array(0),
    signature: signed ? new Uint8Array(64) : null,
    header: {} as unknown as DecodedBody,
    inGroup: prev === null || inGroup.includes(prev) ? inGroup : [prev, ...inGroup],
    missing: [],
    prev,
    fault: null,
    covers: 0,
    admitted: false,
  };
}

/** The definition: take out whatever breaks a rule, for as long as anything does. */
function admittedByDefinition(candidates: readonly Candidate[]): Set<Candidate> {
  const set = new Set(candidates);
  const breaksARule = (one: Candidate): boolean =>
    one.fault !== null ||
    one.missing.length > 0 ||
    one.inGroup.some((dependency) => !set.has(dependency)) ||
    (one.signature === null && ![...set].some(({ prev }) => prev === one));
  for (let broken = [...set].find(breaksARule); broken !== undefined;) {
    set.delete(broken);
    broken = [...set].find(breaksARule);
  }
  return set;
}

describe("admission", () => {
  it("takes the greatest set in which every change has its ground and its cover", () => {
    const anyCandidate = fc.record({
      signed: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
      prev: fc.nat(4),
      others: fc.array(fc.nat(), { maxLength: 2 }),
      fate: fc.integer({ min: 0, max: 30 }),
    });
    const sizes = new Set<number>();
    fc.assert(
      fc.property(fc.array(anyCandidate, { maxLength: 24, size: "max" }), (recipes) => {
        const candidates: Candidate[] = [];
        for (const { signed, prev, others, fate } of recipes) {
          const at = candidates.length;
          const inGroup = new Set(others.filter(() => at > 0).map((n) => candidates[n % at]!));
          // 0 begins a chain; more continue, or fork, what came shortly before.
          const before = prev === 0 ? null : (candidates[at - prev] ?? null);
          const made = candidate(at, signed, [...inGroup], before);
          if (fate === 0) made.fault = "wrong_lamport";
          candidates.push(fate === 1 ? { ...made, missing: ["elsewhere"] } : made);
        }
        admit(candidates);
        const expected = admittedByDefinition(candidates);
        expect(candidates.filter(({ admitted }) => admitted)).toEqual([...expected]);
        sizes.add(expected.size);
      }),
      { numRuns: 1_000 },
    );
    expect(sizes.size).toBeGreaterThan(8);
  });

  it("looks at no change again and again when one falls after the other, backwards and forwards", () => {
    const pairs = 500;
    let looks = 0;
    const watched = (one: Candidate): Candidate => {
      const { inGroup } = one;
      return Object.defineProperty(one, "inGroup", { get: () => (looks++, inGroup) });
    };
    // The last of the firsts has no cover. It is the ground of the cover of the one before, and so on.
    const firsts = Array.from({ length: pairs + 1 }, (_, at) =>
      watched(candidate(at, false, [], null)),
    );
    const covers = firsts
      .slice(0, -1)
      .map((first, at) => watched(candidate(pairs + 1 + at, true, [firsts[at + 1]!], first)));
    const all = [...firsts, ...covers];
    admit(all);
    expect(all.some(({ admitted }) => admitted)).toBe(false);
    expect(looks).toBeLessThan(10 * all.length);
  });
});
