/** Turns: work of many sessions that is done one piece at a time, with the event loop in between. */
import { MOST_TURNS_MS } from "./limits.ts";

/** One piece of work. Returns true when it has let a socket be read: what that brings is part of its turn. Must not throw. */
export type Step = () => boolean;

/** A step that stands in line, and when it is due. */
interface Waiting {
  readonly step: Step;
  readonly due: number;
}

/**
 * A queue of steps, run in the order in which they are due, and equals in the order in which they came. Nobody who is due later
 * is passed by for ever: those who come later are due later too. In each pass of the event loop they have as long as all else
 * had since the last one, a few milliseconds at most, but at least one has its turn: however busy the sockets are that are
 * served at once, whoever stands in line is not kept waiting by them.
 */
export class Turns {
  /** What is due first stands last. */
  readonly #steps: Waiting[] = [];
  readonly #mostMs: number;
  #isRunning = false;
  #endedAt = performance.now();

  /** They have at most so many milliseconds in one pass. */
  constructor(mostMs: number = MOST_TURNS_MS) {
    this.#mostMs = mostMs;
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#steps.length;
  }

  /** Runs a step in a later pass, after all that are due before so many milliseconds from now, or just then. */
  next(step: Step, inMs = 0): void {
    const due = performance.now() + inMs;
    this.#steps.splice(placeOf(this.#steps, due), 0, { step, due });
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const now = performance.now();
    const end = now + Math.min(this.#mostMs, now - this.#endedAt);
    let isReading = false;
    while (this.#steps.length > 0 && !isReading) {
      isReading = this.#steps.pop()?.step() === true;
      if (performance.now() >= end) break;
    }
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
