import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestScore, pathScore, viewFrom } from "./graph.model.ts";
import type { Edge } from "./graph.model.ts";
import { WHOLE } from "./schema.ts";
import { freshness, reachFrom, trustIn, weightOf } from "./trust.ts";
import type { Viewpoint } from "./trust.ts";

const at: Viewpoint = { from: ["me"], via: { knows: WHOLE }, depth: 4, halfLife: null, paths: 8 };

/** Random attestations among a few, at most one for each pair and claim. */
const anyEdges = fc
  .array(
    fc.tuple(
      fc.constantFrom("me", "a", "b", "c", "d", "e", "to"),
      fc.constantFrom("a", "b", "c", "d", "e", "to", "me"),
      fc.integer({ min: 1, max: WHOLE }),
      fc.constantFrom("knows", "met", "skill:x"),
    ),
    { maxLength: 24 },
  )
  .map((edges) => {
    const places = new Map<string, Edge>();
    for (const [from, subject, confidence, claim] of edges) {
      if (from !== subject) {
        places.set(`${from} ${subject} ${claim}`, [from, subject, confidence, { claim }]);
      }
    }
    return [...places.values()];
  });

describe("trust by paths", () => {
  it("takes the best path that is left each time, as trying all of them finds it", () => {
    fc.assert(
      fc.property(anyEdges, fc.integer({ min: 1, max: 5 }), (edges, depth) => {
        const view = viewFrom(edges, 0, ["me", "to"]);
        const via = { knows: WHOLE, met: 7_000 };
        const claims = { "skill:x": 9_000, met: 5_000 };
        const here = { ...at, via, depth };
        const { paths, score } = trustIn(view, here, "to", claims);
        const barred = new Set<string>();
        const spent = new Set<string>();
        let doubt = WHOLE;
        for (const path of paths) {
          expect(path.score).toBe(bestScore(view, here, "to", claims, barred, spent));
          expect(path.score).toBe(pathScore(path, via, claims));
          const inner = path.hops.slice(1).map((hop) => hop.from);
          for (const id of inner) {
            expect(barred.has(id)).toBe(false);
            barred.add(id);
          }
          if (inner.length === 0) spent.add(path.hops[0]!.from);
          doubt = Math.ceil((doubt * (WHOLE - path.score)) / WHOLE);
        }
        expect(bestScore(view, here, "to", claims, barred, spent)).toBe(0);
        expect(score).toBe(WHOLE - doubt);
      }),
      runs(500),
    );
  });

  it("is the product of the hops, and two ways are more than one", () => {
    const one: Edge[] = [
      ["me", "a", 9_000],
      ["a", "to", 8_000],
    ];
    expect(trustIn(viewFrom(one), at, "to").score).toBe(7_200);
    const two: Edge[] = [...one, ["me", "b", 5_000], ["b", "to", 10_000]];
    expect(trustIn(viewFrom(two), at, "to").score).toBe(8_600);
    const rounded: Edge[] = [...two.slice(0, 3), ["a", "to", 3_333], ["b", "to", 6_666]];
    expect(trustIn(viewFrom(rounded.filter((_, at) => at !== 1)), at, "to").score).toBe(5_332);
    expect(trustIn(viewFrom(two), { ...at, depth: 1 }, "to").score).toBe(0);
    expect(trustIn(viewFrom(two), { ...at, paths: 1 }, "to").score).toBe(7_200);
    expect(trustIn(viewFrom(two), at, "me").score).toBe(WHOLE);
    expect(trustIn(viewFrom(two), at, "stranger").score).toBe(0);
    expect(reachFrom(viewFrom(two), at)).toEqual(
      new Map([
        ["me", WHOLE],
        ["a", 9_000],
        ["b", 5_000],
        ["to", 7_200],
      ]),
    );
  });

  it("goes down with age, and a claim's name gives it no weight of its own", () => {
    expect([0, 5, 10, 15, 20, 139, 140, 1e15].map((age) => freshness(age, 10))).toEqual([
      10_000, 7_500, 5_000, 3_750, 2_500, 0, 0, 0,
    ]);
    expect(freshness(1e15, null)).toBe(WHOLE);
    const view = viewFrom([["me", "to", WHOLE, { time: -10 }]], 0);
    expect(trustIn(view, { ...at, halfLife: 10 }, "to").score).toBe(5_000);
    expect(weightOf({}, "constructor")).toBe(0);
    for (const claim of ["constructor", "hasownproperty"]) {
      expect(trustIn(viewFrom([["me", "to", WHOLE, { claim }]]), at, "to").score).toBe(0);
    }
  });

  it("of a crowd is worth no more paths than those who vouched for it, however large it is", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 120 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(19)), { minLength: 1, maxLength: 20 }),
        (cheated, inside, attacks) => {
          const edges = new Map<string, Edge>();
          for (let i = 0; i < 4; i++) edges.set(`me h${i}`, ["me", `h${i}`, 9_000]);
          for (const [a, b] of inside)
            if (a !== b) edges.set(`s${a} s${b}`, [`s${a}`, `s${b}`, WHOLE]);
          for (const [by, whom] of attacks) {
            edges.set(`h${by % cheated} s${whom}`, [`h${by % cheated}`, `s${whom}`, WHOLE]);
          }
          const view = viewFrom([...edges.values()]);
          for (let i = 0; i < 20; i++) {
            const { paths, score } = trustIn(view, at, `s${i}`);
            expect(paths.length).toBeLessThanOrEqual(cheated);
            let most = WHOLE;
            for (let n = 0; n < cheated; n++) most = Math.ceil((most * 1_000) / WHOLE);
            expect(score).toBeLessThanOrEqual(WHOLE - most);
          }
        },
      ),
      runs(100),
    );
  });

  it("looks at no more than 2 × depth × paths × attestations, where paths without a bound are innumerable", () => {
    const names = Array.from({ length: 60 }, (_, i) => `n${String(i).padStart(2, "0")}`);
    const edges: Edge[] = [];
    for (const from of ["me", ...names]) {
      for (const to of [...names, "to"]) {
        if (from !== to)
          edges.push([from, to, 9_000 + ((from.length * 31 + to.charCodeAt(1)) % 999)]);
      }
    }
    const { paths, steps } = trustIn(viewFrom(edges), at, "to");
    expect(paths).toHaveLength(8);
    expect(steps).toBeLessThanOrEqual(2 * at.depth * at.paths * edges.length);
  });

  it("keeps to that where every hop finds something better, and most attestations are about the end", () => {
    const via = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`claim ${at}`, WHOLE]));
    const edges: Edge[] = [];
    for (let i = 0; i < 300; i++) {
      // The way along the chain is better than the direct one, at each number of hops again.
      edges.push(["me", `x${i}`, WHOLE - 1 - 10 * i, { claim: "claim 0" }]);
      edges.push([`x${i}`, `x${i + 1}`, WHOLE, { claim: "claim 0" }]);
      for (const claim of Object.keys(via)) edges.push([`x${i}`, "to", WHOLE, { claim }]);
    }
    const wide = { ...at, via, paths: 8 };
    const { paths, steps } = trustIn(viewFrom(edges), wide, "to");
    expect(paths).toHaveLength(8);
    expect(steps).toBeLessThanOrEqual(2 * wide.depth * wide.paths * edges.length);
    // More than half of it: the factor 2 is needed.
    expect(steps).toBeGreaterThan(wide.depth * wide.paths * edges.length);
  });
});
