/** An oracle: asks exchanges, attests what follows from their answers, and reveals the answers afterwards. */
import type { Initial } from "bft-json-crdt";
import type { Participant, Random } from "example-kit";
import { standardDeviation, WHOLE } from "./aggregate.ts";
import type { schema } from "./network.ts";
import { commitmentTo, priceOf, responseOf, SALT_BYTES } from "./source.ts";
import type { Quote, Source } from "./source.ts";

type Claim = Initial<(typeof schema.fields.attestations)["item"]>;
type Reveal = Initial<(typeof schema.fields.reveals)["item"]>;

/** The answers about one pair. */
export interface Quotes {
  readonly pair: string;
  readonly quotes: readonly Quote[];
}

/** How an oracle departs from honesty; an honest one has none of it. */
export interface Behaviour {
  /** What it makes of the answers before it commits to them. */
  readonly invent?: (quote: Quote) => Quote;
  /** What it claims of a source although it has committed to the true answer. */
  readonly misquote?: (quote: Quote) => Quote;
  /** The confidence it claims, in basis points. */
  readonly confidence?: number;
}

/** Its memory: nonces, and the salts and answers that it has not revealed yet. */
export class Oracle {
  readonly participant: Participant<typeof schema>;
  behaviour: Behaviour = {};
  readonly #random: Random;
  #nonce = 0;
  #hidden: Reveal[] = [];

  constructor(participant: Participant<typeof schema>, random: Random) {
    this.participant = participant;
    this.#random = random;
  }

  get name(): string {
    return this.participant.name;
  }

  /** The same oracle once more, to tell others another story: from the next change of both on there is a fork. */
  twin(random: Random): Oracle {
    const twin = new Oracle(this.participant.twin(), random);
    twin.behaviour = this.behaviour;
    twin.#nonce = this.#nonce;
    return twin;
  }

  /** In one change: reveals what the last attestations rested on, and attests prices anew. Times in seconds. */
  observe(timestamp: number, answers: readonly Quotes[]): void {
    const reveals = this.#hidden;
    const claims = answers.map(({ pair, quotes }) => this.#claim(pair, timestamp, quotes));
    this.participant.change((doc) => {
      doc.reveals.append(...reveals);
      doc.attestations.append(...claims.map(({ claim }) => claim));
    });
    // They were appended at the end of the log, and nothing else has come since.
    const { attestations } = this.participant.document.root;
    const first = attestations.length - claims.length;
    this.#hidden = claims.flatMap(({ openings }, at) => {
      const attestation = attestations.idAt(first + at);
      return openings.map((opening) => ({ attestation, ...opening }));
    });
  }

  #claim(pair: string, timestamp: number, quotes: readonly Quote[]): Draft {
    const { invent = same, misquote = same, confidence } = this.behaviour;
    const openings: Omit<Reveal, "attestation">[] = [];
    const sources: Source[] = quotes.map((quote, source) => {
      const answered = invent(quote);
      const response = responseOf(answered);
      const salt = this.#random.bytes(SALT_BYTES);
      openings.push({ source, salt, response });
      const { source: name, price, volume } = misquote(answered);
      return { name, price, volume, commitment: commitmentTo(salt, response) };
    });
    const price = priceOf(sources);
    if (price === null) throw new RangeError("an attestation rests on one source at least");
    const claim = {
      pair,
      price,
      confidence: confidence ?? confidenceIn(sources),
      timestamp,
      nonce: ++this.#nonce,
      sources: sources.map((source) => ({ ...source })),
    };
    return { claim, openings };
  }
}

interface Draft {
  readonly claim: Claim;
  readonly openings: readonly Omit<Reveal, "attestation">[];
}

/** How sure an honest oracle is: 99 %, less 20 times the sources' deviation as a part of the price; half at least. */
export function confidenceIn(sources: readonly Source[]): number {
  const prices = sources.map(({ price }) => price);
  const mean = prices.reduce((sum, price) => sum + price, 0n) / BigInt(prices.length);
  const doubt = (20n * standardDeviation(prices) * WHOLE) / mean;
  return Math.max(5_000, 9_900 - Number(doubt));
}

function same(quote: Quote): Quote {
  return quote;
}
