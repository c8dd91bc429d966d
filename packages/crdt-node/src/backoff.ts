/**
 * How long to wait before the next attempt to connect: exponential with full jitter, so that thousands of nodes whose
 * relay went down do not all come back in the same moment.
 */

/** The first wait is at most this long, in milliseconds: a relay that restarts is back about then. */
export const FIRST_WAIT_MS = 100;

/** No wait is longer than this, in milliseconds: nobody likes to wait longer than that for a relay that is back. */
export const LONGEST_WAIT_MS = 5_000;

/** Milliseconds to wait before attempt number `attempt` (0 is the first retry); `random` gives [0, 1). */
export function waitBefore(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceiling);
}
