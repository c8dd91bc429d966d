/** Timing and checking inside of a process: a figure counts only after its result was checked. */
import { once } from "node:events";
import type { Plan, Sample } from "./suite.ts";

/** How often a piece of work is repeated in one process. */
export interface Pace {
  /** For so many milliseconds the work is done uncounted on a part of the input, then for as many on all of it … */
  readonly warmUp: number;
  /** … which is so much of it. */
  readonly part: number;
  /** Samples are taken for so many milliseconds, but at least one … */
  readonly enough: number;
  /** … and at most so many. */
  readonly most: number;
}

const PACE: Pace = { warmUp: 500, part: 0.1, enough: 1_000, most: 10 };

/** For what is compared, since more pairs tell more. */
const ENOUGH_BY_TURNS = 3_000;

/** To try out whether everything works at all: each part of it once. */
const HASTE: Partial<Pace> = { warmUp: 1, enough: 0, most: 1 };

/** Work that takes longer on the whole input, in milliseconds, warms up on a part of it only. */
const LONG = 1_000;

/**
 * Samples of a piece of work, after warming up: the compiler must have seen it. `run` does it once on a part of the
 * input (0 … 1; 1 counts), checks the result, and returns what was measured.
 *
 * No garbage collection is forced in between: it would throw away compiled code, and the next sample would be several
 * times as long.
 */
export async function samplesOf(
  plan: Plan,
  run: (part: number) => Sample | Promise<Sample>,
  pace: Partial<Pace> = {},
): Promise<Sample[]> {
  const usual = turn === null ? PACE : { ...PACE, enough: ENOUGH_BY_TURNS };
  const { warmUp, part, enough, most } = { ...usual, ...pace, ...(plan.scale < 1 ? HASTE : {}) };
  const last = await repeat(warmUp, () => run(part));
  if (last / part < LONG) await repeat(warmUp, () => run(1));
  const samples: Sample[] = [];
  let spent = 0;
  do {
    await pause();
    isMeasuring = true;
    const start = performance.now() - waited;
    samples.push(await run(1));
    spent += performance.now() - waited - start;
  } while (samples.length < most && spent < enough);
  return samples;
}

/** What a process says when it is warm, and when it is the turn of others … */
export const READY = "ready";

/** … and what it is told to go on. */
export const GO = "go";

/** Resolves when it is the turn of this process; null when it takes no turns with others. */
let turn: (() => Promise<unknown>) | null = null;

/** False while it warms up. */
let isMeasuring = false;

/** Milliseconds in which it was the turn of others. */
let waited = 0;

/** From now on each sample waits until the process that started this one says so (see by-turns.ts). */
export function waitForTurns(): void {
  turn = () => {
    const isTold = once(process, "message");
    process.send!(READY);
    return isTold;
  };
}

async function pause(): Promise<void> {
  if (turn === null) return;
  const start = performance.now();
  await turn();
  waited += performance.now() - start;
}

/** Slices of one sample, between which it is the turn of others. */
const SLICES = 20;

/**
 * Does something for all numbers from 0 to `count`, in slices, so that what takes seconds is compared with what others take at
 * the same time. Returns the milliseconds that it took.
 */
export async function timedInSlices(
  count: number,
  work: (from: number, to: number) => void,
): Promise<number> {
  const size = Math.ceil(count / SLICES);
  let time = 0;
  for (let from = 0; from < count; from += size) {
    if (from > 0 && isMeasuring) await pause();
    time += timed(() => work(from, Math.min(from + size, count)));
  }
  return time;
}

/** Does something for so many milliseconds; returns how long it took the last time. */
async function repeat(milliseconds: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  let last = 0;
  while (performance.now() - start < milliseconds) {
    const before = performance.now();
    await work();
    last = performance.now() - before;
  }
  return last;
}

/** Wall-clock milliseconds that a piece of work takes. */
export function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** The memories of all WebAssembly modules that were loaded since `watchWebAssembly`. */
const memories = new Set<Memory>();

interface Memory {
  readonly buffer: ArrayBuffer;
}

/** What is used of the global object, which has no types without those of a browser. */
interface WebAssemblyHost {
  Instance: new (...given: unknown[]) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (...given: unknown[]) => Memory;
}

/** From now on, what is loaded as WebAssembly counts in `heldNow`: no garbage collector knows of it. */
export function watchWebAssembly(): void {
  const host = (globalThis as unknown as { WebAssembly: WebAssemblyHost }).WebAssembly;
  host.Instance = class extends host.Instance {
    constructor(...given: unknown[]) {
      super(...given);
      for (const value of Object.values(this.exports)) {
        if (value instanceof host.Memory) memories.add(value);
      }
    }
  };
}

/**
 * Bytes in use once everything that is garbage is gone: JavaScript objects, array buffers, and the memory that
 * WebAssembly has taken (it never gives any back). Needs --expose-gc.
 */
export function heldNow(): number {
  // The first leaves array buffers behind that are freed only when it has ended.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  let bytes = heapUsed + arrayBuffers;
  for (const { buffer } of memories) bytes += buffer.byteLength;
  return bytes;
}

/** Ends the benchmark when a result is wrong. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new Error(`wrong result: ${what} should be ${shown(expected)}, not ${shown(actual)}`);
}

/** A long text is told by its length and where it differs is not worth the screen. */
function shown(value: unknown): string {
  const text = String(value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}… (${text.length} characters)`;
}
