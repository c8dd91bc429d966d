/** When to try again: full jitter, so that many relays do not come back together. */
import { NATS_FIRST_RETRY_MS, NATS_LAST_RETRY_MS } from "../limits.ts";

/** Milliseconds to wait before an attempt, 0 being the first repetition; `random` is from 0 to 1. */
export function retryDelay(attempt: number, random = Math.random()): number {
  const most = Math.min(NATS_LAST_RETRY_MS, NATS_FIRST_RETRY_MS * 2 ** Math.min(attempt, 16));
  return NATS_FIRST_RETRY_MS / 2 + random * most;
}
