/** What parties do with the order book of their channel: prices in units of usd for one unit of eth. */
import { bookOf, confirmableBy, factsIn, matchesOf } from "example-order-book";
import type { Participant } from "example-kit";
import type { Channel } from "./schema.ts";

type Member = Participant<typeof Channel>;

/** Offers to buy or sell units of eth. */
export function offer(member: Member, side: "buy" | "sell", price: bigint, amount: bigint): void {
  member.change(({ book }) => book.orders.append({ side, price, amount }));
}

/** Proposes all trades that are possible; returns how many. */
export function match(member: Member): number {
  const { root, history } = member.document;
  const matches = matchesOf(bookOf(factsIn(root.book, history)));
  if (matches.length > 0) member.change(({ book }) => book.executions.append(...matches));
  return matches.length;
}

/** Confirms the trades of the own orders; what both owners have confirmed is paid. Returns how many. */
export function confirm(member: Member): number {
  const { root, history } = member.document;
  const mine = confirmableBy(bookOf(factsIn(root.book, history)), member.author);
  if (mine.length > 0) member.change(({ book }) => book.confirmations.append(...mine));
  return mine.length;
}
