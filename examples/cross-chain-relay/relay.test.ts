import { describe, expect, test } from "vitest";
import {
  attestationsOf,
  blockOf,
  isEvidence,
  isSigned,
  messagesBetween,
  pendingFor,
  receiptOf,
  relayOf,
  signed,
  setIdOf,
  ValidatorSets,
} from "./index.ts";
import type { Block, MessageRecord, RelayView, SignedStatement } from "./index.ts";
import { factsOf, keysOf, messageOf, setOf, SETS } from "./world.model.ts";

const amber = setOf("amber");
const basalt = setOf("basalt");
const keys = keysOf("amber");

/** What the validators with these numbers say of a block. */
function wordOf(block: Block, who: readonly number[], set = amber): SignedStatement[] {
  return who.flatMap((at) => attestationsOf(block, set, keys[at]!));
}

function view(
  records: readonly MessageRecord[],
  statements: readonly SignedStatement[],
): RelayView {
  return relayOf(factsOf(records, statements), SETS);
}

const states = ({ messages }: RelayView): string[] => messages.map(({ state }) => state);
const reasons = ({ ignored }: RelayView): string[] => ignored.map(({ reason }) => reason);

describe("a message", () => {
  const block = blockOf([1n, 2n, 3n].map((nonce) => messageOf(nonce)));

  test("is vouched for by more than two thirds of the stake, and not by two thirds less one", () => {
    expect(states(view(block.records, wordOf(block, [0, 1])))).toEqual([
      "waiting",
      "waiting",
      "waiting",
    ]);
    expect(states(view(block.records, wordOf(block, [0, 2, 3])))).toEqual([
      "pending",
      "pending",
      "pending",
    ]);
    const two = new Map([...amber.stakes].slice(0, 3).map(([key]) => [key, 1n]));
    const thirds = { ...amber, stakes: two };
    const facts = factsOf(block.records, wordOf(block, [0, 1], thirds));
    expect(states(relayOf(facts, new ValidatorSets([thirds, basalt])))).not.toContain("pending");
  });

  test("needs both: the word for itself and the word for its block's root", () => {
    const word = wordOf(block, [0, 1, 2, 3]);
    for (const kind of ["root", "message"]) {
      const only = word.filter((statement) => statement.kind === kind);
      expect(states(view(block.records, only))).toEqual(["waiting", "waiting", "waiting"]);
    }
  });

  test("with one validator's signature many times has that stake once", () => {
    const word = Array.from({ length: 9 }, () => wordOf(block, [0])).flat();
    const shown = view(block.records, word);
    expect(shown.messages[0]).toMatchObject({ messageStake: 30n, rootStake: 30n, total: 100n });
    expect(reasons(shown)).toEqual(Array.from({ length: 8 * 4 }, () => "repeated"));
  });

  test("changed in anything is another message, for which nobody vouched", () => {
    const [record] = block.records as [MessageRecord, ...MessageRecord[]];
    const word = wordOf(block, [0, 1, 2, 3]);
    for (const change of [
      { destination: "amber" },
      { block: 8n },
      { nonce: 9n },
      { time: 0n },
      { payload: new Uint8Array(3) },
      { index: 1 },
      { size: 4 },
      { siblings: record.siblings.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
    ]) {
      const changed = view([{ ...record, ...change }], word);
      expect(states(changed).filter((state) => state !== "waiting")).toEqual([]);
    }
    expect(states(view([record], word))).toEqual(["pending"]);
  });

  test("out of bounds, of an unknown chain or without a proof is ignored", () => {
    const [record] = block.records as [MessageRecord, ...MessageRecord[]];
    const wrong: Partial<MessageRecord>[] = [
      { block: -1n },
      { nonce: 2n ** 64n },
      { time: -1n },
      { payload: new Uint8Array(4_097) },
      { siblings: new Uint8Array(33) },
      { source: "__proto__" },
      { source: "x".repeat(10_000) },
      { block: 500n },
      { index: 3 },
      { index: -1 },
      { size: 0 },
      { siblings: new Uint8Array(0) },
      { siblings: new Uint8Array(32 * 200) },
      // The last of too many messages has no partner until the top, so one hash leads there.
      { index: 65_536, size: 65_537, siblings: new Uint8Array(32) },
    ];
    const shown = view(
      wrong.map((change) => ({ ...record, ...change })),
      [],
    );
    expect(reasons(shown)).toEqual([
      ...Array.from({ length: 5 }, () => "malformed"),
      ...Array.from({ length: 3 }, () => "unknown chain"),
      ...Array.from({ length: 6 }, () => "no proof"),
    ]);
    expect(shown.messages).toEqual([]);
  });

  test("with a proof to a root that nobody signed waits, until one comes with the right proof", () => {
    const alone = blockOf([messageOf(1n)]);
    const word = wordOf(block, [0, 1, 2, 3]);
    expect(states(view(alone.records, word))).toEqual(["waiting"]);
    for (const records of [
      [alone.records[0]!, block.records[0]!],
      [block.records[0]!, alone.records[0]!],
    ]) {
      expect(states(view(records, word))).toEqual(["pending"]);
    }
  });
});

describe("a signature", () => {
  const block = blockOf([messageOf(1n)]);
  const word = wordOf(block, [0, 1, 2, 3]);

  test("counts for its epoch alone", () => {
    const late = blockOf([messageOf(1n, "late", 150n)]);
    expect(states(view(late.records, wordOf(late, [0, 1, 2, 3])))).toEqual(["waiting"]);
    const next = setOf("amber", 2, 100n, 199n);
    expect(states(view(late.records, wordOf(late, [0, 1, 2, 3], next)))).toEqual(["pending"]);
    expect(states(view(block.records, wordOf(block, [0, 1, 2, 3], next)))).toEqual(["waiting"]);
  });

  test("by others, over something else, for another chain or another kind counts for nothing", () => {
    const strangers = keysOf("elsewhere").flatMap((key) => attestationsOf(block, amber, key));
    expect(new Set(reasons(view(block.records, strangers)))).toEqual(new Set(["no validator"]));
    const forged = word.map((statement) => ({ ...statement, signature: new Uint8Array(64) }));
    expect(new Set(reasons(view(block.records, forged)))).toEqual(new Set(["bad signature"]));
    const kinds = { message: "root", root: "message" } as const;
    for (const change of [
      (s: SignedStatement) => ({ ...s, kind: kinds[s.kind as "root"] }),
      (s: SignedStatement) => ({ ...s, number: s.number + 1n }),
      (s: SignedStatement) => ({ ...s, set: setIdOf(setOf("amber", 2, 100n, 199n)) }),
      (s: SignedStatement) => ({ ...s, chain: "basalt" }),
      (s: SignedStatement) => ({ ...s, validator: keys[(keys.length - 1) % 4]!.publicKey }),
      (s: SignedStatement) => ({ ...s, signature: s.signature.subarray(1) }),
      (s: SignedStatement) => ({ ...s, kind: "toString" as "root" }),
      (s: SignedStatement) => ({ ...s, body: s.body.subarray(1) }),
    ]) {
      expect(states(view(block.records, wordOf(block, [0, 1, 2]).map(change)))).toEqual([
        "waiting",
      ]);
    }
  });

  test("about another chain than the set's is nobody's; the same word under two sets convicts nobody", () => {
    const about = { chain: "basalt", set: setIdOf(amber), number: 7n, body: block.root } as const;
    const foreign = signed({ ...about, kind: "root" }, keys[0]!);
    expect(reasons(view([], [foreign]))).toEqual(["no validator"]);
    const twice = [amber, setOf("amber", 2, 100n, 199n)].flatMap((set) => {
      return wordOf(block, [0], set).filter(({ kind }) => kind === "message");
    });
    expect(view([], twice)).toMatchObject({ evidence: [], ignored: [] });
  });

  test("is over everything that the statement says", () => {
    const [statement] = word as [SignedStatement, ...SignedStatement[]];
    expect(isSigned(statement)).toBe(true);
    for (const change of [
      { kind: "message" as const },
      { chain: "basalt" },
      { number: statement.number + 1n },
      { set: setIdOf(basalt) },
      { body: new Uint8Array(32) },
    ]) {
      expect(isSigned({ ...statement, ...change })).toBe(false);
    }
  });

  test("over a body of another length, or of no kind, is malformed, and convicts nobody", () => {
    const about = { chain: "amber", set: setIdOf(amber), number: 7n };
    const words = [
      signed({ ...about, kind: "root", body: new Uint8Array(31) }, keys[0]!),
      signed({ ...about, kind: "root", body: new Uint8Array(0) }, keys[0]!),
      signed({ ...about, kind: "report", body: new Uint8Array(32) }, keys[0]!),
      signed({ ...about, kind: "hasOwnProperty" as "root", body: new Uint8Array(32) }, keys[0]!),
    ];
    const shown = view([], words);
    expect(reasons(shown)).toEqual(["malformed", "malformed", "malformed", "malformed"]);
    expect(shown.evidence).toEqual([]);
  });
});

describe("conflicts", () => {
  test("are not made by a message that no validator has signed", () => {
    const told = blockOf([messageOf(1n)]);
    const rumour = blockOf([messageOf(1n, "all to me")]);
    const records = [...told.records, ...rumour.records];
    const shown = view(records, wordOf(told, [0, 1, 2]));
    expect(shown.conflicts).toEqual([]);
    expect(states(shown).toSorted()).toEqual(["pending", "waiting"]);
    expect(
      view(records, [...wordOf(told, [0, 1, 2]), ...wordOf(rumour, [3])]).conflicts,
    ).toHaveLength(1);
  });

  const one = blockOf([messageOf(1n, "one")]);
  const two = blockOf([messageOf(1n, "two")]);

  test("of a validator with himself are evidence that anyone verifies", () => {
    const shown = view(
      [...one.records, ...two.records],
      [...wordOf(one, [0, 1, 2]), ...wordOf(two, [0])],
    );
    expect(states(shown).sort()).toEqual(["pending", "waiting"]);
    expect(shown.conflicts).toMatchObject([{ source: "amber", nonce: 1n }]);
    expect(shown.evidence.map(({ first }) => first.kind).sort()).toEqual(["message", "root"]);
    for (const evidence of shown.evidence) {
      expect(evidence.first.validator).toEqual(keys[0]!.publicKey);
      expect(isEvidence(evidence)).toBe(true);
      const { first, second } = evidence;
      expect(isEvidence({ first, second: first })).toBe(false);
      for (const wrong of [
        { ...second, number: 2n },
        { ...second, chain: "basalt" },
        { ...second, kind: "report" as const },
        { ...second, validator: keys[1]!.publicKey },
        { ...second, signature: first.signature },
      ]) {
        expect(isEvidence({ first, second: wrong })).toBe(false);
        expect(isEvidence({ first: wrong, second: first })).toBe(false);
      }
    }
  });

  test("of one validator about one thing are shown once, however often it contradicts itself", () => {
    const many = ["one", "two", "three", "four"].map((text) => blockOf([messageOf(1n, text)]));
    const shown = view(
      [],
      many.flatMap((block) => wordOf(block, [2])),
    );
    expect(shown.evidence.map(({ first }) => first.kind)).toEqual(["root", "message"]);
  });

  test("cannot be made up: statements of two, about two things, or receipts of many, convict nobody", () => {
    const other = blockOf([messageOf(2n, "other", 8n)]);
    const word = [...wordOf(one, [0, 1]), ...wordOf(two, [2]), ...wordOf(other, [0, 1, 2])];
    const receipts = [messageOf(1n), messageOf(2n)].map((message) =>
      receiptOf(message, 3n, basalt, keysOf("basalt")[0]!),
    );
    expect(view([], [...word, ...receipts]).evidence).toEqual([]);
    const [first, second] = receipts as [SignedStatement, SignedStatement];
    expect(isEvidence({ first, second })).toBe(false);
  });

  test("above a third of the stake two messages with one nonce can both be vouched for: neither is delivered", () => {
    const word = [...wordOf(one, [0, 1, 2]), ...wordOf(two, [0, 1, 3])];
    const shown = view([...one.records, ...two.records], word);
    expect(states(shown)).toEqual(["conflict", "conflict"]);
    expect(pendingFor(shown, "basalt")).toEqual([]);
    const liars = shown.evidence.map(({ first }) => amber.stakes.get(hex(first.validator))!);
    // Each of the two said two things about the block and about the nonce.
    expect(liars.reduce((sum, stake) => sum + stake, 0n)).toBe(120n);
  });

  test("above two thirds a message is vouched for that was never sent: nobody can tell", () => {
    const forged = blockOf([messageOf(9n, "all to mallory")]);
    expect(states(view(forged.records, wordOf(forged, [0, 1, 2])))).toEqual(["pending"]);
    expect(states(view(forged.records, wordOf(forged, [0])))).toEqual(["waiting"]);
  });
});

describe("delivery", () => {
  const late = blockOf([messageOf(3n, "c", 8n), messageOf(4n, "d", 8n)]);
  const early = blockOf([messageOf(5n, "e", 7n), messageOf(2n, "b", 7n)]);
  const records = [...late.records, ...early.records];
  const word = [...wordOf(late, [0, 1, 2]), ...wordOf(early, [1, 2, 3])];
  const receiptsOf = (
    message: MessageRecord,
    who: readonly number[],
    block = 3n,
  ): SignedStatement[] => who.map((at) => receiptOf(message, block, basalt, keysOf("basalt")[at]!));

  test("is in the order of (block, nonce), to the destination that the message names", () => {
    const shown = view(records, word);
    expect(pendingFor(shown, "basalt").map(({ nonce }) => nonce)).toEqual([2n, 5n, 3n, 4n]);
    expect(pendingFor(shown, "amber")).toEqual([]);
  });

  test("is what more than two thirds of the destination's stake signed receipts for", () => {
    const [message] = late.records as [MessageRecord, ...MessageRecord[]];
    const left = (receipts: readonly SignedStatement[]): bigint[] =>
      pendingFor(view(records, [...word, ...receipts]), "basalt").map(({ nonce }) => nonce);
    expect(left(receiptsOf(message, [0, 1]))).toContain(3n);
    expect(left(receiptsOf(message, [0, 0, 0]))).toContain(3n);
    expect(left(receiptsOf(message, [0, 1, 2]))).toEqual([2n, 5n, 4n]);
    // Not all of them name the same block.
    expect(left([0, 1, 2].flatMap((at) => receiptsOf(message, [at], BigInt(at))))).toEqual([
      2n,
      5n,
      4n,
    ]);
    // The source's validators have no say, nor have those of another epoch.
    const source = [0, 1, 2, 3].map((at) => receiptOf(message, 3n, amber, keys[at]!));
    expect(left([...source, ...receiptsOf(message, [0, 1, 2, 3], 150n)])).toContain(3n);
  });

  test("of what is not vouched for is not believed", () => {
    const [message] = late.records as [MessageRecord, ...MessageRecord[]];
    expect(states(view([message], receiptsOf(message, [0, 1, 2, 3])))).toEqual(["waiting"]);
  });

  test("can be asked for a window of time, both ends included", () => {
    const shown = view(records, word);
    const nonces = (from: bigint, to: bigint): bigint[] =>
      messagesBetween(shown, from, to).map(({ nonce }) => nonce);
    expect(nonces(7_000n, 8_000n)).toEqual([2n, 5n, 3n, 4n]);
    expect(nonces(7_001n, 8_000n)).toEqual([3n, 4n]);
    expect(nonces(0n, 7_999n)).toEqual([2n, 5n]);
    expect(messagesBetween(view(records, []), 0n, 9_000n)).toEqual([]);
  });
});

describe("validator sets", () => {
  test("have stake, and one speaks for a block", () => {
    const none = new Map([[[...amber.stakes.keys()][0]!, 0n]]);
    expect(() => new ValidatorSets([{ ...amber, stakes: none }])).toThrow(RangeError);
    expect(() => new ValidatorSets([{ ...amber, stakes: new Map() }])).toThrow(RangeError);
    expect(() => new ValidatorSets([amber, setOf("amber", 2, 99n, 120n)])).toThrow(RangeError);
  });

  test("are named by everything about them", () => {
    const first = [...amber.stakes][0]!;
    const others = [
      { ...amber, chain: "basalt" },
      { ...amber, epoch: 2 },
      { ...amber, first: 1n },
      { ...amber, last: 98n },
      { ...amber, stakes: new Map([...amber.stakes].slice(1)) },
      { ...amber, stakes: new Map([...amber.stakes, [first[0], 31n]]) },
    ];
    expect(new Set([amber, ...others].map((set) => hex(setIdOf(set)))).size).toBe(7);
    const reversed = { ...amber, stakes: new Map([...amber.stakes].reverse()) };
    expect(setIdOf(reversed)).toEqual(setIdOf(amber));
  });

  test("do not take the statement of one document's set for another's", () => {
    const block = blockOf([messageOf(1n)]);
    const foreign = { ...amber, stakes: new Map([...amber.stakes].map(([key]) => [key, 1n])) };
    const statement = { kind: "root", chain: "amber", number: 7n, body: block.root } as const;
    const word = keys.map((key) => signed({ ...statement, set: setIdOf(foreign) }, key));
    expect(new Set(reasons(view([], word)))).toEqual(new Set(["no validator"]));
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
