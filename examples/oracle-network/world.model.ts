/** For the tests of this example: honest oracles, liars, and a clock. */
import { documentId } from "bft-json-crdt";
import type { Document, Initial } from "bft-json-crdt";
import { Clock, Participant, Random, replicasOf, scenario } from "example-kit";
import {
  commitmentTo,
  Market,
  Oracle,
  PRICE_UNIT,
  responseOf,
  rulesFor,
  SALT_BYTES,
  schema,
  viewOf,
} from "./index.ts";
import type { NetworkRules, NetworkView } from "./index.ts";

export const PAIR = "ETH/USD";
const id = documentId("oracle network test");
export const START = Clock.START / 1_000;
export const HONEST = ["ann", "ben", "cem", "dot", "eve"];

export type Claim = Initial<(typeof schema.fields.attestations)["item"]>;

/** Honest oracles, five if nothing else is said, and others, in one document that passes everything on at once unless `deliver` is told otherwise. */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly market: Market;
  readonly oracles: readonly Oracle[];
  readonly rules: NetworkRules;
  readonly #honest: number;
  readonly #twins: Participant<typeof schema>[] = [];

  constructor(
    seed: string | number,
    liars: readonly string[] = ["mallory", "oscar"],
    honest: readonly string[] = HONEST,
  ) {
    this.#honest = honest.length;
    this.random = new Random(seed);
    this.market = new Market(this.random.split("market"), { [PAIR]: 2_500 });
    this.oracles = [...honest, ...liars].map((name) => {
      const participant = new Participant({ name, seed, schema, id, clock: this.clock });
      return new Oracle(participant, this.random.split(name));
    });
    this.rules = rulesFor(this.oracles.map(({ participant }) => participant.author));
  }

  get now(): number {
    return Math.floor(this.clock.now / 1_000);
  }

  get honest(): readonly Oracle[] {
    return this.oracles.slice(0, this.#honest);
  }

  get liars(): readonly Oracle[] {
    return this.oracles.slice(this.#honest);
  }

  get everyone(): readonly Participant<typeof schema>[] {
    return [...this.oracles.map(({ participant }) => participant), ...this.#twins];
  }

  /** Lets one observe the market. */
  observe(oracle: Oracle): void {
    oracle.observe(this.now, this.market.ask(this.now));
  }

  /** All observe, and time passes: one round. */
  round(who = this.oracles): void {
    this.market.move();
    for (const oracle of who) this.observe(oracle);
    this.clock.advance(this.rules.roundSeconds * 1_000);
  }

  twinOf(oracle: Oracle): Participant<typeof schema> {
    const twin = oracle.participant.twin();
    this.#twins.push(twin);
    return twin;
  }

  /** One new replica that has everything. */
  replica(): Document<typeof schema> {
    return replicasOf(scenario(this.everyone), this.random.split("replica"), 1)[0]!;
  }

  view(rules = this.rules): NetworkView {
    return viewOf(this.replica(), rules, this.now);
  }
}

/** The key of an oracle in hex. */
export function keyOf(oracle: Oracle): string {
  return oracle.participant.author;
}

/** A claim that obeys the rules, with `change` of it. */
export function claimAt(world: World, nonce: number, change: Partial<Claim> = {}): Claim {
  const quotes = world.market.ask(world.now)[0]!.quotes.map((quote) => ({
    ...quote,
    price: 2_500n * PRICE_UNIT,
  }));
  const salt = new Uint8Array(SALT_BYTES);
  return {
    pair: PAIR,
    price: 2_500n * PRICE_UNIT,
    confidence: 9_000,
    timestamp: world.now,
    nonce,
    sources: quotes.map((quote) => ({
      name: quote.source,
      price: quote.price,
      volume: quote.volume,
      commitment: commitmentTo(salt, responseOf(quote)),
    })),
    ...change,
  };
}
