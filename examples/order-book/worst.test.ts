/** What a matcher and an owner can do at worst: the rows of the page's table that the other tests do not show. */
import { describe, expect, test } from "vitest";
import { cancel, confirm, execute, meet, place, trader } from "./floor.model.ts";
import type { Trader } from "./floor.model.ts";
import { viewOf } from "./index.ts";
import type { Book } from "./index.ts";

function bookAfter(...traders: readonly Trader[]): Book {
  meet(...traders);
  return viewOf(traders[0]!.document);
}

describe("at worst", () => {
  test("a matcher on old heads gets in before others, at the worst price its counterparty signed, until owners confirm", () => {
    for (const isConfirmed of [false, true]) {
      const [ann, ben, cem] = [trader("ann"), trader("ben"), trader("cem")];
      const [max, backdater] = [trader("max"), trader("backdater")];
      const buy = place(ann, "buy", 10n, 100n);
      const [sell, late] = [place(ben, "sell", 10n, 90n), place(cem, "sell", 10n, 80n)];
      meet(ann, ben, cem, max, backdater);
      place(max, "buy", 1n, 1n); // so that what Max says next has more behind it
      const trade = execute(max, buy, sell, 10n, 95n);
      meet(ann, ben, max);
      if (isConfirmed) for (const owner of [ann, ben]) confirm(owner, trade, 10n);
      const early = execute(backdater, buy, late, 10n, 100n);
      const { fills } = bookAfter(ann, ben, cem, max, backdater);
      expect(fills.map(({ execution, price }) => [execution, price])).toEqual([
        isConfirmed ? [trade, 95n] : [early, 100n],
      ]);
    }
  });

  test("an owner cancels as if an execution were not known, and backs out of it, unless it is confirmed", () => {
    for (const isConfirmed of [false, true]) {
      const [ann, ben, max] = [trader("ann"), trader("ben"), trader("max")];
      const buy = place(ann, "buy", 10n, 100n);
      const sell = place(ben, "sell", 10n, 90n);
      meet(ann, ben, max);
      const blind = ann.twin();
      const trade = execute(max, buy, sell, 10n, 95n);
      meet(ann, ben, max);
      expect(viewOf(ann.document).fills).toHaveLength(1);
      if (isConfirmed) confirm(ann, trade, 10n);
      cancel(blind, buy);
      const book = bookAfter(ben, ann, max, blind);
      expect(book.fills).toHaveLength(isConfirmed ? 1 : 0);
      if (!isConfirmed) expect(book.ignored).toMatchObject([{ id: trade, reason: "cancelled" }]);
      // Who confirmed before has told two stories by that.
      expect(ben.document.history.forks()).toHaveLength(isConfirmed ? 1 : 0);
    }
  });
});
