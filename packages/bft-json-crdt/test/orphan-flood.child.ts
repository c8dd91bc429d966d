/**
 * A process that is flooded, for orphan-flood.test.ts: `node --expose-gc … orphan-flood.child.ts BUDGET`. Eight peers send
 * changes whose dependencies never come, an honest author writes in between; prints what was held meanwhile, as JSON.
 */
import { documentId } from "../src/change/index.ts";
import { History } from "../src/history/index.ts";
import { forge, ops, person } from "./forge.ts";
import type { Forged } from "./forge.ts";

/** What the process prints. */
export interface FloodReport {
  readonly orphans: number;
  /** Bytes in use over what was in use before, after a collection of garbage: the most that was seen. */
  readonly growth: number;
  /** Most bytes that the queue said it holds. */
  readonly pending: number;
  /** Entries dropped to keep the bounds. */
  readonly dropped: number;
  /** Honest changes sent, and those of them that were applied at once. */
  readonly honest: readonly [sent: number, applied: number];
}

const DOCUMENT = documentId("flooded");
const PEERS = 8;
const AUTHORS = 40;

/** Kinds of orphans: small, with many missing dependencies, with very many, and large. */
const KINDS = [
  { count: 6_000, missing: 1, text: 0 },
  { count: 1_200, missing: 17, text: 0 },
  { count: 40, missing: 2_000, text: 0 },
  { count: 60, missing: 1, text: 100_000 },
];

const flood = KINDS.flatMap((kind, k) =>
  Array.from({ length: kind.count }, (_, i) => orphan(k, i, kind.missing, kind.text)),
);
const honest: Forged[] = [];
for (let i = 0; i < 200; i++)
  honest.push(forge({ document: DOCUMENT, author: person(1), prev: honest.at(-1) ?? null }));

const budget = Number(process.argv[2]);
const history = new History({
  document: DOCUMENT,
  limits: { pendingBytes: budget, pendingBytesPerPeer: budget, pendingBytesPerAuthor: budget },
});
// What was used to make the flood is freed only when this turn of the event loop is over.
await new Promise((resolve) => setTimeout(resolve, 50));
used();
const before = used();
let [growth, pending, applied, sent] = [0, 0, 0, 0];
for (const [i, group] of flood.entries()) {
  history.receive(group, `peer ${i % PEERS}`);
  pending = Math.max(pending, history.pending.bytes);
  if (i % 36 === 0 && sent < honest.length) {
    const { status } = history.receive(honest[sent++]!.group, `peer ${i % PEERS}`);
    if (status === "applied") applied++;
  }
  if (i % 500 === 0 || (i > 7_200 && i % 20 === 0)) growth = Math.max(growth, used() - before);
}
const report: FloodReport = {
  orphans: flood.length,
  growth: Math.max(growth, used() - before),
  pending,
  dropped: flood.length - history.pending.count,
  honest: [sent, applied],
};
process.stdout.write(`${JSON.stringify(report)}\n`);

function used(): number {
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A change by one of many authors that builds on changes which nobody has. */
function orphan(kind: number, number: number, missing: number, text: number): Uint8Array {
  const refs = Array.from({ length: missing }, (_, i) => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setUint32(0, kind);
    new DataView(id.buffer).setUint32(4, number);
    new DataView(id.buffer).setUint32(8, i);
    return id;
  });
  return forge({
    document: DOCUMENT,
    author: person(100 + (number % AUTHORS)),
    chain: BigInt(number),
    ops: [ops.insert(["words"], "x".repeat(text))],
    lies: { refs, lamport: 2 },
  }).group;
}
