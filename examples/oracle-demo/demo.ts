/**
 * Seven oracles of which two push the price 20 % up, on a network that is parted every ten seconds. While it is parted one
 * of the two tells each side another price, with one number: once the sides meet, everybody holds the proof.
 */
import { documentId, toHex } from "bft-json-crdt";
import { Clock, Mesh, Participant, Random } from "example-kit";
import {
  freshAt,
  Market,
  Oracle,
  priceAt,
  rulesFor,
  schema,
  shifted,
  textOf,
  viewOf,
  weightedMean,
  WHOLE,
} from "example-oracle-network";
import type { NetworkRules, NetworkView } from "example-oracle-network";
import { SharedViews } from "./views.ts";

export const PAIR = "ETH/USD";
export const HONEST = ["ann", "ben", "cem", "dot", "eve"] as const;
/** Pushes the price up, and equivocates. */
export const TWO_FACED = "mallory";
/** Pushes the price up. */
export const LIAR = "oscar";

/** When things happen, in seconds. */
export const SECONDS = { submit: 1, gossip: 0.1, part: 10, heal: 5, equivocate: 12 } as const;

/** Basis points by which the liars push, and by which the second story of the two-faced one goes down. */
const PUSH = 2_000;

/** Milliseconds after each submission at which the state is taken. */
const SAMPLE_AT = 600;

/** What one node sees. */
export interface NodeState {
  readonly name: string;
  readonly isHonest: boolean;
  /** Its own last attestation. */
  readonly attested: bigint | null;
  /** The price as its replica shows it; null while too few voices are fresh. */
  readonly price: bigint | null;
  readonly confidence: bigint;
  /** Voices in the price, and outliers beside them. */
  readonly kept: number;
  readonly rejected: number;
  /** Milliseconds after which it held the fork proof; null before. */
  readonly noticed: number | null;
}

/** What all see at one moment. */
export interface State {
  /** Milliseconds since the start. */
  readonly elapsed: number;
  readonly isParted: boolean;
  readonly market: bigint;
  readonly nodes: readonly NodeState[];
}

/** What there is to say about the whole. */
export interface Listener {
  readonly onEvent: (elapsed: number, text: string) => void;
  readonly onState: (state: State) => void;
}

/** The network. Nothing happens before its clock moves. */
export class Demo {
  readonly clock = new Clock();
  readonly oracles: readonly Oracle[];
  readonly mesh: Mesh<typeof schema>;
  readonly market: Market;
  readonly rules: NetworkRules;
  /** By name: milliseconds after which the fork proof was there. */
  readonly noticed = new Map<string, number>();
  /** The second one of the two-faced, once there is one. */
  twin: Oracle | null = null;
  readonly #random: Random;
  readonly #listener: Listener;
  readonly #views: SharedViews;
  #isParted = false;

  constructor(seed: string, listener: Listener) {
    this.#listener = listener;
    this.#random = new Random(seed);
    this.market = new Market(this.#random.split("market"), { [PAIR]: 2_500 }, 4);
    const id = documentId("oracle-demo example");
    this.oracles = [...HONEST, TWO_FACED, LIAR].map((name) => {
      const participant = new Participant({ name, seed, schema, id, clock: this.clock });
      return new Oracle(participant, this.#random.split(name));
    });
    for (const name of [TWO_FACED, LIAR]) this.#named(name).behaviour = pushing(PUSH);
    const members = this.oracles.map(({ participant }) => participant);
    this.rules = rulesFor(
      members.map(({ author }) => author),
      { roundSeconds: SECONDS.submit },
    );
    this.#views = new SharedViews(this.rules);
    const random = this.#random.split("mesh");
    this.mesh = new Mesh(members, { clock: this.clock, random, loss: 0.02, duplication: 0.02 });
    this.#plan();
  }

  /** Seconds since 1970. */
  get now(): number {
    return Math.floor(this.clock.now / 1_000);
  }

  get honest(): readonly Oracle[] {
    return this.oracles.slice(0, HONEST.length);
  }

  get twoFaced(): Oracle {
    return this.#named(TWO_FACED);
  }

  /** What a node shows, folded from its own replica. */
  viewOf(oracle: Oracle): NetworkView {
    return viewOf(oracle.participant.document, this.rules, this.now);
  }

  /** The network is put together, and everybody hears of everything. */
  settle(): void {
    this.#isParted = false;
    this.mesh.heal();
    this.mesh.settle();
  }

  /** True when all honest nodes show the same, each by its own fold. */
  isAgreed(): boolean {
    return new Set(this.honest.map((oracle) => textOf(this.viewOf(oracle)))).size === 1;
  }

  state(): State {
    return {
      elapsed: this.clock.elapsed,
      isParted: this.#isParted,
      market: this.market.priceOf(PAIR),
      nodes: this.oracles.map((oracle) => this.#stateOf(oracle)),
    };
  }

  #plan(): void {
    const { clock, mesh } = this;
    const second = SECONDS.submit * 1_000;
    clock.every(second, () => this.#submit(), 0);
    for (const { participant } of this.oracles) {
      clock.every(SECONDS.gossip * 1_000, () => mesh.gossip(participant));
      participant.document.onFork(({ author }) => {
        if (toHex(author) === this.twoFaced.participant.author) this.#notice(participant.name);
      });
    }
    clock.every(SECONDS.part * 1_000, () => this.#part());
    clock.after(SECONDS.equivocate * 1_000 - 1, () => this.#equivocate());
    clock.every(second, () => this.#listener.onState(this.state()), SAMPLE_AT);
  }

  #submit(): void {
    this.market.move();
    for (const oracle of this.oracles) oracle.observe(this.now, this.market.ask(this.now));
    if (this.#isParted) this.twin?.observe(this.now, this.market.ask(this.now));
  }

  #part(): void {
    const [near, far] = this.#sides();
    this.#isParted = true;
    this.mesh.part(near, far);
    const [one, other] = [near, far].map((side) => side.map(({ name }) => name).join(", "));
    this.#tell(`the network parts: ${one} | ${other}`);
    this.clock.after(SECONDS.heal * 1_000, () => {
      this.#isParted = false;
      this.mesh.heal();
      this.#tell("the network is whole again");
    });
  }

  /** From now on the far side hears the twin. */
  #equivocate(): void {
    const [, far] = this.#sides();
    const random = this.#random.split("twin");
    const twin = this.twoFaced.twin(random);
    twin.behaviour = pushing(-PUSH);
    this.twin = twin;
    twin.participant.onChange((groups) => {
      for (const { document } of far) {
        this.clock.after(random.between(5, 50), () => {
          for (const group of groups) document.receive(group, TWO_FACED);
        });
      }
    });
    this.#tell(`${TWO_FACED} begins to tell the far side another price, with the same number`);
  }

  #notice(name: string): void {
    if (this.noticed.has(name)) return;
    this.noticed.set(name, this.clock.elapsed);
    if (name !== TWO_FACED) this.#tell(`${name} holds the fork proof: ${TWO_FACED} is out`);
  }

  #stateOf(oracle: Oracle): NodeState {
    const { name, participant } = oracle;
    const view = this.#views.of(participant.document, this.now);
    const price = priceAt(view, PAIR);
    const own = view.index
      .newest(PAIR, 0, this.now)
      .find((attestation) => attestation.oracle === participant.author);
    return {
      name,
      isHonest: HONEST.some((honest) => honest === name),
      attested: own?.price ?? null,
      price: price?.price ?? null,
      confidence: price?.confidence ?? 0n,
      kept: price?.kept.length ?? 0,
      rejected: price?.rejected.length ?? 0,
      noticed: this.noticed.get(name) ?? null,
    };
  }

  #sides(): [Participant<typeof schema>[], Participant<typeof schema>[]] {
    const [ann, ben, cem, dot, eve, mallory, oscar] = this.mesh.members;
    return [
      [ann!, ben!, cem!, mallory!],
      [dot!, eve!, oscar!],
    ];
  }

  #tell(text: string): void {
    this.#listener.onEvent(this.clock.elapsed, text);
  }

  #named(name: string): Oracle {
    return this.oracles.find((oracle) => oracle.name === name)!;
  }
}

/** What the price would be without fence and reputations: the mean of all that is fresh, by confidence. */
export function plainMean(view: NetworkView): bigint | null {
  const fresh = freshAt(view, PAIR);
  return weightedMean(fresh.map(({ price, confidence: weight }) => ({ price, weight })));
}

/** The least and the greatest price that honest nodes show, and how far apart they are in basis points; null for none. */
export function rangeOf({
  nodes,
}: State): { readonly low: bigint; readonly high: bigint; readonly deviation: bigint } | null {
  const prices = nodes.flatMap(({ isHonest, price }) =>
    isHonest && price !== null ? [price] : [],
  );
  if (prices.length === 0) return null;
  const low = prices.reduce((a, b) => (a < b ? a : b));
  const high = prices.reduce((a, b) => (a > b ? a : b));
  return { low, high, deviation: ((high - low) * WHOLE) / low };
}

function pushing(basisPoints: number): Oracle["behaviour"] {
  return {
    invent: (quote) => ({ ...quote, price: shifted(quote.price, basisPoints) }),
    confidence: Number(WHOLE),
  };
}
