/**
 * The only source of randomness of a simulation: streams that depend on nothing but a seed and labels.
 *
 * A stream is split off by its label, whatever was drawn before; so each actor, link and event has a stream of its own,
 * and taking one of them out of a scenario does not change what the others draw. Shrinking depends on that.
 */
import { Choices } from "../random-edits.ts";

/** A stream of pseudo-random choices. */
export class Random extends Choices {
  readonly #seed: number;

  constructor(seed: number) {
    super(seed);
    this.#seed = seed >>> 0;
  }

  /** Another stream, the same for equal seeds and labels. */
  split(label: string): Random {
    let hash = 0x811c9dc5 ^ this.#seed;
    for (let i = 0; i < label.length; i++) {
      hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return new Random(hash ^ (hash >>> 16));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** An integer of 64 bits that is not 0. */
  chain(): bigint {
    let chain = 1n;
    for (let i = 0; i < 4; i++) chain = (chain << 16n) | BigInt(this.below(65_536));
    return BigInt.asUintN(64, chain) | 1n;
  }

  /** Up to `count` different ones of the items, in random order. */
  some<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count);
  }
}
