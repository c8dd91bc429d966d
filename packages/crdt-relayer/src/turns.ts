/** Turns: work of many sessions that is done one piece at a time, with the event loop in between. */

/** A queue of steps; one is run in each pass of the event loop, in the order in which they came. */
export class Turns {
  #steps: (() => void)[] = [];
  #isRunning = false;

  /** Runs a step in a later pass, after all that wait already. A step must not throw. */
  next(step: () => void): void {
    this.#steps.push(step);
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#steps.shift()?.();
    this.#isRunning = this.#steps.length > 0;
    if (this.#isRunning) setImmediate(this.#run);
  };
}
