/** Seven oracles attest two prices for two minutes, on a bad network; one invents, one misquotes. */
import { atLeast, command, paint, run, table } from "example-kit";
import { dollars, percent } from "./format.ts";
import { priceAt, twapOf, volatilityAdjustedAt } from "./prices.ts";
import {
  HONEST,
  INVENTOR,
  MISQUOTER,
  MISQUOTES_FROM,
  PARTED_FROM,
  PARTED_UNTIL,
  plainMean,
  Simulation,
} from "./simulation.ts";
import type { Sample } from "./simulation.ts";

const PAIRS = { "ETH/USD": 2_500, "BTC/USD": 60_000 };
const SHOWN = "ETH/USD";
/** Seconds between the lines of the table. */
const EVERY = 15;

const program = command(
  "oracle-network",
  "Seven oracles attest prices with sources; one invents them, one misquotes his sources.",
).option("--duration <seconds>", "simulated seconds", atLeast(5), 120);

await run(program, async ({ seed, duration }, signal) => {
  const simulation = new Simulation(seed, PAIRS);
  introduce();
  const rows: string[][] = [];
  simulation.onSample = (sample) => {
    if ((sample.time + 1) % EVERY === 0) rows.push(rowOf(sample));
  };
  await simulation.clock.hurry((duration as number) * 1_000, signal);
  if (signal.aborted) console.log("\nStopped; what there is so far:");
  simulation.mesh.heal();
  simulation.mesh.settle();
  print(`${SHOWN} as ann and dot see it, beside the market and a plain mean`);
  const header = ["second", "market", "ann", "voices", "sure", "dot", "voices", "plain mean"];
  for (const line of table(header, rows)) console.log(`  ${line}`);
  showOracles(simulation);
  showPrices(simulation, duration as number);
  showMeasures(simulation);
});

function introduce(): void {
  print(`Seven oracles, one document, a round every 5 seconds: ${Object.keys(PAIRS).join(", ")}`);
  console.log(`  ${HONEST.join(", ")}: honest`);
  console.log(`  ${INVENTOR}: invents prices 20 % up, and answers of exchanges that say so`);
  console.log(
    `  ${MISQUOTER}: from second ${MISQUOTES_FROM} on claims 0.4 % more than the answers he commits to`,
  );
  console.log("  the network: 20 to 200 ms on the way, 5 % lost, 2 % twice; in two parts from");
  console.log(
    `  second ${PARTED_FROM} to ${PARTED_UNTIL}: ann, ben, cem, ${INVENTOR} | dot, eve, ${MISQUOTER}`,
  );
}

function rowOf({ time, market, views }: Sample): string[] {
  const cells = [views[0]!, views[3]!].map((view) => {
    const price = priceAt(view, SHOWN);
    if (price === null) return ["-", "0", "-"];
    return [dollars(price.price), String(price.kept.length), percent(price.confidence)];
  });
  const [ann, dot] = cells as [string[], string[]];
  const mean = plainMean(views[0]!, SHOWN);
  const off = paint("red", dollars(mean));
  return [String(time + 1), dollars(market), ...ann, dot[0]!, dot[1]!, off];
}

function showOracles(simulation: Simulation): void {
  const [ann] = simulation.oracles;
  const { reputations, excluded } = simulation.viewOf(ann!);
  print("What the document says of each, the same to everybody");
  const header = ["oracle", "attested", "kept", "outlier", "hidden", "broken", "off", "reputation"];
  const rows = simulation.oracles.map(({ name, participant }) => {
    const reputation = reputations.get(participant.author)!;
    const { attestations, kept, outliers, withheld, broken, averageDeviation } = reputation;
    const counts = [attestations, kept, outliers, withheld, broken].map(String);
    const exclusion = excluded.get(participant.author);
    const isHonest = HONEST.some((honest) => honest === name);
    const shown = paint(isHonest ? "green" : "red", name);
    const verdict = exclusion === undefined ? percent(reputation.score) : "out";
    return [shown, ...counts, percent(averageDeviation), verdict];
  });
  for (const line of table(header, rows)) console.log(`  ${line}`);
  for (const { name, participant } of simulation.oracles) {
    const exclusion = excluded.get(participant.author);
    if (exclusion !== undefined) console.log(`  ${name} is out: he ${exclusion}`);
  }
}

function showPrices(simulation: Simulation, duration: number): void {
  const view = simulation.viewOf(simulation.oracles[0]!);
  print("What an application reads");
  const rows = Object.keys(PAIRS).map((pair) => {
    const price = priceAt(view, pair);
    const twap = twapOf(view, pair, view.now - Math.min(60, duration), view.now);
    const adjusted = volatilityAdjustedAt(view, pair, 100n);
    const band = adjusted && `${dollars(adjusted.low)} to ${dollars(adjusted.high)}`;
    return [
      pair,
      price === null ? "-" : dollars(price.price),
      price === null ? "-" : dollars(price.mean),
      twap === null ? "-" : dollars(twap),
      price === null ? "-" : percent(price.confidence),
      band ?? "-",
    ];
  });
  const header = ["pair", "median", "mean", "TWAP, 60 s", "sure", "band of one deviation"];
  for (const line of table(header, rows)) console.log(`  ${line}`);
}

function showMeasures(simulation: Simulation): void {
  const { measures, mesh, convicted } = simulation;
  const { reports, anomalies, attestations } = simulation.viewOf(simulation.oracles[0]!);
  const { asked, missing, worst, total, worstOfMean } = measures;
  const confirmed = reports.filter(({ isConfirmed }) => isConfirmed).length;
  const average = asked === missing ? 0 : Math.floor(total / (asked - missing));
  print("Measured at the five honest oracles, every round and pair");
  console.log(`  asked for a price ${asked} times, ${missing} times too few had spoken`);
  console.log(
    `  off the market by ${percent(BigInt(average))} on average, ${percent(BigInt(worst))} at worst; a plain mean ${percent(BigInt(worstOfMean))}`,
  );
  console.log(
    `  ${mesh.counts.sent} messages, ${mesh.counts.lost} lost, ${mesh.counts.stopped} stopped at the partition; ${mesh.counts.gossip} comparisons`,
  );
  console.log(
    `  ${attestations.length} attestations count; ${anomalies.length} anomalies, ${reports.length} reports, ${confirmed} of them confirmed`,
  );
  const seconds = [...convicted.values()].map((time) => Math.ceil(time / 1_000));
  if (seconds.length > 0) {
    console.log(
      `  ${MISQUOTER}'s own answers convict him: known to ${seconds.length} of 5 by second ${Math.max(...seconds)}`,
    );
  }
  const verdict = simulation.isAgreed() ? paint("green", "the same") : paint("red", "not the same");
  console.log(
    `\nIn the end all seven show ${verdict}: prices, reputations, anomalies, exclusions.`,
  );
}

function print(title: string): void {
  console.log(`\n${paint("bold", title)}`);
}
