import { documentId } from "bft-json-crdt";
import { Clock, Participant, Random } from "example-kit";
import {
  aggregate,
  exportedAt,
  MAX_PRICE,
  Oracle,
  PRICE_UNIT,
  rulesFor,
  schema,
  timeWeightedMean,
  viewOf,
} from "example-oracle-network";
import type { Aggregate, ExportedAttestation, Timed } from "example-oracle-network";
import { describe, expect, it } from "vitest";
import { argumentOf, attest, digestOf, domainOf, statementOf } from "./attestation.ts";
import type { Attestation, Statement } from "./attestation.ts";
import { bytes32Of, Chain, ETHER } from "./chain.ts";
import type { Account, Receipt, RevertError } from "./chain.ts";
import { artifacts } from "./compiled.model.ts";
import { deploy, reasonOf, termsOf } from "./deployment.ts";
import type { Terms } from "./deployment.ts";
import { hex, signHash } from "./ethereum.ts";
import type { Hex } from "./ethereum.ts";

const START = 1_767_225_600n;
const PAIR = bytes32Of("ETH/USD");
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const TERMS = {
  quorum: 3n,
  faults: 1n,
  leastConfidence: 6_000n,
  leastSources: 2n,
  maxAge: 60n,
  maxLead: 15n,
  tolerance: 200n,
};

const dollars = (amount: number): bigint => BigInt(amount) * PRICE_UNIT;

/** A chain with contracts for some oracles, sorted by address. */
async function world(terms: Partial<Terms> = {}, oracleCount = 5, chainId = 31_337n) {
  const chain = await Chain.create(chainId, START);
  const owner = await chain.account("deployer");
  const oracles: Account[] = [];
  for (let i = 0; i < oracleCount; i++) oracles.push(await chain.account(`oracle ${i}`));
  oracles.sort((a, b) => (a.address < b.address ? -1 : 1));
  const deployment = await deploy(chain, artifacts, owner, {
    pair: "ETH/USD",
    oracles: oracles.map(({ address }) => address),
    ...TERMS,
    ...terms,
  });
  const domain = domainOf(chain.id, deployment.aggregator);
  return { chain, owner, oracles, deployment, domain };
}
type World = Awaited<ReturnType<typeof world>>;

function say(
  { domain, chain, oracles }: World,
  oracle: number,
  said: Partial<Omit<Statement, "oracle">> = {},
): Attestation {
  const { secretKey } = oracles[oracle]!;
  const usual = { pair: PAIR, nonce: 1n, time: chain.time, price: dollars(2_000) };
  return attest({ ...usual, confidence: 9_000n, sources: 3n, ...said }, secretKey, domain);
}

function submit(
  { chain, owner, deployment }: World,
  batch: readonly Attestation[],
): Promise<Receipt> {
  return chain.send(owner, deployment.aggregator, "submit", [PAIR, batch.map(argumentOf)]);
}

function sorted(batch: readonly Attestation[]): Attestation[] {
  return [...batch].sort((a, b) => (a.oracle < b.oracle ? -1 : 1));
}

/** One round at a price. */
async function price(at: World, amount: bigint, nonce: bigint): Promise<void> {
  const batch = [0, 1, 2].map((oracle) => say(at, oracle, { price: amount, nonce }));
  expect(reasonOf(await submit(at, batch))).toBe("none");
}

describe("an attestation", () => {
  it("has on the chain the digest that is signed off the chain", async () => {
    const at = await world();
    const attestation = say(at, 0);
    const [digest] = await at.chain.call(at.deployment.aggregator, "digest", [
      argumentOf(attestation),
    ]);
    expect(digest).toBe(hex(digestOf(attestation, at.domain)));
    expect(
      reasonOf(
        await submit(
          at,
          [0, 1, 2].map((oracle) => say(at, oracle)),
        ),
      ),
    ).toBe("none");
  });

  it("is refused with the error that says why, and then nothing of its batch is kept", async () => {
    const at = await world();
    const { chain, oracles } = at;
    const good = (nonce: bigint): Attestation[] => [0, 1, 2].map((i) => say(at, i, { nonce }));
    expect(reasonOf(await submit(at, good(1n)))).toBe("none");
    const [a, b, c] = good(2n) as [Attestation, Attestation, Attestation];
    const stranger = await chain.account("stranger");
    const strangers = attest({ ...b, nonce: 2n }, stranger.secretKey, at.domain);
    const upper = ORDER - BigInt(b.signature.s);
    const flipped: Hex = `0x${upper.toString(16).padStart(64, "0")}`;
    const forged = { ...b, price: b.price + 1n };
    const [one, other] = [oracles[1]!.address, oracles[2]!.address];
    const cases: readonly (readonly [string, readonly unknown[], readonly Attestation[]])[] = [
      ["TooFew", [2n], [a, b]],
      ["TooMany", [33n], Array.from({ length: 33 }, () => a)],
      ["Replayed", [oracles[0]!.address, 1n], good(1n)],
      ["Replayed", [one, 1n], [a, say(at, 1), c]],
      ["Duplicate", [one], [a, b, b]],
      ["Duplicate", [one], [a, b, say(at, 1, { nonce: 3n })]],
      ["NotSorted", [one], [a, c, b]],
      ["Stale", [one, START - 61n], [a, say(at, 1, { nonce: 2n, time: START - 61n }), c]],
      ["FromTheFuture", [one, START + 16n], [a, say(at, 1, { nonce: 2n, time: START + 16n }), c]],
      ["OutOfRange", [one], [a, say(at, 1, { nonce: 2n, price: 0n }), c]],
      ["TooFewSources", [one, 1n], [a, say(at, 1, { nonce: 2n, sources: 1n }), c]],
      ["OutOfRange", [one], [a, say(at, 1, { nonce: 2n, confidence: 5_999n }), c]],
      ["OutOfRange", [one], [a, say(at, 1, { nonce: 2n, confidence: 10_001n }), c]],
      ["OtherPair", [one], [a, say(at, 1, { nonce: 2n, pair: bytes32Of("BTC/USD") }), c]],
      ["BadSignature", [one], [a, { ...b, signature: { ...b.signature, v: 29 } }, c]],
      ["BadSignature", [one], [a, { ...b, signature: { ...b.signature, s: flipped } }, c]],
      // Signed by another registered oracle, in the name of this one.
      [
        "WrongSigner",
        [one, other],
        [a, { ...b, signature: signHash(digestOf(b, at.domain), oracles[2]!.secretKey) }, c],
      ],
    ];
    for (const [name, args, batch] of cases) {
      expect((await submit(at, batch)).error, name).toEqual({ name, args });
    }
    // A change of what was signed makes the signature that of an address which nobody knows.
    const altered = (await submit(at, [a, forged, c])).error;
    expect(altered?.name).toBe("WrongSigner");
    expect(oracles.map(({ address }) => address)).not.toContain(altered?.args[1]);
    const unknown = (await submit(at, sorted([a, strangers, c]))).error;
    expect(unknown).toEqual({ name: "UnknownOracle", args: [stranger.address] });
    // None of these has used up a nonce, and the bounds themselves are inside.
    const edges = [
      say(at, 0, { nonce: 2n, time: START - 60n, sources: 2n, confidence: 6_000n }),
      say(at, 1, { nonce: 2n, time: START + 15n, price: dollars(1_960), confidence: 10_000n }),
      c,
    ];
    expect(reasonOf(await submit(at, edges))).toBe("none");
    expect(await chain.call(at.deployment.aggregator, "roundCount", [PAIR])).toEqual([2n]);
  });

  it("is worth nothing on another contract or another chain", async () => {
    const at = await world();
    const batch = [0, 1, 2].map((oracle) => say(at, oracle));
    const elsewhere = await world({}, 5, 1n);
    expect(elsewhere.deployment.aggregator.address).toBe(at.deployment.aggregator.address);
    expect(reasonOf(await submit(elsewhere, batch))).toBe("WrongSigner");
    const again = await deploy(at.chain, artifacts, at.owner, {
      pair: "ETH/USD",
      oracles: at.oracles.map(({ address }) => address),
      ...TERMS,
    });
    expect(reasonOf(await submit({ ...at, deployment: again }, batch))).toBe("WrongSigner");
    expect(reasonOf(await submit(at, batch))).toBe("none");
  });
});

/** What the contract shall make of what a document exports. */
function modelOf(exported: readonly ExportedAttestation[]): Aggregate | null {
  const rules = { minimumOracles: Number(TERMS.quorum), tolerance: TERMS.tolerance };
  const observations = exported.map(({ price, confidence }) => {
    return { price, confidence: BigInt(confidence), weight: BigInt(confidence) };
  });
  return aggregate(observations, rules);
}

/** What oracles that say anything at all write into a document, and what it exports at each of so many times. */
function exportedSets(random: Random, count: number): readonly ExportedSet[] {
  const clock = new Clock();
  const join = (name: string): Participant<typeof schema> =>
    new Participant({ name, seed: "sets", schema, id: documentId("sets"), clock });
  const reader = join("reader");
  const oracles = Array.from({ length: 7 }, (_, i) => new Oracle(join(`${i}`), random));
  for (const { participant } of oracles) {
    participant.onChange((groups) => groups.forEach((group) => reader.document.receive(group)));
  }
  const times: number[] = [];
  for (let set = 0; set < count; set++) {
    clock.advance(1_000 * random.pick([10, 10, 20, 600]));
    const time = clock.now / 1_000;
    times.push(time);
    const speakers = random.shuffled(oracles).slice(0, random.pick([3, 4, 4, 4, 5, 7]));
    const prices = pricesOf(random, speakers.length);
    speakers.forEach((oracle, i) => {
      oracle.behaviour = { confidence: random.between(6_000, 10_000) };
      const quote = { pair: "ETH/USD", price: prices[i]!, volume: 1, time };
      const quotes = ["one.example", "two.example"].map((source) => ({ source, ...quote }));
      oracle.observe(time, [{ pair: "ETH/USD", quotes }]);
    });
  }
  const members = oracles.map(({ participant }) => participant.author);
  const rules = rulesFor(members, { roundSeconds: 10, maximumAge: 9 });
  const view = viewOf(reader.document, rules, times.at(-1)!);
  return times.map((now) => {
    const exported = exportedAt({ ...view, now }, "ETH/USD");
    return { time: BigInt(now), members, exported };
  });
}

interface ExportedSet {
  /** Seconds since 1970. */
  readonly time: bigint;
  readonly members: readonly string[];
  readonly exported: readonly ExportedAttestation[];
}

/** Prices of several kinds: close together, with ties, with outliers, and of any size. */
function pricesOf(random: Random, count: number): bigint[] {
  const middle = random.between(1, 4_000_000);
  const kinds = {
    close: () => BigInt(Math.round(middle * random.normal(100_000, 500))),
    ties: () => BigInt(middle + random.below(4)),
    outliers: () => BigInt(middle * (random.chance(0.4) ? random.between(1, 300) : 100)),
    any: () => BigInt(hex(random.bytes(random.between(1, 12)))) + 1n,
  };
  const one = random.pick(Object.values(kinds));
  return Array.from({ length: count }, () => {
    const drawn = one();
    return drawn < 1n ? 1n : drawn > MAX_PRICE ? MAX_PRICE : drawn;
  });
}

describe("a round", () => {
  it("is to the last digit what TypeScript makes of what a document exports, in 200 random sets", async () => {
    const at = await world({}, 7);
    const { chain, deployment } = at;
    const random = new Random("200 sets");
    const rounds: Timed[] = [];
    const outcomes = { kept: 0, rejected: 0, refused: 0 };
    for (const { time, members, exported } of exportedSets(random, 200)) {
      chain.time = time;
      expect(exported.length).toBeGreaterThanOrEqual(3);
      const batch = exported.map((said) => {
        const { secretKey } = at.oracles[members.indexOf(said.oracle)]!;
        return attest(statementOf(said), secretKey, at.domain);
      });
      const { error, events } = await submit(at, sorted(batch));
      const model = modelOf(exported);
      if (model === null) {
        outcomes.refused++;
        expect(error?.name).toBe("TooFewAgree");
      } else {
        const { price: median, mean, deviation, confidence, kept, rejected } = model;
        outcomes.kept += kept.length;
        outcomes.rejected += rejected.length;
        const numbers = [median, mean, deviation, confidence, BigInt(kept.length)];
        expect(events).toEqual([{ name: "Priced", args: [PAIR, time, ...numbers] }]);
        rounds.push({ price: median, timestamp: Number(time) });
      }
    }
    expect(outcomes.kept).toBeGreaterThan(500);
    expect(outcomes.rejected).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(3);

    chain.time += 1_000n;
    const [start, end] = [rounds[0]!.timestamp, Number(chain.time) - 1];
    for (let window = 0; window < 100; window++) {
      const from = random.between(start, end - 1);
      const until = random.between(from + 1, end);
      const args = [PAIR, BigInt(from), BigInt(until)];
      expect(await chain.call(deployment.aggregator, "timeWeighted", args)).toEqual([
        timeWeightedMean(rounds, from, until),
      ]);
    }
  }, 300_000);

  it("overflows nowhere, with the most oracles at the greatest and the least price", async () => {
    const wide = { quorum: 16n, faults: 0n, leastConfidence: 1n, tolerance: 10_000n };
    const at = await world(wide, 32);
    const { chain, deployment } = at;
    const extremes = (nonce: bigint, greatest: number): Attestation[] =>
      at.oracles.map((_, i) =>
        say(at, i, { nonce, price: i < greatest ? MAX_PRICE : 1n, confidence: 10_000n }),
      );
    for (const [nonce, greatest] of [
      [1n, 16],
      [2n, 32],
    ] as const) {
      const { error, events, gas } = await submit(at, extremes(nonce, greatest));
      expect(error).toBeNull();
      expect(gas).toBeLessThan(2_000_000n);
      const half = greatest === 32 ? 0n : MAX_PRICE / 2n;
      expect(Number(events[0]?.args[4] as bigint) / Number(half || 1n)).toBeCloseTo(
        half ? 1 : 0,
        1,
      );
    }
    // The last price stands until the clock of a contract ends, in the year 8,921,556.
    chain.time = 2n ** 48n - 1n;
    expect(
      await chain.call(deployment.aggregator, "timeWeighted", [PAIR, START, 2n ** 48n - 2n]),
    ).toEqual([MAX_PRICE]);
  });

  it("has a median between honest prices whatever a liar says, and has none rather than another", async () => {
    const at = await world();
    const random = new Random("a liar");
    let priced = 0;
    for (let nonce = 1n; nonce <= 30n; nonce++) {
      const honest = Array.from({ length: random.between(2, 4) }, () =>
        BigInt(Math.round(random.normal(2_000, 20) * 1e8)),
      );
      const lie = random.pick([1n, MAX_PRICE, dollars(1_950), dollars(2_050), honest[0]!]);
      const batch = [
        say(at, 0, { nonce, price: lie, confidence: 10_000n }),
        ...honest.map((each, i) => say(at, i + 1, { nonce, price: each, confidence: 6_000n })),
      ];
      const { error, events } = await submit(at, batch);
      if (error === null) {
        priced++;
        const median = events[0]!.args[2] as bigint;
        expect(honest.some((each) => each <= median)).toBe(true);
        expect(honest.some((each) => each >= median)).toBe(true);
      } else expect(error.name).toBe("TooFewAgree");
    }
    expect(priced).toBeGreaterThan(15);
  });
});

describe("an oracle that contradicts itself", () => {
  it("loses its part by two statements under one nonce, and by nothing less", async () => {
    const at = await world();
    const { chain, owner, oracles, deployment } = at;
    const expose = (one: Attestation, other: Attestation): Promise<Receipt> =>
      chain.send(owner, deployment.aggregator, "expose", [argumentOf(one), argumentOf(other)]);
    const one = say(at, 1, { nonce: 7n });
    const other = say(at, 1, { nonce: 7n, price: dollars(2_400) });
    const liar = oracles[1]!.address;
    const forged = {
      ...other,
      signature: signHash(digestOf(other, at.domain), oracles[0]!.secretKey),
    };
    expect(reasonOf(await expose(one, one))).toBe("NoContradiction");
    expect(reasonOf(await expose(one, say(at, 1, { nonce: 8n, price: 1n })))).toBe(
      "NoContradiction",
    );
    expect(reasonOf(await expose(one, say(at, 2, { nonce: 7n, price: 1n })))).toBe(
      "NoContradiction",
    );
    expect(reasonOf(await expose(one, forged))).toBe("WrongSigner");
    expect(reasonOf(await expose(forged, one))).toBe("WrongSigner");
    const { error, events } = await expose(one, other);
    expect(error).toBeNull();
    expect(events).toEqual([{ name: "Exposed", args: [liar] }]);
    expect(reasonOf(await expose(one, other))).toBe("UnknownOracle");
    const batch = [0, 1, 2].map((oracle) => say(at, oracle, { nonce: 9n }));
    expect((await submit(at, batch)).error).toEqual({ name: "UnknownOracle", args: [liar] });
    expect(
      reasonOf(
        await submit(
          at,
          [0, 2, 3].map((i) => say(at, i, { nonce: 9n })),
        ),
      ),
    ).toBe("none");
  });
});

describe("the terms of an aggregator", () => {
  it("are refused when its faults could move the median, or an oracle is there twice", async () => {
    const chain = await Chain.create(31_337n, START);
    const owner = await chain.account("deployer");
    const address = (i: number): Hex => `0x${i.toString(16).padStart(40, "0")}`;
    const three = [address(1), address(2), address(3)];
    const reason = async (
      oracles: readonly Hex[],
      quorum: bigint,
      faults: bigint,
      leastConfidence: bigint,
    ): Promise<string> => {
      const terms = termsOf({ ...TERMS, quorum, faults, leastConfidence });
      const args = [oracles, terms];
      return reasonOf(
        (await chain.deploy(owner, artifacts.get("OracleAggregator")!, args)).receipt,
      );
    };
    expect(await reason(three, 3n, 1n, 5_001n)).toBe("none");
    expect(await reason(three, 1n, 0n, 1n)).toBe("none");
    const thirtyTwo = Array.from({ length: 32 }, (_, i) => address(i + 1));
    expect(await reason(thirtyTwo, 32n, 15n, 10_000n)).toBe("none");
    const refused: readonly (readonly [readonly Hex[], bigint, bigint, bigint])[] = [
      [three, 3n, 1n, 5_000n],
      [three, 2n, 1n, 10_000n],
      [three, 3n, 3n, 10_000n],
      [three, 0n, 0n, 10_000n],
      [three, 4n, 1n, 10_000n],
      [three, 3n, 1n, 10_001n],
      [three, 3n, 0n, 0n],
      [[address(0), address(1)], 1n, 0n, 10_000n],
      [[address(1), address(1)], 1n, 0n, 10_000n],
      [[address(2), address(1)], 1n, 0n, 10_000n],
      [[...thirtyTwo, address(33)], 32n, 15n, 10_000n],
    ];
    for (const terms of refused) expect(await reason(...terms), String(terms)).toBe("BadTerms");
  });
});

describe("an aggregator", () => {
  it("is changed by submissions and exposures alone, also by who deployed it", () => {
    const { abi } = artifacts.get("OracleAggregator")!;
    const changing = abi.filter(
      ({ type, stateMutability }) =>
        type !== "error" && type !== "event" && !/^(?:view|pure)$/u.test(stateMutability ?? ""),
    );
    expect(changing.map(({ name, type }) => name ?? type).toSorted()).toEqual([
      "constructor",
      "expose",
      "submit",
    ]);
  });
});

describe("loans", () => {
  it("are called in when the median falls, and not before; ether and dollars are conserved", async () => {
    const at = await world();
    const { chain, deployment } = at;
    const [ann, ben] = [await chain.account("ann"), await chain.account("ben")];
    const { lending } = deployment;
    const send = async (
      from: Account,
      name: string,
      args: readonly (bigint | Hex)[] = [],
      value = 0n,
    ) => (await chain.send(from, lending, name, args, value)).error;
    const read = async (name: string, who: Account): Promise<unknown> =>
      (await chain.call(lending, name, [who.address]))[0];

    await send(ann, "deposit", [], 10n * ETHER);
    expect((await send(ann, "borrow", [1n]))?.name).toBe("NoPrice");
    await price(at, dollars(2_000), 1n);
    const limit = dollars(15_000); // 10 ether at 2,000 dollars, three quarters of it
    expect(await send(ann, "borrow", [limit + 1n])).toEqual({ name: "TooMuch", args: [limit] });
    expect(await send(ann, "borrow", [2n ** 256n - 1n])).toEqual({
      name: "TooMuch",
      args: [limit],
    });
    expect(await send(ann, "borrow", [limit - 1n])).toBeNull();
    expect(await send(ann, "borrow", [2n])).toEqual({ name: "TooMuch", args: [limit] });
    expect(await send(ann, "borrow", [1n])).toBeNull();
    expect(await send(ann, "withdraw", [1n])).toEqual({ name: "Owing", args: [limit] });
    await send(ben, "deposit", [], 20n * ETHER);
    expect(await send(ben, "borrow", [dollars(16_000)])).toBeNull();

    // At 1,875 dollars the debt is exactly four fifths of the collateral.
    await price(at, dollars(1_875), 2n);
    expect((await send(ben, "liquidate", [ann.address]))?.name).toBe("Healthy");
    await price(at, dollars(1_875) - 1n, 3n);
    chain.time += 301n;
    expect((await send(ben, "liquidate", [ann.address]))?.name).toBe("NoPrice");
    await price(at, dollars(1_700), 4n);
    const poor = await chain.account("poor");
    expect(await send(poor, "liquidate", [ann.address])).toEqual({ name: "TooMuch", args: [0n] });
    const before = await chain.balance(ben.address);
    const { events, gas } = await chain.send(ben, lending, "liquidate", [ann.address]);
    const taken = (dollars(15_750) * ETHER) / dollars(1_700);
    expect(events).toEqual([
      { name: "Liquidated", args: [ann.address, ben.address, limit, taken] },
    ]);
    expect(await chain.balance(ben.address)).toBe(before - gas + taken);
    expect(await read("debt", ann)).toBe(0n);
    expect(await read("collateral", ann)).toBe(10n * ETHER - taken);
    expect(await read("credit", ben)).toBe(dollars(1_000));
    expect((await send(ben, "liquidate", [ann.address]))?.name).toBe("Healthy");

    // Repaid with what Ann had borrowed: what is owed and what is held are equal throughout.
    expect(await send(ann, "withdraw", [10n * ETHER])).toEqual({
      name: "TooMuch",
      args: [10n * ETHER - taken],
    });
    expect(await send(ann, "withdraw", [10n * ETHER - taken])).toBeNull();
    expect(await send(ben, "repay", [dollars(1_000) + 1n])).toEqual({
      name: "TooMuch",
      args: [dollars(1_000)],
    });
    expect(await send(ben, "repay", [dollars(1_000)])).toBeNull();
    expect(await chain.balance(lending.address)).toBe(20n * ETHER);
    const [owed, held] = [await read("debt", ben), await read("credit", ann)];
    expect(owed).toBe(held);
    expect(await send(ann, "repay", [1n])).toEqual({ name: "TooMuch", args: [0n] });
  });

  it("give no more than there is when the price has collapsed", async () => {
    const at = await world();
    const { chain, deployment } = at;
    const [ann, ben] = [await chain.account("ann"), await chain.account("ben")];
    await price(at, dollars(2_000), 1n);
    for (const who of [ann, ben]) {
      await chain.send(who, deployment.lending, "deposit", [], 10n * ETHER);
      await chain.send(who, deployment.lending, "borrow", [dollars(15_000)]);
    }
    await price(at, 1n, 2n);
    const { error, events } = await chain.send(ben, deployment.lending, "liquidate", [ann.address]);
    expect(error).toBeNull();
    expect(events[0]?.args[3]).toBe(10n * ETHER);
    expect(await chain.balance(deployment.lending.address)).toBe(10n * ETHER);
  });
});

describe("options", () => {
  it("are settled once, after expiry, at the price of the hour before, whoever comes when", async () => {
    const at = await world();
    const { chain, deployment } = at;
    const { options } = deployment;
    const [writer, holder] = [await chain.account("writer"), await chain.account("holder")];
    const strike = dollars(2_000);
    const write = (expiry: bigint, value = 10n * ETHER, price = strike): Promise<Receipt> =>
      chain.send(writer, options, "write", [holder.address, price, expiry], value);
    const expiry = START + 7_200n;
    expect(reasonOf(await write(expiry))).toBe("BadOption"); // no price has been seen yet
    await price(at, strike, 1n);
    for (const refused of [
      await write(START + 3_599n),
      await write(START + 366n * 86_400n + 1n),
      await write(expiry, 0n),
      await write(expiry, 10n * ETHER, 0n),
    ]) {
      expect(reasonOf(refused)).toBe("BadOption");
    }
    expect(reasonOf(await write(expiry))).toBe("none");
    expect(reasonOf(await write(expiry, 5n * ETHER, dollars(3_000)))).toBe("none");

    // Within the hour 1,800 for 20 minutes, 2,400 for 30, 3,000 for 10: 2,300 on the average.
    chain.time = START + 3_000n;
    await price(at, dollars(1_800), 2n);
    chain.time = START + 4_800n;
    await price(at, dollars(2_400), 3n);
    chain.time = START + 6_600n;
    await price(at, dollars(3_000), 4n);
    chain.time = expiry;
    expect(reasonOf(await chain.send(holder, options, "settle", [0n]))).toBe("NotExpired");
    chain.time = expiry + 500_000n;
    await price(at, 1n, 5n);
    const toHolder = (10n * ETHER * dollars(300)) / dollars(2_300);
    const { events } = await chain.send(writer, options, "settle", [0n]);
    expect(events).toEqual([
      { name: "Settled", args: [0n, dollars(2_300), toHolder, 10n * ETHER - toHolder] },
    ]);
    expect(reasonOf(await chain.send(writer, options, "settle", [0n]))).toBe("NotThere");
    expect(reasonOf(await chain.send(writer, options, "settle", [2n]))).toBe("NotThere");
    const worthless = await chain.send(writer, options, "settle", [1n]);
    expect(worthless.events[0]?.args).toEqual([1n, dollars(2_300), 0n, 5n * ETHER]);

    for (const who of [holder, writer, holder]) await chain.send(who, options, "withdraw");
    expect(await chain.balance(options.address)).toBe(0n);
  });
});

describe("a time-weighted price", () => {
  it("is told only of what is past and was seen", async () => {
    const at = await world();
    const { chain, deployment } = at;
    const ask = async (start: bigint, end: bigint): Promise<unknown> => {
      try {
        return (await chain.call(deployment.aggregator, "timeWeighted", [PAIR, start, end]))[0];
      } catch (error) {
        return (error as RevertError).revert.name;
      }
    };
    expect(await ask(START - 10n, START - 5n)).toBe("NoPrice");
    await price(at, 100n, 1n);
    await price(at, 300n, 2n); // in the same second: the later one counts
    chain.time = START + 10n;
    expect(await ask(START, START + 9n)).toBe(300n);
    expect(await ask(START, START + 10n)).toBe("NoPrice");
    expect(await ask(START - 1n, START + 9n)).toBe("NoPrice");
    expect(await ask(START + 5n, START + 5n)).toBe("NoPrice");
    await price(at, 400n, 3n);
    chain.time = START + 100n;
    expect(await ask(START, START + 13n)).toBe((300n * 10n + 400n * 3n) / 13n);
  });
});
