/**
 * Runs the worst cases, each at each size in a process of its own, and prints how the time per element grew from one
 * size to the next. Time that grows like n log n is allowed, and half as much again for caches and chance; beyond 10^5 also as
 * much as a yardstick grows, which is n log n without the library (yardstick.ts).
 */
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { themes, YARDSTICK } from "./cases.ts";
import type { Measured } from "./child.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** How much faster than n log n the time may seem to grow. */
const SLACK = 1.5;

/** Up to this size nothing more is allowed: beyond it memory is so much slower that n log n without the library grows more. */
const STRICT_SIZE = 100_000;

/** Processes at the same time: CPU time is counted, but they share caches, which matters beyond the strict sizes. */
const MOST_AT_ONCE = 4;

/** The yardstick is measured so many times, and the fastest counts. */
const YARDSTICK_TIMES = 3;

/** Time per element below which growth is noise, in microseconds. */
const NOISE = 1;

/** Runs all cases whose name contains `only`, at 10 to the power of each of `powers`; returns how many grew too fast. */
export async function runWorst(powers: readonly number[], only = ""): Promise<number> {
  const sizes = powers.map((power) => 10 ** power);
  const heads = sizes.map((size) => `n = ${size.toLocaleString("en-US")}`.padStart(14)).join("");
  process.stdout.write(`\nworst cases${" ".repeat(43)}${heads}   growth  allowed   bytes each\n`);
  const names = Object.entries(themes).flatMap(([theme, cases]) =>
    cases.map(({ name, most = 1e6 }) => ({ path: `${theme}/${name}`, most })),
  );
  const jobsOf = (path: string, most: number): readonly Job[] =>
    sizes.filter((size) => size <= most).map((size) => ({ path, size }));
  const yardstick = await measureOften(jobsOf(YARDSTICK, Infinity), YARDSTICK_TIMES);
  const yardsticks = (yardstick[0]?.phases ?? []).map(
    (_, phase) =>
      new Map(yardstick.map(({ size, phases }) => [size, phases[phase]?.each ?? Number.NaN])),
  );
  const rows = names.filter(({ path }) => path.includes(only));
  const atOnce =
    Math.max(...sizes) > STRICT_SIZE ? 1 : Math.min(MOST_AT_ONCE, availableParallelism());
  const results = inTurns(rows, atOnce, async ({ path, most }) => {
    const jobs = jobsOf(path, most);
    const done = await measureOften(jobs, 1);
    // Whatever else the machine does makes things slower, never faster.
    return failuresOf(done, yardsticks) === 0 ? done : fastest(done, await measureOften(jobs, 1));
  });
  print(YARDSTICK, yardstick, sizes.length, null);
  let failures = 0;
  for (const { path } of rows) {
    const done = await results.shift()!;
    print(path, done, sizes.length, yardsticks);
    failures += failuresOf(done, yardsticks);
  }
  process.stdout.write(failures === 0 ? "\nall within n log n\n" : `\n${failures} grew too fast\n`);
  return failures;
}

/** Of each yardstick the time per element, by size. */
type Yardsticks = readonly ReadonlyMap<number, number>[];

interface Job {
  readonly path: string;
  readonly size: number;
}

/** Does all works in their order, so many at a time. */
function inTurns<Work, Done>(
  works: readonly Work[],
  atOnce: number,
  work: (one: Work) => Promise<Done>,
): Promise<Done>[] {
  const results: Promise<Done>[] = [];
  for (const [at, one] of works.entries()) {
    const before = results[at - atOnce];
    results.push(before === undefined ? work(one) : before.then(() => work(one)));
  }
  return results;
}

/** Runs jobs one after the other, all of them so many times; the fastest of each phase counts. */
async function measureOften(jobs: readonly Job[], times: number): Promise<readonly Result[]> {
  let best: readonly Result[] = [];
  for (let time = 0; time < times; time++) {
    const done: Result[] = [];
    for (const job of jobs) done.push(await measure(job));
    best = time === 0 ? done : fastest(best, done);
  }
  return best;
}

/** What is faster of two measurements of the same, phase by phase. */
function fastest(one: readonly Result[], other: readonly Result[]): readonly Result[] {
  return one.map((result, at) => {
    const rival = other[at]!;
    if (result.failure !== null) return rival;
    if (rival.failure !== null) return result;
    return {
      ...result,
      phases: result.phases.map((phase, i) => ({
        ...phase,
        each: Math.min(phase.each, rival.phases[i]!.each),
      })),
    };
  });
}

interface Result {
  readonly size: number;
  readonly phases: readonly Measured[];
  /** How the process ended, when it failed. */
  readonly failure: string | null;
}

async function measure({ path, size }: Job): Promise<Result> {
  const flags = ["--expose-gc", "--max-old-space-size=12000"];
  const args = [...process.execArgv, ...flags, CHILD, path, String(size)];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 });
    return { size, phases: JSON.parse(stdout) as Measured[], failure: null };
  } catch (error) {
    const lines = String(error).trim().split("\n");
    return {
      size,
      phases: [],
      failure: lines.find((line) => /^\w*Error: (?!Command)|FATAL/.test(line)) ?? lines.at(-1)!,
    };
  }
}

/** A row of the table: the times of one phase, and how they grew. */
interface Row extends Measured {
  readonly times: readonly number[];
  readonly growth: number;
  readonly allowed: number;
}

/** Without yardsticks as much is allowed as it grew. */
function rowsOf(results: readonly Result[], yardsticks: Yardsticks | null): readonly Row[] {
  const whole = results.filter(({ failure }) => failure === null);
  return (whole.at(-1)?.phases ?? []).map((last, i) => {
    const times = whole.map(({ phases }) => phases[i]!.each);
    const [growth, allowed] = worstGrowth(
      whole.map(({ size }) => size),
      times,
      yardsticks ?? [],
    );
    return { ...last, times, growth, allowed: yardsticks === null ? growth : allowed };
  });
}

/** One size alone shows no growth. */
function isTooFast({ growth, allowed }: Row): boolean {
  return !(Number.isNaN(growth) || growth <= allowed);
}

function failuresOf(results: readonly Result[], yardsticks: Yardsticks): number {
  const failed = results.filter(({ failure }) => failure !== null).length;
  return failed + rowsOf(results, yardsticks).filter(isTooFast).length;
}

function print(
  path: string,
  results: readonly Result[],
  columns: number,
  yardsticks: Yardsticks | null,
): void {
  const lines = [path.replace("/", ": ")];
  for (const { size, failure } of results) {
    if (failure !== null) lines.push(`    failed at ${size.toLocaleString("en-US")}: ${failure}`);
  }
  for (const row of rowsOf(results, yardsticks)) {
    const { phase, bytes, times, growth, allowed } = row;
    const cells = times.map((time) => `${time.toFixed(2)} µs`.padStart(14)).join("");
    const gap = " ".repeat(14 * (columns - times.length));
    const ratio = Number.isNaN(growth)
      ? "".padStart(18)
      : `${growth.toFixed(2)} ×`.padStart(9) + `${allowed.toFixed(2)} ×`.padStart(9);
    const weight = bytes === null ? "" : Math.round(bytes).toLocaleString("en-US").padStart(13);
    const verdict = isTooFast(row) ? "  GROWS TOO FAST" : "";
    lines.push(`    ${phase.padEnd(50)}${cells}${gap}${ratio}${weight}${verdict}`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The growth of the time per element, of the step where it is worst, and what is allowed there. */
function worstGrowth(
  sizes: readonly number[],
  times: readonly number[],
  yardsticks: Yardsticks,
): [number, number] {
  let worst: [number, number] = [Number.NaN, Number.NaN];
  for (let i = 1; i < times.length; i++) {
    const [small, large] = [sizes[i - 1]!, sizes[i]!];
    const growth = Math.max(times[i]!, NOISE) / Math.max(times[i - 1]!, NOISE);
    const strict = (Math.log(large) / Math.log(small)) * SLACK;
    const slowed =
      large <= STRICT_SIZE ? [] : yardsticks.map((times) => times.get(large)! / times.get(small)!);
    const allowed = Math.max(strict, ...slowed);
    if (!(growth / allowed <= worst[0] / worst[1])) worst = [growth, allowed];
  }
  return worst;
}
