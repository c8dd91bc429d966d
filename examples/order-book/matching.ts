/** What honest software proposes: a matcher its executions, an owner the confirmations that cannot bind it twice. */
import type { Book, Order } from "./book.ts";
import type { ExecutionRecord } from "./facts.ts";

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
 * Ids of the executions that an owner can confirm: those that are filled in full, as long as all that the owner is
 * bound to fits into the order. Who confirms nothing else is never overcommitted. Who confirms first is bound, and the
 * other is not yet: no protocol between two can be fairer.
 */
export function confirmableBy(book: Book, owner: string): string[] {
  const committed = new Map<string, bigint>();
  const ids: string[] = [];
  for (const fill of book.fills) {
    if (fill.amount !== fill.asked) continue;
    for (const [id, isConfirmed] of [
      [fill.buy, fill.buyerConfirmed],
      [fill.sell, fill.sellerConfirmed],
    ] as const) {
      const order = book.orders.get(id)!;
      const sum = (committed.get(id) ?? order.committed) + fill.amount;
      if (order.owner !== owner || isConfirmed || sum > order.amount) continue;
      committed.set(id, sum);
      ids.push(fill.execution);
    }
  }
  return ids;
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
