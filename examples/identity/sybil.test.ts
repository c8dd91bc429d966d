import { describe, expect, it } from "vitest";
import { viewFrom } from "./graph.model.ts";
import type { Edge } from "./graph.model.ts";
import { WHOLE } from "./schema.ts";
import { sybilScore } from "./sybil.ts";
import type { SybilNorm } from "./sybil.ts";
import type { Viewpoint } from "./trust.ts";

const at: Viewpoint = { from: ["me"], via: { knows: WHOLE }, depth: 4, halfLife: null, paths: 8 };
const norm: SybilNorm = { paths: 2, age: 100, burst: 3, window: 10, liars: 1 };
const NOW = 1_000;
const old = { time: 800 };

/** Two friends who both know somebody, and others who know the friends. */
const friends: Edge[] = [
  ["me", "a", 9_000, old],
  ["me", "b", 9_000, old],
  ["x", "a", 9_000, old],
  ["y", "b", 9_000, old],
  ["a", "who", 9_000, old],
  ["b", "who", 9_000, old],
];

describe("the score against made-up crowds", () => {
  const scoreOf = (edges: readonly Edge[], of = "who"): ReturnType<typeof sybilScore> =>
    sybilScore(viewFrom(edges, NOW), at, norm, of);

  it("is full for whoever has two ways to the viewer, old enough and not all at once", () => {
    const full = { score: WHOLE, diversity: WHOLE, clustering: WHOLE, rate: WHOLE, age: WHOLE };
    expect(scoreOf(friends)).toEqual(full);
  });

  it("counts ways that share nobody", () => {
    const one = friends.filter(([from]) => from !== "b");
    expect(scoreOf(one)).toMatchObject({ diversity: 5_000, age: 0, score: 5_000 });
    expect(scoreOf([["x", "who", WHOLE, old]])).toMatchObject({ diversity: 0, score: 0 });
  });

  it("lets one liar neither make somebody old nor young", () => {
    const liar = (time: number): Edge[] =>
      friends.map((edge) =>
        edge[0] === "b" && edge[1] === "who" ? ["b", "who", 9_000, { time }] : edge,
      );
    expect(scoreOf(liar(0)).age).toBe(WHOLE);
    const young = liar(0).map((edge): Edge =>
      edge[0] === "a" ? ["a", "who", 9_000, { time: 950 }] : edge,
    );
    expect(scoreOf(young).age).toBe(5_000);
  });

  it("sees a closed circle, and a burst", () => {
    const clique = ["s1", "s2", "s3", "who"].flatMap((from): Edge[] =>
      ["s1", "s2", "s3", "who"].flatMap((to): Edge[] =>
        from === to ? [] : [[from, to, WHOLE, old]],
      ),
    );
    expect(scoreOf(clique).clustering).toBe(0);
    expect(scoreOf([...friends, ["c", "who", 9_000, old]]).rate).toBe(WHOLE);
    const burst = ["c", "d", "e", "f"].map((from): Edge => [from, "who", 9_000, { time: 809 }]);
    expect(scoreOf([...friends, ...burst]).rate).toBe(5_000);
    const later = burst.map(([from, to, confidence]): Edge => [
      from,
      to,
      confidence,
      { time: 810 },
    ]);
    expect(scoreOf([...friends, ...later]).rate).toBe(7_500);
  });

  it("rises no higher than the ways to the viewer, whatever a crowd says of itself", () => {
    // A wide ring, attested long ago, one at a time: nothing about it is suspicious but that it hangs on one friend.
    const ring = Array.from({ length: 40 }, (_, i): Edge[] => [
      [`s${i}`, `s${(i + 7) % 40}`, WHOLE, { time: i * 20 }],
      [`s${i}`, `s${(i + 13) % 40}`, WHOLE, { time: i * 20 + 10 }],
    ]).flat();
    const edges: Edge[] = [
      ["me", "a", WHOLE, old],
      ["a", "s0", WHOLE, old],
      ["a", "s1", WHOLE, old],
      ...ring,
    ];
    const score = scoreOf(edges, "s20");
    expect(score).toMatchObject({ clustering: WHOLE, rate: WHOLE, diversity: 5_000 });
    expect(score.score).toBe(5_000);
  });
});
