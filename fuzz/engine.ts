/**
 * The loop: takes an input that reached something new, mutates it, runs it, and keeps the mutant if that reached
 * something new again. What throws, takes too long or too much memory is a finding, and is shrunk.
 */
import { Choices } from "../packages/bft-json-crdt/test/random-edits.ts";
import { Reached } from "./coverage.ts";
import type { Coverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";
import { shrink } from "./shrink.ts";
import type { Target } from "./target.ts";
import { treeToJson } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** Processor time of one input, in milliseconds, above which it is a finding: a hundred times what most of them take. */
const MAX_MS = 2_000;

/** Memory that is held, in bytes, after one input more than before it, above which it is a finding. */
const MAX_GROWTH = 256 * 1_048_576;

/** Processor time for which inputs run between two looks at the coverage, in milliseconds: a look takes about four. */
const LOOK_MS = 16;

/** Inputs between two looks at most. */
const MAX_BATCH = 64;

/** Inputs between two looks where nothing is timed. */
const UNTIMED_BATCH = 8;

/** Inputs that a blind search mutates: its first ones. */
const BLIND_POOL = 64;

/** Inputs kept at most; beyond, a random one goes. */
const MAX_POOL = 4_000;

/** Runs for which a finding is shrunk. */
const SHRINKING_RUNS = 3_000;

/** An input that broke a promise, as small as it could be made. */
export interface Finding {
  readonly target: string;
  /** What was thrown, in one line. */
  readonly message: string;
  readonly input: Tree;
}

/** How a fuzzer works. */
export interface FuzzerOptions {
  /** Decides everything that chance decides. */
  readonly seed: number;
  /** Null: what is reached is not even counted, which is fastest. */
  readonly coverage: Coverage | null;
  /** What is reached is counted, but does not guide the search. */
  readonly isBlind?: boolean;
  /** False: no input is too slow, and nothing depends on how long anything takes. True by default. */
  readonly isTimed?: boolean;
  /** Inputs to begin with. */
  readonly corpus?: readonly Tree[];
  /** Called with each input right before it runs, so that it is known if the process dies. */
  readonly note?: (input: Tree) => void;
}

/** Errors that came out of no call: promises that nobody waited for. */
export const strays: unknown[] = [];

/** Searches one target for inputs that break its promises. */
export class Fuzzer {
  readonly target: Target;
  /** Inputs that reached something new, in the order in which they came. */
  readonly pool: Tree[] = [];
  readonly reached = new Reached();
  /** Inputs run, those for shrinking not counted. */
  runs = 0;
  readonly #options: FuzzerOptions;
  readonly #choices: Choices;
  /** Inputs to run before any mutant: the corpus. */
  readonly #first: Tree[];
  /** Signs of findings that were reported. */
  readonly #known = new Set<string>();
  /** Processor time that an input takes on average, lately, in milliseconds. */
  #pace = 1;
  /** Something else than inputs has run since the last look. */
  #isStained = true;

  constructor(target: Target, options: FuzzerOptions) {
    this.target = target;
    this.#options = options;
    this.#choices = new Choices(options.seed);
    this.#first = [...(options.corpus ?? [])];
  }

  /** Runs some inputs, until the next look at what they reached; returns what they found, each kind of fault once. */
  async step(): Promise<Finding[]> {
    const { coverage, isTimed = true } = this.#options;
    const isBlind = coverage === null || this.#options.isBlind === true;
    const findings: Finding[] = [];
    const paced = Math.min(MAX_BATCH, Math.max(1, Math.round(LOOK_MS / this.#pace || 1)));
    const count = isTimed ? paced : UNTIMED_BATCH;
    const batch = Array.from({ length: count }, () => this.#next());
    // What ran in between is no input's.
    if (this.#isStained) coverage?.take(this.reached, false);
    this.#isStained = false;
    const before = busyMs();
    for (const input of batch) {
      this.runs++;
      const fault = await this.#fault(input);
      if (fault !== null) await this.#report(input, fault, findings);
    }
    this.#pace = 0.7 * this.#pace + (0.3 * (busyMs() - before)) / count;
    if (isBlind) {
      coverage?.take(this.reached, true);
      if (this.pool.length < BLIND_POOL) this.pool.push(...batch);
    } else if (coverage.take(this.reached, false) > 0) {
      await this.#keepThoseOf(batch, coverage);
    }
    return findings;
  }

  /** Runs inputs again that have reached something new together, fewer at a time, until it is known which did. */
  async #keepThoseOf(inputs: readonly Tree[], coverage: Coverage): Promise<void> {
    const middle = inputs.length >> 1;
    for (const half of middle === 0 ? [inputs] : [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#fault(input);
      const isOne = half.length === 1;
      if (coverage.take(this.reached, isOne) === 0) continue;
      if (isOne) this.#keep(half[0]!);
      else await this.#keepThoseOf(half, coverage);
    }
  }

  #keep(input: Tree): void {
    if (this.pool.length >= MAX_POOL) this.pool.splice(this.#choices.below(MAX_POOL), 1);
    this.pool.push(input);
  }

  #next(): Tree {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    const choices = this.#choices;
    const isFresh = this.pool.length === 0 || choices.oneIn(8);
    if (isFresh) this.#isStained = true;
    const from = isFresh ? this.target.fresh(choices) : this.#pick();
    if (isFresh && choices.oneIn(2)) return from;
    return mutate(from, choices, { donor: () => this.#pick(), words: this.target.words });
  }

  /** An input from the pool, half of the time one of the latest. */
  #pick(): Tree {
    const { length } = this.pool;
    if (length === 0) return null;
    const latest = Math.min(length, 16);
    const choices = this.#choices;
    return this.pool[
      choices.oneIn(2) ? choices.below(length) : length - 1 - choices.below(latest)
    ]!;
  }

  async #fault(input: Tree): Promise<string | null> {
    this.#options.note?.(input);
    return faultOf(this.target, input, this.#options.isTimed);
  }

  async #report(input: Tree, fault: string, findings: Finding[]): Promise<void> {
    const sign = signOf(fault);
    if (this.#known.has(sign)) return;
    this.#known.add(sign);
    this.#isStained = true;
    const fails = async (candidate: Tree): Promise<boolean> => {
      const other = await this.#fault(candidate);
      return other !== null && signOf(other) === sign;
    };
    const isSlow = fault.startsWith(SLOW);
    const small = await shrink(input, fails, isSlow ? 50 : SHRINKING_RUNS);
    const message = (await this.#fault(small)) ?? fault;
    findings.push({ target: this.target.name, message, input: small });
  }
}

const SLOW = "Slow: ";

/** Runs an input; returns what it broke, in one line, or null. Where nothing is timed, none is too slow or too large. */
export async function faultOf(target: Target, input: Tree, isTimed = true): Promise<string | null> {
  if (!isTimed) return thrownFault(target, input);
  const first = await measured(target, input);
  if (first === null || !first.startsWith(SLOW)) return first;
  // The machine may have been at fault, or a collection of garbage: what is slow once more is slow.
  return measured(target, input);
}

async function measured(target: Target, input: Tree): Promise<string | null> {
  const before = busyMs();
  const held = heldBytes();
  const fault = await thrownFault(target, input);
  if (fault !== null) return fault;
  const ms = busyMs() - before;
  if (ms > MAX_MS) return `${SLOW}it took ${Math.round(ms)} ms`;
  const growth = heldBytes() - held;
  return growth > MAX_GROWTH ? `Memory: it grew by ${growth >> 20} MiB` : null;
}

async function thrownFault(target: Target, input: Tree): Promise<string | null> {
  strays.length = 0;
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
  } catch (error) {
    return describe(error);
  }
  return strays.length > 0 ? `a rejection that nobody waited for: ${describe(strays[0])}` : null;
}

/** Processor time of this process so far, in milliseconds: other processes do not count. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What was thrown and, for anything but a broken promise, where. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `something else was thrown: ${treeToJson(String(error))}`;
  const message = `${error.name}: ${error.message}`.replaceAll(/\s+/gu, " ").slice(0, 300);
  if (error.name === "Violation") return message;
  const frame = /\n\s+at .*?([\w.-]+\.[tj]s:\d+)/u.exec(error.stack ?? "")?.[1];
  return frame === undefined ? message : `${message} (${frame})`;
}

/** What two findings of one fault have in common: the message without numbers and names. */
export function signOf(fault: string): string {
  return fault.replaceAll(/[0-9a-f]{8,}|\d+|"[^"]*"/gu, "#");
}
