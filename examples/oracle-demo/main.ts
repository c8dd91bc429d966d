/** The demo: watch five honest oracles keep their price while two push it, the network parts, and one of the two is found out. */
import { atLeast, command, paint, run, table } from "example-kit";
import { dollars, percent, priceAt } from "example-oracle-network";
import { Demo, HONEST, LIAR, PAIR, plainMean, TWO_FACED } from "./demo.ts";
import { Screen, seconds } from "./screen.ts";

const program = command(
  "oracle-demo",
  "Seven oracles, two of them dishonest, on a network that parts every ten seconds.",
)
  .option("--duration <seconds>", "how long it runs", atLeast(1), 30)
  .option("--fast", "virtual time: as fast as it goes, line by line", false);

await run(program, async ({ seed, duration, fast }, signal) => {
  const screen = new Screen(process.stdout, fast !== true);
  const demo = new Demo(seed, {
    onEvent: (elapsed, text) => screen.event(elapsed, text),
    onState: (state) => screen.state(state),
  });
  console.log(paint("bold", `Seven oracles attest ${PAIR} each second, and agree on nothing else`));
  console.log(`  ${HONEST.join(", ")}: honest`);
  console.log(`  ${TWO_FACED}, ${LIAR}: push the price 20 % up; ${TWO_FACED} tells two stories\n`);
  // Not the last moment itself, in which a next round would begin.
  const milliseconds = Math.floor((duration as number) * 1_000) - 1;
  try {
    if (fast === true) await demo.clock.hurry(milliseconds, signal);
    else await demo.clock.keepPace(milliseconds, signal);
  } finally {
    screen.close();
  }
  if (signal.aborted) console.log("\nStopped; what there is so far:");
  showStatistics(demo);
});

function showStatistics(demo: Demo): void {
  const { elapsed } = demo.clock;
  demo.settle();
  const view = demo.viewOf(demo.oracles[0]!);
  console.log(`\n${paint("bold", `After ${seconds(elapsed).trim()}, and once all have met`)}`);
  const header = ["oracle", "attested", "kept", "outlier", "void", "off", "reputation", "proof at"];
  const rows = demo.oracles.map(({ name, participant }) => {
    const reputation = view.reputations.get(participant.author)!;
    const { attestations, kept, outliers, broken, averageDeviation, score } = reputation;
    const isHonest = HONEST.some((honest) => honest === name);
    const noticed = demo.noticed.get(name);
    return [
      paint(isHonest ? "green" : "red", name),
      ...[attestations, kept, outliers, broken].map(String),
      percent(averageDeviation),
      view.excluded.get(participant.author) ?? percent(score),
      noticed === undefined ? "-" : seconds(noticed).trim(),
    ];
  });
  for (const line of table(header, rows)) console.log(`  ${line}`);

  const { counts } = demo.mesh;
  const count = view.attestations.length + view.ignored.length;
  const rate = (count / Math.max(1, elapsed / 1_000)).toFixed(1);
  console.log(`\n  ${count} attestations, ${rate} a second; ${counts.gossip} comparisons`);
  console.log(`  ${counts.sent} messages: ${counts.lost} lost, ${counts.stopped} stopped`);
  const price = priceAt(view, PAIR);
  const mean = plainMean(view);
  if (price === null) console.log("  no price: too few have spoken");
  else {
    console.log(
      `  price ${paint("green", dollars(price.price))}, sure ${percent(price.confidence)}, market ${dollars(demo.market.priceOf(PAIR))}`,
    );
    if (mean !== null) {
      console.log(`  a plain mean of all that is fresh: ${paint("red", dollars(mean))}`);
    }
  }
  if (demo.noticed.size === 0) console.log("  nobody has equivocated yet");
  const agreed = demo.isAgreed() ? paint("green", "show the same") : paint("red", "differ");
  console.log(`  the five honest replicas ${agreed}`);
}
