import { describe, expect, it } from "vitest";
import { viewFrom } from "./graph.model.ts";
import type { Edge } from "./graph.model.ts";
import { judge, MAX_JUDGED } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { WHOLE } from "./schema.ts";
import { matchSkills } from "./skills.ts";
import type { Viewpoint } from "./trust.ts";

const at: Viewpoint = { from: ["me"], via: { knows: WHOLE }, depth: 4, halfLife: null, paths: 4 };
const demand = { claims: ["kyc", "passport"], confidence: 8_000, age: 50, issuers: 1 };
const policy: Policy = { at, demands: [{ ...demand, by: ["issuer"] }] };
const NOW = 100;

describe("a policy", () => {
  const verdict = (edges: readonly Edge[], by: Policy, id = "who"): string[] => {
    const { isAllowed, findings } = judge(viewFrom(edges, NOW), by, id);
    expect(isAllowed).toBe(findings.every((finding) => finding.isMet));
    return [isAllowed ? "allowed" : "denied", ...findings.map(({ reason }) => reason).slice(1)];
  };

  it("asks for claims that are strong and new enough, by those whose word counts", () => {
    const kyc = (from: string, confidence: number, time: number): Edge => [
      from,
      "who",
      confidence,
      { claim: "kyc", time },
    ];
    expect(verdict([kyc("issuer", 8_000, 50)], policy)).toEqual([
      "allowed",
      "kyc or passport by 1 of 1 needed",
    ]);
    for (const weak of [kyc("issuer", 7_999, 50), kyc("issuer", 8_000, 49)]) {
      expect(verdict([weak], policy)).toEqual([
        "denied",
        "kyc or passport by 0 of 1 needed (1 too weak or too old)",
      ]);
    }
    expect(verdict([kyc("other", WHOLE, 99)], policy)).toEqual([
      "denied",
      "kyc or passport by 0 of 1 needed (1 whose word does not count)",
    ]);
    expect(verdict([["issuer", "who", WHOLE, { claim: "met" }]], policy)[0]).toBe("denied");
  });

  it("can go by trust in the issuers, each of whom counts once", () => {
    const by: Policy = { at, demands: [{ ...demand, issuers: 2, by: 7_000 }] };
    const edges: Edge[] = [
      ["me", "a", 9_000],
      ["me", "b", 6_000],
      ["me", "c", 8_000],
      ["a", "who", WHOLE, { claim: "kyc" }],
      ["a", "who", WHOLE, { claim: "passport" }],
      ["b", "who", WHOLE, { claim: "kyc" }],
    ];
    expect(verdict(edges, by)).toEqual([
      "denied",
      "kyc or passport by 1 of 2 needed (1 whose word does not count)",
    ]);
    expect(verdict([...edges, ["c", "who", 9_000, { claim: "kyc" }]], by)[0]).toBe("allowed");
  });

  it("asks no more of the graph when a crowd attests than it has a bound for", () => {
    const crowd = Array.from({ length: 500 }, (_, i): Edge => [
      `s${i}`,
      "who",
      WHOLE,
      { claim: "kyc" },
    ]);
    const by: Policy = { at, demands: [{ ...demand, by: 7_000 }] };
    expect(MAX_JUDGED).toBeLessThan(crowd.length);
    expect(verdict(crowd, by)).toEqual([
      "denied",
      "kyc or passport by 0 of 1 needed (500 whose word does not count)",
    ]);
  });

  it("denies who is unknown, disputed, exposed, or looks made up", () => {
    const reasonOf = (
      view: ReturnType<typeof viewFrom>,
      id: string,
      by = policy,
    ): string | undefined => {
      const { isAllowed, findings } = judge(view, by, id);
      expect(isAllowed).toBe(false);
      return findings.find((finding) => !finding.isMet)?.reason;
    };
    const kyc: Edge = ["issuer", "who", WHOLE, { claim: "kyc" }];
    const view = viewFrom([kyc], NOW);
    expect(judge(view, policy, "who").isAllowed).toBe(true);
    expect(reasonOf(view, "nobody")).toBe("there is no such identity");
    const who = view.identities.get("who")!;
    expect(reasonOf({ ...view, exposed: new Set([who.key!]) }, "who")).toBe(
      "its key has signed two histories",
    );
    const disputed = new Map([...view.identities, ["who", { ...who, key: null }] as const]);
    expect(reasonOf({ ...view, identities: disputed }, "who")).toBe("two keys claim the identity");
    const norm = { paths: 2, age: 10, burst: 5, window: 10, liars: 0 };
    expect(reasonOf(view, "who", { ...policy, sybil: { norm, score: 1 } })).toBe(
      "Sybil score 0 of 1 needed",
    );
  });
});

describe("matching of skills", () => {
  const skill = (from: string, subject: string, confidence: number, name: string): Edge => [
    from,
    subject,
    confidence,
    { claim: `skill:${name}` },
  ];

  it("finds who has all of them, by the one that is trusted least", () => {
    const view = viewFrom([
      ["me", "a", 9_000],
      ["me", "b", 8_000],
      skill("a", "x", 9_000, "weld"),
      skill("b", "x", 5_000, "drive"),
      skill("a", "y", 6_000, "weld"),
      skill("b", "y", 9_000, "drive"),
      skill("a", "z", WHOLE, "weld"),
      skill("stranger", "z", WHOLE, "drive"),
    ]);
    expect(matchSkills(view, at, ["weld", "drive"], 1_000)).toEqual([
      { id: "y", score: 5_400, skills: [5_400, 7_200] },
      { id: "x", score: 4_000, skills: [8_100, 4_000] },
    ]);
    expect(matchSkills(view, at, ["weld", "drive"], 5_000).map(({ id }) => id)).toEqual(["y"]);
    expect(matchSkills(view, at, ["weld"], 1_000).map(({ id }) => id)).toEqual(["z", "x", "y"]);
  });

  it("looks closely at the nearest only, so that a distant crowd pushes nobody out", () => {
    const crowd = Array.from({ length: 300 }, (_, i) => skill("far", `s${i}`, WHOLE, "weld"));
    const view = viewFrom([
      ["me", "a", 9_000],
      ["a", "far", 5_000],
      skill("a", "x", 9_000, "weld"),
      ...crowd,
    ]);
    const matches = matchSkills(view, at, ["weld"], 1);
    expect(matches[0]!.id).toBe("x");
    expect(matches).toHaveLength(64);
  });
});
