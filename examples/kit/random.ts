/** Choices that depend on a seed and labels alone, so that a program prints the same again. Not for secrets. */
import { sha256 } from "bft-json-crdt";

/** A stream of pseudo-random choices. */
export class Random {
  readonly #seed: string;
  #state: bigint;

  constructor(seed: string | number) {
    this.#seed = String(seed);
    const digest = sha256(new TextEncoder().encode(this.#seed));
    this.#state = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0);
  }

  /** Another stream, the same for equal seeds and labels whatever was drawn before. */
  split(label: string): Random {
    return new Random(`${this.#seed}/${label}`);
  }

  /** A number from 0 to 1, without 1. */
  next(): number {
    // SplitMix64: one addition and three mixing steps for each number.
    this.#state = BigInt.asUintN(64, this.#state + 0x9e37_79b9_7f4a_7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  }

  /** An integer from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** From a normal distribution. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [all[i], all[j]] = [all[j]!, all[i]!];
    }
    return all;
  }

  /** Bytes, for salts and seeds of keys that are worth nothing. */
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}
