/**
 * Runs suites: every job of a suite in a process of its own, one after the other, in rounds. So each subject is measured
 * at several moments, and a machine that is slower for a while is so for all. What targets compare is measured more often than
 * that: where others use the same processor, its speed differs by half from one second to the next.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { childOf } from "./build.ts";
import { expectEqual } from "./measure.ts";
import { shownValue } from "./print.ts";
import type { Job, Plan, Sample, Suite } from "./suite.ts";
import { isCompared } from "./targets.ts";

/** All that was measured of one job. */
export interface Measured {
  readonly subject: string;
  readonly on: string;
  /** One list for each run. */
  readonly runs: readonly (readonly Sample[])[];
}

/** A subject failed or gave a wrong result: nothing that was measured counts. */
export class WrongResult extends Error {}

/** Old objects of the largest suites must fit. */
const FLAGS = ["--expose-gc", "--max-old-space-size=8000"];

/** In each round, what targets compare is measured so many times in turns … */
export const COMPARED_TIMES = 3;

/** … unless that takes longer than so many milliseconds each time. */
const BRIEF_MS = 8_000;

/** How a job is measured: in a process, or right here to try it out. */
export type Measure = (suite: Suite, job: Job, plan: Plan) => Promise<readonly Sample[]>;

/** Measures all jobs of a suite so many times; `progress` gets a line for each. Throws when a result is wrong. */
export async function runSuite(
  suite: Suite,
  plan: Plan,
  rounds: number,
  progress: (line: string) => void,
  measure: Measure = inProcess,
): Promise<Measured[]> {
  const chosen = suite.jobs(plan).filter(({ isLong }) => plan.isThorough || isLong !== true);
  const jobs = chosen.map((job) => ({ job, runs: [] as (readonly Sample[])[], ms: 0 }));
  const run = async (one: (typeof jobs)[number], round: number): Promise<void> => {
    const { job, runs } = one;
    const start = performance.now();
    const samples = await measure(suite, job, plan);
    one.ms = performance.now() - start;
    for (const [name, value] of samples.flatMap((sample) => Object.entries(sample))) {
      expectEqual(Number.isFinite(value), true, `${name} of ${job.subject} a number`);
    }
    if (samples.length === 0) return;
    runs.push(samples);
    progress(progressOf(suite, job, round, rounds, samples));
  };
  const times = plan.scale === 1 && suite.isSteady !== true ? COMPARED_TIMES : 1;
  for (let round = 0; round < rounds; round++) {
    for (const one of jobs) if (round < (one.job.mostRuns ?? rounds)) await run(one, round);
    for (let time = 1; time < times; time++) {
      for (const one of jobs) {
        const { job, ms } = one;
        if (job.mostRuns === undefined && ms < BRIEF_MS && isCompared(suite.name, job))
          await run(one, round);
      }
    }
  }
  return jobs
    .filter(({ runs }) => runs.length > 0)
    .map(({ job: { subject, on }, runs }) => ({ subject, on, runs }));
}

/** Measures a job in a process of its own. */
export async function inProcess(suite: Suite, job: Job, plan: Plan): Promise<readonly Sample[]> {
  const args = [
    ...FLAGS,
    childOf(plan.built),
    suite.name,
    JSON.stringify(job),
    JSON.stringify(plan),
  ];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Sample[];
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    const why = stderr === "" ? String(error) : stderr;
    throw new WrongResult(`${suite.name}: ${job.subject} on ${job.on} failed\n${why}`);
  }
}

function progressOf(
  suite: Suite,
  { subject, on }: Job,
  round: number,
  rounds: number,
  samples: readonly Sample[],
): string {
  const [metric] = suite.metrics;
  const value = shownValue(Math.min(...samples.map((sample) => sample[metric!.name]!)), metric!);
  return `  ${`${round + 1}/${rounds}`.padEnd(6)}${on.padEnd(28)}${subject.padEnd(36)}${value.padStart(14)}`;
}
