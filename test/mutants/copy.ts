/**
 * A copy of the packages, outside the working tree, with every mutant in it behind a number: which one is active is read
 * from a file when a process starts, so that the programs that tests start have it too. Nothing else differs.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative, sep } from "node:path";
import { withMutants } from "./sites.ts";
import type { Edit } from "./sites.ts";

/** What of the repository the tests of the packages need. */
const COPIED = [
  "packages",
  "bench",
  "docs",
  "scripts",
  "package.json",
  "tsconfig.base.json",
  "tsconfig.json",
];
const LEFT_OUT = new Set(["node_modules", "dist", "coverage"]);

/** A check with its number. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly edits: readonly Edit[];
}

/** Copies what is needed of the repository at `root`, as it is at this moment; returns where to. */
export function takeSnapshot(root: string, folder: string): string {
  const snapshot = join(folder, "snapshot");
  rmSync(snapshot, { recursive: true, force: true });
  copyParts(root, snapshot);
  return snapshot;
}

/** Makes `folder` a copy of the snapshot with all mutants in it, and with the packages that are installed at `root`. */
export function makeCopy(
  snapshot: string,
  root: string,
  folder: string,
  mutants: readonly Mutant[],
): void {
  for (const part of COPIED) rmSync(join(folder, part), { recursive: true, force: true });
  copyParts(snapshot, folder);
  linkModules(root, folder, "node_modules");
  for (const name of readdirSync(join(root, "packages"))) {
    linkModules(root, folder, join("packages", name, "node_modules"));
  }
  writeFileSync(join(folder, "vitest.config.ts"), CONFIG);
  writeFileSync(join(folder, "setup.mjs"), SETUP);
  writeFileSync(join(folder, "runner.mjs"), runnerFor(folder));
  writeFileSync(join(folder, "switch.mjs"), switchFor(folder));
  setActive(folder, -1);
  // Left by a run that was interrupted.
  rmSync(join(folder, "plan"), { force: true });
  for (const file of new Set(mutants.map((mutant) => mutant.file))) {
    const path = join(folder, file);
    const own = mutants.filter((mutant) => mutant.file === file);
    const text = withMutants(readFileSync(path, "utf8"), own);
    const from = JSON.stringify(join(folder, "switch.mjs"));
    // On the first line, so that lines keep their numbers.
    writeFileSync(path, `import { __mutant } from ${from}; ${text}`);
  }
}

function copyParts(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const part of COPIED) {
    cpSync(join(from, part), join(to, part), {
      recursive: true,
      filter: (path) => !LEFT_OUT.has(path.slice(path.lastIndexOf(sep) + 1)),
    });
  }
}

/** Chooses the mutant for processes that start from now on: its number, -1 for none, -2 to note which are reached. */
export function setActive(folder: string, id: number): void {
  writeFileSync(join(folder, "active"), String(id));
}

/** Links installed packages; those of the workspace to their copies. */
function linkModules(root: string, folder: string, modules: string): void {
  const from = join(root, modules);
  if (!existsSync(from)) return;
  const to = join(folder, modules);
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name.startsWith(".")) continue;
    const path = join(from, name);
    if (name.startsWith("@") && !lstatSync(path).isSymbolicLink()) {
      linkModules(root, folder, join(modules, name));
      continue;
    }
    const real = realpathSync(path);
    const own = relative(join(root, "packages"), real);
    const isOwn = !own.startsWith("..") && !own.includes("node_modules");
    symlinkSync(isOwn ? join(folder, "packages", own) : real, join(to, name));
  }
}

/**
 * One file at a time, so that what is reached can be told apart. Tests that need servers or networks of their own take minutes, and
 * no check relies on them.
 */
const CONFIG = `
import { defineConfig } from "vitest/config";
export default defineConfig({
  test: {
    include: ["packages/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.nats.test.ts", "**/*.netns.test.ts"],
    setupFiles: ["./setup.mjs"],
    runner: "./runner.mjs",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
`;

/** Tells the switch which test runs. */
const SETUP = `
import { afterEach, beforeEach } from "vitest";
import { nowRunning } from "./switch.mjs";
const nameOf = (task) => (task.suite ? [...nameOf(task.suite), task.name] : [task.name]);
beforeEach(({ task }) => nowRunning(JSON.stringify(nameOf(task))));
afterEach(() => nowRunning(""));
`;

/**
 * With a plan (mutants by test), each test runs once as it is, then once with each of its mutants. A mutant is missed by a
 * test that fails with it and passes without it, before and after: so no fixture that the test has used up, and nothing
 * that the mutant has left behind in the process, is taken for it.
 */
function runnerFor(folder: string): string {
  return `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setMaxListeners } from "node:events";
import { TestRunner } from "vitest";
// Each run of a test waits for the same signal to cancel.
setMaxListeners(0);
const folder = ${JSON.stringify(folder)};
const path = folder + "/plan";
const plan = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
const nameOf = (task) => (task.suite ? [...nameOf(task.suite), task.name] : [task.name]);
const missed = new Set();
const note = (found) => appendFileSync(folder + "/found", JSON.stringify(found) + "\\n");

/** Here, and in the programs that a test starts. */
function activate(id) {
  globalThis.__mutants.active = id;
  writeFileSync(folder + "/active", String(id));
}

/** The error that a test throws, null without, in a limited time. */
async function faultOf(run, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("it never came to an end")), ms);
  });
  try {
    await Promise.race([run(), late]);
    return null;
  } catch (error) {
    return String(error?.message ?? error).slice(0, 300);
  } finally {
    clearTimeout(timer);
  }
}

export default class extends TestRunner {
  async runTask(test) {
    const run = TestRunner.getTestFn(test);
    if (plan === null) return run();
    const name = JSON.stringify(nameOf(test));
    const ids = plan[name] ?? [];
    if (!ids.some((id) => !missed.has(id))) return;
    const start = performance.now();
    if ((await faultOf(run, 60_000)) !== null) return note({ test: name, id: -1 });
    const ms = 5_000 + 10 * (performance.now() - start);
    for (const id of ids) {
      if (missed.has(id)) continue;
      writeFileSync(folder + "/trying", JSON.stringify({ test: name, id }));
      activate(id);
      const why = await faultOf(run, ms);
      activate(-1);
      writeFileSync(folder + "/trying", "");
      if (why === null) continue;
      if ((await faultOf(run, ms)) !== null) return note({ test: name, id: -1 });
      missed.add(id);
      note({ test: name, id, why });
    }
  }
}
`;
}

function switchFor(folder: string): string {
  return `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
const folder = ${JSON.stringify(folder)};
const state = (globalThis.__mutants ??= start());
const { isNoting } = state;

function start() {
  const active = Number(readFileSync(folder + "/active", "utf8"));
  const isNoting = active === -2;
  return { active, isNoting, test: isNoting ? readFileSync(folder + "/running", "utf8") : "", seen: new Set() };
}

/** True for the active mutant. */
export function __mutant(id) {
  if (id === state.active) return true;
  if (isNoting && !state.seen.has(id)) note(id);
  return false;
}

function note(id) {
  state.seen.add(id);
  appendFileSync(folder + "/reached", id + " " + state.test + "\\n");
}

/** Tells which test runs: a list of titles as JSON, "" between tests. */
export function nowRunning(test) {
  writeFileSync(folder + "/running", test);
  state.test = test;
  state.seen.clear();
}
`;
}
