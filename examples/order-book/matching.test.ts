import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "example-kit";
import { cancel, confirm, execute, meet, place, trader } from "./floor.model.ts";
import { confirmableBy, isConfirmed, matchesOf, viewOf } from "./index.ts";
import type { Book, ExecutionRecord } from "./index.ts";

/** The next unit that changes hands: the best bid that has somebody to trade with, and that bid's best ask. */
function nextUnit(book: Book, left: Map<string, bigint>): ExecutionRecord | undefined {
  const all = [...book.orders.values()].filter(({ id }) => left.get(id)! > 0n);
  const rank = (id: string): number => [...book.orders.keys()].indexOf(id);
  const pairs = all.flatMap((buy) =>
    all
      .filter((sell) => buy.side === "buy" && sell.side === "sell" && buy.owner !== sell.owner)
      .filter((sell) => buy.price >= sell.price)
      .map((sell) => ({ buy, sell })),
  );
  pairs.sort(
    (a, b) =>
      Number(b.buy.price - a.buy.price) ||
      rank(a.buy.id) - rank(b.buy.id) ||
      Number(a.sell.price - b.sell.price) ||
      rank(a.sell.id) - rank(b.sell.id),
  );
  if (pairs.length === 0) return undefined;
  const { buy, sell } = pairs[0]!;
  const price = (rank(buy.id) < rank(sell.id) ? buy : sell).price;
  return { buy: buy.id, sell: sell.id, price, amount: 1n };
}

describe("matching", () => {
  test("proposes what unit by unit trading would come to, and nothing crosses afterwards", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const traders = ["ann", "ben", "cem"].map(trader);
        for (let i = 0; i < 12; i++) {
          const side = random.chance(0.5) ? "buy" : "sell";
          const price = BigInt(random.between(98, 102));
          place(random.pick(traders), side, BigInt(random.between(1, 6)), price);
          if (random.chance(0.5)) meet(...random.shuffled(traders).slice(1));
        }
        meet(...traders);
        const max = trader("max");
        meet(max, ...traders);
        const book = viewOf(max.document);
        const left = new Map([...book.orders.values()].map((order) => [order.id, order.left]));
        const units: ExecutionRecord[] = [];
        for (let unit; (unit = nextUnit(book, left)) !== undefined; units.push(unit)) {
          for (const id of [unit.buy, unit.sell]) left.set(id, left.get(id)! - 1n);
        }
        const matches = matchesOf(book);
        const inUnits = matches.flatMap((match) =>
          Array.from({ length: Number(match.amount) }, () => ({ ...match, amount: 1n })),
        );
        expect(inUnits).toEqual(units);
        for (const { buy, sell, amount, price } of matches) execute(max, buy, sell, amount, price);
        const after = viewOf(max.document);
        expect(after.ignored).toEqual([]);
        expect(after.fills).toHaveLength(matches.length);
        expect(matchesOf(after)).toEqual([]);
      }),
      runs(15),
    );
  });

  test("proposes no more than it is asked for, and never one owner's orders against each other", () => {
    const [ann, ben] = [trader("ann"), trader("ben")];
    for (let i = 0; i < 5; i++) {
      place(ann, "buy", 1n, 10n);
      place(ann, "sell", 1n, 10n);
    }
    expect(matchesOf(viewOf(ann.document))).toEqual([]);
    for (let i = 0; i < 5; i++) place(ben, "sell", 1n, 9n);
    meet(ann, ben);
    expect(matchesOf(viewOf(ann.document))).toHaveLength(5);
    expect(matchesOf(viewOf(ann.document), 2)).toHaveLength(2);
  });

  test("is at the price of the order that stands earlier in the log", () => {
    const [ann, ben] = [trader("ann"), trader("ben")];
    const buy = place(ann, "buy", 1n, 10n);
    meet(ann, ben);
    const sell = place(ben, "sell", 1n, 8n);
    expect(matchesOf(viewOf(ben.document))).toEqual([{ buy, sell, price: 10n, amount: 1n }]);
  });
});

describe("what an owner can confirm", () => {
  test("is what is filled of the own orders, as far as it is, and never twice", () => {
    const [ann, ben, max] = [trader("ann"), trader("ben"), trader("max")];
    const buy = place(ann, "buy", 10n, 100n);
    const sell = place(ben, "sell", 20n, 90n);
    meet(max, ann, ben);
    const executions = [4n, 4n, 4n].map((amount) => execute(max, buy, sell, amount, 95n));
    meet(max, ann, ben);
    const filled = [4n, 4n, 2n].map((amount, at) => ({ execution: executions[at]!, amount }));
    for (const who of [ann, ben]) {
      const book = viewOf(who.document);
      expect(confirmableBy(book, who.author)).toEqual(filled);
      for (const { execution, amount } of filled) confirm(who, execution, amount);
      expect(confirmableBy(viewOf(who.document), who.author)).toEqual([]);
    }
    expect(confirmableBy(viewOf(max.document), max.author)).toEqual([]);
    meet(max, ann, ben);
    const book = viewOf(max.document);
    expect(book.fills.every(isConfirmed)).toBe(true);
    expect(book.overcommitments).toEqual([]);
  });

  test("is nothing that would promise again what was promised to an execution that is refused", () => {
    const [ann, ben, cem, max] = [trader("ann"), trader("ben"), trader("cem"), trader("max")];
    const buy = place(ann, "buy", 10n, 100n);
    const [first, second] = [place(ben, "sell", 10n, 90n), place(cem, "sell", 10n, 90n)];
    meet(max, ann, ben, cem);
    const refused = execute(max, buy, first, 8n, 95n);
    meet(max, ann);
    confirm(ann, refused, 8n);
    cancel(ben, first);
    const other = execute(max, buy, second, 5n, 95n);
    meet(max, ann, ben, cem);
    const book = viewOf(ann.document);
    expect(confirmableBy(book, ann.author)).toEqual([{ execution: other, amount: 2n }]);
  });
});
