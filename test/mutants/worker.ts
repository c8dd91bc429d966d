/** One copy and the process that runs tests in it: replaced when a mutant makes it hang or die. */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setActive } from "./copy.ts";
import type { FileOutcome, Order } from "./server.ts";

/** Tests of a file, by their titles as JSON, and what each has reached. */
export type Reached = ReadonlyMap<string, ReadonlySet<number>>;

/** What a test has found out: the mutant that it misses, and how it failed; −1: it cannot be run more than once. */
export interface Found {
  readonly test: string;
  readonly id: number;
  readonly why: string;
  /** The process had to be killed. */
  readonly hung?: true;
}

/** Milliseconds for a process to be ready. */
const START_MS = 120_000;

/** Milliseconds without any progress after which a process hangs. */
const HANGS_MS = 12_000;
const PATIENCE = 12;
const LOOK_EVERY_MS = 1_000;

/** Runs tests in one copy, one order at a time. */
export class Worker {
  readonly folder: string;
  readonly #script: string;
  #child: ChildProcess | null = null;
  #isEnded = false;

  constructor(folder: string, script: string) {
    this.folder = folder;
    this.#script = script;
  }

  /** Runs tests with a mutant (-1: none); null when they take longer than that many milliseconds, or their process dies. */
  async run(order: Order, mutant: number, ms: number): Promise<FileOutcome | null> {
    setActive(this.folder, mutant);
    const child = await this.#ready();
    const outcome = await answerOf<FileOutcome>(child, ms, () => child.send(order));
    if (outcome === null) this.#kill();
    return outcome;
  }

  /** Runs a whole file without a mutant, and tells what its tests reach; "" stands for what is outside of tests. */
  async explore(
    file: string,
    ms: number,
  ): Promise<{ outcome: FileOutcome | null; reached: Reached }> {
    const path = join(this.folder, "reached");
    rmSync(path, { force: true });
    writeFileSync(join(this.folder, "running"), "");
    const outcome: FileOutcome | null = await this.run({ file, tests: null, bail: false }, -2, ms);
    const reached = new Map<string, Set<number>>();
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    for (const line of lines) {
      const space = line.indexOf(" ");
      if (space < 0) continue;
      const test = line.slice(space + 1);
      let ids = reached.get(test);
      if (ids === undefined) reached.set(test, (ids = new Set()));
      ids.add(Number(line.slice(0, space)));
    }
    return { outcome, reached };
  }

  /**
   * Runs the tests of a file with many mutants in one process, by a plan: numbers of mutants by the titles of a test as
   * JSON. Returns what was found; the test with the mutant at which the process hung counts as found, and ends the run.
   */
  async runPlan(
    file: string,
    plan: Readonly<Record<string, readonly number[]>>,
    ms: number,
  ): Promise<Found[]> {
    const [planned, found, trying] = ["plan", "found", "trying"].map((name) =>
      join(this.folder, name),
    ) as [string, string, string];
    writeFileSync(planned, JSON.stringify(plan));
    writeFileSync(found, "");
    writeFileSync(trying, "");
    let seen = "";
    let since = performance.now();
    const watch = setInterval(() => {
      const now = readFileSync(trying, "utf8");
      if (now !== seen) since = performance.now();
      seen = now;
      if (now !== "" && performance.now() - since > HANGS_MS + PATIENCE * ms) this.#kill();
    }, LOOK_EVERY_MS);
    const outcome = await this.run({ file, tests: null, bail: false }, -1, 3_600_000);
    clearInterval(watch);
    rmSync(planned);
    const lines = readFileSync(found, "utf8").split("\n").slice(0, -1);
    const all = lines.map((line) => JSON.parse(line) as Found);
    const last = readFileSync(trying, "utf8");
    if (last !== "" && !this.#isEnded) {
      const { test, id } = JSON.parse(last) as Found;
      const why = outcome === null ? "it never came to an end" : "its process died";
      all.push({ test, id, why, hung: true });
    }
    return all;
  }

  /** Kills the process and all that it started, for good. */
  stop(): void {
    this.#isEnded = true;
    this.#kill();
  }

  #kill(): void {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }

  async #ready(): Promise<ChildProcess> {
    if (this.#child?.connected === true) return this.#child;
    this.#kill();
    if (this.#isEnded) throw new Error("this worker has ended");
    // A group of its own, so that it can be killed with its children.
    const child = fork(this.#script, ["--serve", this.folder], {
      cwd: this.folder,
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    if ((await answerOf<string>(child, START_MS)) === null) {
      throw new Error(`the tests cannot be run in ${this.folder}`);
    }
    return child;
  }
}

/** The next message of a process; null when it does not come in time, or the process ends. */
function answerOf<T>(child: ChildProcess, ms: number, ask?: () => void): Promise<T | null> {
  return new Promise((resolve) => {
    const end = (answer: T | null): void => {
      clearTimeout(late);
      child.off("message", end);
      child.off("exit", gone);
      resolve(answer);
    };
    const gone = (): void => {
      end(null);
    };
    const late = setTimeout(gone, ms);
    child.on("message", end);
    child.on("exit", gone);
    ask?.();
  });
}
