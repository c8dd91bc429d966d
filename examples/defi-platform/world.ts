/**
 * Everybody and everything of the story, with real keys: a registrar, five parties, seven oracles, the validators of a bridge, the
 * chain that holds the money, and four documents that travel between them. A name has one key in all documents.
 */
import { documentId, toHex } from "bft-json-crdt";
import type { KeyPair, Schema } from "bft-json-crdt";
import { attestationsOf, blockOf, relay, ValidatorSets } from "example-cross-chain-relay";
import type { ValidatorSet } from "example-cross-chain-relay";
import { IdentitySchema, stateOf, WHOLE } from "example-identity";
import { keyPairOf, Mesh, Participant, Random, replicasOf, scenario } from "example-kit";
import type { Clock } from "example-kit";
import { bookOf, confirmableBy, factsIn, matchesOf } from "example-order-book";
import type { Side } from "example-order-book";
import { Chain, Channel, channelTerms, propose, signProposal } from "example-state-channel";
import { Market, Oracle, rulesFor, schema as oracleSchema, shifted } from "example-oracle-network";
import { encodeAlert } from "./alerts.ts";
import type { Alert } from "./alerts.ts";
import { platformOf } from "./platform.ts";
import type { Platform } from "./platform.ts";
import { PAIR } from "./terms.ts";
import type { PlatformDocuments, PlatformTerms } from "./terms.ts";

export const PARTIES = ["Lena", "Bob", "Kay", "Tom", "Mallory"] as const;
export type Party = (typeof PARTIES)[number];
const ORACLES = ["o1", "o2", "o3", "o4", "o5", "pusher", "two-faced"] as const;
const VALIDATORS = ["v1", "v2", "v3", "v4"] as const;
const YEAR = 31_557_600_000;

/** All of it. */
export class World {
  readonly clock: Clock;
  readonly terms: PlatformTerms;
  readonly chain: Chain;
  readonly parties: Readonly<Record<Party, Participant<typeof Channel>>>;
  /** Of the identity document: the registrar, the parties, and one whom nobody attests. */
  readonly people: ReadonlyMap<string, Participant<typeof IdentitySchema>>;
  readonly oracles: readonly Oracle[];
  /** The same key as the last oracle's: what it shows to the others. */
  readonly otherFace: Oracle;
  readonly relayers: readonly Participant<typeof relay>[];
  readonly random: Random;
  readonly #seed: string;
  readonly #bridge: ValidatorSet;
  readonly #meshes: { settle(): void }[] = [];
  #blocks = 0n;

  constructor(seed: string, clock: Clock) {
    this.#seed = seed;
    this.clock = clock;
    this.random = new Random(seed);
    const { parties, chain, terms } = this.#agree();
    this.terms = terms;
    this.chain = new Chain(chain, terms.channel);
    this.#bridge = terms.validators.of("bridge")[0]!.set;
    this.parties = Object.fromEntries(
      PARTIES.map((name) => [name, this.#participant(name, Channel, terms.channel.id)]),
    ) as Record<Party, Participant<typeof Channel>>;
    const people = ["Registrar", ...parties, "Sid"];
    this.people = new Map(
      people.map((name) => [name, this.#participant(name, IdentitySchema, IDENTITY)]),
    );
    const oracle = (name: string, label = name): Oracle =>
      new Oracle(this.#participant(name, oracleSchema, ORACLE), this.random.split(label));
    this.oracles = ORACLES.map((name) => oracle(name));
    this.otherFace = oracle("two-faced", "other face");
    this.relayers = ["r1", "r2"].map((name) => this.#participant(name, relay, RELAY));
    this.#connect(Object.values(this.parties));
    this.#connect([...this.people.values()]);
    this.#connect([...this.oracles.map((it) => it.participant), this.otherFace.participant]);
    this.#connect(this.relayers);
    const [pusher, liar] = this.oracles.slice(-2) as [Oracle, Oracle];
    pusher.behaviour = {
      invent: (quote) => ({ ...quote, price: shifted(quote.price, 2_000) }),
      confidence: WHOLE,
    };
    liar.behaviour = { invent: (quote) => ({ ...quote, price: shifted(quote.price, -1_000) }) };
  }

  /** The registrar attests parties for a year; anybody can found an identity. */
  attest(names: readonly string[]): void {
    const registrar = this.people.get("Registrar")!;
    for (const person of this.people.values()) this.#found(person);
    for (const name of names) {
      const subject = stateOf(this.people.get(name)!.author, NO_GUARDIANS).id;
      const from = stateOf(registrar.author, NO_GUARDIANS).id;
      const expires = this.clock.now + YEAR;
      const record = { from, subject, claim: "kyc", confidence: 9_500, expires };
      registrar.change(({ attestations }) => attestations.append(record));
    }
    this.settle();
  }

  /** A party puts units on the chain, and hands the receipt in. */
  deposit(party: Party, asset: "eth" | "usd", amount: bigint): void {
    const member = this.parties[party];
    const receipt = this.chain.deposit(member.author, asset, amount);
    member.change(({ deposits }) => deposits.append(receipt));
  }

  /** A round of the oracles, in a market where one eth costs so many usd. */
  observe(dollars: number): void {
    this.clock.advance(5_000);
    const now = Math.floor(this.clock.now / 1_000);
    const label = `market ${now}`;
    const market = new Market(this.random.split(label), { [PAIR]: dollars });
    const answers = market.ask(now);
    for (const oracle of [...this.oracles, this.otherFace]) oracle.observe(now, answers);
    this.settle();
  }

  /** The chain begins an epoch with a price; somebody hands its receipt in. */
  advance(price: bigint): void {
    const receipt = this.chain.advance(price);
    this.parties.Lena.change(({ epochs }) => epochs.append(receipt));
    this.settle();
  }

  /** A state of all that is there is proposed, and signed by those who have no objection; true when all have. */
  agree(): boolean {
    const { channel } = this.terms;
    propose(this.parties.Lena, channel);
    this.settle();
    const signers = Object.values(this.parties).filter((member) => {
      const honest = this.platform().objections.length === 0;
      return honest && signProposal(member, channel);
    });
    this.settle();
    return signers.length === PARTIES.length;
  }

  order(party: Party, side: Side, amount: bigint, price: bigint): void {
    this.parties[party].change(({ book }) => book.orders.append({ side, amount, price }));
    this.settle();
  }

  /** A party matches what crosses; then each confirms what is filled of its own. */
  match(by: Party): void {
    const { document } = this.parties[by];
    const matches = matchesOf(bookOf(factsIn(document.root.book, document.history)));
    if (matches.length > 0) {
      this.parties[by].change(({ book }) => book.executions.append(...matches));
    }
    this.settle();
    for (const member of Object.values(this.parties)) {
      const { root, history } = member.document;
      const records = confirmableBy(bookOf(factsIn(root.book, history)), member.author);
      if (records.length > 0) member.change(({ book }) => book.confirmations.append(...records));
    }
    this.settle();
  }

  /** The bridge sends an alert, which so many of its four validators have signed; a relayer carries it. */
  alert(alert: Alert, signers: number): void {
    const [block, nonce] = [this.#blocks, this.#blocks++];
    const time = BigInt(this.clock.now);
    const payload = encodeAlert(alert);
    const message = { source: "bridge", destination: "here", block, nonce, time, payload };
    const whole = blockOf([message]);
    const statements = VALIDATORS.slice(0, signers).flatMap((name) =>
      attestationsOf(whole, this.#bridge, keyPairOf(this.#seed, name)),
    );
    this.relayers[0]!.change((doc) => {
      doc.messages.append(...whole.records);
      doc.statements.append(...statements);
    });
    this.settle();
  }

  /** Of a key in hex. */
  nameOf(key: string): string {
    return PARTIES.find((name) => this.parties[name].author === key) ?? key.slice(0, 8);
  }

  /** Everybody hears of everything. */
  settle(): void {
    this.clock.advance(100);
    for (const mesh of this.#meshes) mesh.settle();
  }

  /** What a party sees, now or later. */
  platform(documents = this.documents, now = this.clock.now): Platform {
    return platformOf(documents, this.terms, now);
  }

  /** One replica of each document. */
  get documents(): PlatformDocuments {
    return {
      identity: this.people.get("Registrar")!.document,
      oracles: this.oracles[0]!.participant.document,
      channel: this.parties.Lena.document,
      relay: this.relayers[0]!.document,
    };
  }

  /** New replicas of all four documents, each with everything in another order; twins of parties included. */
  replicas(
    random: Random,
    count: number,
    twins: readonly Participant<typeof Channel>[],
  ): { readonly documents: readonly PlatformDocuments[]; readonly changes: number } {
    const oracles = [...this.oracles, this.otherFace].map((it) => it.participant);
    const scenarios = {
      identity: scenario([...this.people.values()]),
      oracles: scenario(oracles),
      channel: scenario([...Object.values(this.parties), ...twins]),
      relay: scenario(this.relayers),
    };
    const identity = replicasOf(scenarios.identity, random, count);
    const prices = replicasOf(scenarios.oracles, random, count);
    const channel = replicasOf(scenarios.channel, random, count);
    const messages = replicasOf(scenarios.relay, random, count);
    const documents = identity.map((replica, at) => ({
      identity: replica,
      oracles: prices[at]!,
      channel: channel[at]!,
      relay: messages[at]!,
    }));
    const changes = Object.values(scenarios).reduce((sum, { groups }) => sum + groups.length, 0);
    return { documents, changes };
  }

  #agree(): { parties: readonly Party[]; chain: KeyPair; terms: PlatformTerms } {
    const keyOf = (name: string): Uint8Array => keyPairOf(this.#seed, name).publicKey;
    const chain = keyPairOf(this.#seed, "chain");
    const stakes = new Map(VALIDATORS.map((name) => [toHex(keyOf(name)), 25n]));
    const bridge = { chain: "bridge", epoch: 1, first: 0n, last: 1_000n, stakes };
    const registrar = stateOf(toHex(keyOf("Registrar")), NO_GUARDIANS).id;
    const demand = { claims: ["kyc"], confidence: 9_000, age: YEAR, issuers: 1, by: [registrar] };
    const at = { from: [registrar], via: {}, depth: 1, halfLife: null, paths: 1 };
    const terms: PlatformTerms = {
      admission: { at, demands: [demand] },
      oracles: rulesFor(ORACLES.map((name) => toHex(keyOf(name)))),
      channel: channelTerms({
        name: "example/defi-platform",
        parties: PARTIES.map(keyOf),
        chain: chain.publicKey,
        disputeEpochs: 3,
      }),
      validators: new ValidatorSets([bridge]),
      chain: "here",
      tolerance: 200n,
    };
    return { parties: PARTIES, chain, terms };
  }

  #participant<S extends Schema>(name: string, schema: S, id: Uint8Array): Participant<S> {
    return new Participant({ name, seed: this.#seed, schema, id, clock: this.clock });
  }

  #found(person: Participant<typeof IdentitySchema>): void {
    person.change(({ identities }) =>
      identities.append({ ...NO_GUARDIANS, guardians: [...NO_GUARDIANS.guardians] }),
    );
  }

  #connect<S extends Schema>(members: readonly Participant<S>[]): void {
    const random = this.random.split(`mesh ${this.#meshes.length}`);
    this.#meshes.push(new Mesh(members, { clock: this.clock, random, loss: 0.1 }));
  }
}

const NO_GUARDIANS = { guardians: [] as readonly string[], threshold: 0, override: 0, wait: 0 };
const IDENTITY = documentId("example/defi-platform/identity");
const ORACLE = documentId("example/defi-platform/oracles");
const RELAY = documentId("example/defi-platform/relay");
