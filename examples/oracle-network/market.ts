/** Made-up exchanges: prices that wander, a little different at each. Only integers, so that a seed gives the same everywhere. */
import type { Random } from "example-kit";
import { PRICE_UNIT, WHOLE } from "./aggregate.ts";
import type { Quotes } from "./oracle.ts";

/** The exchanges. They exist here only. */
export const EXCHANGES = ["east.example", "north.example", "south.example"] as const;

/** Basis points by which an exchange may be off. */
const NOISE = 12;

/** A market of pairs. */
export class Market {
  readonly #random: Random;
  readonly #prices: Map<string, bigint>;
  readonly #step: number;

  /** Prices in whole units at the start, and the most basis points by which they move at once. */
  constructor(random: Random, starts: Readonly<Record<string, number>>, step = 6) {
    this.#random = random;
    this.#step = step;
    this.#prices = new Map(
      Object.entries(starts).map(([pair, start]) => [pair, BigInt(start) * PRICE_UNIT]),
    );
  }

  get pairs(): string[] {
    return [...this.#prices.keys()];
  }

  /** The price that no exchange shows exactly. */
  priceOf(pair: string): bigint {
    return this.#prices.get(pair)!;
  }

  /** All prices move. */
  move(): void {
    for (const [pair, price] of this.#prices) {
      this.#prices.set(pair, shifted(price, this.#random.between(-this.#step, this.#step)));
    }
  }

  /** What the exchanges answer at a time (seconds). */
  ask(time: number): Quotes[] {
    return this.pairs.map((pair) => ({
      pair,
      quotes: EXCHANGES.map((source) => ({
        source,
        pair,
        price: shifted(this.priceOf(pair), this.#random.between(-NOISE, NOISE)),
        volume: this.#random.between(100, 1_000),
        time,
      })),
    }));
  }
}

/** A price moved by basis points. */
export function shifted(price: bigint, basisPoints: number): bigint {
  return (price * (WHOLE + BigInt(basisPoints))) / WHOLE;
}
