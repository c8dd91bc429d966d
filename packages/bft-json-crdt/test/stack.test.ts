/**
 * No stack grows with the data. Every worst case of the benchmark (bench/src/worst) runs to its end, with the right
 * outcome, in a process whose stack is so small that anything that recursed once for each change, element, level or
 * frame would overflow it.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { programOf } from "../../../test/programs.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Kilobytes: a sixth of what Node gives, about as little as it starts with. */
const STACK = 160;

/** Changes, elements, or levels of nesting in each case. */
const SIZE = 3_000;

interface Ran {
  /** How deep even a plain function cannot recurse there. */
  readonly depth: number;
  /** What went wrong in each case, or null. */
  readonly outcome: Readonly<Record<string, string | null>>;
}

async function run(theme: string): Promise<Ran> {
  const args = [`--stack-size=${STACK}`, ...programOf("bench/src/worst/stack.ts"), theme];
  const execute = promisify(execFile);
  const { stdout } = await execute(process.execPath, [...args, String(SIZE)], { cwd: ROOT });
  return JSON.parse(stdout) as Ran;
}

describe("with next to no stack, nothing overflows", () => {
  it.each([
    ["the graph of changes", "history", 10],
    ["the causal queue", "queue", 8],
    ["the order of lists", "order", 10],
    ["registers, maps, sets and counters", "registers", 10],
    ["deep and long input", "input", 6],
    ["sync", "sync", 10],
  ])("in the worst cases of %s", async (_what, theme, atLeast) => {
    const { depth, outcome } = await run(theme);
    // Even the plainest recursion could not have gone as deep as the data.
    expect(depth).toBeLessThan(SIZE);
    expect(Object.keys(outcome).length).toBeGreaterThanOrEqual(atLeast);
    expect(Object.entries(outcome).filter(([, error]) => error !== null)).toEqual([]);
  });
});
