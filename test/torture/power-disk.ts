/**
 * A disk whose power fails at one of its writes. What was written with `sync: true` and confirmed is kept; what was
 * confirmed without it is dropped; of the write during which the power fails there is nothing, all, or the first part:
 * it is torn. What is torn within one entry the database finds by its checksum and drops, so entries are whole.
 *
 * What is kept is a list, so that the next disk can begin with it, as a machine does that is switched on again.
 */
import { compareBytes, type LevelLike, toHex } from "bft-json-crdt";
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";

type Writes = Parameters<LevelLike["batch"]>[0];
type WriteOptions = Parameters<LevelLike["batch"]>[1];
type Range = Parameters<LevelLike["iterator"]>[0];
type Entry = readonly [Uint8Array, Uint8Array];

/** What is left of the write during which the power fails. */
export const TEARS = ["nothing", "a part", "all"] as const;

/** One of them. */
export type Tear = (typeof TEARS)[number];

/** When the power fails, and what of the write is left. */
export interface Cut {
  /** The first write is 1. */
  readonly at: number;
  readonly tear: Tear;
}

/** Milliseconds that a write takes at most: others come meanwhile, and share the next one. */
const SLOWEST_MS = 4;

/** The error of everything that is asked of a disk without power. */
export class PowerLost extends Error {
  constructor() {
    super("the power is lost");
    this.name = "PowerLost";
  }
}

/** A disk from one start of the machine until its power fails. */
export class PowerDisk implements LevelLike {
  /** Called in the moment in which the power fails, before anybody can notice. */
  onCut: () => void = () => undefined;
  readonly #random: Random;
  readonly #cut: Cut | null;
  readonly #durable: Map<string, Entry>;
  /** What is read: also confirmed writes that are not synced. */
  readonly #cached: Map<string, Entry>;
  #writes = 0;
  #isCut = false;

  /** `kept` is what the last disk has left; without a cut the power never fails. */
  constructor(
    random: Random,
    kept: ReadonlyMap<string, Entry> = new Map(),
    cut: Cut | null = null,
  ) {
    this.#random = random;
    this.#cut = cut;
    this.#durable = new Map(kept);
    this.#cached = new Map(kept);
  }

  /** Writes that were begun. */
  get writes(): number {
    return this.#writes;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** What would be there after a power failure now. */
  get kept(): ReadonlyMap<string, Entry> {
    return this.#durable;
  }

  async batch(operations: Writes, options: WriteOptions): Promise<void> {
    if (this.#isCut) throw new PowerLost();
    this.#writes++;
    const writes = operations.map((write) => ({ ...write }));
    const isLast = this.#writes === this.#cut?.at;
    await new Promise((resolve) => setTimeout(resolve, this.#random.below(SLOWEST_MS)));
    if (this.#isCut) throw new PowerLost();
    if (isLast) {
      if (options.sync) put(this.#durable, this.#torn(writes));
      this.#isCut = true;
      this.onCut();
      throw new PowerLost();
    }
    put(this.#cached, writes);
    // A sync also brings what was written before to the disk.
    if (options.sync) for (const [key, entry] of this.#cached) this.#durable.set(key, entry);
  }

  async *iterator({ gte, lt, reverse, limit }: Range): AsyncGenerator<[Uint8Array, Uint8Array]> {
    if (this.#isCut) throw new PowerLost();
    const found = [...this.#cached.values()]
      .filter(([key]) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
      .sort(([a], [b]) => (reverse ? compareBytes(b, a) : compareBytes(a, b)));
    for (const [key, value] of limit < 0 ? found : found.slice(0, limit)) yield [key, value];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #torn(writes: Writes): Writes {
    const tear = this.#cut?.tear ?? "nothing";
    if (tear === "all") return writes;
    return tear === "nothing" ? [] : writes.slice(0, this.#random.below(writes.length));
  }
}

/**
 * A disk that confirms before it has written: what a cache that ignores `sync` does. Whoever trusts it loses what they
 * acknowledged, which shows that the search would notice.
 */
export class LyingDisk extends PowerDisk {
  override batch(operations: Writes, options: WriteOptions): Promise<void> {
    return super.batch(operations, { ...options, sync: false });
  }
}

function put(entries: Map<string, Entry>, writes: Writes): void {
  for (const { key, value } of writes) entries.set(toHex(key), [key, value]);
}
