/** The scenes of the program: a chain sends, relayers carry, one validator in four lies, the other chain delivers. */
import { canonicalJson, documentId, generateKeyPair, sha256, toHex } from "bft-json-crdt";
import type { KeyPair, Value } from "bft-json-crdt";
import {
  Clock,
  Mesh,
  paint,
  Participant,
  prove,
  Random,
  replicasOf,
  say,
  scenario,
  table,
  title,
} from "example-kit";
import {
  attestationsOf,
  blockOf,
  blockTrees,
  encodePrice,
  factsIn,
  isEvidence,
  medianOf,
  medianOfMessages,
  messagesBetween,
  pendingFor,
  receiptOf,
  relay,
  reportOf,
  ValidatorSets,
  viewOf,
} from "./index.ts";
import type { Block, Message, MessageRecord, SignedStatement, ValidatorSet } from "./index.ts";

type Relayer = Participant<typeof relay>;

/** The validators of both chains and of the feed, and the stake of each. Mallory has less than a third. */
const VALIDATORS = { vera: 30n, viktor: 25n, vito: 15n, mallory: 30n };
type Name = keyof typeof VALIDATORS;
const HONEST: readonly Name[] = ["vera", "viktor", "vito"];

/** Replicas that at last get everything in an order of their own. */
const REPLICAS = 6;

const FEED = "ETH/USD";

/** Chains that tell Basalt a price, in cents; Flint has no validator but Mallory. */
const TOLD = { cobalt: 200_010n, dolomite: 199_970n, flint: 900_000n };

/** All who take part, and the network between the relayers. */
export class Story {
  readonly #clock = new Clock();
  readonly #random: Random;
  readonly #keys: Readonly<Record<Name, KeyPair>>;
  readonly #amber: ValidatorSet;
  readonly #basalt: ValidatorSet;
  readonly #feed: ValidatorSet;
  readonly #tellers: readonly ValidatorSet[];
  readonly #sets: ValidatorSets;
  readonly #relayers: readonly Relayer[];
  readonly #mesh: Mesh<typeof relay>;

  constructor(seed: string) {
    this.#random = new Random(seed);
    const names = Object.keys(VALIDATORS) as Name[];
    this.#keys = Object.fromEntries(
      names.map((name) => [
        name,
        generateKeyPair(sha256(new TextEncoder().encode(`${seed}/validator/${name}`))),
      ]),
    ) as Record<Name, KeyPair>;
    const stakes = new Map(
      names.map((name) => [toHex(this.#keys[name].publicKey), VALIDATORS[name]]),
    );
    const setOf = (chain: string, epoch = 1, first = 0n, last = 99n): ValidatorSet => {
      return { chain, epoch, first, last, stakes };
    };
    const captured = new Map([[toHex(this.#keys.mallory.publicKey), 1n]]);
    this.#tellers = Object.keys(TOLD).map((chain) => {
      return chain === "flint" ? { ...setOf(chain), stakes: captured } : setOf(chain);
    });
    [this.#amber, this.#basalt, this.#feed] = ["amber", "basalt", FEED].map((chain) =>
      setOf(chain),
    ) as [ValidatorSet, ValidatorSet, ValidatorSet];
    const next = setOf("amber", 2, 100n, 199n);
    const others = [this.#basalt, this.#feed, next, ...this.#tellers];
    this.#sets = new ValidatorSets([this.#amber, ...others]);
    const [schema, id, clock] = [relay, documentId("cross-chain-relay"), this.#clock];
    this.#relayers = ["rita", "raul", "rosa"].map(
      (name) => new Participant({ name, seed, schema, id, clock }),
    );
    this.#mesh = new Mesh(this.#relayers, { clock, random: this.#random.split("mesh"), loss: 0.2 });
  }

  tell(): void {
    const block = this.#sending();
    this.#forging(block);
    this.#twoRoots();
    this.#delivery();
    this.#prices();
    this.#told();
    this.#end();
  }

  #sending(): Block {
    title("Amber sends three messages to Basalt; validators sign, relayers carry");
    const block = blockOf([
      this.#message(7n, 2n, "mint 40 to bob"),
      this.#message(7n, 1n, "mint 25 to ann"),
      this.#message(7n, 3n, "pause the bridge"),
    ]);
    this.#carry(0, block.records, this.#wordOf(block, ["vera"]));
    this.#show();
    this.#carry(1, [], this.#wordOf(block, ["viktor"]));
    this.#carry(2, block.records, this.#wordOf(block, ["vito"]));
    this.#show();
    prove(
      pendingFor(this.#view, "basalt").length === 3,
      "70 of 100 stake signed the messages, and the root of their proofs",
    );
    return block;
  }

  #forging(block: Block): void {
    title("Mallory has 30 of the 100, and an accomplice who carries for her");
    const forged = blockOf([this.#message(8n, 4n, "mint 1000000 to mallory")]);
    this.#carry(1, forged.records, this.#wordOf(forged, ["mallory"]));
    say("mallory  signs a message that Amber never sent, and a root for it");
    const [, genuine] = block.records as [MessageRecord, MessageRecord, MessageRecord];
    this.#carry(1, [{ ...genuine, payload: new TextEncoder().encode("mint 99 to eve") }], []);
    say("raul     her accomplice, says that message 1 reads otherwise");
    this.#show();
    const isSafe = this.#view.messages.every(
      ({ state, nonce }) => state === "waiting" || nonce <= 3n,
    );
    prove(isSafe, "what Amber never sent waits for ever: 30 of 100 is not two thirds");

    // The tree of three: an inner node over the first two, beside the third. It stands in the third's proof.
    const [first, , third] = block.records as [MessageRecord, MessageRecord, MessageRecord];
    const proof = { index: 0, count: 2, path: [first.siblings.subarray(32)] };
    const leads = blockTrees.rootFrom(third.siblings, proof);
    prove(
      leads === null || toHex(leads) !== toHex(block.root),
      "an inner node of the tree, shown as a message, leads to another root",
    );
    const late = blockOf([this.#message(107n, 5n, "mint 70 to vera")]);
    this.#carry(2, late.records, this.#wordOf(late, HONEST));
    const { messageStake } = this.#view.messages.find(({ nonce }) => nonce === 5n)!;
    prove(messageStake === 0n, "signatures of epoch 1 count for nothing in a block of epoch 2");
  }

  #twoRoots(): void {
    title("Mallory signs two roots for block 9, one for each side of a partition");
    const [rita, raul, rosa] = this.#relayers as [Relayer, Relayer, Relayer];
    const real = blockOf([this.#message(9n, 6n, "mint 5 to cem")]);
    const other = blockOf([this.#message(9n, 6n, "mint 5 to mallory")]);
    this.#mesh.part([rita], [raul, rosa]);
    this.#carry(0, real.records, this.#wordOf(real, ["vera", "mallory"]));
    this.#carry(1, other.records, this.#wordOf(other, ["mallory"]));
    say(`rita's side knows of ${viewOf(rita.document, this.#sets).evidence.length} lies`);
    this.#mesh.heal();
    this.#carry(2, [], this.#wordOf(real, ["viktor", "vito"]));
    this.#show(9n);
    const { conflicts, evidence } = this.#view;
    for (const { first, second } of evidence) {
      const [one, two] = [first, second].map(({ body }) => toHex(body).slice(0, 8));
      const about = first.kind === "root" ? "block" : "nonce";
      say(`evidence ${this.#nameOf(first)}: ${about} ${first.number} is ${one}… and ${two}…`);
    }
    say(`conflict ${conflicts.map(({ source, nonce }) => `${source}, nonce ${nonce}`).join("; ")}`);
    prove(
      evidence.length === 2 &&
        evidence.every((one) => isEvidence(one) && this.#nameOf(one.first) === "mallory"),
      "anyone verifies the evidence from its bytes; it names Mallory alone",
    );
  }

  #delivery(): void {
    title("Basalt delivers in the order of (block, nonce); receipts say so");
    const queue = pendingFor(this.#view, "basalt");
    for (const { block, nonce, payload } of queue) {
      say(`block ${block}, nonce ${nonce}: ${new TextDecoder().decode(payload)}`);
    }
    const done = queue.slice(0, 2);
    const receipts = done.flatMap((message) =>
      HONEST.map((name) => receiptOf(message, 3n, this.#basalt, this.#keys[name])),
    );
    const lie = receiptOf(queue[2]!, 3n, this.#basalt, this.#keys.mallory);
    this.#carry(0, [], [...receipts, lie]);
    this.#show();
    const left = pendingFor(this.#view, "basalt").map(({ nonce }) => nonce);
    prove(
      left.join() ===
        queue
          .slice(2)
          .map(({ nonce }) => nonce)
          .join(),
      `delivered are ${done.length}; a receipt by Mallory alone delivers nothing`,
    );
    const start = BigInt(Clock.START);
    const inWindow = messagesBetween(this.#view, start + 7_000n, start + 8_000n);
    say(`in the window of blocks 7 and 8: ${inWindow.length} messages`);
  }

  #prices(): void {
    title("A price on the same rails: the median by stake of what validators report");
    const values = { vera: 200_050n, viktor: 200_120n, vito: 199_980n, mallory: 240_000n };
    for (const [name, value] of Object.entries(values) as [Name, bigint][]) {
      this.#carry(0, [], [reportOf(value, 1n, this.#feed, this.#keys[name])]);
      say(`${name.padEnd(8)} ${String(VALIDATORS[name]).padStart(3)} stake  ${dollars(value)}`);
    }
    const before = medianOf(factsIn(this.#first.document), this.#sets, FEED, 1n)!;
    say(`median   ${dollars(before.value)}, of ${before.stake} stake`);
    this.#carry(1, [], [reportOf(160_000n, 1n, this.#feed, this.#keys.mallory)]);
    say(`mallory   30 stake  ${dollars(160_000n)}, for the same round`);
    const after = medianOf(factsIn(this.#first.document), this.#sets, FEED, 1n)!;
    say(`median   ${dollars(after.value)}, of ${after.stake} stake: she counts for neither`);
    prove(
      [before, after].every(({ value }) => value >= values.vito && value <= values.viktor),
      "both medians lie among what the honest reported",
    );
  }

  #told(): void {
    title("Three chains tell Basalt what ether costs there; Flint is Mallory's");
    const time = BigInt(Clock.START) + 20_000n;
    const question = { destination: "basalt", pair: FEED, from: time, to: time, least: 3 };
    const told = Object.entries(TOLD).map(([source, value], at) => {
      say(`${source.padEnd(8)} ${dollars(value)}`);
      const payload = encodePrice({ pair: FEED, value });
      const message = { source, destination: "basalt", block: 1n, nonce: 1n, time, payload };
      const block = blockOf([message]);
      const words = HONEST.concat("mallory").flatMap((name) =>
        attestationsOf(block, this.#tellers[at]!, this.#keys[name]),
      );
      this.#carry(at, block.records, words);
      return medianOfMessages(this.#view, question);
    });
    const { value, sources } = told.at(-1)!;
    say(`median   ${dollars(value)}, over the messages of ${sources} chains`);
    prove(
      told[1] === null && value >= TOLD.dolomite && value <= TOLD.cobalt,
      "it lies among what the honest chains say; two chains alone gave none",
    );
  }

  #end(): void {
    title(`The end: everything, to ${REPLICAS} new replicas, to each in another order`);
    const everything = scenario(this.#relayers);
    const replicas = replicasOf(everything, this.#random.split("delivery"), REPLICAS);
    const digests = new Set(
      replicas.map((replica) => {
        const json = canonicalJson(viewOf(replica, this.#sets) as unknown as Value);
        return toHex(sha256(new TextEncoder().encode(json)));
      }),
    );
    prove(
      digests.size === 1,
      `${REPLICAS} replicas of ${everything.groups.length} changes show the same`,
    );
    say(`view ${[...digests].join(" ")}`);
  }

  #message(block: bigint, nonce: bigint, text: string): Message {
    const time = BigInt(Clock.START) + 1_000n * block;
    const payload = new TextEncoder().encode(text);
    return { source: "amber", destination: "basalt", block, nonce, time, payload };
  }

  #wordOf(block: Block, names: readonly Name[]): SignedStatement[] {
    return names.flatMap((name) => attestationsOf(block, this.#amber, this.#keys[name]));
  }

  /** One relayer writes down what it has been given; then all who can reach each other compare. */
  #carry(at: number, records: readonly MessageRecord[], words: readonly SignedStatement[]): void {
    this.#relayers[at]!.change(({ messages, statements }) => {
      if (records.length > 0) messages.append(...records);
      if (words.length > 0) statements.append(...words);
    });
    this.#clock.advance(1_000);
    this.#mesh.settle();
  }

  get #first(): Relayer {
    return this.#relayers[0]!;
  }

  get #view() {
    return viewOf(this.#first.document, this.#sets);
  }

  /** Messages of one block, or of all, and how far they are. */
  #show(only?: bigint): void {
    const colours = {
      waiting: "yellow",
      pending: "cyan",
      delivered: "green",
      conflict: "red",
    } as const;
    const rows = this.#view.messages
      .filter(({ block }) => only === undefined || block === only)
      .map(({ block, nonce, payload, messageStake, rootStake, state }) => [
        String(block),
        String(nonce),
        new TextDecoder().decode(payload),
        String(messageStake),
        String(rootStake),
        paint(colours[state], state),
      ]);
    say(...table(["block", "nonce", "message", "signed", "root", "state"], rows));
  }

  #nameOf({ validator }: SignedStatement): string {
    const key = toHex(validator);
    return Object.entries(this.#keys).find(([, { publicKey }]) => toHex(publicKey) === key)![0];
  }
}

function dollars(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}
