/**
 * All worst cases of one theme at one size, for a process with next to no stack: `node --stack-size=… stack.ts THEME SIZE`.
 * Prints as JSON how deep a plain function can recurse there, and for each case null, or what went wrong.
 */
import { themes } from "./cases.ts";
import { freeSignatures } from "../free-signatures.ts";

/** Depths that are tried one after the other, and up to where. */
const STEP = 64;
const MOST = 100_000;

const [theme = "", sizeGiven = ""] = process.argv.slice(2);
const size = Number(sizeGiven);
freeSignatures();
const outcome: Record<string, string | null> = {};
for (const worst of themes[theme] ?? []) {
  try {
    for (const phase of worst.prepare(size)) {
      phase.work();
      phase.check?.();
    }
    outcome[worst.name] = null;
  } catch (error) {
    outcome[worst.name] = String(error);
  }
}
process.stdout.write(`${JSON.stringify({ depth: depthOf(sum), outcome })}\n`);

/** The least of these depths at which a recursion overflows the stack: compiled in between, it goes deeper than at first. */
function depthOf(recurse: (depth: number) => number): number {
  for (let depth = STEP; depth < MOST; depth += STEP) {
    try {
      recurse(depth);
    } catch (error) {
      if (error instanceof RangeError) return depth;
      throw error;
    }
  }
  return Infinity;
}

function sum(depth: number): number {
  return depth === 0 ? 0 : depth + sum(depth - 1);
}
