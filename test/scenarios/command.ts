/**
 * `pnpm scenarios`: runs the properties of the example programs until the time is up or somebody presses Ctrl-C; failures
 * and the summary on stdout, progress on stderr.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Progress } from "../../packages/bft-json-crdt/test/progress.ts";
import { Campaign } from "./campaign.ts";
import type { Failure, Settings } from "./campaign.ts";
import { programs } from "./programs.ts";
import type { Program } from "./programs.ts";

const USAGE = `usage: pnpm scenarios [--minutes N | --runs N] [--seed S] [--jobs J] [--only TEXT] [NAME…]

  NAME         only these programs, such as order-book
  --minutes N  for so long (default 1; 0.5 is half a minute)
  --runs N     so many runs of each property, however long it takes
  --seed S     the seed of the first round (default 1); each round has the next one
  --jobs J     processes to use (default: one for each core)
  --only TEXT  only properties whose names hold this
  --path P     repeat the run that fails under the seed, and make it smaller
`;

/** Failures of which everything is told; the same property is told of once. */
const MAX_TOLD = 5;

/** Lines of what was wrong. */
const MAX_LINES = 30;

const PROGRESS_EVERY_MS = 500;

/** Runs the command; returns its exit code: 0, 1 if something failed, 2 if the command line is wrong. */
export async function main(args: readonly string[]): Promise<number> {
  const settings = readSettings(
    args.filter((argument) => argument !== "--"),
    programs(),
  );
  if (typeof settings === "string") {
    process.stdout.write(settings);
    return 0;
  }
  if (settings instanceof Error) {
    process.stderr.write(`error: ${settings.message}\ntry: pnpm scenarios --help\n`);
    return 2;
  }
  const interruption = new AbortController();
  process.once("SIGINT", () => interruption.abort());
  const start = performance.now();
  const campaign = new Campaign(settings);
  const progress = new Progress();
  const timer = setInterval(() => {
    const { passed, failed } = campaign.counts;
    const told = `${passed.toLocaleString("en")} runs passed, ${failed} failed`;
    const { milliseconds, programs } = settings;
    const past = (performance.now() - start) / 1_000;
    if (milliseconds !== null) progress.show(Math.floor(past), milliseconds / 1_000, `s, ${told}`);
    else progress.show(campaign.finished, programs.length, `programs, ${told}`);
  }, PROGRESS_EVERY_MS);
  await campaign.run(interruption.signal);
  clearInterval(timer);
  progress.end();
  const seconds = (performance.now() - start) / 1_000;
  process.stdout.write(summaryOf(campaign, settings, seconds, interruption.signal.aborted));
  return campaign.failures.length + campaign.breakages.length > 0 ? 1 : 0;
}

/** What is printed in the end. */
export function summaryOf(
  campaign: Campaign,
  settings: Settings,
  seconds: number,
  isInterrupted: boolean,
): string {
  const lines: string[] = [];
  const told = new Set<string>();
  for (const failure of campaign.failures) {
    const name = `${failure.program} ${failure.test}`;
    if (told.has(name) || told.size === MAX_TOLD) continue;
    told.add(name);
    lines.push(`FAILED ${failure.program}: ${failure.test}`, `  ${repeating(failure)}`);
    const error = failure.error.split("\n").slice(0, MAX_LINES);
    lines.push(...error.map((line) => `    ${line}`.trimEnd()), "");
  }
  for (const { program, output } of campaign.breakages) {
    lines.push(`BROKEN ${program}: its tests fail, but no run of a property`);
    lines.push(...output.trim().split("\n").slice(-MAX_LINES), "");
  }
  const rows = [["program", "properties", "passed", "failed"]];
  for (const [name, { passed, failed, tests }] of campaign.scores) {
    rows.push([name, ...[tests.size, passed, failed].map((number) => number.toLocaleString("en"))]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const [name = "", ...numbers] of rows) {
    const cells = numbers.map((cell, at) => cell.padStart(widths[at + 1]!));
    lines.push([name.padEnd(widths[0]!), ...cells].join("  "));
  }
  const silent = [...campaign.scores].filter(([, { passed, failed }]) => passed + failed === 0);
  if (silent.length > 0) lines.push(`no run of: ${silent.map(([name]) => name).join(", ")}`);
  const last = settings.seed + campaign.rounds - 1;
  const seeds = last > settings.seed ? `seeds ${settings.seed} to ${last}` : `seed ${last}`;
  const { passed, failed } = campaign.counts;
  const broken =
    campaign.breakages.length > 0 ? `, ${campaign.breakages.length} programs broken` : "";
  lines.push(
    `${seconds.toFixed(1)} s, ${seeds}${isInterrupted ? " (interrupted)" : ""}`,
    `${passed} passed, ${failed} failed${broken}`,
  );
  return `${lines.join("\n")}\n`;
}

/** The command that repeats a failure. */
export function repeating({ program, test, seed, path }: Failure): string {
  const quoted = `'${test.replaceAll("'", `'\\''`)}'`;
  return `pnpm scenarios ${program} --only ${quoted} --seed ${seed} --path ${path}`;
}

/** The settings; or the text to show for --help; or what is wrong with the command line. */
export function readSettings(
  args: readonly string[],
  programs: readonly Program[],
): Settings | string | Error {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        minutes: { type: "string" },
        runs: { type: "string" },
        seed: { type: "string", default: "1" },
        jobs: { type: "string", default: String(availableParallelism()) },
        only: { type: "string" },
        path: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return new Error((error as Error).message.split(". ")[0]);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    const names = programs.map(({ name, properties }) => `  ${name} (${properties})`);
    return `${USAGE}\nprograms, and how many properties each has:\n${names.join("\n")}\n`;
  }
  if (values.minutes !== undefined && values.runs !== undefined)
    return new Error("--minutes and --runs do not go together");
  const minutes = readMinutes(values.minutes ?? "1");
  if (minutes === null)
    return new Error(`--minutes takes a number above 0, not "${values.minutes}"`);
  const [seed, jobs, runs] = [values.seed, values.jobs, values.runs ?? "1"].map(readCount);
  if (seed == null) return new Error(`--seed takes a whole number, not "${values.seed}"`);
  if (!jobs || jobs > 256)
    return new Error(`--jobs takes a number from 1 to 256, not "${values.jobs}"`);
  if (!runs) return new Error(`--runs takes a whole number above 0, not "${values.runs}"`);
  const path = values.path ?? null;
  if (path !== null && !/^\d+(?::\d+)*$/u.test(path))
    return new Error(`--path takes numbers with ":" between them, not "${path}"`);
  const only = values.only ?? null;
  if (path !== null && (only === null || positionals.length !== 1))
    return new Error("--path needs the program's name and --only, as printed for the failure");
  const stranger = positionals.find((name) => !programs.some((program) => program.name === name));
  if (stranger !== undefined) {
    const known = programs.map(({ name }) => name).join(", ");
    return new Error(`no program "${stranger}" with properties (known: ${known})`);
  }
  const isCounted = path !== null || values.runs !== undefined;
  return {
    programs: programs.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    // Where one run is repeated, all are made that it takes to make it smaller.
    runs: path !== null ? 1 : values.runs === undefined ? null : runs,
    milliseconds: isCounted ? null : minutes * 60_000,
    ...{ seed, only, path, jobs },
  };
}

function readMinutes(text: string): number | null {
  const minutes = /^\d+(?:\.\d+)?$/u.test(text) ? Number(text) : 0;
  return minutes > 0 && minutes <= 10_000 ? minutes : null;
}

/** A seed is a number of 31 bits, so that the next ones are of 32. */
function readCount(text: string): number | null {
  return /^\d{1,10}$/u.test(text) && Number(text) < 2 ** 31 ? Number(text) : null;
}
