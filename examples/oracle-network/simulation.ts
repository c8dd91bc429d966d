/** Seven oracles on a bad network, and what is measured of them: how far off each honest one's price is, and when it has none. */
import { documentId } from "bft-json-crdt";
import { Clock, Mesh, Participant, Random } from "example-kit";
import { weightedMean, WHOLE } from "./aggregate.ts";
import type { AnomalyKind } from "./facts.ts";
import { Market, shifted } from "./market.ts";
import { rulesFor, schema } from "./network.ts";
import type { NetworkRules } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { freshAt, priceAt } from "./prices.ts";
import { textOf, viewOf } from "./view.ts";
import type { NetworkView } from "./view.ts";

export const HONEST = ["ann", "ben", "cem", "dot", "eve"] as const;
/** Invents prices, and answers that say so. */
export const INVENTOR = "gus";
/** Commits to true answers and later claims something else. */
export const MISQUOTER = "hal";

/** Seconds after which the misquoter begins; the network is parted from and until. */
export const MISQUOTES_FROM = 60;
export const PARTED_FROM = 30;
export const PARTED_UNTIL = 50;

/** How bad the network is: milliseconds, and probabilities. */
export const NETWORK = { latency: [20, 200], loss: 0.05, duplication: 0.02 } as const;

const GOSSIP_EVERY = 1_000;
/** Milliseconds into a round at which oracles look for what is wrong, and at which they are measured. */
const REPORT_AT = 2_000;
const MEASURE_AT = 4_500;

/** What it is worth a report of; the rest is seen by all in the same facts. */
const REPORTED: readonly AnomalyKind[] = ["outlier", "contradiction", "frozen feed"];

/** What was measured, over all honest oracles, pairs and rounds. */
export interface Measures {
  /** Times that a price was asked for, and times that there was none. */
  asked: number;
  missing: number;
  /** Distance from the market's price in basis points: of the network's price, and of a plain mean of all that is fresh. */
  worst: number;
  total: number;
  worstOfMean: number;
}

/** What each shows at one moment. */
export interface Sample {
  /** Seconds since the start. */
  readonly time: number;
  readonly market: bigint;
  readonly views: readonly NetworkView[];
}

/** The network and its time. */
export class Simulation {
  readonly clock = new Clock();
  readonly oracles: readonly Oracle[];
  readonly market: Market;
  readonly mesh: Mesh<typeof schema>;
  readonly rules: NetworkRules;
  readonly measures: Measures = { asked: 0, missing: 0, worst: 0, total: 0, worstOfMean: 0 };
  /** By honest oracle: milliseconds after which it knew that the misquoter had lied. */
  readonly convicted = new Map<string, number>();
  onSample: (sample: Sample) => void = () => {};

  constructor(seed: string, pairs: Readonly<Record<string, number>>) {
    const random = new Random(seed);
    this.market = new Market(random.split("market"), pairs);
    const id = documentId("oracle-network example");
    this.oracles = [...HONEST, INVENTOR, MISQUOTER].map((name) => {
      const participant = new Participant({ name, seed, schema, id, clock: this.clock });
      return new Oracle(participant, random.split(name));
    });
    const members = this.oracles.map(({ participant }) => participant);
    this.rules = rulesFor(members.map(({ author }) => author));
    this.mesh = new Mesh(members, {
      clock: this.clock,
      random: random.split("mesh"),
      ...NETWORK,
    });
    this.#named(INVENTOR).behaviour = {
      invent: (quote) => ({ ...quote, price: shifted(quote.price, 2_000) }),
      confidence: Number(WHOLE),
    };
    this.#plan();
  }

  get honest(): readonly Oracle[] {
    return this.oracles.slice(0, HONEST.length);
  }

  /** Seconds since 1970. */
  get now(): number {
    return Math.floor(this.clock.now / 1_000);
  }

  viewOf(oracle: Oracle): NetworkView {
    return viewOf(oracle.participant.document, this.rules, this.now);
  }

  /** True when all show the same. */
  isAgreed(): boolean {
    return new Set(this.oracles.map((oracle) => textOf(this.viewOf(oracle)))).size === 1;
  }

  #plan(): void {
    const { clock, mesh, oracles } = this;
    const round = this.rules.roundSeconds * 1_000;
    clock.every(round, () => this.market.move(), 0);
    for (const oracle of oracles) {
      clock.every(round, () => oracle.observe(this.now, this.market.ask(this.now)), 100);
      clock.every(GOSSIP_EVERY, () => mesh.gossip(oracle.participant));
    }
    // One after another, so that mostly one reports what all see.
    this.honest.forEach((oracle, at) => {
      clock.every(round, () => this.#report(oracle), REPORT_AT + at * 400);
    });
    clock.every(round, () => this.#measure(), MEASURE_AT);
    const [ann, ben, cem, dot, eve, gus, hal] = mesh.members;
    clock.after(PARTED_FROM * 1_000, () => mesh.part([ann!, ben!, cem!, gus!], [dot!, eve!, hal!]));
    clock.after(PARTED_UNTIL * 1_000, () => mesh.heal());
    clock.after(MISQUOTES_FROM * 1_000, () => {
      this.#named(MISQUOTER).behaviour = {
        misquote: (quote) => ({ ...quote, price: shifted(quote.price, 40) }),
      };
    });
  }

  /** Reports what it sees and nobody has reported yet, as far as it knows. */
  #report(oracle: Oracle): void {
    const view = this.viewOf(oracle);
    const known = new Set(view.reports.map(({ attestation, kind }) => `${attestation} ${kind}`));
    const found = view.anomalies.flatMap(({ attestation, kind }) =>
      attestation === null || !REPORTED.includes(kind) || known.has(`${attestation} ${kind}`)
        ? []
        : [{ attestation, kind }],
    );
    if (found.length > 0) oracle.participant.change(({ reports }) => reports.append(...found));
  }

  #measure(): void {
    const views = this.honest.map((oracle) => this.viewOf(oracle));
    const misquoter = this.#named(MISQUOTER).participant.author;
    views.forEach((view, at) => {
      const { name } = this.honest[at]!;
      if (view.excluded.has(misquoter) && !this.convicted.has(name)) {
        this.convicted.set(name, this.clock.elapsed);
      }
      for (const pair of this.market.pairs) this.#compare(view, pair);
    });
    const market = this.market.priceOf(this.market.pairs[0]!);
    this.onSample({ time: Math.floor(this.clock.elapsed / 1_000), market, views });
  }

  #compare(view: NetworkView, pair: string): void {
    const { measures } = this;
    const market = this.market.priceOf(pair);
    const price = priceAt(view, pair)?.price;
    measures.asked++;
    if (price === undefined) {
      measures.missing++;
      return;
    }
    const off = distance(price, market);
    measures.worst = Math.max(measures.worst, off);
    measures.total += off;
    measures.worstOfMean = Math.max(measures.worstOfMean, distance(plainMean(view, pair), market));
  }

  #named(name: string): Oracle {
    return this.oracles.find((oracle) => oracle.name === name)!;
  }
}

/** The mean of all that is fresh, by confidence alone; 0 for nothing. */
export function plainMean(view: NetworkView, pair: string): bigint {
  const fresh = freshAt(view, pair);
  return weightedMean(fresh.map(({ price, confidence: weight }) => ({ price, weight }))) ?? 0n;
}

/** Basis points between a price and the true one, rounded down. */
export function distance(price: bigint, truth: bigint): number {
  const difference = price > truth ? price - truth : truth - price;
  return Number((difference * WHOLE) / truth);
}
