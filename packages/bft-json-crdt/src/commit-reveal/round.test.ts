/** Rounds of commitments: each sentence of the rule. */
import { describe, expect, test } from "vitest";
import { documentId } from "../change/index.ts";
import { canonicalJson, fromHex, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { optional, string } from "..//index.ts";
import { closeRecord, commitmentOf, commitRecord, commitTo } from "./index.ts";
import type { Round } from "./index.ts";
import {
  begun,
  close,
  commit,
  contextOf,
  deliver,
  end,
  exchange,
  ID,
  keyOf,
  open,
  read,
  reasonsIn,
  reveal,
  revealAnyway,
  roundOf,
  statesOf,
  TOPIC,
  twin,
  valuesIn,
  write,
} from "../../test/rounds.ts";

describe("a round", () => {
  test("goes from commitments over the closing and the reveals to the end", () => {
    const { ann, ben, cem, round, openings } = begun();
    expect(read(ann, round).phase).toBe("committing");
    expect(statesOf(read(ann, round))).toEqual(["pending", "pending"]);
    close(cem);
    exchange(ann, ben, cem);
    expect(read(ann, round)).toMatchObject({ phase: "revealing", isSettled: false });
    expect(statesOf(read(ann, round))).toEqual(["sealed", "sealed"]);
    reveal(ann, round, openings[0]);
    exchange(ann, ben, cem);
    expect(statesOf(read(ben, round)).toSorted()).toEqual(["revealed", "sealed"]);
    reveal(ben, round, openings[1]);
    exchange(ann, ben, cem);
    end(cem);
    exchange(ann, ben, cem);
    const view = read(ann, round);
    expect(view).toMatchObject({ phase: "ended", isSettled: true, isVoid: false, ignored: [] });
    expect(
      valuesIn(view)
        .map((value) => canonicalJson(value))
        .toSorted(),
    ).toEqual(["10", '{"bid":20}']);
    expect(view.closers).toEqual([
      { author: toHex(cem.author!), hasClosed: true, hasEnded: true, isContradicted: false },
    ]);
  });

  test("is told from others by its topic", () => {
    const { ann, cem, round } = begun();
    const { commitment } = commitTo(contextOf(ann, "lot 8"), 5);
    write(ann, commitRecord("lot 8", commitment));
    write(cem, closeRecord("lot 8"));
    exchange(ann, cem);
    expect(statesOf(read(ann, round))).toEqual(["pending", "pending"]);
    const other = read(ann, { ...round, topic: "lot 8" });
    expect(statesOf(other)).toEqual(["late"]);
    expect(other.ignored).toEqual([]);
  });

  test("with a closer twice, too many or none, or half of them as threshold is the caller's mistake", () => {
    const { ann, cem, round } = begun();
    const { closers } = round;
    const two = [...closers, keyOf(9).publicKey];
    const many = Array.from({ length: 33 }, (_, at) => keyOf(100 + at).publicKey);
    const wrong: Round[] = [
      { ...round, closers: [...closers, cem.author!.slice()], threshold: 2 },
      { ...round, closers: [], threshold: 1 },
      { ...round, closers: many, threshold: 20 },
      { ...round, closers: two, threshold: 1 },
      { ...round, closers: two, threshold: 3 },
      { ...round, closers: two, threshold: 1.5 },
      { ...round, closers: [new Uint8Array(31)] },
      { ...round, topic: "" },
      { ...round, topic: "x".repeat(1_025) },
    ];
    for (const round of wrong) {
      expect(() => read(ann, round)).toThrow(expect.objectContaining({ code: "bad_round" }));
    }
    expect(read(ann, { ...round, closers: many.slice(0, 32), threshold: 17 }).closers).toHaveLength(
      32,
    );
  });

  test("counts with all 32 closers", () => {
    const ann = open(1);
    const closers = Array.from({ length: 32 }, (_, at) => open(100 + at));
    const round = roundOf(32, ...closers);
    const opening = commit(ann, 1);
    for (const closer of closers) {
      deliver(ann, closer);
      close(closer);
      deliver(closer, ann);
    }
    reveal(ann, round, opening);
    expect(valuesIn(read(ann, round))).toEqual([1]);
    expect(read(ann, round).closers.every(({ hasClosed }) => hasClosed)).toBe(true);
  });
});

describe("a commitment", () => {
  test("that the closing had not seen is late, and its reveal has no effect", () => {
    const { ann, cem, round } = begun();
    close(cem);
    const late = open(8);
    deliver(cem, late);
    const opening = commit(late, 11);
    expect(() => reveal(late, round, opening)).toThrow(/no commitment by this author counts/);
    revealAnyway(late, opening);
    exchange(ann, cem, late);
    end(cem);
    deliver(cem, ann);
    expect(statesOf(read(ann, round), late)).toEqual(["late"]);
    expect(reasonsIn(read(ann, round))).toEqual(["does not open a commitment that counts"]);
  });

  test("that was back-dated is late as well", () => {
    const { ann, cem, round } = begun();
    close(cem);
    const late = open(8);
    commit(late, 11);
    exchange(ann, cem, late);
    expect(statesOf(read(ann, round), late)).toEqual(["late"]);
  });

  test("copied from another cannot be opened by the copier, not even with all that opens it", () => {
    const [ann, cem, mallory] = [open(1), open(3), open(9)];
    const round = roundOf(1, cem);
    const opening = commit(ann, 10);
    deliver(ann, mallory);
    write(mallory, commitRecord(TOPIC, read(ann, round).commitments[0]!.commitment));
    exchange(ann, cem, mallory);
    close(cem);
    exchange(ann, cem, mallory);
    reveal(ann, round, opening);
    exchange(ann, cem, mallory);
    expect(() => reveal(mallory, round, opening)).toThrow(/no commitment/);
    revealAnyway(mallory, opening);
    exchange(ann, cem, mallory);
    expect(statesOf(read(ann, round), mallory)).toEqual(["sealed"]);
    expect(reasonsIn(read(ann, round))).toEqual(["does not open a commitment that counts"]);
    end(cem);
    deliver(cem, ann);
    expect(statesOf(read(ann, round), mallory)).toEqual(["withheld"]);
    expect(statesOf(read(ann, round), ann)).toEqual(["revealed"]);
  });

  test("after another of its author's has no effect, also in the same change", () => {
    const [ann, cem] = [open(1), open(3)];
    const round = roundOf(1, cem);
    const first = commitTo(contextOf(ann), 1);
    const second = commitTo(contextOf(ann), 2);
    ann.change(({ bids }) =>
      bids.append(commitRecord(TOPIC, first.commitment), commitRecord(TOPIC, second.commitment)),
    );
    // On another chain too, when the first was seen.
    commit(twin(ann, 1, 5n), 3);
    write(ann, commitRecord(TOPIC, second.commitment));
    deliver(ann, cem);
    close(cem);
    deliver(cem, ann);
    expect(reasonsIn(read(ann, round))).toEqual([
      "its author had committed before",
      "its author had committed before",
    ]);
    reveal(ann, round, first.opening);
    expect(valuesIn(read(ann, round))).toEqual([1]);
    expect(() => reveal(ann, round, second.opening)).toThrow(/no commitment/);
    // Nor what could open nothing at all.
    const short = { ...first.opening, salt: new Uint8Array(31) };
    expect(() => reveal(ann, round, short)).toThrow(/no commitment/);
  });

  test("of two that its author told to different halves counts neither, if the closing had seen both", () => {
    const { ann, cem, round } = begun();
    const mallory = open(9);
    const other = twin(mallory, 9);
    const opening = commit(mallory, 5);
    commit(other, 50);
    exchange(cem, mallory, other);
    close(cem);
    exchange(cem, mallory, ann);
    expect(statesOf(read(ann, round), mallory)).toEqual(["contradicted", "contradicted"]);
    expect(() => reveal(mallory, round, opening)).toThrow(/no commitment/);
  });

  test("of two that its author told to different halves counts the one that the closing had seen", () => {
    const { cem, round } = begun();
    const mallory = open(9);
    const other = twin(mallory, 9);
    const opening = commit(mallory, 5);
    commit(other, 50);
    exchange(cem, mallory);
    close(cem);
    exchange(cem, mallory);
    reveal(mallory, round, opening);
    exchange(mallory, other);
    expect(statesOf(read(mallory, round), mallory).toSorted()).toEqual(["late", "revealed"]);
  });

  test("of 31 or 33 bytes, or a record of no known kind, is malformed", () => {
    const { ann, round } = begun();
    for (const size of [0, 31, 33]) {
      const commitment = new Uint8Array(size);
      expect(() => commitRecord(TOPIC, commitment)).toThrow(/32 bytes/);
      write(ann, { kind: "commit", topic: TOPIC, commitment });
    }
    for (const kind of ["", "__proto__", "Commit", "x".repeat(10_000)]) {
      write(ann, { kind, topic: TOPIC });
    }
    for (const record of [
      { kind: "commit", topic: TOPIC },
      { kind: "reveal", topic: TOPIC },
      { kind: "reveal", topic: TOPIC, salt: new Uint8Array(32) },
      { kind: "reveal", topic: TOPIC, value: 1 },
      { kind: "reveal", topic: TOPIC, value: 1, salt: new Uint8Array(31) },
    ]) {
      write(ann, record);
    }
    const view = read(ann, round);
    expect(view.commitments).toHaveLength(2);
    expect(reasonsIn(view)).toEqual(Array.from({ length: 12 }, () => "malformed"));
  });
});

describe("a reveal", () => {
  test("before the closing has no effect, and can be made again", () => {
    const { ann, cem, round, openings } = begun();
    expect(() => reveal(ann, round, openings[0])).toThrow(/no commitment by this author counts/);
    revealAnyway(ann, openings[0]);
    exchange(ann, cem);
    close(cem);
    deliver(cem, ann);
    expect(statesOf(read(ann, round), ann)).toEqual(["sealed"]);
    expect(reasonsIn(read(ann, round))).toEqual(["before the closing"]);
    reveal(ann, round, openings[0]);
    expect(statesOf(read(ann, round), ann)).toEqual(["revealed"]);
  });

  test("with another value or salt, or by another author, has no effect beside the true one", () => {
    const { ann, ben, cem, round, openings } = begun();
    close(cem);
    exchange(ann, ben, cem);
    const [{ value, salt }] = openings;
    revealAnyway(ann, { value: 11, salt });
    revealAnyway(ann, { value, salt: new Uint8Array(32).fill(2) });
    revealAnyway(ben, openings[0]);
    reveal(ann, round, openings[0]);
    revealAnyway(ann, { value: 12, salt });
    reveal(ann, round, openings[0]);
    exchange(ann, ben, cem);
    expect(statesOf(read(ann, round), ann)).toEqual(["revealed"]);
    expect(valuesIn(read(ann, round))).toEqual([10]);
    expect(reasonsIn(read(ann, round))).toEqual(
      Array.from({ length: 4 }, () => "does not open a commitment that counts"),
    );
  });

  test("opens as it was made, whatever becomes of the value and the salt that it was made of", () => {
    const ann = open(1);
    const bid = { amount: 120, for: ["lot 7"] };
    const salt = new Uint8Array(32).fill(7);
    const { commitment, opening } = commitTo(contextOf(ann), bid, salt);
    bid.amount = 5;
    bid.for.push("lot 8");
    salt.fill(0);
    expect(commitmentOf(contextOf(ann), opening)).toEqual(commitment);
  });

  test("of a value that is too large has no effect, and nobody is helped to commit to one", () => {
    const { ann, cem, round, openings } = begun();
    const salt = new Uint8Array(32);
    // The head of a text of this length takes three bytes.
    const most = "x".repeat(4_093);
    expect(commitmentOf(contextOf(ann), { value: most, salt })).toHaveLength(32);
    expect(commitmentOf(contextOf(ann), { value: `${most}x`, salt })).toBeNull();
    expect(() => commitTo(contextOf(ann), `${most}x`)).toThrow(/at most 4096 bytes/);
    close(cem);
    deliver(cem, ann);
    revealAnyway(ann, { value: `${most}x`, salt: openings[0].salt });
    expect(reasonsIn(read(ann, round))).toEqual(["too large"]);
  });

  test("of a value nested as deep as a document can hold is like others", () => {
    const [ann, cem] = [open(1), open(3)];
    let value: Value = 1;
    for (let depth = 0; depth < 62; depth++) value = [value];
    const opening = commit(ann, value);
    deliver(ann, cem);
    close(cem);
    deliver(cem, ann);
    reveal(ann, roundOf(1, cem), opening);
    expect(valuesIn(read(ann, roundOf(1, cem)))).toEqual([value]);
  });

  test("that the end had not seen does not count, and its commitment is withheld", () => {
    const { ann, ben, cem, round, openings } = begun();
    close(cem);
    exchange(ann, ben, cem);
    reveal(ann, round, openings[0]);
    deliver(ann, cem);
    end(cem);
    reveal(ben, round, openings[1]);
    exchange(ann, ben, cem);
    const view = read(ann, round);
    expect(statesOf(view, ann)).toEqual(["revealed"]);
    expect(statesOf(view, ben)).toEqual(["withheld"]);
    expect(reasonsIn(view)).toEqual(["after the end"]);
    expect(valuesIn(view)).toEqual([10]);
  });

  test("made again on another machine counts if the ends had seen either", () => {
    const [ann, a, b, c] = [open(1), open(11), open(12), open(13)];
    const round = roundOf(2, a, b, c);
    const opening = commit(ann, 1);
    exchange(ann, a, b, c);
    close(a);
    close(b);
    exchange(ann, a, b);
    const other = twin(ann, 1, 7n);
    reveal(ann, round, opening);
    reveal(other, round, opening);
    deliver(ann, a);
    deliver(other, b);
    end(a);
    end(b);
    exchange(ann, a, b, other);
    expect(statesOf(read(ann, round))).toEqual(["revealed"]);
  });
});

describe("closers", () => {
  test("others are none", () => {
    const { ann, ben, cem, round } = begun();
    close(ann);
    end(ben);
    exchange(ann, ben, cem);
    expect(read(ann, round).phase).toBe("committing");
    expect(reasonsIn(read(ann, round))).toEqual(["not a closer", "not a closer"]);
  });

  test("who close again, having seen that they had, change nothing", () => {
    const { cem, ann, round } = begun();
    close(cem);
    const late = open(8);
    commit(late, 99);
    exchange(ann, cem, late);
    close(cem);
    end(cem);
    end(cem);
    deliver(cem, ann);
    const view = read(ann, round);
    expect(statesOf(view, late)).toEqual(["late"]);
    expect(view).toMatchObject({ isVoid: false, closers: [{ isContradicted: false }] });
    expect(reasonsIn(view)).toEqual([
      "its author had closed before",
      "its author had ended before",
    ]);
  });

  test("who close with two stories support nothing, so that nobody gets in after the reveals", () => {
    const { ann, ben, cem, round, openings } = begun();
    const liar = twin(cem, 3);
    close(cem);
    exchange(ann, ben, cem);
    reveal(ann, round, openings[0]);
    const late = open(8);
    deliver(ann, late);
    const opening = commit(twin(late, 8, 1n), 11);
    // The accomplice builds on nothing, and the closer includes it in another closing.
    const accomplice = open(8);
    commit(accomplice, 11);
    deliver(accomplice, liar);
    close(liar);
    exchange(liar, accomplice);
    revealAnyway(accomplice, opening);
    expect(statesOf(read(accomplice, round), accomplice)).toEqual(["revealed"]);
    exchange(ann, ben, accomplice);
    for (const document of [ann, ben, accomplice]) {
      const view = read(document, round);
      expect(view).toMatchObject({ isVoid: true, closers: [{ isContradicted: true }] });
      expect(valuesIn(view)).toEqual([]);
      expect(new Set(statesOf(view))).toEqual(new Set(["late"]));
    }
  });

  test("who end with two stories make the round void too", () => {
    const { ann, ben, cem, round, openings } = begun();
    close(cem);
    exchange(ann, ben, cem);
    reveal(ann, round, openings[0]);
    const liar = twin(cem, 3);
    end(cem);
    deliver(ann, liar);
    end(liar);
    exchange(ann, cem, liar);
    expect(read(ann, round)).toMatchObject({
      phase: "ended",
      isVoid: true,
      closers: [{ isContradicted: true }],
    });
    expect(valuesIn(read(ann, round))).toEqual([]);
  });

  test("who end before the closing have not ended", () => {
    const { ann, cem, round } = begun();
    end(cem);
    close(cem);
    deliver(cem, ann);
    expect(read(ann, round)).toMatchObject({
      phase: "revealing",
      closers: [{ hasClosed: true, hasEnded: false }],
    });
    expect(reasonsIn(read(ann, round))).toEqual(["before the closing"]);
  });

  test("must agree as many as the threshold says; while some are silent a commitment is pending", () => {
    const [ann, ben, a, b, c] = [open(1), open(2), open(11), open(12), open(13)];
    const round = roundOf(2, a, b, c);
    const opening = commit(ann, 1);
    exchange(ann, a, b);
    close(a);
    expect(read(a, round).phase).toBe("committing");
    const second = commit(ben, 2);
    exchange(ben, b, c);
    close(b);
    exchange(ann, ben, a, b);
    expect(read(ann, round).phase).toBe("revealing");
    expect(statesOf(read(ann, round), ann)).toEqual(["sealed"]);
    expect(statesOf(read(ann, round), ben)).toEqual(["pending"]);
    close(c);
    exchange(ann, ben, a, b, c);
    expect(statesOf(read(ann, round), ben)).toEqual(["sealed"]);
    reveal(ann, round, opening);
    reveal(ben, round, second);
    exchange(ann, a, b);
    end(a);
    expect(read(a, round).phase).toBe("revealing");
    exchange(ben, b);
    end(b);
    exchange(ann, ben, a, b, c);
    expect(read(ann, round)).toMatchObject({ phase: "ended", isSettled: false });
    expect(statesOf(read(ann, round), ben)).toEqual(["sealed"]);
    end(c);
    deliver(c, ann);
    expect(read(ann, round)).toMatchObject({ phase: "ended", isSettled: true });
    expect(valuesIn(read(ann, round)).toSorted()).toEqual([1, 2]);
  });

  test("can decide late what is pending, but not choose between two values of one author", () => {
    const [mallory, a, b, c] = [open(9), open(11), open(12), open(13)];
    const round = roundOf(2, a, b, c);
    const other = twin(mallory, 9);
    commit(mallory, 1);
    commit(other, 2);
    exchange(mallory, a);
    exchange(other, a);
    close(a);
    close(b);
    exchange(a, b);
    // One closer's support each, and a third who might give either a second: contradicted at once.
    expect(statesOf(read(a, round))).toEqual(["contradicted", "contradicted"]);
    deliver(mallory, c);
    close(c);
    exchange(a, c);
    expect(statesOf(read(a, round))).toEqual(["contradicted", "contradicted"]);
  });

  test("have seen all that their replica has, however many heads there are", () => {
    const cem = open(3);
    const round = roundOf(1, cem);
    const bidders = Array.from({ length: 40 }, (_, at) => open(50 + at));
    const openings = bidders.map((bidder, at) => commit(bidder, at));
    for (const bidder of bidders) deliver(bidder, cem);
    close(cem);
    expect(new Set(statesOf(read(cem, round)))).toEqual(new Set(["sealed"]));
    for (const [at, bidder] of bidders.entries()) {
      deliver(cem, bidder);
      reveal(bidder, round, openings[at]!);
    }
    for (const bidder of bidders) deliver(bidder, cem);
    end(cem);
    expect(valuesIn(read(cem, round))).toHaveLength(40);
  });
});

describe("a commitment's bytes", () => {
  test("are those of the vector", () => {
    const context = { document: documentId("main"), author: keyOf(1).publicKey, topic: TOPIC };
    const salt = Uint8Array.from({ length: 32 }, (_, at) => at);
    const { commitment } = commitTo(context, { bid: 120 }, salt);
    expect(toHex(commitment)).toBe(
      "7119e065bd4eacf20873004836b46ccfda05967a2ad7b1e3ff83bd0078040ad0",
    );
    expect(toHex(context.author)).toBe(
      "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    );
  });

  test("bind the document, the author, the topic, the salt and the value", () => {
    const opening = { value: 1, salt: new Uint8Array(32) };
    const context = { document: ID, author: keyOf(1).publicKey, topic: TOPIC };
    const all = [
      commitmentOf(context, opening),
      commitmentOf({ ...context, document: documentId("other") }, opening),
      commitmentOf({ ...context, author: keyOf(2).publicKey }, opening),
      commitmentOf({ ...context, topic: "lot 8" }, opening),
      commitmentOf(context, { ...opening, salt: new Uint8Array(32).fill(1) }),
      commitmentOf(context, { ...opening, value: 2 }),
    ].map((commitment) => toHex(commitment!));
    expect(new Set(all).size).toBe(all.length);
  });

  test("exist for parts of the right size only", () => {
    const salt = new Uint8Array(32);
    const context = { document: ID, author: keyOf(1).publicKey, topic: TOPIC };
    expect(commitTo(context, 1).opening.salt).not.toEqual(commitTo(context, 1).opening.salt);
    for (const [wrong, bytes] of [
      [{ ...context, document: new Uint8Array(31) }, salt],
      [{ ...context, author: fromHex("00")! }, salt],
      [{ ...context, topic: "" }, salt],
      [{ ...context, topic: "\uD800" }, salt],
      [{ ...context, topic: "x".repeat(1_025) }, salt],
      [context, new Uint8Array(33)],
    ] as const) {
      expect(() => commitTo(wrong, 1, bytes)).toThrow(/take 32/);
    }
    expect(() => closeRecord("")).toThrow(/a topic is text/);
    expect(optional(string()).optional).toBe(true);
  });
});
