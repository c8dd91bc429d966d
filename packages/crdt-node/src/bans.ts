/** Addresses from which nobody is taken for a while. */
import { MAX_BANNED } from "./limits.ts";

/** A list that forgets: each entry when its time is over, and the oldest when there are too many. */
export class Bans {
  readonly #ms: number;
  readonly #now: () => number;
  /** Until when, by address, in milliseconds; the first to end comes first. */
  readonly #until = new Map<string, number>();

  /** Each lasts `ms` milliseconds; `now` is a clock that does not go back. */
  constructor(ms: number, now: () => number = () => performance.now()) {
    this.#ms = ms;
    this.#now = now;
  }

  get size(): number {
    return this.#until.size;
  }

  add(address: string): void {
    this.#until.delete(address);
    this.#until.set(address, this.#now() + this.#ms);
    for (const oldest of this.#until.keys()) {
      if (this.#until.size > MAX_BANNED) this.#until.delete(oldest);
      return;
    }
  }

  has(address: string): boolean {
    if (this.#now() < (this.#until.get(address) ?? -Infinity)) return true;
    this.#until.delete(address);
    return false;
  }
}
