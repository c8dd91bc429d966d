import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodedBody } from "../change/index.ts";
import { admit } from "./admission.ts";
import { Incoming } from "./incoming.ts";

/** A candidate as it comes from the links; what it builds on is earlier. */
function candidate(
  signature: "valid" | "unverified" | "forged" | "none",
  inGroup: Incoming[],
  prev: Incoming | null,
): Incoming {
  const made = new Incoming(new Uint8Array(32), new Uint8Array(0), null, {} as DecodedBody);
  if (signature === "valid") made.signature = new Uint8Array(64);
  else if (signature !== "none") made.unverified = new Uint8Array(64);
  made.isGenuine = signature === "unverified";
  made.inGroup = prev === null || inGroup.includes(prev) ? inGroup : [prev, ...inGroup];
  made.prev = prev;
  return made;
}

/** As a history does; throws when it is asked twice. */
function verify(one: Incoming): boolean {
  if (one.unverified === null) throw new Error("nothing is left to be verified");
  if (one.isGenuine === true) one.signature = one.unverified;
  one.unverified = null;
  return one.signature !== null;
}

/** The definition: take out whatever breaks a rule, for as long as anything does. */
function admittedByDefinition(candidates: readonly Incoming[]): Set<Incoming> {
  const set = new Set(candidates);
  const breaksARule = (one: Incoming): boolean =>
    one.fault !== null ||
    one.missing.length > 0 ||
    one.inGroup.some((dependency) => !set.has(dependency)) ||
    (one.signature === null &&
      one.isGenuine !== true &&
      ![...set].some(({ prev }) => prev === one));
  for (let broken = [...set].find(breaksARule); broken !== undefined;) {
    set.delete(broken);
    broken = [...set].find(breaksARule);
  }
  return set;
}

describe("admission", () => {
  it("takes the greatest set in which every change has its ground and its cover", () => {
    const anyCandidate = fc.record({
      signature: fc.constantFrom("none", "none", "valid", "unverified", "forged"),
      prev: fc.nat(4),
      others: fc.array(fc.nat(), { maxLength: 2 }),
      fate: fc.integer({ min: 0, max: 30 }),
    });
    const sizes = new Set<number>();
    fc.assert(
      fc.property(fc.array(anyCandidate, { maxLength: 24, size: "max" }), (recipes) => {
        const candidates: Incoming[] = [];
        for (const { signature, prev, others, fate } of recipes) {
          const at = candidates.length;
          const inGroup = new Set(others.filter(() => at > 0).map((n) => candidates[n % at]!));
          // 0 begins a chain; more continue, or fork, what came shortly before.
          const before = prev === 0 ? null : (candidates[at - prev] ?? null);
          const made = candidate(signature, [...inGroup], before);
          if (fate === 0) made.fault = "wrong_lamport";
          if (fate === 1) made.missing = ["elsewhere"];
          candidates.push(made);
        }
        const looked = new Set<Incoming>();
        admit(candidates, (one) => {
          looked.add(one);
          return verify(one);
        });
        const expected = admittedByDefinition(candidates);
        const admitted = candidates.filter((one) => one.admitted);
        expect(admitted.length).toBe(expected.size);
        expect(admitted.every((one) => expected.has(one))).toBe(true);
        // Whoever has a cover to the end is not verified.
        expect(admitted.some(({ prev }) => prev !== null && looked.has(prev))).toBe(false);
        sizes.add(expected.size);
      }),
      { numRuns: 1_000 },
    );
    expect(sizes.size).toBeGreaterThan(8);
  });

  it("looks at no change again and again when one falls after the other, backwards and forwards", () => {
    const pairs = 500;
    let looks = 0;
    const watched = (one: Incoming): Incoming => {
      const { inGroup } = one;
      return Object.defineProperty(one, "inGroup", { get: () => (looks++, inGroup) });
    };
    // The last of the firsts has no cover. It is the ground of the cover of the one before, and so on.
    const firsts = Array.from({ length: pairs + 1 }, () => watched(candidate("none", [], null)));
    const covers = firsts
      .slice(0, -1)
      .map((first, at) => watched(candidate("valid", [firsts[at + 1]!], first)));
    const all = [...firsts, ...covers];
    admit(all, verify);
    expect(all.some(({ admitted }) => admitted)).toBe(false);
    expect(looks).toBeLessThan(10 * all.length);
  });
});
