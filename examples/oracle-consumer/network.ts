/** A network of oracles that runs off the chain: five honest ones and two liars, each with a second key for the chain. */
import { documentId } from "bft-json-crdt";
import { Clock, Mesh, Participant, Random } from "example-kit";
import {
  exportedAt,
  Market,
  Oracle,
  rulesFor,
  schema,
  shifted,
  viewOf,
} from "example-oracle-network";
import type { ExportedAttestation, NetworkRules, Quote } from "example-oracle-network";
import { attest, statementOf } from "./attestation.ts";
import type { Attestation, Domain } from "./attestation.ts";
import { bind } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { keccak } from "./ethereum.ts";

/** What is priced. */
export const PAIR = "ETH/USD";

const HONEST = ["ann", "ben", "cem", "dot", "eve"];
const LIARS = ["mallory", "oscar"];

/** Seconds from one price of an oracle to its next. */
const ROUND = 120;

/** Basis points by which liars are off. */
const LIE = 2_000;

/** An oracle with both of its keys. */
export interface Member {
  readonly name: string;
  readonly oracle: Oracle;
  /** The key for the chain. */
  readonly secretKey: Uint8Array;
  readonly binding: Binding;
}

/** Oracles, the document between them, and a reader of it. */
export class Network {
  readonly members: readonly Member[];
  readonly rules: NetworkRules;
  readonly reader: Participant<typeof schema>;
  readonly #clock = new Clock();
  readonly #mesh: Mesh<typeof schema>;
  /** Basis points by which exchanges are away from where the market would be. */
  #shift = 0;

  constructor(seed: string | number) {
    const random = new Random(seed);
    const market = new Market(random.split("market"), { [PAIR]: 2_000 });
    const id = documentId("oracle consumer");
    const join = (name: string): Participant<typeof schema> =>
      new Participant({ name, seed, schema, id, clock: this.#clock });
    this.members = [...HONEST, ...LIARS].map((name) => {
      const oracle = new Oracle(join(name), random.split(name));
      const secretKey = keccak(new TextEncoder().encode(`${seed}/chain/${name}`));
      return { name, oracle, secretKey, binding: bind(oracle.participant.keyPair, secretKey) };
    });
    for (const { name, oracle } of this.members) {
      if (LIARS.includes(name)) oracle.behaviour = { invent: lie, confidence: 10_000 };
    }
    this.reader = join("reader");
    this.rules = rulesFor(
      this.members.map(({ oracle }) => oracle.participant.author),
      { roundSeconds: ROUND, maximumAge: 2 * ROUND, revealWithin: 3 * ROUND },
    );
    const everyone = [...this.members.map(({ oracle }) => oracle.participant), this.reader];
    this.#mesh = new Mesh(everyone, {
      clock: this.#clock,
      random: random.split("mesh"),
      loss: 0.1,
    });
    this.#clock.every(ROUND * 1_000, () => {
      market.move();
      for (const { oracle } of this.members) {
        const answers = market.ask(this.now).map(({ pair, quotes }) => ({
          pair,
          quotes: quotes.map((quote) => ({ ...quote, price: shifted(quote.price, this.#shift) })),
        }));
        oracle.observe(this.now, answers);
      }
    });
  }

  /** The member of that name. */
  member(name: string): Member {
    return this.members.find((member) => member.name === name)!;
  }

  /** Seconds since 1970. */
  get now(): number {
    return Math.floor(this.#clock.now / 1_000);
  }

  /** Lets time pass, and at its end everybody catch up. */
  run(seconds: number): void {
    this.#clock.advance(seconds * 1_000);
    this.#mesh.settle();
  }

  /** From now on all exchanges show prices that are off by so many basis points. */
  shift(basisPoints: number): void {
    this.#shift = basisPoints;
  }

  /** What the document says now, in the shape for contracts. */
  exported(): readonly ExportedAttestation[] {
    return exportedAt(viewOf(this.reader.document, this.rules, this.now), PAIR);
  }

  /** The same, signed again by each of its oracles for a contract. */
  attestations(domain: Domain): Attestation[] {
    const keys = new Map(
      this.members.map(({ oracle, secretKey }) => [oracle.participant.author, secretKey]),
    );
    return this.exported().map((exported) =>
      attest(statementOf(exported), keys.get(exported.oracle)!, domain),
    );
  }
}

function lie(quote: Quote): Quote {
  return { ...quote, price: shifted(quote.price, LIE) };
}
