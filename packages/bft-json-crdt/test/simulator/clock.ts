/**
 * Virtual time: a queue of events, run one after another in the order of their time and then of their planning.
 *
 * Nothing waits for real time. The change log is asynchronous; whatever an event sets off in promises is run to its end
 * before the next event begins, so that equal events always meet equal states. Every event, and every frame that it
 * delivers, goes into a hash: two runs with one hash were the same run.
 */
import { createHash } from "node:crypto";

/** Something that happens at a moment. It may return a promise that other events resolve. */
export type Action = () => void;

interface Planned {
  readonly time: number;
  readonly order: number;
  readonly name: string;
  readonly action: Action;
}

/** Events that one simulation may take: fifty times what the largest needs. More means that somebody never falls silent. */
const MAX_EVENTS = 300_000;

/** The time of one simulation, in milliseconds since its beginning. */
export class Clock {
  now = 0;
  /** Events that have happened. */
  events = 0;
  readonly #hash = createHash("sha256");
  readonly #lines: ((line: string) => void) | null;
  readonly #heap: Planned[] = [];
  #planned = 0;
  #isUnsettled = false;

  /** `trace` is given a line for each event. */
  constructor(trace: ((line: string) => void) | null = null) {
    this.#lines = trace;
  }

  /** Plans an event `delay` milliseconds from now. */
  after(delay: number, name: string, action: Action): void {
    this.at(this.now + Math.max(0, delay), name, action);
  }

  /** Plans an event for a moment that has not passed. */
  at(time: number, name: string, action: Action): void {
    this.#push({ time, order: this.#planned++, name, action });
  }

  /** Says that the event that is happening has set off promises. */
  unsettle(): void {
    this.#isUnsettled = true;
  }

  /** Notes something that the hash shall commit to. */
  note(line: string): void {
    this.#hash.update(`${this.now} ${line}\n`);
    this.#lines?.(`${String(this.now).padStart(7)} ms  ${line}`);
  }

  /** Notes bytes that the hash shall commit to. */
  noteBytes(bytes: Uint8Array | string): void {
    this.#hash.update(bytes);
  }

  /** Runs all events up to and including a moment. What an action throws is thrown here. */
  async run(until: number): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.time > until) break;
      this.#pop();
      this.now = next.time;
      if (++this.events > MAX_EVENTS) throw new Error(`no end after ${MAX_EVENTS} events`);
      if (next.name !== "") this.note(next.name);
      next.action();
      if (this.#isUnsettled) await this.settle();
    }
    this.now = until;
  }

  /** Runs what promises have set off, to its end. */
  async settle(): Promise<void> {
    this.#isUnsettled = false;
    // A macrotask begins only when no microtask is left.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The hash of all that has happened so far, in hex. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(planned);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(planned, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
