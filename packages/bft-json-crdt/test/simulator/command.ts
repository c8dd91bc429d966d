/**
 * `pnpm simulate`: runs seeds until they are done or somebody presses Ctrl-C; results on stdout, progress on stderr.
 */
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { describeFailure } from "./report.ts";
import { describePart, scenarioOf, withParts } from "./scenario.ts";
import { readNumbers } from "./shrink.ts";
import { simulate } from "./simulator.ts";
import type { Outcome, Tally } from "./simulator.ts";
import { Progress } from "../progress.ts";

const USAGE = `usage: pnpm simulate --seeds N [--from S] [--jobs J] [--trace] [--keep PARTS]

  --seeds N     simulate N seeds (default 100)
  --from S      the first seed (default 1)
  --jobs J      processes to use (default: one for each core)
  --trace       show the parts of each scenario and every event
  --keep PARTS  only these parts of each scenario, by their numbers, such as 0-3,7
`;

/** Failing seeds of which everything is told; of the others, the number. */
const MAX_TOLD = 3;

interface Settings {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly trace: boolean;
  readonly keep: ReadonlySet<number> | null;
}

/** What is known of all seeds so far. */
class Score {
  readonly failed: { readonly seed: number; readonly outcome: Outcome }[] = [];
  done = 0;
  readonly tally: { -readonly [K in keyof Tally]: number } = {
    honestChanges: 0,
    liarsChanges: 0,
    rejected: 0,
    forks: 0,
    restarts: 0,
    peakPendingBytes: 0,
  };

  add(seed: number, outcome: Outcome): void {
    this.done++;
    if (outcome.findings.length > 0) this.failed.push({ seed, outcome });
    const { tally } = this;
    for (const name of Object.keys(tally) as (keyof Tally)[]) {
      if (name === "peakPendingBytes") tally[name] = Math.max(tally[name], outcome.tally[name]);
      else tally[name] += outcome.tally[name];
    }
  }
}

/** Runs the command; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (process.send !== undefined && args[0] === "--worker") return work();
  const settings = readSettings(args);
  if (settings === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  const start = performance.now();
  const score = new Score();
  const progress = new Progress();
  const isInterrupted =
    settings.jobs > 1 && settings.seeds > 1 && !settings.trace && settings.keep === null
      ? await runInProcesses(settings, score, progress)
      : await runHere(settings, score, progress);
  progress.end();
  await tell(score, settings);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  const { tally } = score;
  process.stdout.write(
    `${tally.honestChanges} changes of honest authors, ${tally.liarsChanges} of liars, ${tally.rejected} rejected, ` +
      `${tally.forks} forks exposed, ${tally.restarts} crashes, ${seconds} s${isInterrupted ? " (interrupted)" : ""}\n` +
      `${score.done - score.failed.length} passed, ${score.failed.length} failed\n`,
  );
  return score.failed.length > 0 ? 1 : 0;
}

async function runHere(
  { from, seeds, trace, keep }: Settings,
  score: Score,
  progress: Progress,
): Promise<boolean> {
  const interruption = new AbortController();
  process.once("SIGINT", () => {
    interruption.abort();
  });
  for (let seed = from; seed < from + seeds && !interruption.signal.aborted; seed++) {
    const whole = scenarioOf(seed);
    const scenario = keep === null ? whole : withParts(whole, keep);
    const line = (text: string): void => {
      process.stdout.write(`${text}\n`);
    };
    if (trace) for (const part of scenario.parts) line(describePart(part));
    const outcome = await simulate(scenario, trace ? { trace: line } : {});
    if (trace) line(`trace ${outcome.trace}`);
    score.add(seed, outcome);
    progress.show(score.done, seeds, `seeds, ${score.failed.length} failed`);
  }
  return interruption.signal.aborted;
}

/** Gives seeds to processes, one after another, until all are done. */
function runInProcesses(settings: Settings, score: Score, progress: Progress): Promise<boolean> {
  const end = settings.from + settings.seeds;
  let next = settings.from;
  return new Promise((resolve, reject) => {
    const workers = new Set<ChildProcess>();
    const finish = (isInterrupted: boolean): void => {
      for (const worker of workers) worker.disconnect();
      workers.clear();
      resolve(isInterrupted);
    };
    process.once("SIGINT", () => {
      finish(true);
    });
    for (let job = 0; job < Math.min(settings.jobs, settings.seeds); job++) {
      const worker = fork(process.argv[1]!, ["--worker"]);
      workers.add(worker);
      worker.on("message", ({ seed, outcome }: { seed: number; outcome: Outcome }) => {
        score.add(seed, outcome);
        progress.show(score.done, settings.seeds, `seeds, ${score.failed.length} failed`);
        if (next < end) worker.send(next++);
        else if (score.done === settings.seeds) finish(false);
      });
      worker.on("error", reject);
      worker.on("exit", (code) => {
        if (workers.has(worker)) reject(new Error(`a worker ended with code ${code}`));
      });
      worker.send(next++);
    }
  });
}

/** The other end: simulates the seeds that it is given until the parent is gone. */
function work(): Promise<number> {
  // Ctrl-C goes to all; the parent ends the others.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve) => {
    process.on("message", (seed: number) => {
      void simulate(scenarioOf(seed)).then((outcome) => process.send?.({ seed, outcome }));
    });
    process.on("disconnect", () => {
      resolve(0);
    });
  });
}

async function tell(score: Score, { keep }: Settings): Promise<void> {
  const failed = score.failed.toSorted((a, b) => a.seed - b.seed);
  for (const { seed, outcome } of failed.slice(0, MAX_TOLD)) {
    const whole = scenarioOf(seed);
    const scenario = keep === null ? whole : withParts(whole, keep);
    process.stdout.write(`${await describeFailure(seed, outcome.findings, {}, scenario)}\n\n`);
  }
  const others = failed.slice(MAX_TOLD).map(({ seed }) => seed);
  if (others.length > 0) process.stdout.write(`seeds that fail too: ${others.join(", ")}\n`);
}

function readSettings(args: readonly string[]): Settings | null {
  try {
    const { values } = parseArgs({
      // pnpm passes the `--` on that separates its own options.
      args: args.filter((argument) => argument !== "--"),
      options: {
        seeds: { type: "string", default: "100" },
        from: { type: "string", default: "1" },
        jobs: { type: "string", default: String(availableParallelism()) },
        trace: { type: "boolean", default: false },
        keep: { type: "string" },
      },
    });
    const [from, seeds, jobs] = [values.from, values.seeds, values.jobs].map(readCount);
    const keep = values.keep === undefined ? null : readNumbers(values.keep);
    if (from == null || !seeds || !jobs || (values.keep !== undefined && keep === null))
      return null;
    return { from, seeds, jobs, trace: values.trace, keep };
  } catch {
    return null;
  }
}

/** A seed is a number of 32 bits. */
function readCount(text: string): number | null {
  return /^\d{1,10}$/u.test(text) && Number(text) < 2 ** 32 ? Number(text) : null;
}
