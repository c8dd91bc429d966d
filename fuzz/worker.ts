/**
 * The process that runs inputs: it takes the targets in turn until its parent ends it. Before each input it writes that
 * to a file, so that an input which never ends, or ends the process, is known.
 */
import { ftruncateSync, openSync, writeSync } from "node:fs";
import { loadCorpus } from "./corpus.ts";
import { Coverage, Reached } from "./coverage.ts";
import { faultOf, Fuzzer, strays } from "./engine.ts";
import type { Target } from "./target.ts";
import { allTargets } from "./targets/index.ts";
import { sizeOf, treeToJson } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** What a worker is told. */
export interface Orders {
  readonly seed: number;
  /** Names, in the order in which they take turns. */
  readonly targets: readonly string[];
  readonly isBlind: boolean;
  /** The file for the input that is being run. */
  readonly current: string;
}

/** What a worker says, at least once a second while inputs come to an end. */
export type Report =
  | { readonly kind: "alive" }
  | {
      readonly kind: "progress";
      readonly target: string;
      readonly runs: number;
      readonly reached: number;
      readonly kept: number;
    }
  /** The input is a tree as JSON. */
  | {
      readonly kind: "finding";
      readonly target: string;
      readonly message: string;
      readonly input: string;
    }
  /** Small inputs of one target that reach much, as JSON; after the order to stop. */
  | { readonly kind: "reaching"; readonly target: string; readonly inputs: readonly string[] };

/** Milliseconds for which a target is on its turn. */
const TURN_MS = 1_000;

/** Inputs that are kept as fixtures: how many of one target, how large, and how much each must add. */
const MAX_REACHING = 6;
const MAX_REACHING_SIZE = 2_500;
const MIN_REACHED = 150;

/** Runs until the parent is gone, or says "stop"; then tells what reaches most, and ends. */
export async function work(orders: Orders): Promise<void> {
  // Ctrl-C goes to all; the parent ends the others.
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => {
    process.exit(0);
  });
  process.on("unhandledRejection", (error) => {
    strays.push(error);
  });
  const stopping = new AbortController();
  process.on("message", () => {
    stopping.abort();
  });
  const { signal } = stopping;
  const note = noteTo(orders.current);
  const coverage = new Coverage();
  const fuzzers = allTargets()
    .filter(({ name }) => orders.targets.includes(name))
    .sort((a, b) => orders.targets.indexOf(a.name) - orders.targets.indexOf(b.name))
    .map((target) => {
      const corpus = loadCorpus(target.name).map(({ input }) => input);
      const { seed, isBlind } = orders;
      return new Fuzzer(target, { seed, coverage, isBlind, corpus, note: note(target.name) });
    });
  while (!signal.aborted) {
    for (const fuzzer of fuzzers) {
      const start = performance.now();
      while (!signal.aborted && performance.now() - start < TURN_MS) {
        for (const { target, message, input } of await fuzzer.step())
          tell({ kind: "finding", target, message, input: treeToJson(input) });
        // Messages of the parent, and what a target has left behind, have their turn.
        await new Promise(setImmediate);
      }
      const { target, runs, reached, pool } = fuzzer;
      tell({
        kind: "progress",
        target: target.name,
        runs,
        reached: reached.size,
        kept: pool.length,
      });
    }
  }
  for (const { target, pool } of fuzzers) {
    const inputs = (await reaching(target, pool, coverage)).map((input) => treeToJson(input));
    tell({ kind: "reaching", target: target.name, inputs });
  }
  process.disconnect();
}

/** Small inputs that together reach most of what the pool does; each adds something. */
async function reaching(
  target: Target,
  pool: readonly Tree[],
  coverage: Coverage,
): Promise<Tree[]> {
  const reached = new Reached();
  const chosen: Tree[] = [];
  const sized = pool.map((input) => ({ input, size: sizeOf(input) }));
  for (const { input, size } of sized.sort((a, b) => a.size - b.size)) {
    if (chosen.length >= MAX_REACHING || size > MAX_REACHING_SIZE) break;
    coverage.take(reached, false);
    await faultOf(target, input, false);
    if (coverage.take(reached, false) < MIN_REACHED) continue;
    await faultOf(target, input, false);
    coverage.take(reached, true);
    chosen.push(input);
  }
  return chosen;
}

function tell(report: Report): void {
  process.send?.(report);
}

/** For each target, what writes its inputs to a file, and says now and then that there still are some. */
function noteTo(path: string): (target: string) => (input: Tree) => void {
  const file = openSync(path, "w");
  let toldAt = 0;
  return (target) => (input) => {
    const bytes = Buffer.from(`${target}\n${treeToJson(input)}`);
    writeSync(file, bytes, 0, bytes.length, 0);
    ftruncateSync(file, bytes.length);
    const now = performance.now();
    if (now - toldAt < TURN_MS) return;
    toldAt = now;
    tell({ kind: "alive" });
  };
}
