/**
 * `pnpm bench`: how long things take, beside other libraries and bare loops of hashes and signatures, each in a process
 * of its own. `--suite NAME` runs one part, `--report` writes docs/benchmarks.md, `--help` tells the rest.
 *
 * Two suites are experiments of their own. `--suite worst [--sizes 4,5,6] [--only TEXT]`: what liars can do that might
 * take more than n log n (docs/complexity.md); exits with 1 if anything grows faster. `--suite flood [--sizes 6]`: what
 * changes that wait for ever do to honest latency.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { WrongResult } from "./by-turns.ts";
import { tableOf } from "./print.ts";
import { writeReport } from "./report.ts";
import { readResult, thisMachine, writeResult } from "./results.ts";
import type { Machine } from "./results.ts";
import { COMPARED_TIMES, runSuite } from "./run.ts";
import type { Plan, Suite } from "./suite.ts";
import { SUITES } from "./suites/index.ts";

/** Suites that print on their own and are no part of the report. */
const EXPERIMENTS = ["worst", "flood"];

const names = [...SUITES.map(({ name }) => name), ...EXPERIMENTS];

/** Runs when not told otherwise. */
const RUNS = { plain: 1, report: 3 };

const HELP = `usage: pnpm bench [options]

  --suite NAME    one part only; several with commas. There are:
                  ${SUITES.map(({ name }) => name).join("\n                  ")}
                  and, only when asked for, ${EXPERIMENTS.join(" and ")} (--sizes 4,5,6  --only TEXT)
  --traces DIR    editing traces; ../shared/traces if it is there, otherwise a typing history is generated
  --runs N        processes for each subject, in turns: ${RUNS.plain}, with --report ${RUNS.report};
                  ${COMPARED_TIMES} times as many for what targets compare
  --report        all parts (or those named), then docs/benchmarks.md and its plot
  --from-results  with --report: measures nothing, only writes the report from bench/results
  --help          this
`;

/** Ends with a message for who typed something wrong. */
function fail(message: string): never {
  process.stderr.write(`bench: ${message}\nTry \`pnpm bench --help\`.\n`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        suite: { type: "string" },
        traces: { type: "string" },
        runs: { type: "string" },
        report: { type: "boolean", default: false },
        "from-results": { type: "boolean", default: false },
        sizes: { type: "string", default: "4,5" },
        only: { type: "string", default: "" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const values = options();
if (values.help) {
  process.stdout.write(HELP);
} else {
  const asked = values.suite?.split(",") ?? [];
  for (const name of asked) {
    if (!names.includes(name)) fail(`there is no suite "${name}"; there are ${names.join(", ")}`);
  }
  const experiments = asked.filter((name) => EXPERIMENTS.includes(name));
  try {
    if (experiments.length > 0) await experiment(experiments);
    else await benchmark(asked);
  } catch (error) {
    if (!(error instanceof WrongResult)) throw error;
    process.stderr.write(`\nbench: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function experiment(asked: readonly string[]): Promise<void> {
  if (!/^[3-6](,[3-6])*$/.test(values.sizes)) {
    fail("--sizes takes powers of ten from 3 to 6, such as 4,5,6");
  }
  const powers = values.sizes.split(",").map(Number);
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}\n`,
  );
  if (asked.includes("worst")) {
    const { runWorst } = await import("./worst/suite.ts");
    if ((await runWorst(powers, values.only)) > 0) process.exitCode = 1;
  }
  if (asked.includes("flood")) {
    const { flood } = await import("./flood/suite.ts");
    await flood(10 ** Math.max(...powers));
  }
}

async function benchmark(asked: readonly string[]): Promise<void> {
  if (values["from-results"] && !values.report) fail("--from-results needs --report");
  const runs = values.runs ?? String(values.report ? RUNS.report : RUNS.plain);
  if (!/^[1-9]\d?$/.test(runs)) fail("--runs takes a number from 1 to 99");
  if (values.traces !== undefined && !existsSync(values.traces)) {
    fail(`there is no folder ${values.traces}`);
  }
  const beside = fileURLToPath(new URL("../../../shared/traces", import.meta.url));
  const given = values.traces === undefined ? beside : resolve(values.traces);
  const sizes = {
    traces: existsSync(given) ? given : null,
    scale: 1,
    isThorough: values.report || asked.length > 0,
  };
  const machine = thisMachine();
  const others = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  process.stdout.write(
    `${machine.cores} × ${machine.processor}, ${machine.memory} GiB, ${machine.system}, Node ${machine.node}\n` +
      `${others.join(", ")}\n` +
      (sizes.traces === null ? "no editing traces: a typing history is generated\n" : ""),
  );
  const chosen = SUITES.filter(({ name }) => asked.length === 0 || asked.includes(name));
  if (!values["from-results"]) await measure(chosen, sizes, Number(runs), machine);
  if (values.report) report();
}

/** Runs suites; prints and keeps what was measured. */
async function measure(
  suites: readonly Suite[],
  sizes: Omit<Plan, "built">,
  runs: number,
  machine: Machine,
): Promise<void> {
  const plan = { ...sizes, built: build() };
  for (const suite of suites) {
    process.stdout.write(`\n${suite.name}\n`);
    const start = performance.now();
    const rounds = values.runs === undefined ? Math.max(runs, suite.leastRuns ?? 1) : runs;
    const measured = await runSuite(suite, plan, rounds, (line) =>
      process.stdout.write(`${line}\n`),
    );
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    writeResult({
      suite: suite.name,
      date: new Date().toISOString().slice(0, 10),
      machine,
      command: commandTyped(),
      hasTraces: plan.traces !== null,
      seconds,
      measured,
    });
    process.stdout.write(`\n${tableOf(suite, measured)}  ${seconds} s\n`);
  }
}

/** Writes the report from all results that there are. */
function report(): void {
  const chapters = SUITES.flatMap((suite) => {
    const result = readResult(suite.name);
    if (result === null) process.stderr.write(`bench: there are no results of ${suite.name}\n`);
    return result === null ? [] : [{ suite, result }];
  });
  if (chapters.length === 0) fail("there are no results: leave out --from-results");
  writeReport(chapters);
  process.stdout.write("\nwritten: docs/benchmarks.md, docs/benchmarks.svg\n");
}

/** The command as it was typed, without the place of the traces, which is nobody else's. */
function commandTyped(): string {
  const words = process.argv.slice(2).map((word, at, all) => {
    if (all[at - 1] === "--traces") return "DIR";
    return word.startsWith("--traces=") ? "--traces=DIR" : word;
  });
  return ["pnpm bench", ...words].join(" ");
}
