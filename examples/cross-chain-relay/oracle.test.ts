import { encodeValue } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  attestationsOf,
  blockOf,
  encodePrice,
  encodeReport,
  medianOf,
  medianOfMessages,
  priceIn,
  relayOf,
  reportOf,
  ValidatorSets,
} from "./index.ts";
import type { Message, RelayedMessage, RelayView } from "./index.ts";
import { factsOf, keysOf, setOf, SETS, STAKES } from "./world.model.ts";

const feed = setOf("ETH/USD");
const keys = keysOf("ETH/USD");

/** The median of reports by the validators with these numbers. */
function median(reports: readonly (readonly [who: number, value: bigint])[], round = 5n) {
  const statements = reports.map(([who, value]) => reportOf(value, 5n, feed, keys[who]!));
  return medianOf(factsOf([], statements), SETS, "ETH/USD", round);
}

describe("the median by stake", () => {
  test("is what unit by unit of stake, in order, stands in the middle", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 20n), { minLength: 4, maxLength: 4 }), (values) => {
        const units = values.flatMap((value, at) =>
          Array.from({ length: Number(STAKES[at]) }, () => value),
        );
        units.sort((a, b) => Number(a - b));
        const value = units[units.length / 2 - 1];
        expect(median(values.map((one, at) => [at, one] as const))?.value).toBe(value);
      }),
      runs(20),
    );
  });

  test("stays among what honest validators say, whatever less than a third of the stake reports", () => {
    fc.assert(
      fc.property(
        fc.constantFrom([0], [1], [2], [3]),
        fc.array(fc.bigInt(900n, 1_100n), { minLength: 4, maxLength: 4 }),
        fc.constantFrom(0n, 1n, 10n ** 30n, 2n ** 128n - 1n),
        ([liar], values, lie) => {
          const honest = values.filter((_, at) => at !== liar).sort((a, b) => Number(a - b));
          const reports = values.map((value, at) => [at, at === liar ? lie : value] as const);
          const value = median(reports)!.value;
          expect(value >= honest[0]! && value <= honest.at(-1)!).toBe(true);
        },
      ),
      runs(20),
    );
  });

  test("needs reports of more than two thirds of the stake, of that round, by validators of that epoch", () => {
    expect(
      median([
        [0, 5n],
        [1, 5n],
      ]),
    ).toBeNull();
    expect(
      median([
        [0, 5n],
        [0, 5n],
        [1, 5n],
      ]),
    ).toBeNull();
    expect(
      median([
        [0, 5n],
        [1, 5n],
        [2, 6n],
      ]),
    ).toEqual({ value: 5n, stake: 80n, total: 100n });
    expect(
      median(
        [
          [0, 5n],
          [1, 5n],
          [2, 6n],
        ],
        6n,
      ),
    ).toBeNull();
    expect(
      median(
        [
          [0, 5n],
          [1, 5n],
          [2, 6n],
        ],
        500n,
      ),
    ).toBeNull();
    const epoch = setOf("ETH/USD", 2, 100n, 199n);
    const old = keys.map((key) => reportOf(5n, 5n, epoch, key));
    expect(medianOf(factsOf([], old), SETS, "ETH/USD", 5n)).toBeNull();
  });

  test("leaves out who reported two values", () => {
    expect(
      median([
        [0, 1n],
        [1, 5n],
        [2, 6n],
        [3, 7n],
      ])?.value,
    ).toBe(5n);
    const without = { value: 6n, stake: 70n, total: 100n };
    expect(
      median([
        [0, 1n],
        [0, 2n],
        [1, 5n],
        [2, 6n],
        [3, 7n],
      ]),
    ).toEqual(without);
    expect(
      median([
        [2, 6n],
        [1, 5n],
        [1, 6n],
        [0, 5n],
        [3, 7n],
      ]),
    ).toMatchObject({ stake: 70n });
  });
});

const PAIR = "ETH/USD";
const CHAINS = ["amber", "basalt", "cobalt", "dolomite", "euclase"];
const STATES = ["waiting", "pending", "conflict", "delivered"] as const;
const QUESTION = { destination: "basalt", pair: PAIR, from: 10n, to: 20n, least: 1 };

/** A price on its way, as a view has it: what is not given is such that it counts. */
function told(given: Partial<RelayedMessage> & { readonly value?: bigint }): RelayedMessage {
  const { value = 5n, ...message } = given;
  return {
    source: "amber",
    destination: "basalt",
    block: 1n,
    nonce: 1n,
    time: 15n,
    payload: encodePrice({ pair: PAIR, value }),
    digest: "",
    root: "",
    messageStake: 100n,
    rootStake: 100n,
    total: 100n,
    state: "pending",
    ...message,
  };
}

/** The median over messages that stand in the view in the order that `relayOf` promises. */
function medianOver(messages: readonly RelayedMessage[], question = QUESTION) {
  const inOrder = messages.toSorted(
    (a, b) => Number(a.block - b.block) || Number(a.nonce - b.nonce),
  );
  const view: RelayView = { messages: inOrder, conflicts: [], evidence: [], ignored: [] };
  return medianOfMessages(view, question);
}

describe("the median over messages", () => {
  test("is that of the last word of each chain, of what is vouched for, in no conflict, and in the window", () => {
    const message = fc.record({
      source: fc.constantFrom(...CHAINS),
      destination: fc.constantFrom("basalt", "basalt", "basalt", "amber"),
      time: fc.bigInt(8n, 22n),
      state: fc.constantFrom(...STATES),
      value: fc.bigInt(0n, 9n),
      pair: fc.constantFrom(PAIR, PAIR, PAIR, "BTC/USD"),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.integer({ min: 0, max: 4 }),
        (all, least) => {
          const messages = all.map(({ pair, value, ...rest }, at) =>
            told({ ...rest, nonce: BigInt(at), payload: encodePrice({ pair, value }) }),
          );
          const last = CHAINS.flatMap((chain) => {
            const counting = all.filter(
              ({ source, destination, time, state, pair }) =>
                source === chain &&
                destination === "basalt" &&
                pair === PAIR &&
                time >= 10n &&
                time <= 20n &&
                (state === "pending" || state === "delivered"),
            );
            return counting.length === 0 ? [] : [counting.at(-1)!.value];
          });
          const shown = medianOver(messages, { ...QUESTION, least });
          if (last.length === 0 || last.length < least) expect(shown).toBeNull();
          else {
            expect(shown?.sources).toBe(last.length);
            // Half of the chains, or more, say that or less; and half or more that or more.
            const below = last.filter((value) => value <= shown!.value).length;
            const above = last.filter((value) => value >= shown!.value).length;
            expect(last).toContain(shown!.value);
            expect([2 * below >= last.length, 2 * above >= last.length]).toEqual([true, true]);
          }
        },
      ),
      runs(100),
    );
  });

  test("stays among what honest chains say, whatever f of 2f + 1 say, and however often", () => {
    fc.assert(
      fc.property(
        fc.constantFrom([3, 1], [5, 2]),
        fc.array(fc.bigInt(900n, 1_100n), { minLength: 5, maxLength: 5 }),
        fc.array(fc.constantFrom(0n, 1n, 10n ** 30n), { minLength: 2, maxLength: 8 }),
        ([count, liars], values, lies) => {
          const messages = CHAINS.slice(0, count).flatMap((source, at) =>
            at < liars
              ? lies.map((value, nth) => told({ source, value, nonce: BigInt(nth) }))
              : [told({ source, value: values[at]! })],
          );
          const honest = values.slice(liars, count).sort((a, b) => Number(a - b));
          const { value } = medianOver(messages, { ...QUESTION, least: count })!;
          expect(value >= honest[0]! && value <= honest.at(-1)!).toBe(true);
        },
      ),
      runs(50),
    );
  });

  test("is over messages with proofs and signatures of more than two thirds, out of the records", () => {
    const sources = ["amber", "cobalt", "dolomite"];
    const sets = new ValidatorSets([...sources, "basalt"].map((chain) => setOf(chain)));
    const sent = sources.map((source, at): Message => {
      const payload = encodePrice({ pair: PAIR, value: BigInt(1_000 + at) });
      return { source, destination: "basalt", block: 1n, nonce: 1n, time: 15n, payload };
    });
    const blocks = sent.map((message) => blockOf([message]));
    const [records, words] = [
      blocks.flatMap((block) => block.records),
      blocks.map((block, at) =>
        [0, 1, 2].map((who) =>
          attestationsOf(block, setOf(sources[at]!), keysOf(sources[at]!)[who]!),
        ),
      ),
    ];
    const over = (signers: readonly number[]) => {
      const statements = words.flatMap((word, at) => word.slice(0, signers[at]).flat());
      return medianOfMessages(relayOf(factsOf(records, statements), sets), QUESTION);
    };
    expect(over([3, 3, 3])).toEqual({ value: 1_001n, sources: 3 });
    // Without the third validator 60 of 100 stake have signed.
    expect(over([2, 3, 3])).toEqual({ value: 1_001n, sources: 2 });
    expect(over([2, 2, 3])).toEqual({ value: 1_002n, sources: 1 });
    expect(over([2, 2, 2])).toBeNull();
  });

  test("takes a payload that is anything else for no price", () => {
    for (const value of [0n, 7n, 2n ** 53n, 2n ** 127n]) {
      expect(priceIn(encodePrice({ pair: PAIR, value }))).toEqual({ pair: PAIR, value });
    }
    const others: readonly Value[] = [
      ["price", PAIR, -1n],
      ["price", PAIR, "7"],
      ["price", PAIR, 7.5],
      ["price", PAIR, true],
      ["price", 7n, 7n],
      ["prize", PAIR, 7n],
      ["price", PAIR],
      ["price", PAIR, 7n, 7n],
      "price",
      null,
    ];
    for (const other of others) expect(priceIn(encodeValue(other))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
        expect(medianOver([told({ payload })])).toBeNull();
      }),
      runs(100),
    );
  });
});

test("a value fits into 16 bytes or is refused", () => {
  expect(encodeReport(258n)).toEqual(
    Uint8Array.from([...Array.from({ length: 14 }, () => 0), 1, 2]),
  );
  expect(() => encodeReport(-1n)).toThrow(RangeError);
  expect(() => encodeReport(2n ** 128n)).toThrow(RangeError);
});
