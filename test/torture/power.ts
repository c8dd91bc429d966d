/** Power loss at every write of a run, once for each thing that can be left of that write. */
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { createRelay } from "crdt-relayer";
import { Tally } from "./ledger.ts";
import { type Context, type Part, whole } from "./part.ts";
import { type Cut, PowerDisk, type Tear, TEARS } from "./power-disk.ts";
import { nodePowerRun } from "./power-node.ts";
import { type MakeDisk, type PowerRun, relayPowerRun } from "./power-relay.ts";

/** Lines of each writer in the run whose writes are counted. */
const LINES = 25;

/** A disk as it should be. */
export const honestDisk: MakeDisk = (random, kept, cut) => new PowerDisk(random, kept, cut);

export const power: Part = {
  name: "power",
  title: "Power loss",
  about:
    "A disk that keeps what was written with `sync: true` and confirmed, drops what was not synced, and of the write during " +
    "which the power fails leaves nothing, a first part, or all. One run counts the writes; then the power fails at each of " +
    "them, three times. For the relay's store with four writers in two rooms, and for a node's store with a relay and a second node. " +
    "The disk is then read again before anybody could bring back what it lost.",
  run: async (context) => {
    await searchStore(context, "relay", (random, cut) =>
      relayPowerRun(random, cut, LINES, honestDisk),
    );
    if (context.signal.aborted) return;
    const relay = await createRelay({ port: 0, data: ":memory:", maxRooms: 100_000 });
    try {
      await searchStore(context, "node", (random, cut) =>
        nodePowerRun(relay.url, random, cut, LINES, honestDisk),
      );
    } finally {
      await relay.close();
    }
  },
};

/** Sums up what cuts have come to. */
export class PowerScore {
  readonly tally = new Tally();
  runs = 0;
  acknowledged = 0;
  unequal = 0;
  forks = 0;
  readonly failures: string[] = [];

  add(name: string, run: PowerRun): void {
    this.runs++;
    this.acknowledged += run.acknowledged;
    for (const difference of run.differences) this.tally.add(name, difference);
    if (!run.isEqual) this.unequal++;
    this.forks += run.forks;
  }

  /** True when every promise was kept. */
  get isClean(): boolean {
    const { lost, twice } = this.tally;
    return lost + twice + this.unequal + this.forks + this.failures.length === 0;
  }
}

/** Cuts at each write, with each of the tears; a run that throws is a failure with its reason. */
export async function cutEverywhere(
  random: Random,
  writes: number,
  tears: (at: number) => readonly Tear[],
  run: (random: Random, cut: Cut) => Promise<PowerRun>,
  onRun: (score: PowerScore) => boolean = () => true,
): Promise<PowerScore> {
  const score = new PowerScore();
  for (let at = 1; at <= writes; at++) {
    for (const tear of tears(at)) {
      const name = `write ${at}, ${tear} of it`;
      try {
        score.add(name, await run(random.split(name), { at, tear }));
      } catch (error) {
        score.runs++;
        score.failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (!onRun(score)) return score;
    }
  }
  return score;
}

async function searchStore(
  { random, findings, signal, progress }: Context,
  store: string,
  run: (random: Random, cut: Cut | null) => Promise<PowerRun>,
): Promise<void> {
  const streams = random.split(store);
  const { writes } = await run(streams.split("whole"), null);
  const total = writes * TEARS.length;
  const score = await cutEverywhere(
    streams,
    writes,
    () => TEARS,
    run,
    ({ runs }) => {
      progress(runs, total, `power losses of a ${store}`);
      return !signal.aborted;
    },
  );
  const { tally, runs, acknowledged, unequal, forks, failures } = score;
  findings.say(
    `${store}: ${whole(writes)} writes, ${whole(runs)} power losses, ${whole(acknowledged)} lines acknowledged before them.`,
  );
  findings.expect(`${store}: no acknowledged line is lost`, tally.isLossless, tally.describe());
  findings.expect(`${store}: no line is shown twice`, tally.twice === 0, tally.describe());
  findings.expect(`${store}: nobody equivocates`, forks === 0, `${forks} forks`);
  findings.expect(
    `${store}: digests are equal at the end`,
    unequal === 0 && failures.length === 0,
    failures[0] ?? `${runs - unequal} of ${runs} runs`,
  );
}
