/**
 * How a relay that stops sends its sessions away: a few at once, many one portion after another, and each with a time of
 * its own at which to come back. Thousands of clients who all come back in the same moment would knock over whatever
 * starts next.
 */
import { setTimeout } from "node:timers/promises";
import {
  DRAIN_AT_ONCE,
  DRAIN_MS_PER_SESSION,
  DRAIN_STEP_MS,
  LEAST_RETRY_MS,
  LEAST_RETRY_SPREAD_MS,
  MOST_RETRY_SPREAD_MS,
  RETRY_MS_PER_SESSION,
} from "./limits.ts";

/** Milliseconds over which so many sessions are sent away; 0 for a few. */
export function spreadOf(sessions: number, drainSeconds: number): number {
  if (sessions <= DRAIN_AT_ONCE) return 0;
  return Math.min(drainSeconds * 1_000, sessions * DRAIN_MS_PER_SESSION);
}

/** Milliseconds after which one of so many sessions should come back; `random` gives [0, 1). */
export function retryAfter(sessions: number, random: () => number = Math.random): number {
  const spread = Math.min(
    MOST_RETRY_SPREAD_MS,
    Math.max(LEAST_RETRY_SPREAD_MS, sessions * RETRY_MS_PER_SESSION),
  );
  return LEAST_RETRY_MS + Math.floor(random() * spread);
}

/** Sends all sessions away; resolves when each has been told. `wait` is for tests that own the clock. */
export async function sendAway<T>(
  sessions: readonly T[],
  drainSeconds: number,
  tell: (session: T, retryMs: number) => void,
  wait: (ms: number) => Promise<unknown> = setTimeout,
): Promise<void> {
  const steps = Math.max(1, Math.ceil(spreadOf(sessions.length, drainSeconds) / DRAIN_STEP_MS));
  const portion = Math.ceil(sessions.length / steps);
  for (let start = 0; start < sessions.length; start += portion) {
    if (start > 0) await wait(DRAIN_STEP_MS);
    for (const session of sessions.slice(start, start + portion))
      tell(session, retryAfter(sessions.length));
  }
}
