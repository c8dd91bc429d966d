/** Raw results as JSON files, one for each suite, and the median and spread of what they hold. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem, type as systemName } from "node:os";
import { join } from "node:path";
import { RESULTS } from "./places.ts";
import type { Measured } from "./run.ts";
import { versions } from "./subjects/index.ts";

/** What the figures were measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** Whole gibibytes. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The results of one suite. */
export interface Result {
  readonly suite: string;
  /** When it was measured, by day. */
  readonly date: string;
  readonly machine: Machine;
  readonly command: string;
  /** Whether the editing traces were there. */
  readonly hasTraces: boolean;
  readonly seconds: number;
  readonly measured: readonly Measured[];
}

/** This machine. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${systemName()} ${process.arch}`,
    node: process.version,
    versions: versions(),
  };
}

/** Writes the results of a suite. */
export function writeResult(result: Result, folder = RESULTS): void {
  mkdirSync(folder, { recursive: true });
  // One line for each subject: a change of one is a change of one line.
  const { measured, ...rest } = result;
  const lines = measured.map((one) => `    ${JSON.stringify(one)}`).join(",\n");
  const head = JSON.stringify(rest, null, 2).replace(/\n}$/, "");
  writeFileSync(
    join(folder, `${result.suite}.json`),
    `${head},\n  "measured": [\n${lines}\n  ]\n}\n`,
  );
}

/** Reads the results of a suite; null when there are none. */
export function readResult(suite: string, folder = RESULTS): Result | null {
  const file = join(folder, `${suite}.json`);
  if (!existsSync(file)) return null;
  return JSON.parse(readFileSync(file, "utf8")) as Result;
}

/** One subject and what it worked on. */
export interface Ref {
  readonly subject: string;
  readonly on: string;
}

/** Median and spread of one metric over all samples. */
export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly samples: number;
}

/** The figure of one subject; null when it was not measured, or has no such metric. */
export function figureOf(measured: readonly Measured[], ref: Ref, metric: string): Figure | null {
  const values = runsOf(measured, ref, metric).flat();
  if (values.length === 0) return null;
  return {
    median: medianOf(values),
    least: Math.min(...values),
    most: Math.max(...values),
    samples: values.length,
  };
}

/** Ratios of one subject to another: of each two samples that were taken by turns, the first of a run with the first, … */
export function ratiosOf(
  measured: readonly Measured[],
  one: Ref,
  other: Ref,
  metric: string,
): readonly number[] {
  const others = runsOf(measured, other, metric);
  return runsOf(measured, one, metric).flatMap((values, run) =>
    values.flatMap((value, at) => {
      const beside = others[run]?.[at];
      return beside === undefined ? [] : [value / beside];
    }),
  );
}

/** The middle of some numbers; of an even number of them, the mean of both. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A metric of one subject, a list for each run. One with a plus in its name is the sum of others. */
function runsOf(measured: readonly Measured[], { subject, on }: Ref, metric: string): number[][] {
  const found = measured.find((one) => one.subject === subject && one.on === on);
  const names = metric.split("+");
  return (found?.runs ?? []).map((run) =>
    run
      .filter((sample) => names.every((name) => sample[name] !== undefined))
      .map((sample) => names.reduce((sum, name) => sum + sample[name]!, 0)),
  );
}
