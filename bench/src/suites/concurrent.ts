/** Two authors who type at the same time, and merge what the other typed. */
import { expectEqual, samplesOf } from "../measure.ts";
import { libraryOf, PEERS } from "../subjects/index.ts";
import type { Replica } from "../subjects/library.ts";
import { MILLISECONDS } from "../suite.ts";
import type { Job, Suite } from "../suite.ts";
import { concurrentTraceName, concurrentTraceOf } from "../trace.ts";
import { turnsOf } from "../turns.ts";
import type { Turn } from "../turns.ts";

/** The ways of each library (see Library.replicas), by the subject's name. */
const WAYS: Readonly<Record<string, readonly [library: string, way: string]>> = {
  ours: ["ours", "a covering signature per turn"],
  "ours, each change signed": ["ours", "each change signed"],
  "ours, as if signatures cost nothing": ["ours", "a covering signature per turn"],
  ...Object.fromEntries(PEERS.map((name) => [name, [name, "a message per turn"] as const])),
  "Yjs, a message per change": ["Yjs", "a message per change"],
};

const LONG = new Set(["Automerge", "ours, each change signed"]);

const WITHOUT_SIGNATURES = "ours, as if signatures cost nothing";

/** See above. */
export const concurrent: Suite = {
  name: "concurrent",
  title: "Concurrent",
  about:
    "The trace of two authors, of whom each hears of the other again and again: two replicas, both ways, each in exactly " +
    "the state that every edit was made in. A turn is what one types without hearing of the other and without being " +
    "heard; each of its edits is a change (transaction, commit) of its own, except with Yjs, for which one " +
    "transaction for all is faster, and also shown apart. What a turn made travels as one message. Ours signs each turn once and verifies that; so a " +
    "row shows the same as if signing and verifying cost nothing (every hash is still checked), which is what " +
    "peers do who trust each other. Both replicas must end with the text of the trace.",
  metrics: [MILLISECONDS],
  jobs: (plan) =>
    Object.keys(WAYS).map((subject): Job => ({
      subject,
      on: concurrentTraceName(plan),
      ...(LONG.has(subject) ? { mostRuns: 1, isLong: true } : {}),
    })),
  async measure({ subject, on }, plan) {
    const [name, way] = WAYS[subject]!;
    const library = await libraryOf(name);
    if (subject === WITHOUT_SIGNATURES) {
      const { freeSignatures } = await import("../worst/change.ts");
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
