/** One dishonest validator in four and dishonest relayers, delivered in other orders: nothing false is vouched for anywhere. */
import { documentId, toHex } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import { Clock, Participant, Random, reconcile, replicasOf, scenario } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  attestationsOf,
  blockOf,
  encodePrice,
  factsIn,
  isEvidence,
  medianOf,
  medianOfMessages,
  receiptOf,
  relay,
  reportOf,
  signed,
  viewOf,
} from "./index.ts";
import type { Block, MessageRecord, SignedStatement } from "./index.ts";
import { keysOf, messageOf, setOf, SETS } from "./world.model.ts";

type Relayer = Participant<typeof relay>;

const [amber, basalt, feed] = [setOf("amber"), setOf("basalt"), setOf("ETH/USD")];
const PRICES = [1_000n, 1_010n, 1_020n, 1_030n];

/** What Amber says that ether costs there, in the block with this number. */
const priceAt = (block: bigint): bigint => 1_000n + block;

/** What relayers carry: what honest validators signed, and whatever liars make up. */
class Week {
  readonly random: Random;
  /** The number of the dishonest validator, of every chain; no one has a third of the stake. */
  readonly liar: number;
  readonly honest: readonly Relayer[];
  readonly liars: readonly Relayer[];
  readonly blocks: readonly Block[];
  /** Digests in hex of messages that were delivered. */
  readonly delivered = new Set<string>();
  readonly #all: readonly Relayer[];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.liar = this.random.below(4);
    const [schema, id, clock] = [relay, documentId("relay"), new Clock()];
    const [rita, raul, mallory] = ["rita", "raul", "mallory"].map(
      (name) => new Participant({ name, seed, schema, id, clock }),
    ) as [Relayer, Relayer, Relayer];
    this.honest = [rita, raul];
    this.liars = [mallory, mallory.twin()];
    this.#all = [...this.honest, ...this.liars];
    let nonce = 0n;
    this.blocks = [1n, 2n, 3n].map((block) =>
      blockOf([
        ...Array.from({ length: this.random.between(1, 4) }, () =>
          messageOf(nonce++, `real ${nonce}`, block),
        ),
        {
          ...messageOf(nonce++, "", block),
          payload: encodePrice({ pair: "ETH/USD", value: priceAt(block) }),
        },
      ]),
    );
  }

  get records(): readonly MessageRecord[] {
    return this.blocks.flatMap(({ records }) => records);
  }

  run(): void {
    const [messages, statements] = [this.records, this.#honestWord()];
    for (const statement of this.random.shuffled(statements)) {
      this.#carry(this.random.pick(this.honest), [], [statement]);
      if (this.random.chance(0.1)) this.#carry(this.random.pick(this.honest), [], [statement]);
      if (this.random.chance(0.5)) this.#lie(this.random.pick(this.liars), statement);
      const [one, other] = this.random.shuffled(this.#all);
      if (this.random.chance(0.2)) reconcile(one!.document, other!.document);
    }
    for (const record of this.random.shuffled(messages)) {
      this.#carry(this.random.pick(this.honest), [record], []);
    }
  }

  #honestWord(): SignedStatement[] {
    const statements: SignedStatement[] = [];
    const receivers = this.records.filter(() => this.random.chance(0.5));
    for (const at of [0, 1, 2, 3].filter((validator) => validator !== this.liar)) {
      const [source, destination, oracle] = this.#keysOf(at);
      for (const block of this.blocks) statements.push(...attestationsOf(block, amber, source));
      for (const record of receivers) statements.push(receiptOf(record, 9n, basalt, destination));
      statements.push(reportOf(PRICES[at]!, 1n, feed, oracle));
    }
    for (const { records, root } of this.blocks) {
      for (const record of records) {
        if (receivers.includes(record)) this.delivered.add(`${toHex(root)} ${record.nonce}`);
      }
    }
    return statements;
  }

  #keysOf(at: number): readonly [KeyPair, KeyPair, KeyPair] {
    return [keysOf("amber")[at]!, keysOf("basalt")[at]!, keysOf("ETH/USD")[at]!];
  }

  #carry(who: Relayer, records: readonly MessageRecord[], words: readonly SignedStatement[]): void {
    who.change(({ messages, statements }) => {
      if (records.length > 0) messages.append(...records);
      if (words.length > 0) statements.append(...words);
    });
  }

  /** Forged messages, other roots, others' words bent, replays, receipts for nothing, absurd prices. */
  #lie(who: Relayer, word: SignedStatement): void {
    const { random } = this;
    const [source, destination, oracle] = this.#keysOf(this.liar);
    const real = random.pick(this.records);
    const forged = blockOf([
      messageOf(real.nonce, "all to mallory", real.block),
      {
        ...messageOf(BigInt(random.between(50, 99)), "", real.block),
        payload: encodePrice({ pair: "ETH/USD", value: 10n ** 9n }),
      },
    ]);
    const act = random.below(7);
    if (act === 0) this.#carry(who, forged.records, attestationsOf(forged, amber, source));
    else if (act === 1) {
      const bent = random.pick<Partial<SignedStatement>>([
        { body: random.bytes(32) },
        { number: word.number + 1n },
        { validator: source.publicKey },
        { signature: random.bytes(64) },
        { set: random.bytes(32) },
        { chain: "__proto__" },
        { number: -(2n ** 200n) },
      ]);
      this.#carry(who, [], [{ ...word, ...bent }]);
    } else if (act === 2) {
      this.#carry(who, [{ ...real, index: random.below(4), siblings: random.bytes(32) }], []);
    } else if (act === 3) {
      const receipts = forged.records.map((record) => receiptOf(record, 9n, basalt, destination));
      this.#carry(who, [], [receiptOf(real, 9n, basalt, destination), ...receipts]);
    } else if (act === 4) {
      const value = random.pick([0n, 1n, 2n ** 127n]);
      this.#carry(who, [], [reportOf(value, 1n, feed, oracle)]);
    } else if (act === 5) {
      const { kind, chain, set, number } = word;
      const body = kind === "report" ? random.bytes(16) : random.bytes(32);
      this.#carry(who, [], [signed({ kind, chain, set, number, body }, source)]);
    } else this.#carry(who, [real], [word, word]);
  }
}

test("nothing false is vouched for, and all that is true is, on every replica alike", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const week = new Week(seed);
      week.run();
      const everybody = [...week.honest, ...week.liars];
      const replicas = replicasOf(scenario(everybody), new Random(seed).split("delivery"), 3);
      const views = replicas.map((replica) => viewOf(replica, SETS));
      const [view] = views as [(typeof views)[0]];
      for (const other of views) expect(other).toEqual(view);
      // Safety, on the whole and on every part that somebody has: only what was sent.
      const sent = new Set(week.records.map(({ nonce, payload }) => `${nonce} ${toHex(payload)}`));
      for (const { messages } of [view, ...everybody.map((who) => viewOf(who.document, SETS))]) {
        for (const { state, nonce, payload } of messages) {
          if (!sent.has(`${nonce} ${toHex(payload)}`)) expect(state).toBe("waiting");
        }
      }
      // Liveness: all that was sent, and delivered is what was delivered.
      const vouched = view.messages.filter(({ state }) => state !== "waiting");
      expect(vouched.map(({ nonce }) => nonce)).toEqual(week.records.map(({ nonce }) => nonce));
      for (const { state, root, nonce } of vouched) {
        expect(state).toBe(week.delivered.has(`${root} ${nonce}`) ? "delivered" : "pending");
      }
      // Nobody honest is convicted.
      const liars = ["amber", "basalt", "ETH/USD"].map((chain) =>
        toHex(keysOf(chain)[week.liar]!.publicKey),
      );
      for (const evidence of view.evidence) {
        expect(isEvidence(evidence)).toBe(true);
        expect(liars).toContain(toHex(evidence.first.validator));
      }
      const question = { destination: "basalt", pair: "ETH/USD", from: 0n, least: 1 };
      for (const block of [1n, 2n, 3n]) {
        const told = medianOfMessages(view, { ...question, to: 1_000n * block });
        expect(told).toEqual({ value: priceAt(block), sources: 1 });
      }
      const medians = replicas.map((replica) => medianOf(factsIn(replica), SETS, "ETH/USD", 1n));
      for (const median of medians) {
        expect(median).toEqual(medians[0]);
        const honest = PRICES.filter((_, at) => at !== week.liar);
        expect(median!.value >= honest[0]! && median!.value <= honest.at(-1)!).toBe(true);
      }
    }),
    runs(6),
  );
});
