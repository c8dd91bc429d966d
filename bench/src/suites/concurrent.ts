/** Two authors who type at the same time, and merge what the other typed. */
import { expectEqual, samplesOf } from "../measure.ts";
import { libraryOf, PEERS } from "../subjects/index.ts";
import type { Replica } from "../subjects/library.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Job, Suite } from "../suite.ts";
import { concurrentTraceName, concurrentTraceOf } from "../trace.ts";
import { turnsOf } from "../turns.ts";
import type { Turn } from "../turns.ts";
import { isYardstick, measureYardstick, yardstick } from "../yardsticks.ts";

/** The ways of each library (see Library.replicas), by the subject's name. */
const WAYS: Readonly<Record<string, readonly [library: string, way: string]>> = {
  ours: ["ours", "a change per turn"],
  "ours, as if signatures cost nothing": ["ours", "a change per turn"],
  "ours, a change per edit": ["ours", "a covering signature per turn"],
  "ours, a change per edit, as if signatures cost nothing": [
    "ours",
    "a covering signature per turn",
  ],
  "ours, a change per edit, each signed": ["ours", "each change signed"],
  ...Object.fromEntries(PEERS.map((name) => [name, [name, "a message per turn"] as const])),
  "Yjs, a message per change": ["Yjs", "a message per change"],
};

const LONG = new Set(["Automerge", "ours, a change per edit, each signed"]);

/** What ends the names of those rows. */
const WITHOUT_SIGNATURES = "as if signatures cost nothing";

/** Nothing but a signature and its verification for each turn. */
const SIGNATURES = "sign and verify loop";

/** See above. */
export const concurrent: Suite = {
  name: "concurrent",
  title: "Concurrent",
  about:
    "The trace of two authors, of whom each hears of the other again and again: two replicas, both ways, each in exactly " +
    "the state that every edit was made in. A turn is what one types without hearing of the other and without being " +
    "heard, and travels as one message. With ours and Yjs it is one change (transaction), and a change for each of its edits " +
    "is shown apart; with the others each edit is a change (patch, commit) of its own, which makes no difference to json-joy. Ours " +
    "signs each turn and verifies that before it is built on; so rows show the same as if signing and verifying cost " +
    "nothing (every hash is still checked), and what as many bare `crypto.sign` and `crypto.verify` calls take with " +
    "nothing else. Both replicas must end with the text of the trace.",
  metrics: [MILLISECONDS],
  jobs(plan) {
    const on = concurrentTraceName(plan);
    const turns = turnsOf(concurrentTraceOf(on, plan).txns).length;
    return [
      ...Object.keys(WAYS).map((subject): Job => ({
        subject,
        on,
        ...(LONG.has(subject) ? { mostRuns: 1, isLong: true } : {}),
      })),
      yardstick(SIGNATURES, on, turns),
    ];
  },
  async measure(job, plan) {
    if (isYardstick(job)) return measureYardstick(job, plan);
    const { subject, on } = job;
    const [name, way] = WAYS[subject]!;
    const library = await libraryOf(name);
    if (subject.endsWith(WITHOUT_SIGNATURES)) {
      const { freeSignatures } = await import("../free-signatures.ts");
      freeSignatures();
    }
    const open = library.replicas![way]!;
    const { txns, end } = concurrentTraceOf(on, plan);
    const turns = turnsOf(txns);
    const some = turns.slice(0, Math.ceil(turns.length / 10));
    return samplesOf(plan, (share) => {
      const start = performance.now();
      const replicas = replay(share < 1 ? some : turns, open());
      const texts = replicas.map((replica) => replica.text());
      const time = performance.now() - start;
      expectEqual(texts[0], texts[1], "the text of both");
      if (share === 1) expectEqual(texts[0], end, "the text");
      return { time };
    });
  },
};

/** Plays all turns, then brings both replicas to the end. */
function replay(turns: readonly Turn[], open: (author: number) => Replica): Replica[] {
  const replicas = [open(0), open(1)];
  const sent: unknown[][] = [[], []];
  const heard = [0, 0];
  const hear = (author: number, until: number): void => {
    const from = sent[1 - author]!;
    while (heard[author]! < until) replicas[author]!.receive(from[heard[author]!++]);
  };
  for (const { author, heard: until, changes } of turns) {
    hear(author, until);
    sent[author]!.push(replicas[author]!.turn(changes));
  }
  for (const author of [0, 1]) hear(author, sent[1 - author]!.length);
  return replicas;
}
