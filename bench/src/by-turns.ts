/**
 * Processes that take their samples by turns: one of each, then the next of each, while the others wait. Where others use
 * the same processor, its speed differs by half from one second to the next; what was measured within one second can be
 * compared all the same.
 *
 * Each process warms up first, alone. Then it says that it is ready, and again after each sample; it goes on when it is told
 * to. See `waitForTurns` in measure.ts for the other side.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { childOf } from "./build.ts";
import { GO } from "./measure.ts";
import type { Job, Plan, Sample, Suite } from "./suite.ts";

/** A subject failed or gave a wrong result: nothing that was measured counts. */
export class WrongResult extends Error {}

/** Something that goes on when it is let. */
export interface Player {
  /** Lets it go on; true when it waits again, false when it has ended. */
  goOn(): Promise<boolean>;
}

/** Old objects of the largest suites must fit. */
const FLAGS = ["--expose-gc", "--max-old-space-size=8000"];

/** Lets each go on in turn until all have ended. */
export async function byTurns(players: readonly Player[]): Promise<void> {
  let waiting = players;
  while (waiting.length > 0) {
    const still: Player[] = [];
    for (const player of waiting) if (await player.goOn()) still.push(player);
    waiting = still;
  }
}

/** Measures each job in a process of its own, by turns. Rejects with WrongResult when one fails. */
export async function inProcesses(
  suite: Suite,
  jobs: readonly Job[],
  plan: Plan,
): Promise<readonly (readonly Sample[])[]> {
  const runs = jobs.map((job) => new Run(suite, job, plan));
  try {
    await byTurns(runs);
  } finally {
    for (const run of runs) run.end();
  }
  return runs.map((run) => run.samples);
}

/** The process of one job; it is started when it is first let go on. */
class Run implements Player {
  samples: readonly Sample[] = [];
  readonly #what: string;
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;
  #printed = "";
  #complained = "";

  constructor(suite: Suite, job: Job, plan: Plan) {
    this.#what = `${suite.name}: ${job.subject} on ${job.on}`;
    const given = [suite.name, JSON.stringify(job), JSON.stringify(plan)];
    this.#args = [...FLAGS, childOf(plan.built), ...given];
  }

  async goOn(): Promise<boolean> {
    if (this.#process === null) this.#process = this.#start();
    else this.#process.send(GO);
    const process = this.#process;
    const waits = new AbortController();
    const goesOn = await Promise.race([
      once(process, "message", waits).then(() => true),
      once(process, "close", waits).then(() => false),
    ]);
    waits.abort();
    if (!goesOn) this.#read(process.exitCode);
    return goesOn;
  }

  /** Ends the process if it still runs. */
  end(): void {
    this.#process?.kill("SIGKILL");
  }

  #start(): ChildProcess {
    const started = spawn(process.execPath, this.#args, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    started.stdout!.setEncoding("utf8").on("data", (text: string) => (this.#printed += text));
    started.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#complained += text));
    return started;
  }

  #read(exitCode: number | null): void {
    if (exitCode !== 0) {
      const why = this.#complained === "" ? `it ended with ${exitCode}` : this.#complained;
      throw new WrongResult(`${this.#what} failed\n${why}`);
    }
    this.samples = JSON.parse(this.#printed.trim().split("\n").at(-1)!) as Sample[];
  }
}
