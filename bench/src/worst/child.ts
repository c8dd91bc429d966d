/**
 * One worst case at one size, in a process of its own: `child.ts THEME/NAME SIZE`. Prints what was measured as one line of
 * JSON; anything that goes wrong is thrown, and so ends the process.
 */
import type { Phase } from "./case.ts";
import { findCase } from "./cases.ts";
import { freeSignatures } from "../free-signatures.ts";

/** What was measured of one phase. */
export interface Measured {
  readonly phase: string;
  /** Microseconds of CPU time per element. */
  readonly each: number;
  /** Bytes per element that the first phase left in memory; null for the others, and where nothing can be collected. */
  readonly bytes: number | null;
}

/** The compiler has to see a case first, or a small size looks slower than it is and growth is hidden. */
const WARM_UP = 5_000;

/** Small sizes are run several times, for as many milliseconds in all, and the best counts. */
const ENOUGH = 500;
const MOST_TIMES = 5;

/**
 * Work that changes nothing is done for as many milliseconds, and the mean counts: some systems count CPU time in ticks of
 * several milliseconds.
 */
const AGAIN = 100;
const LEAST_TIMES = 3;
/** What takes as many milliseconds is not done again: no tick matters there. */
const LONG = 2_000;
const MOST_REPEATS = 20_000;

const [name = "", sizeGiven = ""] = process.argv.slice(2);
const size = Number(sizeGiven);
const worst = findCase(name);
freeSignatures();
run(Math.min(size, WARM_UP));
const start = process.cpuUsage();
let measured = run(size);
for (let times = 1; since(start) < ENOUGH && times < MOST_TIMES; times++) {
  const other = run(size);
  measured = other.map((one, i) => ({ ...one, each: Math.min(one.each, measured[i]!.each) }));
}
process.stdout.write(`${JSON.stringify(measured)}\n`);

function run(size: number): Measured[] {
  return worst.prepare(size).map((phase, i) => {
    const before = i === 0 ? heap() : null;
    const each = (timeOf(phase) * 1_000) / phase.elements;
    const after = i === 0 ? heap() : null;
    phase.check?.();
    const bytes = before === null || after === null ? null : (after - before) / phase.elements;
    return { phase: phase.name, each, bytes };
  });
}

function timeOf({ work, again = false }: Phase): number {
  const start = process.cpuUsage();
  work();
  if (!again || since(start) > LONG) return since(start);
  let times = 1;
  for (; times < MOST_REPEATS && (times < LEAST_TIMES || since(start) < AGAIN); times++) work();
  return since(start) / times;
}

/** Milliseconds of CPU time, garbage collection included: others may keep the machine busy. */
function since(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

/** Bytes in use, once everything that is garbage is gone; null without --expose-gc. */
function heap(): number | null {
  if (globalThis.gc === undefined) return null;
  // The first leaves array buffers behind that are freed only when it has ended.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
