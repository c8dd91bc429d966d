/**
 * A disk that keeps its word and no more: what was written with `sync: true` and confirmed outlives a crash, what was
 * confirmed without it may be gone, and what was not confirmed is there whole or not at all.
 */
import { compareBytes, toHex } from "../../src/encoding/index.ts";
import type { LevelLike } from "../../src/store/index.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

type Writes = Parameters<LevelLike["batch"]>[0];
type WriteOptions = Parameters<LevelLike["batch"]>[1];
type Range = Parameters<LevelLike["iterator"]>[0];
type Entry = readonly [Uint8Array, Uint8Array];

/** How long a write takes, in milliseconds. */
export interface DiskSpeed {
  readonly least: number;
  readonly most: number;
}

/** A write that hangs until the power fails: long enough for much else to happen meanwhile. */
const HANGING: DiskSpeed = { least: 5, most: 1_500 };

/** The disk of one host. */
export class Disk implements LevelLike {
  /** The next write hangs: what happens when it begins, and when the power fails. */
  trap: { begins(): void; ends(): void } | null = null;
  /** The next write fails. */
  breaks = false;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #random: Random;
  #speed: DiskSpeed;
  #durable = new Map<string, Entry>();
  /** What is read: also confirmed writes that are not synced. */
  #cached = new Map<string, Entry>();
  #inFlight = new Set<Writes>();

  constructor(name: string, clock: Clock, random: Random, speed: DiskSpeed) {
    this.#name = name;
    this.#clock = clock;
    this.#random = random;
    this.#speed = speed;
  }

  batch(operations: Writes, options: WriteOptions): Promise<void> {
    const writes = operations.map((write) => ({ ...write }));
    const inFlight = this.#inFlight;
    inFlight.add(writes);
    const { trap } = this;
    this.trap = null;
    const { least, most } = trap === null ? this.#speed : HANGING;
    const delay = this.#random.between(least, most);
    if (trap !== null) {
      trap.begins();
      this.#clock.after(delay - 1, `${this.#name} fails while it writes`, () => {
        trap.ends();
      });
    }
    const breaks = this.breaks;
    this.breaks = false;
    return new Promise((resolve, reject) => {
      this.#clock.after(delay, `${this.#name} wrote ${writes.length}`, () => {
        // After a crash nobody waits any more.
        if (inFlight !== this.#inFlight || !inFlight.delete(writes)) return;
        this.#clock.unsettle();
        if (breaks) {
          reject(new Error("no space left on the device"));
          return;
        }
        put(this.#cached, writes);
        if (options.sync) this.#durable = new Map(this.#cached);
        resolve();
      });
    });
  }

  async *iterator({ gte, lt, reverse, limit }: Range): AsyncGenerator<[Uint8Array, Uint8Array]> {
    const found = [...this.#cached.values()]
      .filter(([key]) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
      .sort(([a], [b]) => (reverse ? compareBytes(b, a) : compareBytes(a, b)));
    for (const [key, value] of limit < 0 ? found : found.slice(0, limit)) yield [key, value];
  }

  /** Power is lost: of what was being written, any is there and any is not. */
  crash(): void {
    for (const writes of this.#inFlight) if (this.#random.oneIn(2)) put(this.#durable, writes);
    this.#inFlight = new Set();
    this.#cached = new Map(this.#durable);
    this.trap = null;
    this.breaks = false;
  }

  /** From now on it is quick and does not fail. */
  heal(): void {
    this.trap = null;
    this.breaks = false;
    this.#speed = { least: 0, most: 10 };
  }

  /** Only what was written first is there: a backup was restored. */
  restore(count: number): void {
    this.#durable = new Map([...this.#durable].slice(0, count));
    this.#cached = new Map(this.#durable);
  }

  /** Records that would outlive a crash. */
  get size(): number {
    return this.#durable.size;
  }
}

function put(entries: Map<string, Entry>, writes: Writes): void {
  for (const { key, value } of writes) entries.set(toHex(key), [key, value]);
}
