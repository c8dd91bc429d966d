/**
 * Pauses of the process: garbage is collected, or another program has the processor. Work is measured by the clock, so that a
 * pause looks like work of whoever was being served. What took much longer than it mostly does for the same socket is taken for a
 * pause, and most of it does not count; but all of that together is a small part of the time, since somebody could do cheap
 * things in order to do a dear one now and then.
 */

/** Milliseconds beyond what is usual, and times of what is usual, that always count. */
const COUNTED_MS = 1;
const COUNTED_TIMES = 4;

/** Of each millisecond that passes so much may be pauses, and so many milliseconds at once. */
const PART = 0.1;
const MOST_MS = 500;

/** How fast what is usual follows what is. */
const FOLLOWING = 0.125;

/** What all sockets of a relay may have taken for pauses. */
export class Pauses {
  #leftMs = MOST_MS;
  #at = performance.now();

  /** How much of so many milliseconds is a pause, when `usualMs` is what such work mostly takes. */
  in(ms: number, usualMs: number): number {
    const over = ms - COUNTED_MS - COUNTED_TIMES * usualMs;
    if (over <= 0) return 0;
    const now = performance.now();
    this.#leftMs = Math.min(MOST_MS, this.#leftMs + (now - this.#at) * PART);
    this.#at = now;
    const pause = Math.min(over, this.#leftMs);
    this.#leftMs -= pause;
    return pause;
  }
}

/** The work of one socket: what of it counts. */
export class Work {
  readonly #pauses: Pick<Pauses, "in">;
  #usualMs: number | null = null;

  constructor(pauses: Pick<Pauses, "in">) {
    this.#pauses = pauses;
  }

  /** How much counts of work that took so many milliseconds: of the first all. */
  counted(ms: number): number {
    const usual = this.#usualMs ?? ms;
    this.#usualMs = usual + (ms - usual) * FOLLOWING;
    return ms - this.#pauses.in(ms, usual);
  }
}
