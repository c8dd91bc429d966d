/**
 * How often a property is tried: a few times by `pnpm test`, under seeds of chance; by `pnpm scenarios` for as long as one
 * likes, under seeds that can be had again. That command says what it wants in a variable of the environment, and every
 * property writes into a file what came of it.
 */
import { appendFileSync } from "node:fs";
import fc from "fast-check";
import type { Parameters } from "fast-check";
import { expect } from "vitest";

/** The variable that holds the orders, as JSON. */
export const ORDERS = "SCENARIOS";

/** What `pnpm scenarios` wants of each property. */
export interface Orders {
  /** Where chance begins, a whole number of 32 bits. */
  readonly seed: number;
  /** Runs at most; null: as many as there is time for. */
  readonly runs: number | null;
  /** Milliseconds after which no other run begins; null: until all have been made. */
  readonly milliseconds: number | null;
  /** The one run to repeat, as fast-check names it, and then to make smaller; else a run that fails is the last, as it is. */
  readonly path: string | null;
  /** The file that a line of JSON is added to for each property. */
  readonly report: string;
}

/** What came of one property. */
export interface Outcome {
  /** Name of the test, with those of the groups around it, as vitest's `-t` has it. */
  readonly test: string;
  readonly passed: number;
  /** What leads to the run that failed, and what was wrong in it; null when none did. */
  readonly failure: { readonly path: string; readonly error: string } | null;
}

/** The second argument of `fc.assert`: so many runs, or as many as have been ordered. */
export function runs<T>(count: number): Parameters<T> {
  const orders = ordered();
  if (orders === null) return { numRuns: count };
  const { seed, milliseconds, path, report } = orders;
  return {
    seed,
    numRuns: orders.runs ?? Number.MAX_SAFE_INTEGER,
    ...(milliseconds === null ? {} : { interruptAfterTimeLimit: milliseconds }),
    ...(path === null ? { endOnFailure: true } : { path }),
    reporter: (details) => {
      const error = fc.defaultReportMessage(details) ?? "";
      const outcome: Outcome = {
        test: expect.getState().currentTestName!.replaceAll(" > ", " "),
        passed: details.failed ? Math.max(0, details.numRuns - 1) : details.numRuns,
        failure: details.failed ? { path: details.counterexamplePath ?? "0", error } : null,
      };
      appendFileSync(report, `${JSON.stringify(outcome)}\n`);
      if (details.failed) throw new Error(error, { cause: details.errorInstance });
    },
  };
}

/** Demands that some of the runs came as far as they should. Where their number is up to others, one may be all there was. */
export function expectReached(count: number, what = "runs that came so far"): void {
  if (ordered() === null) expect(count, what).toBeGreaterThan(0);
}

function ordered(): Orders | null {
  const text = process.env[ORDERS];
  return text === undefined ? null : (JSON.parse(text) as Orders);
}
