/**
 * Editing traces: real ones from a folder (format of github.com/josephg/editing-traces, gzipped JSON), or a generated
 * typing history with bursts, cursor jumps, deletions and pastes when there is none.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { seeded } from "./random.ts";
import { scaled } from "./suite.ts";
import type { Plan } from "./suite.ts";

/** One edit: at `position` delete `deleted` UTF-16 units, then insert `inserted`. */
export type Edit = readonly [position: number, deleted: number, inserted: string];

/** A sequence of edits from the empty text to `end`. */
export interface Trace {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly end: string;
}

/** The trace that most suites use. */
export const MAIN_TRACE = "automerge-paper";

/** The sequential traces. */
export const TRACES: readonly string[] = [
  MAIN_TRACE,
  "rustcode",
  "sveltecomponent",
  "json-crdt-patch",
  "friendsforever_flat",
];

/** The trace of two authors. */
const CONCURRENT_TRACE = "friendsforever_concurrent";

/** What stands in for all traces where there is no folder of them. */
const GENERATED = "generated";

/** As many edits as the main trace has. */
const GENERATED_EDITS = 259_778;

/** As many changes as the trace of two authors has. */
const GENERATED_CHANGES = 26_078;

/** The names of all sequential traces that can be used. */
export function traceNames({ traces }: Plan): readonly string[] {
  const found = TRACES.filter((name) => traces !== null && existsSync(fileOf(traces, name)));
  return found.length > 0 ? found : [GENERATED];
}

/** The name of the trace that most suites use. */
export function mainTrace(plan: Plan): string {
  return traceNames(plan)[0]!;
}

/** The name of the trace of two authors that can be used. */
export function concurrentTraceName({ traces }: Plan): string {
  return traces !== null && existsSync(fileOf(traces, CONCURRENT_TRACE))
    ? CONCURRENT_TRACE
    : GENERATED;
}

/** The trace of that name. */
export function traceOf(name: string, plan: Plan): Trace {
  if (name === GENERATED) return generateTrace(scaled(GENERATED_EDITS, plan, 200));
  const { txns, endContent } = read<SequentialFile>(plan.traces ?? "", name);
  return { name, edits: txns.flatMap((txn) => txn.patches), end: endContent };
}

/** The first edits of a trace, with the text that they give. */
export function firstOf(trace: Trace, count: number): Trace {
  if (count >= trace.edits.length) return trace;
  const edits = trace.edits.slice(0, count);
  return { name: trace.name, edits, end: resultOf(edits) };
}

/** What edits come to. */
export function resultOf(edits: readonly Edit[]): string {
  let text = "";
  for (const [position, deleted, inserted] of edits) {
    text = text.slice(0, position) + inserted + text.slice(position + deleted);
  }
  return text;
}

/** One change of a trace of several authors. */
export interface Txn {
  /** Indexes of the changes that its author had seen last. */
  readonly parents: readonly number[];
  readonly agent: number;
  readonly patches: readonly Edit[];
}

/** What two authors typed. */
export interface ConcurrentTrace {
  readonly txns: readonly Txn[];
  readonly end: string;
}

/** The trace of two authors of that name. */
export function concurrentTraceOf(name: string, plan: Plan): ConcurrentTrace {
  if (name === GENERATED) return generateConcurrent(scaled(GENERATED_CHANGES, plan, 200));
  const { txns, endContent } = read<ConcurrentFile>(plan.traces ?? "", name);
  return { txns, end: endContent };
}

interface SequentialFile {
  readonly endContent: string;
  readonly txns: readonly { readonly patches: readonly Edit[] }[];
}

interface ConcurrentFile {
  readonly endContent: string;
  readonly txns: readonly Txn[];
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json.gz`);
}

function read<T>(folder: string, name: string): T {
  return JSON.parse(gunzipSync(readFileSync(fileOf(folder, name))).toString("utf8")) as T;
}

/** A typing history of about as many edits as one asks for. */
export function generateTrace(count: number, seed = 1): Trace {
  const random = seeded(seed);
  const edits: Edit[] = [];
  const chunks: string[] = [];
  let text = "";
  let cursor = 0;
  const apply = (edit: Edit): void => {
    text = text.slice(0, edit[0]) + edit[2] + text.slice(edit[0] + edit[1]);
    edits.push(edit);
  };
  while (edits.length < count) {
    const dice = random();
    if (dice < 0.03) {
      cursor = Math.floor(random() * (text.length + 1));
    } else if (dice < 0.05) {
      const pasted =
        chunks.length > 0 && random() < 0.5
          ? chunks[Math.floor(random() * chunks.length)]!
          : "pasted text, ";
      apply([cursor, 0, pasted]);
      cursor += pasted.length;
    } else if (dice < 0.2 && cursor > 0) {
      for (let n = 1 + Math.floor(random() * 8); n > 0 && cursor > 0; n--) apply([--cursor, 1, ""]);
    } else {
      let burst = "";
      for (let n = 1 + Math.floor(random() * 30); n > 0; n--) {
        const letter = random() < 0.16 ? " " : String.fromCharCode(97 + Math.floor(random() * 26));
        apply([cursor++, 0, letter]);
        burst += letter;
      }
      if (chunks.length < 100) chunks.push(burst);
    }
  }
  return { name: GENERATED, edits, end: text };
}

/**
 * Two authors who type at the same time, one before a line's end and the other behind it: so what they type never meets,
 * and every library must come to the same text.
 */
function generateConcurrent(count: number, seed = 2): ConcurrentTrace {
  const random = seeded(seed);
  const texts: [string, string] = ["", ""];
  const txns: Txn[] = [{ parents: [], agent: 0, patches: [[0, 0, "\n"]] }];
  // The last change of each author, and what each has heard of: the other's last change, and the length of the half before.
  const last: [number, number] = [0, 0];
  const heard: [number, number] = [0, 0];
  let before = 0;
  while (txns.length < count) {
    const agent = random() < 0.5 ? 0 : 1;
    if (random() < 0.7) {
      heard[agent] = last[1 - agent]!;
      if (agent === 1) before = texts[0].length;
    }
    const start = agent === 0 ? 0 : before + 1;
    for (let n = 1 + Math.floor(random() * 12); n > 0; n--) {
      const text = texts[agent];
      const isErasing = text.length > 0 && random() < 0.1;
      const at = isErasing ? text.length - 1 : text.length;
      const letter = isErasing ? "" : String.fromCharCode(97 + Math.floor(random() * 26));
      texts[agent] = text.slice(0, at) + letter;
      const parents = [...new Set([last[agent], heard[agent]])].toSorted((a, b) => a - b);
      txns.push({ parents, agent, patches: [[start + at, isErasing ? 1 : 0, letter]] });
      last[agent] = txns.length - 1;
    }
  }
  return { txns, end: `${texts[0]}\n${texts[1]}` };
}
