/** The flood against the library: honest changes and orphans come to one document by turns. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import { Latencies, printComparison } from "./latencies.ts";
import { orphans } from "./orphans.ts";

const PEERS = 8;
const HONEST = 2_000;
const MEBIBYTE = 1_048_576;

const schema = struct({ lines: list(string()) });
const id = documentId("bench");

/** Honest changes between two looks at the heap: a collection takes long, and cools all caches. */
const LOOK = 400;

/** Prints how long honest changes take to be applied, without and with a flood, and what is held meanwhile. */
export function floodLibrary(count: number): void {
  const alice = new Document({ schema, id, keyPair: generateKeyPair() });
  const changes = Array.from(
    { length: HONEST },
    (_, i) => alice.change(({ lines }) => lines.push(`line ${i}`), { time: null }).bytes,
  );
  // Once, uncounted, so that the first measurement does not pay for the compiler.
  deliver(changes, 2_000);
  const calm = deliver(changes, 0);
  const flooded = deliver(changes, count);
  printComparison("library: receive()", calm.latencies, flooded.latencies);
  process.stdout.write(
    `  ${count.toLocaleString("en-US")} orphans from ${PEERS} peers: at most ${mebibytes(flooded.pending)} pending; ` +
      `heap at most ${mebibytes(flooded.heap - calm.heap)} over that without\n`,
  );
}

interface Outcome {
  readonly latencies: Latencies;
  /** Most bytes that the queue held, and most that were in use, looked at now and then. */
  readonly pending: number;
  readonly heap: number;
}

function deliver(changes: readonly Uint8Array[], flood: number): Outcome {
  const bob = new Document({ schema, id });
  const source = orphans(id, flood);
  const measured: number[] = [];
  let [pending, heap, sent] = [0, 0, 0];
  for (const [i, change] of changes.entries()) {
    for (const due = Math.floor(((i + 1) * flood) / changes.length); sent < due; sent++) {
      bob.receive(source.next().value as Uint8Array, `flooder ${sent % PEERS}`);
      pending = Math.max(pending, bob.history.pending.bytes);
    }
    if (i % LOOK === 0) heap = Math.max(heap, used());
    const start = performance.now();
    const { status } = bob.receive(change, "alice");
    measured.push(performance.now() - start);
    expectEqual(status, "applied", "an honest change");
  }
  expectEqual(bob.view().lines.length, changes.length, "lines");
  return { latencies: new Latencies(measured), pending, heap };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in use after a collection of garbage. */
function used(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
