/** What honest software proposes: a matcher its executions, an owner the confirmations that cannot bind it twice. */
import type { Book, Order } from "./book.ts";
import type { ConfirmationRecord, ExecutionRecord } from "./facts.ts";

/**
 * Executions that would fill what crosses: the best prices first, at one price the order of the log, at the price of
 * whichever order stands earlier there. Never two orders of one owner. At most `most` of them.
 */
export function matchesOf(book: Book, most = 100): ExecutionRecord[] {
  const bids = queueOf(book, "buy");
  const asks = queueOf(book, "sell");
  const matches: ExecutionRecord[] = [];
  for (const bid of bids) {
    for (const ask of asks) {
      if (bid.left === 0n || ask.order.price > bid.order.price) break;
      if (ask.left === 0n || ask.order.owner === bid.order.owner) continue;
      if (matches.length >= most) return matches;
      const amount = bid.left < ask.left ? bid.left : ask.left;
      const price = (bid.rank < ask.rank ? bid : ask).order.price;
      matches.push({ buy: bid.order.id, sell: ask.order.id, price, amount });
      bid.left -= amount;
      ask.left -= amount;
    }
  }
  return matches;
}

/**
 * What an owner can confirm: what is filled of the own orders and not confirmed yet. Who confirms nothing else is never
 * overcommitted. Who confirms first is bound while the other is not yet: no protocol between two can do without that.
 */
export function confirmableBy(book: Book, owner: string): ConfirmationRecord[] {
  const isOwn = (order: string, confirmed: bigint): boolean =>
    confirmed === 0n && book.orders.get(order)!.owner === owner;
  return book.fills
    .filter(
      (fill) => isOwn(fill.buy, fill.buyerConfirmed) || isOwn(fill.sell, fill.sellerConfirmed),
    )
    .map(({ execution, amount }) => ({ execution, amount }));
}

interface Waiting {
  readonly order: Order;
  /** Place in the log. */
  readonly rank: number;
  left: bigint;
}

/** Open orders of one side as they are served. */
function queueOf(book: Book, side: Order["side"]): Waiting[] {
  const ranks = new Map([...book.orders.keys()].map((id, rank) => [id, rank]));
  const levels = side === "buy" ? book.bids : book.asks;
  return levels
    .flatMap((level) => level.orders)
    .map((id) => {
      const order = book.orders.get(id)!;
      return { order, rank: ranks.get(id)!, left: order.left };
    });
}
