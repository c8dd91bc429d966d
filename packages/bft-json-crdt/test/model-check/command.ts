/**
 * `pnpm model-check`: makes all passes over all scenarios; results on stdout, progress on stderr.
 */
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { add, check } from "./check.ts";
import type { Passes } from "./check.ts";
import { noTally } from "./explore.ts";
import type { Tally } from "./explore.ts";
import { allScenarios } from "./index.ts";
import { Progress } from "../progress.ts";

const USAGE = `usage: pnpm model-check [--changes N] [--random R] [--only TEXT] [--jobs J]

  --changes N   deliveries of each scenario, 1 to 7 (default 7); each order that holds one twice for at most 5
  --random R    scenarios by chance, besides those of the tables (default 30)
  --only TEXT   only scenarios whose name holds this text
  --jobs J      processes to use (default: one for each core)
`;

const MOST_CHANGES = 7;
/** 7 deliveries of which one stands twice have 141,120 orders; 5 have 1,800. */
const MOST_DOUBLED = 5;

interface Settings {
  readonly passes: Passes;
  readonly random: number;
  readonly only: string;
  readonly jobs: number;
}

/** What a process is told to do, and what it answers. */
interface Task {
  readonly at: number;
  readonly random: number;
  readonly passes: Passes;
}
interface Answer {
  readonly tally: Tally;
  readonly failure: string | null;
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
  const { random, passes } = settings;
  const tasks = allScenarios(random).flatMap(({ name }, at) =>
    name.includes(settings.only) ? [{ at, random, passes }] : [],
  );
  const failures: string[] = [];
  const sum = noTally();
  const progress = new Progress();
  let done = 0;
  const isInterrupted = await runInProcesses(tasks, settings.jobs, ({ tally, failure }) => {
    add(sum, tally);
    if (failure !== null) failures.push(failure);
    progress.show(++done, tasks.length, `scenarios, ${failures.length} failed`);
  });
  progress.end();
  for (const failure of failures) process.stdout.write(`${failure}\n\n`);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stdout.write(
    `${done} scenarios, ${sum.states} states with ${sum.ways} ways on, ` +
      `${sum.deliveries} deliveries to ${sum.documents} documents, ` +
      `${seconds} s${isInterrupted ? " (interrupted)" : ""}\n` +
      `${done - failures.length} passed, ${failures.length} failed\n`,
  );
  return failures.length > 0 || tasks.length === 0 ? 1 : 0;
}

/** Gives scenarios to processes, one after another, until all are done. */
function runInProcesses(
  tasks: readonly Task[],
  jobs: number,
  take: (answer: Answer) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const open = [...tasks];
    let left = tasks.length;
    const workers = new Set<ChildProcess>();
    const finish = (isInterrupted: boolean): void => {
      for (const worker of workers) worker.kill();
      workers.clear();
      resolve(isInterrupted);
    };
    if (left === 0) finish(false);
    process.once("SIGINT", () => {
      finish(true);
    });
    for (let job = 0; job < Math.min(jobs, tasks.length); job++) {
      const worker = fork(process.argv[1]!, ["--worker"]);
      workers.add(worker);
      worker.on("message", (answer: Answer) => {
        take(answer);
        left--;
        const next = open.shift();
        if (next !== undefined) worker.send(next);
        else if (left === 0) finish(false);
      });
      worker.on("error", reject);
      worker.on("exit", (code) => {
        if (workers.has(worker)) reject(new Error(`a worker ended with code ${code}`));
      });
      worker.send(open.shift()!);
    }
  });
}

/** The other end: checks the scenarios that it is given until the parent is gone. */
function work(): Promise<number> {
  // Ctrl-C goes to all; the parent ends the others.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve) => {
    process.on("message", ({ at, random, passes }: Task) => {
      const scenario = allScenarios(random)[at]!;
      try {
        process.send?.({ tally: check(scenario, passes), failure: null });
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        process.send?.({ tally: noTally(), failure });
      }
    });
    process.on("disconnect", () => {
      resolve(0);
    });
  });
}

function readSettings(args: readonly string[]): Settings | null {
  try {
    const { values } = parseArgs({
      // pnpm passes the `--` on that separates its own options.
      args: args.filter((argument) => argument !== "--"),
      options: {
        changes: { type: "string", default: String(MOST_CHANGES) },
        random: { type: "string", default: "30" },
        only: { type: "string", default: "" },
        jobs: { type: "string", default: String(availableParallelism()) },
      },
    });
    const [changes, random, jobs] = [values.changes, values.random, values.jobs].map((text) =>
      /^\d{1,6}$/u.test(text) ? Number(text) : null,
    );
    if (!changes || changes > MOST_CHANGES || random == null || !jobs) return null;
    const doubled = Math.min(changes, MOST_DOUBLED);
    const passes = { graph: changes, orders: changes, repeated: changes, doubled };
    return { passes, random, only: values.only, jobs };
  } catch {
    return null;
  }
}
