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
  const rows = [
    { path: YARDSTICK, most: Infinity },
    ...names.filter(({ path }) => path.includes(only)),
  ].map(({ path, most }) => ({
    path,
    jobs: sizes.filter((size) => size <= most).map((size) => ({ path, size })),
  }));
  const results = inTurns(
    rows.flatMap(({ jobs }) => jobs),
    Math.max(...sizes) > STRICT_SIZE ? 1 : Math.min(MOST_AT_ONCE, availableParallelism()),
  );
  let failures = 0;
  let yardsticks: Yardsticks = [];
  for (const { path, jobs } of rows) {
    const done: Result[] = [];
    for (const _ of jobs) done.push(await results.shift()!);
    process.stdout.write(`${path.replace("/", ": ")}\n`);
    if (path === YARDSTICK)
      yardsticks = (done[0]?.phases ?? []).map(
        (_, phase) =>
          new Map(done.map(({ size, phases }) => [size, phases[phase]?.each ?? Number.NaN])),
      );
    failures += printCase(done, sizes.length, yardsticks);
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

/** Runs all jobs in their order, so many at a time. */
function inTurns(jobs: readonly Job[], atOnce: number): Promise<Result>[] {
  const results: Promise<Result>[] = [];
  for (const [at, job] of jobs.entries()) {
    const before = results[at - atOnce];
    results.push(before === undefined ? measure(job) : before.then(() => measure(job)));
  }
  return results;
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

function printCase(results: readonly Result[], columns: number, yardsticks: Yardsticks): number {
  let failures = 0;
  for (const { size, failure } of results) {
    if (failure === null) continue;
    failures++;
    process.stdout.write(`    failed at ${size.toLocaleString("en-US")}: ${failure}\n`);
  }
  const whole = results.filter(({ failure }) => failure === null);
  const count = Math.max(0, ...whole.map(({ phases }) => phases.length));
  for (let i = 0; i < count; i++) {
    const times = whole.map(({ phases }) => phases[i]!.each);
    const [growth, allowed] = worstGrowth(
      whole.map(({ size }) => size),
      times,
      yardsticks,
    );
    // One size alone shows no growth.
    const verdict = Number.isNaN(growth) || growth <= allowed ? "" : "  GROWS TOO FAST";
    if (verdict !== "") failures++;
    const { phase, bytes } = whole.at(-1)!.phases[i]!;
    const cells = times.map((time) => `${time.toFixed(2)} µs`.padStart(14)).join("");
    const ratio = Number.isNaN(growth)
      ? "".padStart(18)
      : `${growth.toFixed(2)} ×`.padStart(9) + `${allowed.toFixed(2)} ×`.padStart(9);
    const weight = bytes === null ? "" : Math.round(bytes).toLocaleString("en-US").padStart(13);
    process.stdout.write(
      `    ${phase.padEnd(50)}${cells}${" ".repeat(14 * (columns - times.length))}${ratio}${weight}${verdict}\n`,
    );
  }
  return failures;
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
