/**
 * Runs the properties of programs again and again, one round after another, each under a seed of its own, until the time
 * is up or the runs that were asked for are made. What runs them is vitest, so that they run as `pnpm test` runs them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ORDERS } from "../../examples/kit/runs.ts";
import type { Orders, Outcome } from "../../examples/kit/runs.ts";
import { root, toolEntry } from "../../scripts/tools.js";
import type { Program } from "./programs.ts";

/** Milliseconds for each property in each round, at least and at most. */
const LEAST_EACH_MS = 200;
const MOST_EACH_MS = 5_000;

/** What is left of the output of tests that broke. */
const MOST_OUTPUT = 4_000;

/** What is asked for. */
export interface Settings {
  readonly programs: readonly Program[];
  /** One round until this many runs of each property are made; null: rounds until the time is up. */
  readonly runs: number | null;
  /** Milliseconds; null where `runs` says how much. */
  readonly milliseconds: number | null;
  /** The seed of the first round; each further one has the next. */
  readonly seed: number;
  /** Only tests whose names hold this. */
  readonly only: string | null;
  /** The run to repeat, and to make smaller. */
  readonly path: string | null;
  readonly jobs: number;
}

/** What is known of one program so far. */
export interface Score {
  passed: number;
  failed: number;
  /** The tests that have properties, by name. */
  readonly tests: Set<string>;
}

/** A run that did not hold. */
export interface Failure {
  readonly program: string;
  readonly test: string;
  readonly seed: number;
  readonly path: string;
  readonly error: string;
}

/** Tests that failed although no run of a property did, or did not even begin. */
export interface Breakage {
  readonly program: string;
  readonly output: string;
}

/** A round of one program that is under way. */
interface Visit {
  readonly program: Program;
  readonly seed: number;
  readonly report: string;
  readonly child: ChildProcess;
}

/** All rounds of all programs. */
export class Campaign {
  readonly scores: ReadonlyMap<string, Score>;
  readonly failures: Failure[] = [];
  readonly breakages: Breakage[] = [];
  /** Rounds that were begun. */
  rounds = 0;
  /** Rounds of single programs that are over. */
  finished = 0;
  readonly #settings: Settings;
  readonly #folder = mkdtempSync(join(tmpdir(), "scenarios-"));
  readonly #visits = new Set<Visit>();
  #queue: Program[] = [];
  #count = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.scores = new Map(
      settings.programs.map(({ name }) => [name, { passed: 0, failed: 0, tests: new Set() }]),
    );
  }

  /** Runs passed and failed, those of rounds under way included. */
  get counts(): { passed: number; failed: number } {
    let [passed, failed] = [0, 0];
    for (const score of this.scores.values()) {
      passed += score.passed;
      failed += score.failed;
    }
    for (const { report } of this.#visits) {
      for (const outcome of outcomesIn(report)) {
        passed += outcome.passed;
        if (outcome.failure !== null) failed++;
      }
    }
    return { passed, failed };
  }

  /** Runs until all is done, the time is up, or the signal ends it: what is under way then is ended, and what it had is kept. */
  async run(signal: AbortSignal): Promise<void> {
    const { milliseconds, jobs } = this.#settings;
    const end = milliseconds === null ? Infinity : performance.now() + milliseconds;
    const stop = (): void => {
      for (const { child } of this.#visits) endGroup(child);
    };
    const timer = milliseconds === null ? null : setTimeout(stop, milliseconds);
    signal.addEventListener("abort", stop);
    process.on("exit", stop);
    const isOver = (): boolean => signal.aborted || performance.now() >= end;
    const work = async (): Promise<void> => {
      while (!isOver()) {
        const next = this.#next();
        if (next === null) return;
        await this.#visit(next.program, next.seed, end, isOver);
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
    if (timer !== null) clearTimeout(timer);
    process.removeListener("exit", stop);
    signal.removeEventListener("abort", stop);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The next program, and the seed of its round; null when all that was asked for is under way. */
  #next(): { program: Program; seed: number } | null {
    if (this.#queue.length === 0) {
      if (this.#settings.milliseconds === null && this.rounds > 0) return null;
      const broken = new Set(this.breakages.map(({ program }) => program));
      this.#queue = this.#settings.programs.filter(({ name }) => !broken.has(name));
      if (this.#queue.length === 0) return null;
      this.rounds++;
    }
    return { program: this.#queue.shift()!, seed: this.#settings.seed + this.rounds - 1 };
  }

  async #visit(program: Program, seed: number, end: number, isOver: () => boolean): Promise<void> {
    const { runs, milliseconds, path, only, jobs, programs } = this.#settings;
    const report = join(this.#folder, `${this.#count++}`);
    const properties = programs.reduce((sum, each) => sum + each.properties, 0);
    // Half of the time is enough to begin with everything, however short it is.
    const share = ((milliseconds ?? 0) * jobs) / 2 / properties;
    const each = Math.min(
      Math.max(share, LEAST_EACH_MS),
      MOST_EACH_MS,
      Math.max(end - performance.now(), 1),
    );
    const orders: Orders = { seed, runs, path, report, milliseconds: runs === null ? each : null };
    const child = spawn(
      process.execPath,
      [
        toolEntry("vitest"),
        "run",
        ...["--mode", "scenarios", "--reporter=default", "--no-color"],
        ...["--maxWorkers=1", "--testTimeout=0"],
        ...["-t", patternOf(only, this.scores.get(program.name)!.tests)],
        ...program.files,
      ],
      {
        cwd: root,
        // A group of its own, so that what it starts can be ended with it.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, [ORDERS]: JSON.stringify(orders) },
      },
    );
    let output = "";
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MOST_OUTPUT);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const visit: Visit = { program, seed, report, child };
    this.#visits.add(visit);
    const code = await new Promise((resolve) => child.once("close", resolve));
    this.#visits.delete(visit);
    this.finished++;
    const failed = this.#fold(visit);
    if (code !== 0 && !failed && !isOver()) this.breakages.push({ program: program.name, output });
  }

  /** Adds what came of a round; true when a run failed. */
  #fold({ program, seed, report }: Visit): boolean {
    const score = this.scores.get(program.name)!;
    const outcomes = outcomesIn(report);
    for (const { test, passed, failure } of outcomes) {
      score.tests.add(test);
      score.passed += passed;
      if (failure === null) continue;
      score.failed++;
      this.failures.push({ program: program.name, test, seed, ...failure });
    }
    return outcomes.some(({ failure }) => failure !== null);
  }
}

/** What a report says so far; a line that is not written to its end is left out. */
function outcomesIn(report: string): Outcome[] {
  if (!existsSync(report)) return [];
  const lines = readFileSync(report, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Outcome);
}

/** A pattern for names of tests: those that are asked for; of all, those that are known to have properties. */
function patternOf(only: string | null, tests: ReadonlySet<string>): string {
  if (only !== null) return escaped(only);
  return tests.size === 0 ? "" : `^(${[...tests].map(escaped).join("|")})$`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
}

/** Ends a process with all that it has started. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
