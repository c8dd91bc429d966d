/** Turns: work of many sessions that is done one piece at a time, with the event loop in between. */
import { MOST_TURNS_MS } from "./limits.ts";

/** One piece of work. Must not throw. */
export type Step = () => void;

/** A step that stands in line, and when it is due. */
interface Waiting {
  readonly step: Step;
  readonly due: number;
}

/**
 * A queue of steps, run in the order in which they are due, and equals in the order in which they came. Nobody who is due later
 * is passed by for ever: those who come later are due later too. In each pass of the event loop they have as long as all else
 * had since the last one, a part of a millisecond at most, but at least one has its turn: however busy the sockets are that are
 * served at once, whoever stands in line is not kept waiting by them. What they leave to be done right after them counts as well.
 */
export class Turns {
  /** What is due first stands last. */
  readonly #steps: Waiting[] = [];
  readonly #mostMs: number;
  readonly #leftMs: () => number;
  #isRunning = false;
  #isInTurn = false;
  #atOnceMs = 0;
  #pass = 0;
  #endedAt = performance.now();

  /** They have at most so many milliseconds in one pass; `leftMs` says how many what is to be done right after them will take. */
  constructor(mostMs: number = MOST_TURNS_MS, leftMs: () => number = () => 0) {
    this.#mostMs = mostMs;
    this.#leftMs = leftMs;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#steps.length;
  }

  /** Milliseconds of work that was done out of turn in this pass of the event loop. */
  get atOnceMs(): number {
    return this.#atOnceMs;
  }

  /** The number of this pass, of those in which work was done out of turn. */
  get pass(): number {
    return this.#pass;
  }

  /** So many milliseconds of work were done; out of turn, unless a step is running. */
  worked(ms: number): void {
    if (this.#isInTurn) return;
    if (this.#atOnceMs === 0) setImmediate(this.#passOver);
    this.#atOnceMs += ms;
  }

  /** Runs a step in a later pass, after all that are due before so many milliseconds from now, or just then. */
  next(step: Step, inMs = 0): void {
    const due = performance.now() + inMs;
    this.#steps.splice(placeOf(this.#steps, due), 0, { step, due });
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(this.#run);
  }

  readonly #passOver = (): void => {
    this.#atOnceMs = 0;
    this.#pass++;
  };

  readonly #run = (): void => {
    const now = performance.now();
    const end = now + Math.min(this.#mostMs, now - this.#endedAt);
    this.#isInTurn = true;
    do this.#steps.pop()?.step();
    while (this.#steps.length > 0 && performance.now() + this.#leftMs() < end);
    this.#isInTurn = false;
    this.#endedAt = performance.now();
    this.#isRunning = this.#steps.length > 0;
    if (this.#isRunning) setImmediate(this.#run);
  };
}

/** Where something that is due then comes in: before all that are due earlier, or then, and stand behind it. */
function placeOf(steps: readonly Waiting[], due: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps[middle]!.due > due) low = middle + 1;
    else high = middle;
  }
  return low;
}
