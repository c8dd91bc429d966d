import { Document, documentId, generateKeyPair, log, string, struct } from "bft-json-crdt";
import { describe, expect, test } from "vitest";
import { cancel, confirm, execute, meet, place, trader } from "./floor.model.ts";
import type { Trader } from "./floor.model.ts";
import { bookOf, factsIn, isConfirmed, MOST, orderBook, viewOf } from "./index.ts";
import type { Book, Side } from "./index.ts";

/** Ann buys 10 at 100, Ben sells 10 at 90, both have seen both orders; Max has no order. */
function crossed(): {
  ann: Trader;
  ben: Trader;
  max: Trader;
  buy: string;
  sell: string;
} {
  const [ann, ben, max] = [trader("ann"), trader("ben"), trader("max")];
  const buy = place(ann, "buy", 10n, 100n);
  const sell = place(ben, "sell", 10n, 90n);
  meet(ann, ben, max);
  return { ann, ben, max, buy, sell };
}

function bookAfter(...traders: readonly Trader[]): Book {
  meet(...traders);
  return viewOf(traders[0]!.document);
}

const reasons = (book: Book): string[] => book.ignored.map(({ reason }) => reason);

describe("an order", () => {
  test("stands in the level of its price, the best first", () => {
    const [ann, ben] = [trader("ann"), trader("ben")];
    const one = place(ann, "buy", 5n, 99n);
    const two = place(ann, "buy", 7n, 99n);
    place(ann, "buy", 1n, 100n);
    place(ann, "buy", 2n, 98n);
    for (const price of [103n, 101n, 102n]) place(ben, "sell", 4n, price);
    const book = bookAfter(ann, ben);
    expect(book.bids.map(({ price, amount }) => [price, amount])).toEqual([
      [100n, 1n],
      [99n, 12n],
      [98n, 2n],
    ]);
    expect(book.bids[1]!.orders).toEqual([one, two]);
    expect(book.asks.map(({ price }) => price)).toEqual([101n, 102n, 103n]);
  });

  test("has a side, and a price and an amount within bounds, or is ignored", () => {
    const ann = trader("ann");
    const sides = ["buy", "Sell", "", "__proto__", "x".repeat(10_000)] as Side[];
    for (const side of sides) place(ann, side, 1n, 1n);
    for (const wrong of [0n, -1n, MOST + 1n, 2n ** 4_000n]) {
      place(ann, "buy", wrong, 1n);
      place(ann, "buy", 1n, wrong);
    }
    place(ann, "sell", MOST, MOST);
    const book = viewOf(ann.document);
    expect(book.orders.size).toBe(2);
    expect(reasons(book)).toEqual(Array.from({ length: 12 }, () => "malformed"));
    expect(book.asks).toMatchObject([{ price: MOST, amount: MOST }]);
  });

  test("with fields left out is ignored", () => {
    const bare = struct({ orders: log(struct({ side: string() })) });
    const [ann, key] = [trader("ann"), generateKeyPair()];
    const liar = new Document({ schema: bare, id: ann.document.id, keyPair: key });
    const { bytes } = liar.change(({ orders }) => orders.append({ side: "buy" }));
    expect(ann.document.receive(bytes).status).toBe("applied");
    expect(reasons(viewOf(ann.document))).toEqual(["malformed"]);
  });
});

describe("an execution", () => {
  test("fills two orders that cross, at any price that both accept", () => {
    for (const price of [90n, 95n, 100n]) {
      const { ann, ben, max, buy, sell } = crossed();
      execute(max, buy, sell, 4n, price);
      const book = bookAfter(ann, ben, max);
      expect(book.fills).toMatchObject([{ buy, sell, price, amount: 4n, executor: max.author }]);
      expect(book.bids).toEqual([{ price: 100n, amount: 6n, orders: [buy] }]);
      expect(book.asks).toEqual([{ price: 90n, amount: 6n, orders: [sell] }]);
    }
  });

  test("at a price that one of them refuses is ignored, and so between orders that do not cross", () => {
    const { ann, ben, max, buy, sell } = crossed();
    for (const price of [89n, 101n, MOST]) execute(max, buy, sell, 1n, price);
    const dear = place(ben, "sell", 1n, 101n);
    meet(ann, ben, max);
    for (const price of [100n, 101n]) execute(max, buy, dear, 1n, price);
    const book = bookAfter(ann, ben, max);
    expect(book.fills).toEqual([]);
    expect(reasons(book)).toEqual(Array.from({ length: 5 }, () => "price"));
  });

  test("of nothing, of less than nothing or of more than there can be is ignored", () => {
    const { ann, buy, sell } = crossed();
    for (const amount of [0n, -3n, MOST + 1n]) execute(ann, buy, sell, amount, 95n);
    for (const price of [0n, -1n, MOST + 1n]) execute(ann, buy, sell, 1n, price);
    expect(viewOf(ann.document).fills).toEqual([]);
    expect(new Set(reasons(viewOf(ann.document)))).toEqual(new Set(["malformed"]));
  });

  test("of what is no order, or of two on one side, is ignored", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const other = place(ben, "buy", 1n, 100n);
    const third = place(max, "sell", 1n, 95n);
    meet(ann, ben, max);
    execute(max, third, sell, 1n, 95n);
    execute(max, buy, other, 1n, 100n);
    for (const id of ["", "__proto__", `${sell}0`, "x".repeat(10_000)]) {
      execute(max, buy, id, 1n, 95n);
      execute(max, id, sell, 1n, 95n);
    }
    const book = bookAfter(max, ann, ben);
    expect(book.fills).toEqual([]);
    const [wrongSide, unknown] = ["wrong side", "unknown"];
    const expected = [wrongSide, wrongSide, ...Array.from({ length: 8 }, () => unknown)];
    expect(reasons(book)).toEqual(expected);
  });

  test("between two orders of one owner is ignored", () => {
    const { ann, buy } = crossed();
    const own = place(ann, "sell", 5n, 90n);
    execute(ann, buy, own, 5n, 95n);
    expect(reasons(viewOf(ann.document))).toEqual(["self-trade"]);
  });

  test("by somebody who had not seen the orders is ignored for ever, also once they have come", () => {
    const { ann, ben, buy, sell } = crossed();
    const blind = trader("blind");
    execute(blind, buy, sell, 1n, 95n);
    expect(reasons(viewOf(blind.document))).toEqual(["unknown"]);
    expect(reasons(bookAfter(ann, ben, blind))).toEqual(["unseen"]);
    execute(blind, buy, sell, 1n, 95n);
    expect(bookAfter(ann, ben, blind).fills).toHaveLength(1);
    for (const [seen, unseen] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      const half = trader(`seen only ${seen.name}`);
      const side = (who: Trader): Side => (who === ann ? "buy" : "sell");
      const one = place(seen, side(seen), 1n, 95n);
      meet(half, seen);
      const two = place(unseen, side(unseen), 1n, 95n);
      const [bought, sold] = seen === ann ? [one, two] : [two, one];
      const early = execute(half, bought, sold, 1n, 95n);
      const ignored = bookAfter(ann, ben, half).ignored.find(({ id }) => id === early);
      expect(ignored?.reason).toBe("unseen");
    }
  });

  test("gets what is left when another one goes first, or nothing", () => {
    const { ann, ben, max, buy, sell } = crossed();
    execute(max, buy, sell, 7n, 95n);
    execute(max, buy, sell, 7n, 95n);
    execute(max, buy, sell, 7n, 95n);
    const book = bookAfter(ann, ben, max);
    expect(book.fills.map(({ amount, asked }) => [amount, asked])).toEqual([
      [7n, 7n],
      [3n, 7n],
    ]);
    expect(reasons(book)).toEqual(["nothing left"]);
    expect(book.orders.get(buy)).toMatchObject({ filled: 10n, left: 0n, status: "filled" });
    expect([...book.bids, ...book.asks]).toEqual([]);
  });

  test("concurrent with another one fills the same on both sides of a partition, once they meet", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const moe = trader("moe");
    meet(moe, max);
    execute(max, buy, sell, 8n, 95n);
    execute(moe, buy, sell, 8n, 96n);
    expect(viewOf(max.document).fills).toMatchObject([{ amount: 8n, price: 95n }]);
    expect(viewOf(moe.document).fills).toMatchObject([{ amount: 8n, price: 96n }]);
    const book = bookAfter(ann, ben, max, moe);
    expect(book.fills.map(({ amount }) => amount)).toEqual([8n, 2n]);
    for (const { document } of [ben, max, moe]) expect(viewOf(document)).toEqual(book);
  });
});

describe("a cancellation", () => {
  test("takes what is left off the book, and nothing that its owner had seen filled", () => {
    const { ann, ben, max, buy, sell } = crossed();
    execute(max, buy, sell, 4n, 95n);
    meet(ann, ben, max);
    cancel(ann, buy);
    const book = bookAfter(ann, ben, max);
    expect(book.orders.get(buy)).toMatchObject({ filled: 4n, left: 0n, status: "cancelled" });
    expect(book.bids).toEqual([]);
    expect(book.asks).toMatchObject([{ amount: 6n }]);
  });

  test("is nobody's but the owner's", () => {
    const { ann, ben, max, buy, sell } = crossed();
    cancel(ben, buy);
    cancel(max, sell);
    const book = bookAfter(ann, ben, max);
    expect(reasons(book)).toEqual(["not the owner", "not the owner"]);
    expect(book.orders.get(buy)!.status).toBe("open");
  });

  test("of what is no order, or again, is ignored", () => {
    const { ann, buy } = crossed();
    for (const id of ["nothing", buy, buy]) cancel(ann, id);
    expect(reasons(viewOf(ann.document))).toEqual(["unknown", "repeated"]);
  });

  test("stands against executions by who had seen it, and by who had not: backdating gains nothing", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const backdater = trader("backdater");
    meet(backdater, ben);
    cancel(ann, buy);
    meet(ann, ben, max);
    execute(max, buy, sell, 5n, 95n);
    execute(backdater, buy, sell, 5n, 95n);
    const book = bookAfter(ann, ben, max, backdater);
    expect(book.fills).toEqual([]);
    expect(reasons(book)).toEqual(["cancelled", "cancelled"]);
  });

  test("by a twin who hides what it had seen undoes no execution that the owner has confirmed", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const twin = ann.twin();
    const bound = execute(max, buy, sell, 5n, 95n);
    meet(ann, ben, max);
    const open = execute(max, buy, sell, 2n, 95n);
    confirm(ann, bound, 5n);
    cancel(twin, buy);
    const book = bookAfter(ben, max, ann, twin);
    expect(book.fills).toMatchObject([{ execution: bound, amount: 5n }]);
    expect(book.ignored).toMatchObject([{ id: open, reason: "exposed" }]);
  });
});

describe("a confirmation", () => {
  test("by both owners puts an execution before all that others back-date", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const [cem, backdater] = [trader("cem"), trader("backdater")];
    const late = place(cem, "sell", 10n, 80n);
    meet(cem, backdater, ann, ben, max);
    place(max, "buy", 1n, 1n); // so that what Max says next has more behind it
    const trade = execute(max, buy, sell, 10n, 95n);
    meet(ann, ben, max);
    confirm(ann, trade, 10n);
    confirm(ben, trade, 10n);
    const early = execute(backdater, buy, late, 10n, 100n);
    const book = bookAfter(ann, ben, cem, max, backdater);
    const inLog = ann.document.root.executions.entries().map(({ id }) => id);
    expect(inLog).toEqual([early, trade]);
    expect(book.fills).toMatchObject([{ execution: trade, amount: 10n }]);
    expect(book.ignored).toMatchObject([{ id: early, reason: "nothing left" }]);
  });

  test("by one owner keeps the units of that order for the execution", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const cem = trader("cem");
    const cheap = place(cem, "sell", 10n, 80n);
    meet(cem, ann, ben, max);
    const rival = execute(max, buy, cheap, 10n, 85n);
    meet(max, ann, ben, cem);
    const trade = execute(ben, buy, sell, 4n, 95n);
    meet(ben, ann, cem, max);
    confirm(ann, trade, 4n);
    confirm(cem, rival, 10n);
    const book = bookAfter(ann, ben, cem, max);
    expect(book.fills.map(({ execution, amount }) => [execution, amount])).toEqual([
      [rival, 6n],
      [trade, 4n],
    ]);
    expect(book.orders.get(buy)).toMatchObject({ filled: 10n, committed: 4n });
  });

  test("that the other owner does not give holds the units back: nobody else gets them", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const trade = execute(max, buy, sell, 10n, 95n);
    meet(ann, ben, max);
    confirm(ann, trade, 10n);
    cancel(ben, sell);
    meet(ann, ben, max);
    const late = execute(max, buy, place(max, "sell", 3n, 90n), 3n, 95n);
    let book = bookAfter(ann, ben, max);
    // Ben's cancellation had seen the execution: it stands.
    expect(book.fills).toMatchObject([{ execution: trade, amount: 10n }]);
    expect(book.ignored).toMatchObject([{ id: late, reason: "nothing left" }]);
    confirm(ben, trade, 10n);
    book = bookAfter(ann, ben, max);
    expect(book.fills.map(isConfirmed)).toEqual([true]);
  });

  test("promises units also while the execution is refused: they are not in the levels", () => {
    const { ann, ben, max, buy, sell } = crossed();
    cancel(ben, sell);
    const trade = execute(max, buy, sell, 7n, 95n);
    meet(ann, max);
    confirm(ann, trade, 7n);
    const book = bookAfter(ann, ben, max);
    expect(book.fills).toEqual([]);
    expect(book.ignored).toMatchObject([{ id: trade, reason: "cancelled" }]);
    expect(book.bids).toEqual([{ price: 100n, amount: 3n, orders: [buy] }]);
  });

  test("by a stranger, of what its author had not seen, of too much or again is ignored", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const blind = ben.twin();
    const trade = execute(max, buy, sell, 5n, 95n);
    confirm(blind, trade, 5n);
    confirm(max, trade, 5n);
    confirm(max, "nothing", 5n);
    meet(max, ann);
    for (const amount of [0n, -1n, 6n, MOST + 1n, 3n, 3n, 2n, 4n]) confirm(ann, trade, amount);
    const book = bookAfter(max, ann, blind);
    const own = book.ignored.filter(({ author }) => author === ann.author);
    expect(own.map(({ reason }) => reason)).toEqual([
      ...Array.from({ length: 4 }, () => "malformed"),
      "repeated",
      "repeated",
    ]);
    expect(new Set(reasons(book).filter((reason) => reason !== "malformed"))).toEqual(
      new Set(["unseen", "not the owner", "unknown", "repeated"]),
    );
    expect(book.fills).toMatchObject([{ buyerConfirmed: 4n, sellerConfirmed: 0n, amount: 4n }]);
    expect(book.orders.get(buy)).toMatchObject({ committed: 4n, filled: 4n, left: 6n });
  });

  test("binds to as many units as it says, and the trade is of as many as both say", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const trade = execute(max, buy, sell, 9n, 95n);
    meet(ann, ben, max);
    confirm(ann, trade, 6n);
    confirm(ben, trade, 4n);
    const book = bookAfter(ann, ben, max);
    expect(book.fills).toMatchObject([{ asked: 9n, amount: 4n }]);
    expect(isConfirmed(book.fills[0]!)).toBe(true);
    // Ann is still bound to 2 more, should Ben confirm them too.
    expect(book.orders.get(buy)).toMatchObject({ filled: 4n, committed: 6n, left: 4n });
    expect(book.orders.get(sell)).toMatchObject({ filled: 4n, committed: 4n, left: 6n });
    confirm(ben, trade, 6n);
    expect(bookAfter(ann, ben, max).fills).toMatchObject([{ amount: 6n }]);
  });

  test("of more than the order has is evidence against its owner, and over-fills nothing", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const cem = trader("cem");
    const other = place(cem, "sell", 10n, 90n);
    meet(cem, ann, ben, max);
    const [one, two] = [execute(max, buy, sell, 6n, 95n), execute(max, buy, other, 6n, 95n)];
    meet(max, ann, ben, cem);
    confirm(ben, one, 6n);
    confirm(cem, two, 6n);
    const signed = [confirm(ann, one, 6n), confirm(ann, two, 4n)];
    expect(bookAfter(ann, ben, cem, max).overcommitments).toEqual([]);
    signed.push(confirm(ann, two, 6n));
    const book = bookAfter(ann, ben, cem, max);
    expect(book.fills.map(({ execution, amount }) => [execution, amount])).toEqual([
      [one, 6n],
      [two, 4n],
    ]);
    const evidence = { order: buy, owner: ann.author, amount: 10n, committed: 12n };
    expect(book.overcommitments).toEqual([{ ...evidence, confirmations: signed }]);
  });

  test("of more than the order has takes nothing back from others, also while it is refused", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const cem = trader("cem");
    const other = place(cem, "sell", 10n, 90n);
    cancel(ben, sell);
    meet(cem, ann, max);
    const refused = [8n, 8n].map((amount) => execute(max, buy, sell, amount, 95n));
    const late = execute(max, buy, other, 5n, 95n);
    meet(max, ann);
    for (const execution of refused) confirm(ann, execution, 8n);
    const book = bookAfter(ann, ben, cem, max);
    expect(book.fills).toEqual([]);
    expect(book.ignored.find(({ id }) => id === late)?.reason).toBe("nothing left");
    expect(book.orders.get(buy)).toMatchObject({ filled: 0n, committed: 16n, left: 0n });
  });
});

describe("an author who equivocates", () => {
  test("has no open orders, and keeps the trades that both owners confirmed", () => {
    const { ann, ben, max, buy, sell } = crossed();
    const bound = execute(max, buy, sell, 4n, 95n);
    execute(max, buy, sell, 1n, 95n);
    meet(ann, ben, max);
    confirm(ann, bound, 4n);
    confirm(ben, bound, 4n);
    meet(ann, ben, max);
    const twin = ben.twin();
    place(ben, "buy", 1n, 1n);
    place(twin, "buy", 2n, 2n);
    const book = bookAfter(ann, max, ben, twin);
    expect(book.fills).toMatchObject([{ execution: bound, amount: 4n }]);
    expect(book.orders.get(sell)).toMatchObject({ filled: 4n, left: 0n, status: "withdrawn" });
    expect(book.asks).toEqual([]);
    expect(book.bids).toEqual([{ price: 100n, amount: 6n, orders: [buy] }]);
  });
});

test("a book can be a part of a larger document", () => {
  const schema = struct({ name: string(), market: struct({ book: orderBook }) });
  const document = new Document({
    schema,
    id: documentId("exchange"),
    keyPair: generateKeyPair(),
  });
  document.change(({ market }) => {
    market.book.orders.append({ side: "sell", price: 3n, amount: 2n });
  });
  const book = bookOf(factsIn(document.root.market.book, document.history));
  expect(book.asks).toMatchObject([{ price: 3n, amount: 2n }]);
});
