/**
 * How long to wait before the next attempt to connect: exponential with full jitter, so that thousands of nodes whose
 * relay went down do not all come back in the same moment.
 */

/** The first wait is at most this long, in milliseconds: a relay that restarts is back about then. */
export const FIRST_WAIT_MS = 100;

/** No wait is longer than this, in milliseconds: nobody likes to wait longer than that for a relay that is back. */
export const LONGEST_WAIT_MS = 5_000;

/** No wait is longer than this, in milliseconds, for who sent too much that is wrong: nobody is in a hurry to hear more of it. */
export const LONGEST_FAULTY_WAIT_MS = 60_000;

/** No wait that a relay asks for is longer than this, in milliseconds: it may be mistaken, or want to be rid of us. */
export const LONGEST_TOLD_WAIT_MS = 60_000;

/** Milliseconds to wait before attempt number `attempt` (0 is the first retry), `longest` at most; `random` gives [0, 1). */
export function waitBefore(
  attempt: number,
  random: () => number = Math.random,
  longest: number = LONGEST_WAIT_MS,
): number {
  const ceiling = Math.min(longest, FIRST_WAIT_MS * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceiling);
}

/**
 * Milliseconds for which a relay that closed a connection asked us to stay away: its reason then ends in `retry in 1234 ms`.
 * 0 when it did not ask. The usual wait comes on top, so that a relay can neither bring all its nodes back in one moment
 * nor make them hammer at it.
 */
export function toldWait(reason: string): number {
  const told = /\bretry in (\d{1,9}) ms$/u.exec(reason)?.[1];
  return told === undefined ? 0 : Math.min(Number(told), LONGEST_TOLD_WAIT_MS);
}
