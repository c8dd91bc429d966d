// `pnpm test`: the checks (types, lint, layers, format) side by side, then the tests. Stops at the first step that
// fails, with the command that reruns only that step. The last line is `N passed, N failed`.
//
//   pnpm test                    everything
//   pnpm test -- history         only the tests, only files whose path holds "history" (any vitest argument works)
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compiler, runNode, toolEntry } from "./tools.js";

const tsc = compiler();
/** The compiler finds what types depend on anew in each of its threads: beside the other checks one takes the least time. */
const alone = ["--checkers", "1"];
/** Its and the linter's garbage is collected at five times what is live, not at twice, which takes a quarter of the time less. */
const env = { GOGC: "400" };
/** Each check, the script in package.json that runs it alone, and its Node arguments. */
const checks = [
  { name: "types", script: "typecheck", args: [tsc, "-p", "tsconfig.json", ...alone] },
  {
    name: "types in a browser",
    script: "typecheck:browser",
    args: [tsc, "-p", "packages/bft-json-crdt/tsconfig.browser.json", ...alone],
  },
  { name: "lint", script: "lint", args: [toolEntry("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "layers", script: "layers", args: ["scripts/layers.js"] },
  { name: "format", script: "format:check", args: [toolEntry("oxfmt"), "--check"] },
];

const forVitest = process.argv.slice(2).filter((argument, i) => !(i === 0 && argument === "--"));

if (forVitest.length === 0) {
  // All at once: each is mostly one thread, and none changes a file.
  const running = checks.map((check) => ({ ...check, ended: timed(check.args) }));
  for (const { name, script, ended } of running) {
    const { code, output, seconds } = await ended;
    header(name, code === 0, seconds);
    if (code !== 0) {
      process.stdout.write(output);
      fail(name, `npx --yes pnpm@10 ${script}`, code);
    }
  }
}

const scratch = mkdtempSync(join(tmpdir(), "test-count-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const countFile = join(scratch, "count.json");
const reporters = ["--reporter=default", "--reporter=./scripts/test-count.js"];
// Vitest colours even what goes into a file.
const plain = process.stdout.isTTY || process.env["FORCE_COLOR"] ? [] : ["--no-color"];
const start = performance.now();
const { code } = await runNode([toolEntry("vitest"), "run", ...reporters, ...plain, ...forVitest], {
  show: true,
  env: { TEST_COUNT_FILE: countFile },
});
header("tests", code === 0, (performance.now() - start) / 1000);
const count = readCount();
if (code !== 0) {
  console.log(`\ntests failed; rerun only them:\n  npx --yes pnpm@10 test -- [part of a path]`);
}
if (count) {
  if (count.skipped > 0) console.log(`${count.skipped} skipped`);
  console.log(`${count.passed} passed, ${count.failed} failed`);
}
process.exit(code);

/** @param {string[]} args */
async function timed(args) {
  const start = performance.now();
  const result = await runNode(args, { show: false, env });
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/**
 * @param {string} name
 * @param {boolean} ok
 * @param {number} seconds
 */
function header(name, ok, seconds) {
  console.log(`${ok ? "ok  " : "FAIL"} ${name.padEnd(20)} ${seconds.toFixed(1).padStart(6)} s`);
}

/**
 * @param {string} name
 * @param {string} command
 * @param {number} code
 * @returns {never}
 */
function fail(name, command, code) {
  console.log(`\n${name} failed; rerun only this step:\n  ${command}`);
  process.exit(code);
}

/** @returns {{ passed: number, failed: number, skipped: number } | null} null when vitest ended before any test ran */
function readCount() {
  try {
    return JSON.parse(readFileSync(countFile, "utf8"));
  } catch {
    return null;
  }
}
