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

/** Median and spread of one metric over all samples. */
export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly samples: number;
}

/** The figure of one subject; null when it was not measured, or has no such metric. */
export function figureOf(
  measured: readonly Measured[],
  { subject, on }: { readonly subject: string; readonly on: string },
  metric: string,
): Figure | null {
  const found = measured.find((one) => one.subject === subject && one.on === on);
  if (found === undefined) return null;
  const values = found.runs
    .flat()
    .flatMap((sample) => sample[metric] ?? [])
    .toSorted((a, b) => a - b);
  if (values.length === 0) return null;
  const middle = values.length >> 1;
  const median =
    values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
  return { median, least: values[0]!, most: values.at(-1)!, samples: values.length };
}
