/** A short torture in each test run: a few kills, and power loss at every write of a small run. `pnpm torture` does more. */
import { createRelay } from "crdt-relayer";
import { describe, expect, it } from "vitest";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { catchUpAfter } from "./catch-up.ts";
import { killNode } from "./kill-node.ts";
import { killRelay } from "./kill-relay.ts";
import { Ledger } from "./ledger.ts";
import { Findings, type Part } from "./part.ts";
import { cutEverywhere, honestDisk, type PowerScore } from "./power.ts";
import { LyingDisk, type Tear, TEARS } from "./power-disk.ts";
import { nodePowerRun } from "./power-node.ts";
import { type MakeDisk, relayPowerRun } from "./power-relay.ts";

const SEED = 5;
const LINES = 4;

/** One tear for each write, by turns. */
const byTurns = (at: number): readonly Tear[] => [TEARS[at % TEARS.length]!];

const lyingDisk: MakeDisk = (random, kept, cut) => new LyingDisk(random, kept, cut);

describe("what was acknowledged is there once, and all have the same, after SIGKILL of", () => {
  it.each([
    ["a relay", killRelay, 3],
    ["a node", killNode, 1],
  ])("%s", async (_what, part, kills) => {
    expect(await broken(part, kills)).toEqual([]);
  });
});

describe("what was acknowledged is there once, and all have the same, after a power loss at every write of", () => {
  it("a relay", async () => {
    const score = await cutRelay(honestDisk, 10);
    expect(score.acknowledged).toBeGreaterThan(0);
    expect(problems(score)).toEqual(NONE);
  });

  it("a node", async () => {
    const score = await cutNode(honestDisk, 10);
    expect(score.acknowledged).toBeGreaterThan(0);
    expect(problems(score)).toEqual(NONE);
  });

  it("either, and a disk that confirms before it has written is found out", async () => {
    expect((await cutRelay(lyingDisk, 10)).tally.lost).toBeGreaterThan(0);
    expect((await cutNode(lyingDisk, 10)).isClean).toBe(false);
  });
});

describe("somebody who comes back", () => {
  it("is caught up, with a cursor or without, and is told the truth about it", async () => {
    const part: Pick<Part, "run"> = {
      run: (context) => catchUpAfter(context, [0, 1, 30], 12),
    };
    expect(await broken(part, 0)).toEqual([]);
  });
});

describe("the ledger", () => {
  it("tells what is lost and what is there twice, room by room", () => {
    const ledger = new Ledger();
    for (const line of ["a", "b"]) ledger.acknowledge("main", line);
    ledger.acknowledge("other", "c");
    expect(ledger.compare("main", ["b", "never acknowledged", "b"])).toEqual({
      lost: ["a"],
      twice: ["b"],
    });
    expect(ledger.compare("other", ["c"])).toEqual({ lost: [], twice: [] });
    expect(ledger.total).toBe(3);
  });
});

const NONE = { lost: 0, twice: 0, unequal: 0, forks: 0, failures: [] };

function problems({ tally, unequal, forks, failures }: PowerScore): typeof NONE {
  return { lost: tally.lost, twice: tally.twice, unequal, forks, failures: [...failures] as [] };
}

/** The promises that a part found broken. */
async function broken(part: Pick<Part, "run">, kills: number): Promise<readonly unknown[]> {
  const findings = new Findings();
  await part.run({
    random: new Random(SEED),
    signal: new AbortController().signal,
    findings,
    kills,
    minutes: 0,
    progress: () => undefined,
  });
  expect(findings.verdicts.length).toBeGreaterThan(0);
  return findings.verdicts.filter(({ isKept }) => isKept !== true);
}

async function cutRelay(makeDisk: MakeDisk, most: number): Promise<PowerScore> {
  const random = new Random(SEED);
  const { writes } = await relayPowerRun(random.split("whole"), null, LINES, honestDisk);
  return cutEverywhere(random, Math.min(most, writes), byTurns, (stream, cut) =>
    relayPowerRun(stream, cut, LINES, makeDisk),
  );
}

async function cutNode(makeDisk: MakeDisk, most: number): Promise<PowerScore> {
  const relay = await createRelay({ port: 0, data: ":memory:" });
  try {
    const random = new Random(SEED);
    const { writes } = await nodePowerRun(
      relay.url,
      random.split("whole"),
      null,
      LINES,
      honestDisk,
    );
    return await cutEverywhere(random, Math.min(most, writes), byTurns, (stream, cut) =>
      nodePowerRun(relay.url, stream, cut, LINES, makeDisk),
    );
  } finally {
    await relay.close();
  }
}
