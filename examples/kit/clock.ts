/**
 * A clock of one's own: what shall happen is queued and happens in the order of its time. It jumps from one event to
 * the next, or keeps pace with the wall clock for people who watch.
 */
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";

/** Milliseconds of the wall clock after which who hurries lets others have a turn. */
const TURN_MS = 20;

interface Planned {
  readonly time: number;
  readonly order: number;
  readonly act: () => void;
}

/** Milliseconds since 1970, from a start that is always the same, so that claimed times are too. */
export class Clock {
  /** 2026-01-01T00:00:00Z. */
  static readonly START = 1_767_225_600_000;
  readonly #planned: Planned[] = [];
  #count = 0;
  #now = Clock.START;

  get now(): number {
    return this.#now;
  }

  /** Milliseconds since the start. */
  get elapsed(): number {
    return this.#now - Clock.START;
  }

  /** Something that happens `delay` milliseconds from now; what is due at one time happens in the order of planning. */
  after(delay: number, act: () => void): void {
    const planned = { time: this.#now + Math.max(0, delay), order: this.#count++, act };
    let at = this.#planned.length;
    while (at > 0 && this.#planned[at - 1]!.time > planned.time) at--;
    this.#planned.splice(at, 0, planned);
  }

  /** The same again and again, for the first time after `first` milliseconds. */
  every(interval: number, act: () => void, first = interval): void {
    this.after(first, () => {
      act();
      this.every(interval, act);
    });
  }

  /** Jumps through what is due within `duration` milliseconds. */
  advance(duration: number): void {
    const end = this.#now + duration;
    while (this.#due(end)) this.#step();
    this.#now = end;
  }

  /** The same, unless the signal ends it: now and then it looks. */
  async hurry(duration: number, signal: AbortSignal): Promise<void> {
    const end = this.#now + duration;
    let until = performance.now() + TURN_MS;
    while (!signal.aborted && this.#due(end)) {
      this.#step();
      if (performance.now() < until) continue;
      await turn();
      until = performance.now() + TURN_MS;
    }
    if (!signal.aborted) this.#now = end;
  }

  /** The same at the pace of the wall clock, until the time is over or the signal ends it. */
  async keepPace(duration: number, signal: AbortSignal): Promise<void> {
    const end = this.#now + duration;
    const offset = performance.now() - this.#now;
    while (!signal.aborted && this.#due(end)) {
      const early = this.#planned[0]!.time + offset - performance.now();
      if (early > 1) await wait(early, undefined, { signal }).catch(() => {});
      else this.#step();
    }
    if (!signal.aborted) this.#now = end;
  }

  #due(end: number): boolean {
    const [next] = this.#planned;
    return next !== undefined && next.time <= end;
  }

  #step(): void {
    const next = this.#planned.shift()!;
    this.#now = next.time;
    next.act();
  }
}
