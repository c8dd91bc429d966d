/**
 * A process that runs tests in a copy (copy.ts) as long as it is asked to: it keeps what was compiled, so that a run
 * costs little more than its tests. It dies with whoever started it, and is killed with all its children when a mutant
 * makes it spin.
 */
import { join } from "node:path";
import { createVitest } from "vitest/node";
import type { TestCase, TestModule } from "vitest/node";

/** What to run: one file, perhaps only some of its tests. */
export interface Order {
  readonly file: string;
  /** Titles of each test, outermost first; null for all tests of the file. */
  readonly tests: readonly (readonly string[])[] | null;
  /** Stop at the first failure. */
  readonly bail: boolean;
}

/** What became of one test. */
export interface TestOutcome {
  readonly titles: readonly string[];
  readonly state: "passed" | "failed" | "skipped" | "pending";
  readonly ms: number;
  readonly why: string;
}

/** What became of one file. */
export interface FileOutcome {
  readonly tests: readonly TestOutcome[];
  /** Faults outside of tests: the file cannot be loaded, or a promise was rejected that nobody awaited. */
  readonly faults: readonly string[];
}

/** Serves orders until the parent is gone. */
export async function serve(folder: string): Promise<void> {
  process.chdir(folder);
  const vitest = await createVitest("test", {
    root: folder,
    config: join(folder, "vitest.config.ts"),
    watch: false,
    reporters: [{}],
  });
  process.on("disconnect", () => process.exit(0));
  process.on("message", (order: Order) => {
    void run(order).then((outcome) => process.send?.(outcome));
  });
  process.send?.("ready");

  async function run({ file, tests, bail }: Order): Promise<FileOutcome> {
    vitest.config.bail = bail ? 1 : 0;
    for (const project of vitest.projects) project.config.bail = bail ? 1 : 0;
    if (tests === null) vitest.resetGlobalTestNamePattern();
    else vitest.setGlobalTestNamePattern(patternOf(tests));
    const specifications = (await vitest.globTestSpecifications([file])).filter(
      (one) => one.moduleId === join(folder, file),
    );
    const ran = await vitest.runTestSpecifications(specifications);
    const { unhandledErrors } = ran;
    // It remembers the files of earlier runs.
    const testModules = ran.testModules.filter((one) => one.moduleId === join(folder, file));
    const outcomes = testModules.flatMap((module) =>
      [...module.children.allTests()].map(outcomeOf),
    );
    const faults = [
      ...testModules.flatMap(faultsOf),
      ...unhandledErrors.map((error) => messageOf(error)),
    ];
    return { tests: outcomes, faults };
  }
}

function patternOf(tests: readonly (readonly string[])[]): RegExp {
  const names = tests.map((titles) => titles.join(" ").replace(/[$()*+.?[\\\]^{|}]/gu, "\\$&"));
  return new RegExp(`^(?:${names.join("|")})$`, "u");
}

function outcomeOf(test: TestCase): TestOutcome {
  const { state, errors } = test.result();
  const titles: string[] = [];
  let at: TestCase | TestCase["parent"] = test;
  for (; at.type !== "module"; at = at.parent) titles.unshift(at.name);
  const why = errors?.[0] === undefined ? "" : messageOf(errors[0]);
  return { titles, state, ms: Math.round(test.diagnostic()?.duration ?? 0), why };
}

function faultsOf(module: TestModule): string[] {
  const suites = [...module.children.allSuites()].flatMap((suite) => [...suite.errors()]);
  return [...module.errors(), ...suites].map((error) => messageOf(error));
}

function messageOf(error: unknown): string {
  const { message } = error as { message?: unknown };
  return String(message ?? error).slice(0, 300);
}
