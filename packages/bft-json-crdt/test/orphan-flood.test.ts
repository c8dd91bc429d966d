/** A flood of changes whose dependencies never come: what it costs in memory, and what honest authors notice of it. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { FloodReport } from "./orphan-flood.child.ts";

const CHILD = fileURLToPath(new URL("orphan-flood.child.ts", import.meta.url));
const MEBIBYTE = 1_048_576;

/** What is promised of memory (docs/threat-model.md): half as much again as the budget, and a few MiB for the rest. */
const capOf = (budget: number): number => 1.5 * budget + 8 * MEBIBYTE;

function flooded(budget: number): FloodReport {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const args = ["--expose-gc", "--import", tsx, CHILD, String(budget)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as FloodReport;
}

describe("a flood of orphans from eight peers", () => {
  it.each([2 * MEBIBYTE, 8 * MEBIBYTE])(
    "is held within a budget of %d bytes, and within the stated cap of memory",
    (budget) => {
      const { orphans, growth, pending, dropped, honest } = flooded(budget);
      expect(pending).toBeLessThanOrEqual(budget);
      // It was full, and mostly overflowed.
      expect(pending).toBeGreaterThan(budget - 400_000);
      expect(dropped).toBeGreaterThan(orphans / 2);
      expect(growth).toBeLessThan(capOf(budget));
      // In the midst of it every honest change is applied when it comes.
      expect(honest).toEqual([200, 200]);
    },
  );
});
