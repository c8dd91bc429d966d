/**
 * Runs suites: every job of a suite in a process of its own, in rounds. So each subject is measured at several moments, and a
 * machine that is slower for a while is so for all. What targets compare takes its samples by turns (by-turns.ts), and more
 * often.
 */
import { inProcesses } from "./by-turns.ts";
import { expectEqual } from "./measure.ts";
import { shownValue } from "./print.ts";
import type { Job, Plan, Sample, Suite } from "./suite.ts";
import { comparedWith } from "./targets.ts";

/** All that was measured of one job. */
export interface Measured {
  readonly subject: string;
  readonly on: string;
  /** One list for each run. */
  readonly runs: readonly (readonly Sample[])[];
}

/** In each round, what targets compare is measured so many times … */
export const COMPARED_TIMES = 3;

/** … unless that takes longer than so many milliseconds for each job. */
const BRIEF_MS = 8_000;

/** How jobs that are compared with each other are measured: each in a process, or right here to try it out. */
export type Measure = (
  suite: Suite,
  jobs: readonly Job[],
  plan: Plan,
) => Promise<readonly (readonly Sample[])[]>;

/** Measures all jobs of a suite so many times; `progress` gets a line for each. Throws when a result is wrong. */
export async function runSuite(
  suite: Suite,
  plan: Plan,
  rounds: number,
  progress: (line: string) => void,
  measure: Measure = inProcesses,
): Promise<Measured[]> {
  const jobs = suite.jobs(plan).filter(({ isLong }) => plan.isThorough || isLong !== true);
  const runs = new Map<Job, (readonly Sample[])[]>(jobs.map((job) => [job, []]));
  const run = async (team: readonly Job[], round: number): Promise<void> => {
    const measured = await measure(suite, team, plan);
    for (const [at, job] of team.entries()) {
      const samples = measured[at]!;
      for (const [name, value] of samples.flatMap((sample) => Object.entries(sample))) {
        expectEqual(Number.isFinite(value), true, `${name} of ${job.subject} a number`);
      }
      if (samples.length === 0) continue;
      runs.get(job)!.push(samples);
      progress(progressOf(suite, job, round, rounds, samples));
    }
  };
  const teams = teamsOf(suite, jobs);
  const times = plan.scale === 1 && suite.isSteady !== true ? COMPARED_TIMES : 1;
  for (let round = 0; round < rounds; round++) {
    for (const team of teams) {
      if (round >= (team[0]!.mostRuns ?? rounds)) continue;
      const start = performance.now();
      await run(team, round);
      const isBrief = performance.now() - start < BRIEF_MS * team.length;
      if (team.length === 1 || !isBrief) continue;
      for (let time = 1; time < times; time++) await run(team, round);
    }
  }
  return jobs
    .map((job) => ({ subject: job.subject, on: job.on, runs: runs.get(job)! }))
    .filter((one) => one.runs.length > 0);
}

/** Jobs that targets compare with each other, as far as they run equally often; every other one is alone. */
export function teamsOf(suite: Suite, jobs: readonly Job[]): readonly (readonly Job[])[] {
  const teams: Job[][] = [];
  for (const job of jobs) {
    if (teams.some((team) => team.includes(job))) continue;
    const team = [job];
    // What is added is gone through as well.
    for (const member of team) {
      const others = comparedWith(suite.name, member);
      for (const other of jobs) {
        const isOther = others.some(
          ({ subject, on }) => subject === other.subject && on === other.on,
        );
        if (isOther && other.mostRuns === job.mostRuns && !team.includes(other)) team.push(other);
      }
    }
    teams.push(team);
  }
  return teams;
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
