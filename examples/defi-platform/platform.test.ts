import { decodeValue, encodeValue } from "bft-json-crdt";
import type { RelayedMessage, RelayView } from "example-cross-chain-relay";
import { Clock, Random, reconcile } from "example-kit";
import { stateOf } from "example-identity";
import { operate } from "example-state-channel";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeAlert, pausesOf } from "./alerts.ts";
import type { Platform } from "./platform.ts";
import { textOf } from "./platform.ts";
import { PARTIES, World } from "./world.ts";

const YEAR = 31_557_600_000;

/** A world in which everybody has money and the oracles have spoken. */
function opened(seed: string): World {
  const world = new World(seed, new Clock());
  world.attest(PARTIES);
  for (const name of PARTIES) {
    world.deposit(name, "usd", 500_000n);
    world.deposit(name, "eth", 2_000n);
  }
  world.observe(2_000);
  world.advance(world.platform().price!);
  operate(world.parties.Lena, { kind: "supply", amount: 400_000n });
  world.settle();
  return world;
}

/** Random activity of the parties, of whom Mallory has a twin; returns whether the market should be paused. */
function live(world: World, random: Random, steps: number): { isPaused: boolean; price: number } {
  const twin = world.parties.Mallory.twin();
  const members = [...Object.values(world.parties), twin];
  let isPaused = false;
  let price = 2_000;
  for (let step = 0; step < steps; step++) {
    const member = random.pick(members);
    const name = random.pick(PARTIES);
    const amount = BigInt(random.between(1, 300_000));
    const acts = [
      () => operate(member, { kind: "borrow", amount, collateral: BigInt(random.below(2_000)) }),
      () =>
        operate(member, {
          kind: "transfer",
          asset: random.pick(["usd", "eth", "__proto__"]),
          amount: random.pick([amount, -amount, 2n ** 200n]),
          to: world.parties[name].author,
        }),
      () => {
        const [loan] = world.platform().loans;
        operate(member, { kind: "liquidate", target: loan?.id ?? "none" });
      },
      () => {
        const side = random.pick(["buy", "sell"] as const);
        world.order(name, side, BigInt(random.between(1, 900)), BigInt(random.between(150, 250)));
        world.match(random.pick(PARTIES));
      },
      () => {
        price = random.between(1_200, 2_600);
        world.observe(price);
        world.advance(world.platform().price!);
      },
      () => {
        const signers = random.below(5);
        const alert = random.pick(["pause", "resume"] as const);
        world.alert(alert, signers);
        if (signers >= 3) isPaused = alert === "pause";
      },
      () => {
        // A receipt that the chain has not signed.
        const receipt = { epoch: 99, price: 1n, signature: new Uint8Array(64) };
        member.change(({ epochs }) => epochs.append(receipt));
      },
      () => world.agree(),
    ];
    random.pick(acts)();
    if (random.chance(0.5)) reconcile(twin.document, world.parties[name].document);
  }
  reconcile(twin.document, world.parties.Lena.document);
  world.settle();
  world.observe(price);
  return { isPaused, price };
}

describe("the platform", () => {
  it("looks the same on all replicas, keeps all money, and believes no liar", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const world = opened(`property ${seed}`);
        expect(world.agree()).toBe(true);
        const random = new Random(seed);
        const { isPaused, price } = live(world, random, 10);
        const { documents } = world.replicas(random, 3, []);
        const [first, ...others] = documents.map((replica) => world.platform(replica));
        for (const other of others) expect(textOf(other)).toBe(textOf(first!));
        expect(textOf(world.platform())).toBe(textOf(first!));
        holds(world, first!);
        expect(first!.pauses.length > 0).toBe(isPaused);
        // Two of seven oracles lie; noise and rounding are below a percent.
        expect(Math.abs(Number(first!.price) * 10 - price)).toBeLessThanOrEqual(price / 100);
      }),
      runs(3),
    );
  });

  function holds(world: World, { channel, book, excluded }: Platform): void {
    for (const asset of ["usd", "eth"] as const) {
      expect(channel.ledger.total(asset)).toBe(world.chain.vault(asset));
      for (const { author } of Object.values(world.parties)) {
        expect(channel.ledger.balance(author, asset)).toBeGreaterThanOrEqual(0n);
      }
    }
    for (const { amount, filled } of book.orders.values()) {
      expect(filled).toBeLessThanOrEqual(amount);
    }
    const liars = world.oracles.slice(-2).map((it) => it.participant.author);
    for (const oracle of excluded.keys()) expect(liars).toContain(oracle);
    expect(excluded.has(liars[1]!)).toBe(true);
  }

  it("admits whom the registrar attests, for as long as it does", () => {
    const world = new World("admission", new Clock());
    world.attest(PARTIES.filter((name) => name !== "Bob"));
    world.observe(2_000);
    const bob = world.people.get("Bob")!;
    const own = stateOf(bob.author, { guardians: [], threshold: 0, override: 0, wait: 0 }).id;
    for (const from of [own, world.terms.admission.at.from[0]!]) {
      const record = { from, subject: own, claim: "kyc", confidence: 10_000 };
      bob.change(({ attestations }) => attestations.append(record));
    }
    world.settle();
    const admitted = (now: number): string[] =>
      world
        .platform(world.documents, now)
        .admissions.filter(({ isAdmitted }) => isAdmitted)
        .map(({ party }) => world.nameOf(party))
        .sort();
    const all = ["Kay", "Lena", "Mallory", "Tom"];
    expect(admitted(world.clock.now)).toEqual(all);
    expect(world.platform().objections).toEqual([`${world.parties.Bob.author} is not admitted`]);
    expect(admitted(world.clock.now + YEAR)).toEqual([]);
    world.attest(["Bob"]);
    expect(world.platform().objections).toEqual([]);
  });

  it("objects to a price that the chain has and the oracles have not, and to none at all", () => {
    const world = opened("objections");
    expect(world.platform().objections).toEqual([]);
    expect(world.agree()).toBe(true);
    world.observe(2_100);
    const { price, channel, objections } = world.platform();
    expect(price).toBeGreaterThan(channel.ledger.price);
    expect(objections).toEqual([`the chain says ${channel.ledger.price}, the oracles ${price}`]);
    expect(world.agree()).toBe(false);
    world.advance(price!);
    expect(world.platform().objections).toEqual([]);
    expect(world.agree()).toBe(true);
    const later = world.clock.now + 3_600_000;
    expect(world.platform(world.documents, later)).toMatchObject({
      price: null,
      objections: ["the oracles have no price"],
    });
    world.clock.advance(3_600_000);
    expect(world.platform().objections).toEqual(["the oracles have no price"]);
    world.observe(2_100);
    expect(world.platform().objections).toEqual([]);
  });

  it("signs nothing more once a party has signed two histories", () => {
    const world = opened("equivocation");
    const twin = world.parties.Mallory.twin();
    const payment = { kind: "transfer", asset: "usd", amount: 500_000n };
    operate(world.parties.Mallory, { ...payment, to: world.parties.Bob.author });
    operate(twin, { ...payment, to: world.parties.Kay.author });
    world.settle();
    expect(world.platform().equivocators).toEqual([]);
    reconcile(twin.document, world.parties.Kay.document);
    world.settle();
    const { equivocators, channel, objections } = world.platform();
    expect(equivocators).toEqual([world.parties.Mallory.author]);
    expect(channel.doubleSpends).toHaveLength(1);
    expect(objections).toHaveLength(2);
    expect(world.agree()).toBe(false);
  });

  it("unsafe loans are paid by others, who get the security at the oracles' price", () => {
    const world = opened("liquidation");
    const { Bob, Kay } = world.parties;
    const loan = operate(Bob, { kind: "borrow", amount: 190_000n, collateral: 2_000n });
    world.settle();
    const first = world.platform();
    const percent = (190_000n * 100n) / (2_000n * first.price!);
    expect(first.loans).toMatchObject([{ id: loan, debt: 190_000n, percent }]);
    expect(world.agree()).toBe(true);
    operate(Kay, { kind: "liquidate", target: loan });
    world.settle();
    expect(world.platform().loans).toHaveLength(1);
    world.observe(1_200);
    const { price } = world.platform();
    expect(world.platform().loans[0]!.percent).toBeGreaterThan(75n);
    // What nobody has signed yet is judged by the chain's newest price.
    world.advance(price!);
    const { loans, channel } = world.platform();
    expect(loans).toEqual([]);
    // One percent of interest after an epoch; 105 percent of all that in eth, rounded up.
    const debt = 191_900n;
    const seized = (debt * 105n + 100n * price! - 1n) / (100n * price!);
    expect(channel.ledger.balance(Kay.author, "usd")).toBe(500_000n - debt);
    expect(channel.ledger.balance(Kay.author, "eth")).toBe(2_000n + seized);
    expect(channel.ledger.balance(Bob.author, "eth")).toBe(2_000n - seized);
    // What was borrowed stays borrowed.
    expect(channel.ledger.balance(Bob.author, "usd")).toBe(500_000n + 190_000n);
  });
});

describe("alerts", () => {
  const message = (nonce: number, rest: Partial<RelayedMessage>): RelayedMessage => ({
    source: "bridge",
    destination: "here",
    block: BigInt(nonce),
    nonce: BigInt(nonce),
    time: 0n,
    payload: encodeAlert("pause"),
    digest: `${nonce}`,
    root: "",
    messageStake: 3n,
    rootStake: 3n,
    total: 4n,
    state: "pending",
    ...rest,
  });
  const paused = (...messages: RelayedMessage[]): string[] => {
    const view: RelayView = { messages, conflicts: [], evidence: [], ignored: [] };
    return pausesOf(view, "here").map(({ source }) => source);
  };
  const resume = encodeAlert("resume");

  it("pause the market until the same chain lets it go on", () => {
    expect(paused()).toEqual([]);
    expect(paused(message(0, {}))).toEqual(["bridge"]);
    expect(paused(message(0, { state: "delivered" }))).toEqual(["bridge"]);
    expect(paused(message(0, {}), message(1, { payload: resume }))).toEqual([]);
    expect(paused(message(0, {}), message(1, { payload: resume, source: "other" }))).toEqual([
      "bridge",
    ]);
    expect(paused(message(0, {}), message(1, { payload: resume }), message(2, {}))).toEqual([
      "bridge",
    ]);
  });

  it("count only when they are vouched for, meant for here, and say so", () => {
    expect(paused(message(0, { state: "waiting" }))).toEqual([]);
    expect(paused(message(0, { destination: "there" }))).toEqual([]);
    for (const payload of [
      new Uint8Array(),
      new Uint8Array(9).fill(255),
      encodeAlert("x" as "pause"),
      encodeValue(["pause", "BTC/USD"]),
    ]) {
      expect(paused(message(0, { payload }))).toEqual([]);
    }
    expect(decodeValue(resume)).toEqual({ ok: true, value: ["resume", "ETH/USD"] });
  });

  it("are made by three of four validators with equal stakes, and not by two", () => {
    const world = new World("stake", new Clock());
    world.alert("pause", 2);
    expect(world.platform().pauses).toEqual([]);
    world.alert("pause", 3);
    expect(world.platform().objections).toContain("bridge has paused the market");
    world.alert("resume", 1); // the one that did not sign
    expect(world.platform().pauses).toHaveLength(1);
  });

  it("stop where validators have vouched for two messages with one number", () => {
    expect(paused(message(0, { state: "conflict", payload: resume }))).toEqual(["bridge"]);
  });
});
