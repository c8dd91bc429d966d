import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Sabotage } from "./host.ts";
import { STRATEGIES, TAMPERINGS } from "./liars/index.ts";
import { describeFailure, reproducer } from "./report.ts";
import { scenarioOf, withParts } from "./scenario.ts";
import type { Part, PartKind, Scenario } from "./scenario.ts";
import { numbersOf, readNumbers, shrink } from "./shrink.ts";
import { simulate } from "./simulator.ts";
import type { Outcome } from "./simulator.ts";
import type { Checker } from "./world.ts";

/** Fails with all that is known when anything is found in the run of a seed. */
async function expectNothingOf(seed: number): Promise<Outcome> {
  const outcome = await simulate(scenarioOf(seed));
  if (outcome.findings.length === 0) return outcome;
  throw new Error(await describeFailure(seed, outcome.findings));
}

/** The same for a scenario that follows from no seed. */
async function expectNothingIn(scenario: Scenario): Promise<Outcome> {
  const outcome = await simulate(scenario);
  expect(outcome.findings).toEqual([]);
  return outcome;
}

/** Seeds that `pnpm test` runs, and how many of them make one test. */
const SEEDS = 300;
const SEEDS_PER_TEST = 50;

describe("honest hosts agree, keep their word and come to rest, whatever liars, the network and disks do", () => {
  const totals = { forks: 0, rejected: 0, liarsChanges: 0, honestChanges: 0, restarts: 0 };
  const batches = Array.from(
    { length: SEEDS / SEEDS_PER_TEST },
    (_, at) => 1 + SEEDS_PER_TEST * at,
  );

  test.each(batches)("fifty seeds from %i", async (first) => {
    for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
      const { tally } = await expectNothingOf(seed);
      for (const name of Object.keys(totals) as (keyof typeof totals)[])
        totals[name] += tally[name];
    }
  });

  test("and in these seeds there was enough of everything", () => {
    expect(totals.honestChanges).toBeGreaterThan(5 * SEEDS);
    expect(totals.liarsChanges).toBeGreaterThan(5 * SEEDS);
    expect(totals.rejected).toBeGreaterThan(SEEDS / 2);
    expect(totals.forks).toBeGreaterThan(SEEDS / 10);
    expect(totals.restarts).toBeGreaterThan(SEEDS / 2);
    const drawn = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const part of scenarioOf(seed).parts) {
        if (part.kind === "lie") drawn.add(part.strategy);
        if (part.kind === "tampering") drawn.add(part.how);
      }
    }
    expect([...drawn].toSorted()).toEqual(
      [...Object.keys(STRATEGIES), ...Object.keys(TAMPERINGS)].toSorted(),
    );
  });
});

/** Two replicas, a relay and a liar who tells each of the others the same kind of lie three times. */
function scenarioAgainst(strategy: string): Scenario {
  const { parts } = scenarioOf(7);
  const [replica] = parts.filter((part) => part.kind === "replica") as [Part & { kind: "replica" }];
  const quality = {
    transport: "stream",
    latency: 5,
    jitter: 20,
    loss: 0,
    duplication: 0,
    bandwidth: null,
  } as const;
  const link = (a: string, b: string): PartKind => {
    return { kind: "link", at: 0, a, b, quality, back: quality };
  };
  const kinds: PartKind[] = [
    { ...replica, name: "alice", person: 1 },
    { ...replica, name: "bob", person: 2 },
    { kind: "relay", name: "relay1", limits: replica.limits, disk: replica.disk },
    { kind: "liar", name: "mallory", persons: [21, 22], speaks: true },
    link("alice", "relay1"),
    link("bob", "relay1"),
    ...["alice", "bob", "relay1"].map((name) => link("mallory", name)),
    ...Array.from({ length: 12 }, (_, at): PartKind => {
      return { kind: "edit", at: 100 + 300 * at, who: at % 2 === 0 ? "alice" : "bob" };
    }),
    ...[1_000, 2_000, 3_000].map((at): PartKind => ({ kind: "lie", at, who: "mallory", strategy })),
  ];
  return { seed: 1, parts: kinds.map((part, number) => ({ ...part, number })) };
}

describe("honest hosts agree in spite of", () => {
  test.each(Object.keys(STRATEGIES))("an author's %s", async (strategy) => {
    const { tally } = await expectNothingIn(scenarioAgainst(strategy));
    expect(tally.honestChanges).toBeGreaterThan(8);
  });

  test.each(Object.keys(TAMPERINGS))("a relay's %s", async (how) => {
    const { parts: others } = scenarioAgainst("equivocateLatest");
    const link = others.find((part) => part.kind === "link")!;
    const parts: PartKind[] = [
      ...others,
      { kind: "dishonest relay", name: "shady" },
      { kind: "tampering", who: "shady", how },
      ...["alice", "bob", "mallory"].map((a): PartKind => ({ ...link, a, b: "shady" })),
    ];
    await expectNothingIn({ seed: 2, parts: parts.map((part, number) => ({ ...part, number })) });
  });

  test("equivocators, each of whom is exposed", async () => {
    for (const strategy of [
      "equivocateFirst",
      "equivocateMiddle",
      "equivocateLatest",
      "branchOut",
    ]) {
      const { tally } = await expectNothingIn(scenarioAgainst(strategy));
      expect(tally.forks, strategy).toBeGreaterThan(0);
    }
  });
});

test("docs/testing.md says of each strategy what honest hosts make of it", async () => {
  const page = await readFile(new URL("../../../../docs/testing.md", import.meta.url), "utf8");
  const named = new Set([...page.matchAll(/`(\w+)`/gu)].map(([, name]) => name));
  const all = [...Object.keys(STRATEGIES), ...Object.keys(TAMPERINGS)];
  expect(all.filter((name) => !named.has(name))).toEqual([]);
});

describe("a seed", () => {
  test("is the same run every time", async () => {
    for (const seed of [3, 14, 159]) {
      const [once, again] = [await simulate(scenarioOf(seed)), await simulate(scenarioOf(seed))];
      expect(again).toEqual(once);
      expect((await simulate(scenarioOf(seed + 1))).trace).not.toBe(once.trace);
    }
  });

  test("is the same run in another process, whose hash tables are keyed otherwise", async () => {
    const script = fileURLToPath(new URL("../../../../scripts/simulate.ts", import.meta.url));
    const args = ["--import", "tsx", script, "--from", "26", "--seeds", "1", "--trace"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
    const { trace } = await simulate(scenarioOf(26));
    const last = stdout.trimEnd().split("\n").slice(-3);
    expect([last[0], last[2]]).toEqual([`trace ${trace}`, "1 passed, 0 failed"]);
  });
});

describe("a failing scenario", () => {
  /** Finds fault with every run in which bob came to know what mallory has written. */
  const prejudice: Checker = ({ components, universe }) => {
    const bob = components.flat().find(({ name }) => name === "bob");
    const known = [...universe.known.values()].find(({ by, id }) => {
      return by === "mallory" && bob !== undefined && bob.history.indexOf(id) >= 0;
    });
    return known === undefined ? [] : [{ checker: "prejudice", detail: known.hex }];
  };

  test("is shrunk to what it needs", async () => {
    const scenario = scenarioAgainst("backdate");
    const fails = async (smaller: Scenario): Promise<boolean> =>
      (await simulate(smaller, { checkers: [prejudice] })).findings.length > 0;
    expect(await fails(scenario)).toBe(true);
    const { parts } = await shrink(scenario, fails);
    expect(parts.map(({ kind }) => kind).toSorted()).toEqual(["liar", "lie", "link", "replica"]);
  });

  test("is reported with the command that shows it, whole and shrunk", async () => {
    const options = { checkers: [prejudice] };
    for (let seed = 1; ; seed++) {
      const scenario = scenarioOf(seed);
      const { findings } = await simulate(scenario, options);
      if (findings.length === 0) continue;
      const report = await describeFailure(seed, findings, options);
      expect(report).toContain(
        `seed ${seed} fails: pnpm simulate --from ${seed} --seeds 1 --trace\n`,
      );
      const keep = /--keep (\S+)/u.exec(report)![1]!;
      const smaller = withParts(scenario, readNumbers(keep)!);
      expect(numbersOf(smaller)).toBe(keep);
      expect(report).toContain(reproducer(seed, smaller));
      expect((await simulate(smaller, options)).findings[0]?.checker).toBe("prejudice");
      expect(smaller.parts.length).toBeLessThan(scenario.parts.length);
      return;
    }
  });
});

describe("the checkers notice a host that", () => {
  const sabotages: readonly [Sabotage, string][] = [
    ["sends too early", "forks"],
    ["acknowledges too early", "durability"],
    ["never refreshes", "convergence"],
    ["ignores backpressure", "bounds"],
    ["stores what came", "durability"],
  ];
  test.each(sabotages)("%s", async (sabotage, checker) => {
    for (let seed = 1; seed <= 200; seed++) {
      const { findings } = await simulate(scenarioOf(seed), { sabotage });
      if (findings.some((finding) => finding.checker === checker)) return;
    }
    throw new Error(`no seed shows it to the checker of ${checker}`);
  });
});
