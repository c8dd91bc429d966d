/**
 * When sessions are pinged: each once in a period, and never many at once. Those who came together are pinged one after the
 * other, so that neither the pings of ten thousand nor what answers them hold up everybody else.
 */
import { MIN_PINGED_AT_ONCE, PING_GAP_MS } from "./limits.ts";

/** Pings in order: whoever was pinged longest ago comes first. No timer runs while there is nobody. */
export class Pings<Session extends object> {
  readonly #periodMs: () => number;
  readonly #ping: (session: Session) => void;
  /** When each came or was pinged last; the first is due first. */
  readonly #since = new Map<Session, number>();
  #timer: NodeJS.Timeout | null = null;

  /** `periodMs` is asked for at each use, since it may be changed: `settingsChanged` tells of that. `ping` must not throw. */
  constructor(periodMs: () => number, ping: (session: Session) => void) {
    this.#periodMs = periodMs;
    this.#ping = ping;
  }

  /** Somebody has come, and is pinged first when a period is over. */
  add(session: Session): void {
    this.#since.set(session, performance.now());
    if (this.#timer === null) this.#wait();
  }

  /** Somebody is gone. */
  delete(session: Session): void {
    this.#since.delete(session);
    if (this.#since.size === 0) this.#stop();
  }

  /** The period is another one: nobody has less time to answer than the new one says. */
  settingsChanged(): void {
    this.#stop();
    this.#wait();
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(): void {
    for (const since of this.#since.values()) {
      const ms = since + this.#periodMs() - performance.now();
      this.#timer = setTimeout(this.#next, Math.max(PING_GAP_MS, ms));
      return;
    }
  }

  readonly #next = (): void => {
    this.#timer = null;
    const period = this.#periodMs();
    const now = performance.now();
    // Twice as many as must be on average, so that it catches up with what came together.
    const even = (2 * this.#since.size * PING_GAP_MS) / period;
    let left = Math.max(MIN_PINGED_AT_ONCE, Math.ceil(even));
    for (const [session, since] of this.#since) {
      if (left-- === 0 || since + period > now) break;
      // It comes last from now on, and is not met again here: it is not due.
      this.#since.delete(session);
      this.#since.set(session, now);
      this.#ping(session);
    }
    if (this.#timer === null) this.#wait();
  };
}
