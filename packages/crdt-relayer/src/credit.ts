/**
 * How much work a socket may cause at once: it earns a little of it with time, and what it causes beyond it waits in line with what
 * others want. Work is in milliseconds.
 */
import {
  AT_ONCE_MS,
  CREDIT_LINE,
  CREDIT_MS,
  CREDIT_PER_MS,
  FIRST_CREDIT_MS,
  LEAST_CREDIT_SHARE,
  MOST_DEBT_MS,
} from "./limits.ts";
import { type Pauses, Work } from "./pauses.ts";
import type { Turns } from "./turns.ts";

/** The credit of one socket. */
export class Credit {
  readonly #turns: Pick<Turns, "waiting" | "atOnceMs" | "pass" | "worked">;
  readonly #work: Work;
  /** Below 0 it owes. */
  #ms = FIRST_CREDIT_MS;
  #earnedAt = performance.now();
  /** Work for it in this pass of the event loop. */
  #inPassMs = 0;
  #pass = 0;

  constructor(
    turns: Pick<Turns, "waiting" | "atOnceMs" | "pass" | "worked">,
    pauses: Pick<Pauses, "in">,
  ) {
    this.#turns = turns;
    this.#work = new Work(pauses);
  }

  /**
   * True when it is served at once: it has some left, and more than was used up by all in this pass of the event loop, of which its
   * own part is small.
   */
  get isLeft(): boolean {
    const { atOnceMs, pass } = this.#turns;
    if (pass !== this.#pass) this.#inPassMs = 0;
    this.#pass = pass;
    this.#earn();
    return this.#ms > atOnceMs && this.#inPassMs < AT_ONCE_MS;
  }

  /**
   * In how many milliseconds what it owes would be earned, if it caused no work; less than none when there is some left. Bounded, so
   * that nobody waits for ever.
   */
  get dueInMs(): number {
    this.#earn();
    return Math.min(-this.#ms, MOST_DEBT_MS) / CREDIT_PER_MS;
  }

  /** The less the more stand in line: 1 when nobody does. */
  get shareInLine(): number {
    return CREDIT_LINE / (CREDIT_LINE + this.#turns.waiting);
  }

  /** Work was done for it on this thread; returns how much of it counts, which is what it took beside pauses of the process. */
  worked(ms: number): number {
    this.#turns.worked(ms);
    this.#inPassMs += ms;
    const counted = this.#work.counted(ms);
    this.#ms -= counted;
    return counted;
  }

  /** Something else was done for it: ahead, or by another thread. */
  spend(ms: number): void {
    this.#ms -= ms;
  }

  #earn(): void {
    const now = performance.now();
    // The longer the line, the less each may have beside it: whoever stands there wants more than that anyway.
    const share = Math.max(LEAST_CREDIT_SHARE, this.shareInLine);
    const earned = (now - this.#earnedAt) * CREDIT_PER_MS * share;
    this.#ms = Math.min(CREDIT_MS * share, this.#ms + earned);
    this.#earnedAt = now;
  }
}
