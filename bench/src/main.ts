/**
 * `pnpm bench [--suite lists|editing] [--traces DIR]`: the prototype's three benchmarks at four sizes, and an editing
 * trace, with the time per operation. Under two minutes in all.
 *
 * `pnpm bench --suite worst [--sizes 4,5,6] [--only TEXT]`: what liars can do that might take more than n log n
 * (docs/complexity.md), at 10^4 and 10^5 or other powers of ten. Exits with 1 if anything grows faster.
 *
 * `pnpm bench --suite flood [--sizes 6]`: what changes that wait for ever, 10^5 or so many, do to honest latency.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { editTrace } from "./editing.ts";
import { flood } from "./flood/suite.ts";
import { insertAtRoot, insertInConflict, insertLinearly } from "./lists.ts";
import { print, printGrowth } from "./measure.ts";
import type { Row } from "./measure.ts";
import { generateTrace, readTrace } from "./trace.ts";
import { runWorst } from "./worst/suite.ts";

const SIZES = [100, 1_000, 10_000, 100_000];
const SUITES = ["lists", "editing", "worst", "flood"];

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    traces: { type: "string" },
    sizes: { type: "string", default: "4,5" },
    only: { type: "string", default: "" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help === true) {
  process.stdout.write(
    `usage: pnpm bench [--suite ${SUITES.join("|")}] [--traces DIR] [--sizes 4,5,6] [--only TEXT]\n`,
  );
} else if (values.suite !== undefined && !SUITES.includes(values.suite)) {
  process.stderr.write(
    `bench: there is no suite "${values.suite}"; there are ${SUITES.join(", ")}\n`,
  );
  process.exitCode = 2;
} else if (!/^[3-6](,[3-6])*$/.test(values.sizes)) {
  process.stderr.write("bench: --sizes takes powers of ten from 3 to 6, such as 4,5,6\n");
  process.exitCode = 2;
} else {
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}\n`,
  );
  if (values.suite === "worst") {
    const powers = values.sizes.split(",").map(Number);
    if ((await runWorst(powers, values.only)) > 0) process.exitCode = 1;
  }
  if (values.suite === "flood") await flood(10 ** Math.max(...values.sizes.split(",").map(Number)));
  if (values.suite === undefined || values.suite === "lists") lists();
  if (values.suite === undefined || values.suite === "editing") editing(values.traces);
}

function lists(): void {
  process.stdout.write("\nlists\n");
  // Once, uncounted, so that the first row does not pay for the compiler.
  insertLinearly(2_000, true);
  insertInConflict(2_000, 10);
  const subjects: ((size: number) => Row)[] = [
    (size) => insertAtRoot(size, false),
    (size) => insertLinearly(size, false),
    (size) => insertAtRoot(size, true),
    (size) => insertLinearly(size, true),
    (size) => insertInConflict(size, 10),
    (size) => insertInConflict(size, 50),
  ];
  for (const subject of subjects) {
    const rows = SIZES.map((size) => {
      const row = subject(size);
      print(row);
      return row;
    });
    printGrowth(rows[1]!, rows[rows.length - 1]!);
  }
}

function editing(folder: string | undefined): void {
  if (folder !== undefined && !existsSync(folder)) {
    process.stderr.write(`bench: there is no folder ${folder}\n`);
    process.exitCode = 2;
    return;
  }
  const beside = fileURLToPath(new URL("../../../shared/traces", import.meta.url));
  const trace = readTrace(folder ?? beside, "automerge-paper") ?? generateTrace(259_778);
  process.stdout.write(
    `\nediting: ${trace.name}, ${trace.edits.length.toLocaleString("en-US")} edits\n`,
  );
  editTrace(trace);
}
