/**
 * `pnpm fuzz`: searches all targets until the time is up or somebody presses Ctrl-C; findings and the summary on stdout,
 * progress on stderr. What was found is kept in the corpus.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { readFixture, saveFinding, saveReaching, targetOf } from "./corpus.ts";
import { faultOf, signOf } from "./engine.ts";
import type { Finding } from "./engine.ts";
import { allTargets } from "./targets/index.ts";
import { treeFromJson } from "./tree.ts";
import { work } from "./worker.ts";
import type { Orders, Report } from "./worker.ts";

const OPTIONS = {
  minutes: { type: "string", default: "1" },
  seed: { type: "string", default: "1" },
  target: { type: "string", multiple: true },
  jobs: { type: "string", default: String(availableParallelism()) },
  keep: { type: "boolean", default: false },
  blind: { type: "boolean", default: false },
  replay: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** Milliseconds between two states of the bar, and between two lines where there is no terminal. */
const PROGRESS_EVERY_MS = 200;
const LINE_EVERY_MS = 60_000;

/** Milliseconds without a word after which a worker is taken to run an input that never ends. */
const SILENCE_MS = 60_000;

/** Milliseconds in which workers choose what is kept, at most. */
const STOPPING_MS = 60_000;

/** MiB of a worker's heap: what needs more has grown without bound. */
const HEAP_MIB = 1_024;

interface Settings {
  readonly minutes: number;
  readonly seed: number;
  readonly targets: readonly string[];
  readonly jobs: number;
  readonly isKeeping: boolean;
  readonly isBlind: boolean;
  readonly replay: string | null;
}

/** Runs the command; returns its exit code: 0, 1 if something was found, 2 if the command line is wrong. */
export async function main(args: readonly string[]): Promise<number> {
  if (process.send !== undefined && args[0] === "--worker") {
    await work(JSON.parse(args[1] ?? "") as Orders);
    return 0;
  }
  const settings = readSettings(args.filter((argument) => argument !== "--"));
  if (typeof settings === "string") {
    process.stdout.write(settings);
    return 0;
  }
  if (settings instanceof Error) {
    process.stderr.write(`error: ${settings.message}\ntry: pnpm fuzz --help\n`);
    return 2;
  }
  return settings.replay === null ? search(settings) : replay(settings.replay);
}

/** Runs one file of the corpus, with everything that it throws. */
async function replay(path: string): Promise<number> {
  const target = allTargets().find(({ name }) => name === targetOf(path));
  if (target === undefined) {
    process.stderr.write(`error: ${path} is in no folder of a target\n`);
    return 2;
  }
  let input;
  try {
    ({ input } = readFixture(path));
  } catch (error) {
    process.stderr.write(`error: cannot read ${path}: ${(error as Error).message}\n`);
    return 2;
  }
  const fault = await faultOf(target, input);
  process.stdout.write(
    fault === null ? `${target.name}: no finding\n` : `${target.name}: ${fault}\n`,
  );
  return fault === null ? 0 : 1;
}

/** What is known of one target so far; the numbers of all workers. */
class Row {
  readonly runs = new Map<number, number>();
  readonly kept = new Map<number, number>();
  reached = 0;
  found = 0;
}

async function search(settings: Settings): Promise<number> {
  const start = performance.now();
  const searching = new Search(settings);
  searching.begin();
  const isInterrupted = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, settings.minutes * 60_000, false);
    process.once("SIGINT", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  await searching.end(isInterrupted);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stdout.write(searching.summary());
  const count = searching.findings;
  process.stdout.write(
    `${seconds} s, seed ${settings.seed}${isInterrupted ? " (interrupted)" : ""}\n` +
      `${count} ${count === 1 ? "finding" : "findings"}\n`,
  );
  return count > 0 ? 1 : 0;
}

/** The workers, and what they have said. */
class Search {
  findings = 0;
  readonly #settings: Settings;
  readonly #rows: ReadonlyMap<string, Row>;
  readonly #known = new Set<string>();
  readonly #workers = new Map<number, { child: ChildProcess; heardAt: number }>();
  readonly #folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  readonly #start = performance.now();
  #nextWorker = 0;
  #lineAt = performance.now();
  #hasBar = false;
  #timer: NodeJS.Timeout | null = null;
  #isEnding = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#rows = new Map(settings.targets.map((name) => [name, new Row()]));
  }

  begin(): void {
    for (let job = 0; job < this.#settings.jobs; job++) this.#startWorker();
    this.#timer = setInterval(() => {
      this.#endSilent();
      this.#show();
    }, PROGRESS_EVERY_MS);
  }

  /** Ends all workers; they still choose what is kept, if that is asked for and nobody waits for the prompt. */
  async end(isInterrupted: boolean): Promise<void> {
    this.#isEnding = true;
    const children = [...this.#workers.values()].map(({ child }) => child);
    const gone = children.map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const child of children) {
      if (!this.#settings.isKeeping || isInterrupted) child.kill("SIGKILL");
      else child.send("stop");
    }
    const late = setTimeout(() => {
      for (const child of children) child.kill("SIGKILL");
    }, STOPPING_MS);
    await Promise.all(gone);
    clearTimeout(late);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#clearBar();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  summary(): string {
    const lines = [["target", "runs", "reached", "kept", "found"]];
    for (const [name, row] of this.#rows) {
      const numbers = [sum(row.runs), row.reached, sum(row.kept), row.found];
      lines.push([name, ...numbers.map((number) => number.toLocaleString("en"))]);
    }
    const widths = lines[0]!.map((_, column) =>
      Math.max(...lines.map((line) => line[column]!.length)),
    );
    const shown = lines.map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join("  "),
    );
    return `${shown.join("\n")}\n`;
  }

  #startWorker(): void {
    const number = this.#nextWorker++;
    const { seed, targets, isBlind, jobs } = this.#settings;
    // Each begins somewhere else, so that a short search sees all targets, too.
    const shift = Math.floor(((number % jobs) * targets.length) / jobs);
    const orders: Orders = {
      seed: seed + number,
      targets: [...targets.slice(shift), ...targets.slice(0, shift)],
      // Guidance costs time: it reaches more for some targets, and less in the same time for others.
      isBlind: isBlind || number % 2 === 1,
      current: this.#currentOf(number),
    };
    const child = fork(process.argv[1]!, ["--worker", JSON.stringify(orders)], {
      execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MIB}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let lastWords = "";
    child.stderr?.on("data", (data: Buffer) => {
      lastWords = (lastWords + data.toString()).slice(-2_000);
    });
    this.#workers.set(number, { child, heardAt: performance.now() });
    child.on("message", (report: Report) => {
      this.#hear(number, report);
    });
    child.on("exit", () => {
      if (!this.#workers.delete(number) || this.#isEnding) return;
      const error = /(?:FATAL ERROR|Error): .*/u.exec(lastWords)?.[0] ?? "no last words";
      this.#addCurrent(number, `the process died: ${error}`);
      this.#startWorker();
    });
  }

  #currentOf(number: number): string {
    return join(this.#folder, `current-${number}`);
  }

  /** An input that never ends says nothing more. */
  #endSilent(): void {
    for (const [number, { child, heardAt }] of this.#workers) {
      if (this.#isEnding || performance.now() - heardAt < SILENCE_MS) continue;
      this.#workers.delete(number);
      child.kill("SIGKILL");
      this.#addCurrent(number, `it did not end within ${SILENCE_MS / 1_000} s`);
      this.#startWorker();
    }
  }

  #hear(number: number, report: Report): void {
    const worker = this.#workers.get(number);
    if (worker !== undefined) worker.heardAt = performance.now();
    switch (report.kind) {
      case "alive":
        return;
      case "progress": {
        const row = this.#rows.get(report.target);
        row?.runs.set(number, report.runs);
        row?.kept.set(number, report.kept);
        if (row !== undefined) row.reached = Math.max(row.reached, report.reached);
        return;
      }
      case "finding":
        return this.#add({ ...report, input: treeFromJson(report.input) });
      case "reaching":
        for (const input of report.inputs) saveReaching(report.target, treeFromJson(input));
    }
  }

  /** What a worker was at when it ended. */
  #addCurrent(number: number, message: string): void {
    const text = readFileSync(this.#currentOf(number), "utf8");
    const end = text.indexOf("\n");
    if (end < 0) {
      process.stderr.write(`error: a worker ended before its first input: ${message}\n`);
      return;
    }
    this.#add({ target: text.slice(0, end), message, input: treeFromJson(text.slice(end + 1)) });
  }

  #add(finding: Finding): void {
    const { target, message } = finding;
    const sign = `${target} ${signOf(message)}`;
    if (this.#known.has(sign)) return;
    this.#known.add(sign);
    this.findings++;
    const row = this.#rows.get(target);
    if (row !== undefined) row.found++;
    const path = relative(process.cwd(), saveFinding(finding));
    this.#clearBar();
    process.stdout.write(`FOUND ${target}: ${message}\n  pnpm fuzz --replay ${path}\n`);
  }

  #show(): void {
    const total = this.#settings.minutes * 60_000;
    const past = performance.now() - this.#start;
    const runs = [...this.#rows.values()].reduce((all, row) => all + sum(row.runs), 0);
    const left = Math.max(0, Math.ceil((total - past) / 1_000));
    const told = `${runs.toLocaleString("en")} runs, ${this.findings} found, ${left} s left`;
    if (process.stderr.isTTY) {
      const filled = Math.min(20, Math.round((20 * past) / total));
      this.#hasBar = true;
      process.stderr.write(`\r\u001b[K${"█".repeat(filled)}${"░".repeat(20 - filled)} ${told}`);
    } else if (performance.now() - this.#lineAt >= LINE_EVERY_MS) {
      this.#lineAt = performance.now();
      process.stderr.write(`${told}\n`);
    }
  }

  #clearBar(): void {
    if (this.#hasBar) process.stderr.write("\r\u001b[K");
    this.#hasBar = false;
  }
}

function sum(numbers: ReadonlyMap<number, number>): number {
  return [...numbers.values()].reduce((all, one) => all + one, 0);
}

/** The settings; or the text to show for --help; or what is wrong with the command line. */
function readSettings(args: readonly string[]): Settings | string | Error {
  const names = allTargets().map(({ name }) => name);
  const unknown = args
    .map((argument) => /^--?([^=]+)/u.exec(argument)?.[1])
    .find((name) => name !== undefined && !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) return new Error(`unknown option --${unknown}${hint(unknown)}`);
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (error) {
    return error instanceof Error
      ? new Error(error.message.split(". ")[0])
      : new Error(String(error));
  }
  if (values.help) return usage();
  const minutes = /^\d+(?:\.\d+)?$/u.test(values.minutes) ? Number(values.minutes) : 0;
  if (minutes <= 0 || minutes > 10_000)
    return new Error(`--minutes takes a number above 0, not "${values.minutes}"`);
  const [seed, jobs] = [readCount(values.seed), readCount(values.jobs)];
  if (seed === null) return new Error(`--seed takes a whole number, not "${values.seed}"`);
  if (jobs === null || jobs < 1 || jobs > 256)
    return new Error(`--jobs takes a number from 1 to 256, not "${values.jobs}"`);
  const targets = values.target ?? names;
  const stranger = targets.find((name) => !names.includes(name));
  if (stranger !== undefined)
    return new Error(`no target "${stranger}" (known: ${names.join(", ")})`);
  const { keep: isKeeping, blind: isBlind, replay = null } = values;
  return { minutes, seed, targets, jobs, isKeeping, isBlind, replay };
}

/** A seed is a number of 32 bits. */
function readCount(text: string): number | null {
  return /^\d{1,10}$/u.test(text) && Number(text) < 2 ** 32 ? Number(text) : null;
}

/** The option that was meant: one that begins alike. */
function hint(typed: string): string {
  const alike = Object.keys(OPTIONS).find((name) => name[0] === typed[0]);
  return alike === undefined ? "" : `; did you mean --${alike}?`;
}

function usage(): string {
  const targets = allTargets().map(
    ({ name, about }) => `  ${name.padEnd(9)} ${wrapped(about, 12)}`,
  );
  return `usage: pnpm fuzz [--minutes N] [--seed S] [--target NAME]… [--jobs J]
                 [--keep] [--blind] | --replay FILE

  --minutes N    search for so long (default 1; 0.5 is half a minute)
  --seed S       where chance begins (default 1)
  --target NAME  only this target; may be given several times
  --jobs J       processes to use (default: one for each core)
  --keep         put small inputs that reach much into the corpus
  --blind        what is reached guides no process (else every second one)
  --replay FILE  run one file of the corpus

targets:
${targets.join("\n")}
`;
}

function wrapped(text: string, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last.length + word.length + 1 > 78 - indent) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
