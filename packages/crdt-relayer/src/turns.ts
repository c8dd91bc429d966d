/** Turns: work of many sessions that is done one piece at a time, with the event loop in between. */
import { MOST_TURNS_MS } from "./limits.ts";

/** One piece of work. Returns true when it has let a socket be read: what that brings is part of its turn. Must not throw. */
export type Step = () => boolean;

/**
 * A queue of steps, run in the order in which they came. In each pass of the event loop they have as long as all else had
 * since the last one, a few milliseconds at most, but at least one has its turn: however busy the sockets are that are
 * served at once, whoever stands in line is not kept waiting by them.
 */
export class Turns {
  #steps: Step[] = [];
  #isRunning = false;
  #endedAt = performance.now();

  /** How many stand in line. */
  get waiting(): number {
    return this.#steps.length;
  }

  /** Runs a step in a later pass, after all that wait already. */
  next(step: Step): void {
    this.#steps.push(step);
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const now = performance.now();
    const end = now + Math.min(MOST_TURNS_MS, now - this.#endedAt);
    let isReading = false;
    while (this.#steps.length > 0 && !isReading) {
      isReading = this.#steps.shift()?.() === true;
      if (performance.now() >= end) break;
    }
    this.#endedAt = performance.now();
    this.#isRunning = this.#steps.length > 0;
    if (this.#isRunning) setImmediate(this.#run);
  };
}
