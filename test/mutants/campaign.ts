/**
 * Runs the tests against mutants: first all tests without any, to learn which test reaches which check and how long it
 * takes; then for each mutant the tests that reach it, the closest and fastest first, until one fails.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { makeCopy } from "./copy.ts";
import type { FileOutcome } from "./server.ts";
import type { Site } from "./sites.ts";
import { Worker } from "./worker.ts";

/** A test that misses a check when it is removed. */
export interface Killer {
  readonly file: string;
  readonly titles: readonly string[];
  /** How it failed: its first message, or that it never came to an end. */
  readonly why: string;
}

/** What became of a mutant; no killer: it survived. */
export interface Result {
  readonly site: Site;
  readonly killer: Killer | null;
  /** How many tests reach the check. */
  readonly tests: number;
}

/** What is told while it goes on. */
export interface Listener {
  explored(files: number, of: number): void;
  judged(result: Result): void;
  warn(message: string): void;
}

interface KnownTest {
  readonly file: string;
  readonly titles: readonly string[];
  readonly ms: number;
  readonly reaches: ReadonlySet<number>;
  /** What is reached outside of tests: when the file is loaded, or by its hooks. */
  readonly loads: ReadonlySet<number>;
}

/** Which tests try which checks together: the fast ones first, and of those the ones beside the source. */
interface Pass {
  readonly near: boolean;
  /** More than the first, at most the second, in milliseconds. */
  readonly ms: readonly [number, number];
}

/** Milliseconds of a test above which it is not asked: the others are many. */
const SLOW_MS = 5_000;

const CLASSES_MS = [-1, 30, 150, 1_000, SLOW_MS] as const;

const PASSES: readonly Pass[] = CLASSES_MS.slice(1).flatMap((most, i) => [
  { near: true, ms: [CLASSES_MS[i]!, most] as const },
  { near: false, ms: [CLASSES_MS[i]!, most] as const },
]);

/** Whole worlds, each test of which reaches nearly everything. */
const NOT_ASKED = /\/(?:simulator|model-check)\//u;

/** Milliseconds that any run may take besides a multiple of what its tests took. */
const SPARE_MS = 25_000;
const PATIENCE = 4;

const EXPLORATION_MS = 600_000;

/** One campaign: a copy for each worker. */
export class Campaign {
  readonly #snapshot: string;
  readonly #sites: readonly Site[];
  readonly #workers: readonly Worker[];
  readonly #folder: string;
  readonly #listener: Listener;
  #tests: readonly KnownTest[] = [];
  /** Tests that cannot be run more than once in a process. */
  readonly #once = new Set<KnownTest>();
  #isStopped = false;

  /** `folder` holds the copies; `script` is started with `--serve FOLDER` to run tests; `root` has what is installed. */
  constructor(
    snapshot: string,
    sites: readonly Site[],
    options: {
      readonly root: string;
      readonly folder: string;
      readonly jobs: number;
      readonly script: string;
    },
    listener: Listener,
  ) {
    this.#snapshot = snapshot;
    this.#sites = sites;
    this.#folder = options.folder;
    this.#listener = listener;
    const mutants = sites.map(({ file, edits }, id) => ({ id, file, edits }));
    this.#workers = Array.from({ length: options.jobs }, (_, job) => {
      const folder = join(options.folder, `copy-${job}`);
      makeCopy(snapshot, options.root, folder, mutants);
      return new Worker(folder, options.script);
    });
  }

  /**
   * Runs all tests once of the packages that these checks are in, which are named by their numbers. Tests that fail as it
   * is are told of and left out.
   */
  async explore(ids: readonly number[]): Promise<void> {
    const packages = new Set(ids.map((id) => packageOf(this.#sites[id]!.file)));
    const files = testFilesIn(join(this.#snapshot, "packages"))
      .map((path) => relative(this.#snapshot, path))
      .filter((path) => packages.has(packageOf(path)) && !NOT_ASKED.test(path));
    const base = hashOf(
      JSON.stringify(this.#sites.map(({ key }) => key)),
      ...supportingFilesIn(join(this.#snapshot, "packages")).map((path) =>
        readFileSync(path, "utf8"),
      ),
    );
    const cache = join(this.#folder, "explored");
    mkdirSync(cache, { recursive: true });
    const all: KnownTest[] = [];
    const waiting = [...files];
    let done = 0;
    await this.#each(async (worker) => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        if (this.#isStopped) return;
        const name = join(
          cache,
          hashOf(base, file, readFileSync(join(this.#snapshot, file), "utf8")),
        );
        let tests: readonly KnownTest[];
        if (existsSync(name)) tests = revive(readFileSync(name, "utf8"));
        else {
          tests = await this.#exploreFile(worker, file);
          if (tests.length > 0) writeFileSync(name, JSON.stringify(tests.map(frozen)));
        }
        all.push(...tests);
        this.#listener.explored(++done, files.length);
      }
    });
    if (all.length === 0) throw new Error("no test can be run");
    this.#tests = all;
  }

  /** Judges some of the checks, by their numbers. */
  async judge(ids: readonly number[]): Promise<void> {
    const alone = new Set(ids.filter((id) => this.#isAlone(id)));
    const open = new Set(ids.filter((id) => !alone.has(id)));
    for (const pass of PASSES) await this.#judgeTogether(open, pass);
    const rest = [...alone, ...open];
    await this.#each(async (worker) => {
      for (let id = rest.shift(); id !== undefined; id = rest.shift()) {
        // What only a program that a test starts was seen to reach may well work when a module is loaded.
        const tests = this.#testsFor(id).filter(
          (test) => alone.has(id) || this.#once.has(test) || !test.reaches.has(id),
        );
        const killer = await this.#judgeAlone(worker, id, tests);
        if (this.#isStopped) return;
        this.#report(id, killer);
      }
    });
  }

  /** Tries many mutants in one process for each test file; those that are missed are taken out of `open`. */
  async #judgeTogether(open: Set<number>, pass: Pass): Promise<void> {
    const files = [...new Set(this.#tests.map(({ file }) => file))];
    await this.#each(async (worker) => {
      for (let file = files.shift(); file !== undefined; file = files.shift()) {
        // A run ends early where a mutant makes its process hang.
        for (let isDone = false; !isDone && !this.#isStopped;) {
          const plan = this.#planFor(file, open, pass);
          if (Object.keys(plan).length === 0) break;
          isDone = true;
          for (const { test, id, why, hung } of await worker.runPlan(file, plan, pass.ms[1])) {
            const titles = JSON.parse(test) as string[];
            if (id < 0) {
              const known = this.#tests.find((one) => one.file === file && sameTitles(one, titles));
              if (known !== undefined) this.#once.add(known);
              continue;
            }
            if (hung === true) isDone = false;
            if (open.delete(id)) this.#report(id, { file, titles, why });
          }
        }
      }
    });
  }

  /** Which mutants each test of a file tries in a pass. */
  #planFor(
    file: string,
    open: ReadonlySet<number>,
    { near, ms: [least, most] }: Pass,
  ): Record<string, number[]> {
    const plan: Record<string, number[]> = {};
    for (const test of this.#tests) {
      const isAsked = test.file === file && test.ms <= most && test.ms > least;
      if (!isAsked || this.#once.has(test)) continue;
      const name = JSON.stringify(test.titles);
      const ids = [...test.reaches].filter((id) => {
        const isNear = distance(this.#sites[id]!.file, file) <= 1;
        const isOwn = packageOf(this.#sites[id]!.file) === packageOf(file);
        return open.has(id) && isOwn && isNear === near;
      });
      if (ids.length > 0) plan[name] = ids;
    }
    return plan;
  }

  /** True for what cannot be tried beside others: it works when modules are loaded, or outlives a test in a cache. */
  #isAlone(id: number): boolean {
    const { file } = this.#sites[id]!;
    if (file.includes("/crypto/")) return true;
    return !this.#tests.some(({ reaches }) => reaches.has(id));
  }

  #report(id: number, killer: Killer | null): void {
    const site = this.#sites[id]!;
    this.#listener.judged({ site, killer, tests: this.#testsFor(id).length });
  }

  /** The tests that are asked about a check. */
  #testsFor(id: number): KnownTest[] {
    const { file } = this.#sites[id]!;
    return this.#tests.filter(
      (test) =>
        (test.reaches.has(id) || test.loads.has(id)) &&
        test.ms <= SLOW_MS &&
        packageOf(test.file) === packageOf(file),
    );
  }

  /** True once it was stopped. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Ends all processes; what is being judged is given up. */
  stop(): void {
    this.#isStopped = true;
    for (const worker of this.#workers) worker.stop();
  }

  async #each(work: (worker: Worker) => Promise<void>): Promise<void> {
    await Promise.all(this.#workers.map(work));
  }

  async #exploreFile(worker: Worker, file: string): Promise<KnownTest[]> {
    const { outcome, reached } = await worker.explore(file, EXPLORATION_MS);
    if (outcome === null) {
      this.#listener.warn(`${file} does not come to an end`);
      return [];
    }
    for (const fault of outcome.faults) this.#listener.warn(`${file}: ${fault}`);
    const always = reached.get("") ?? new Set<number>();
    return outcome.tests.flatMap(({ titles, state, ms, why }) => {
      if (state === "failed") this.#listener.warn(`${file} › ${titles.join(" › ")}: ${why}`);
      if (state !== "passed") return [];
      const own = reached.get(JSON.stringify(titles)) ?? [];
      return [{ file, titles, ms, reaches: new Set(own), loads: always }];
    });
  }

  async #judgeAlone(
    worker: Worker,
    id: number,
    reaching: readonly KnownTest[],
  ): Promise<Killer | null> {
    const site = this.#sites[id]!;
    const byFile = new Map<string, KnownTest[]>();
    for (const test of reaching) {
      const others = byFile.get(test.file);
      if (others === undefined) byFile.set(test.file, [test]);
      else others.push(test);
    }
    const files = [...byFile.keys()].sort(
      (a, b) =>
        distance(site.file, a) - distance(site.file, b) ||
        total(byFile.get(a)!) - total(byFile.get(b)!),
    );
    let unnamed: Killer | null = null;
    for (const file of files) {
      if (this.#isStopped) break;
      const tests = byFile.get(file)!;
      const killer = await this.#tryFile(worker, id, file, tests);
      if (killer === null) continue;
      if (killer.titles.length > 0) return killer;
      unnamed ??= killer;
    }
    return unnamed;
  }

  /** Runs tests of one file with a mutant; a killer without titles is the file as a whole. */
  async #tryFile(
    worker: Worker,
    id: number,
    file: string,
    tests: readonly KnownTest[],
  ): Promise<Killer | null> {
    let left = [...tests];
    while (left.length > 0 && !this.#isStopped) {
      const outcome = await this.#run(worker, id, file, left);
      const failed = outcome?.tests.find(({ state }) => state === "failed");
      const titles = outcome === null ? runningIn(worker) : failed?.titles;
      if (titles === undefined) {
        const fault = outcome?.faults[0];
        return fault === undefined ? null : { file, titles: [], why: fault };
      }
      const why = outcome === null ? "it never came to an end" : failed!.why;
      const test = left.find((one) => String(one.titles) === String(titles));
      if (test === undefined) return { file, titles: [], why };
      // Where sockets, processes and time-outs are at work, a test may fail for another reason.
      const isSteady = outcome !== null && file.startsWith("packages/bft-json-crdt/");
      if (isSteady || (await this.#passesWithout(worker, test, left))) return { file, titles, why };
      this.#listener.warn(`${file} › ${titles.join(" › ")} fails now and then: ${why}`);
      left = left.filter((one) => one !== test);
    }
    return null;
  }

  /** Among the same tests as before, since some go on from where others have left things. */
  async #passesWithout(
    worker: Worker,
    { file, titles }: KnownTest,
    tests: readonly KnownTest[],
  ): Promise<boolean> {
    const outcome = await this.#run(worker, -1, file, tests);
    const again = outcome?.tests.find((one) => String(one.titles) === String(titles));
    return again?.state === "passed";
  }

  #run(
    worker: Worker,
    id: number,
    file: string,
    tests: readonly KnownTest[],
  ): Promise<FileOutcome | null> {
    const order = { file, tests: tests.map(({ titles }) => titles), bail: true };
    return worker.run(order, id, SPARE_MS + PATIENCE * total(tests));
  }
}

function runningIn(worker: Worker): string[] {
  const text = readFileSync(join(worker.folder, "running"), "utf8");
  return text === "" ? [] : (JSON.parse(text) as string[]);
}

function total(tests: readonly KnownTest[]): number {
  return tests.reduce((sum, { ms }) => sum + ms, 0);
}

/** How far a test file is from a source: the one beside it first, the whole world last. */
function distance(source: string, test: string): number {
  const stem = basename(source, ".ts");
  // Made of inputs that are right but for one thing.
  if (basename(test) === "checks.test.ts") return 1;
  const beside = dirname(source) === dirname(test);
  if (beside && basename(test) === `${stem}.test.ts`) return 0;
  if (beside) return 1;
  return test.includes("/src/") ? 2 : 3;
}

function packageOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function sameTitles({ titles }: KnownTest, others: readonly string[]): boolean {
  return JSON.stringify(titles) === JSON.stringify(others);
}

function frozen({ reaches, loads, ...test }: KnownTest): object {
  return { ...test, reaches: [...reaches], loads: [...loads] };
}

function revive(text: string): KnownTest[] {
  const tests = JSON.parse(text) as (Omit<KnownTest, "reaches" | "loads"> & {
    readonly reaches: number[];
    readonly loads: number[];
  })[];
  return tests.map((test) => ({
    ...test,
    reaches: new Set(test.reaches),
    loads: new Set(test.loads),
  }));
}

function hashOf(...texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest("hex");
}

/** Test files below a folder, in a fixed order. */
export function testFilesIn(folder: string): string[] {
  return filesIn(folder).filter((path) => path.endsWith(".test.ts"));
}

function supportingFilesIn(folder: string): string[] {
  return filesIn(folder).filter(
    (path) => !path.endsWith(".test.ts") && /\.(?:[jt]s|json)$/u.test(path),
  );
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/(?:node_modules|dist|coverage)\//u.test(path))
    .sort();
}
