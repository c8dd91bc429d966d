/** The progress bar of commands that take long: on stderr, on a terminal only. */

/** Milliseconds before it appears, and between two of its states. */
const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 200;

/** A bar on stderr, on a terminal, for what takes longer than a second. */
export class Progress {
  #start = performance.now();
  #shownAt = 0;

  /** Begins anew, for another kind of work. */
  restart(): void {
    this.end();
    this.#start = performance.now();
  }

  /** Shows how much is done; `what` follows the numbers. */
  show(done: number, total: number, what: string): void {
    const now = performance.now();
    const isEarly =
      now - this.#start < PROGRESS_AFTER_MS || now - this.#shownAt < PROGRESS_EVERY_MS;
    if (!process.stderr.isTTY || isEarly) return;
    this.#shownAt = now;
    const filled = Math.round((30 * done) / total);
    const left = (((now - this.#start) / done) * (total - done)) / 1_000;
    const bar = "█".repeat(filled) + "░".repeat(30 - filled);
    process.stderr.write(`\r\u001b[K${bar} ${done} of ${total} ${what}, ${Math.ceil(left)} s left`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shownAt > 0) process.stderr.write("\r\u001b[K");
    this.#shownAt = 0;
  }
}
