/**
 * What the order book makes of balances: trades that both owners have confirmed are paid, eth against usd. What was paid is never
 * taken back, so no order is ever paid beyond its amount, whatever is added to the book later.
 */
import { bookOf, isConfirmed } from "example-order-book";
import type { BookFacts } from "example-order-book";
import type { Ledger } from "./ledger.ts";

/** A trade that was paid. */
export interface Paid {
  readonly execution: string;
  readonly buyer: string;
  readonly seller: string;
  /** Units of eth. */
  readonly amount: bigint;
  /** Units of usd for one unit of eth. */
  readonly price: bigint;
}

/** Pays trades, again and again as the book grows. */
export class Trades {
  readonly #ledger: Ledger;
  readonly paid: Paid[] = [];
  /** Units that are paid, by execution and by order. */
  readonly #done = new Map<string, bigint>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Pays what is confirmed and covered, in the order of the book. */
  settle(facts: BookFacts): void {
    const book = bookOf(facts);
    for (const fill of book.fills) {
      if (!isConfirmed(fill)) continue;
      const { execution, price } = fill;
      const [buy, sell] = [book.orders.get(fill.buy)!, book.orders.get(fill.sell)!];
      const amount = least(
        fill.amount - this.#of(execution),
        buy.amount - this.#of(buy.id),
        sell.amount - this.#of(sell.id),
      );
      if (amount <= 0n || !this.#pay(buy.owner, sell.owner, amount, price)) continue;
      for (const id of [execution, buy.id, sell.id]) this.#done.set(id, this.#of(id) + amount);
      this.paid.push({ execution, buyer: buy.owner, seller: sell.owner, amount, price });
    }
  }

  #pay(buyer: string, seller: string, amount: bigint, price: bigint): boolean {
    const ledger = this.#ledger;
    if (ledger.balance(buyer, "usd") < amount * price) return false;
    if (ledger.transfer(seller, buyer, "eth", amount) !== null) return false;
    return ledger.transfer(buyer, seller, "usd", amount * price) === null;
  }

  #of(id: string): bigint {
    return this.#done.get(id) ?? 0n;
  }
}

function least(...values: readonly [bigint, ...bigint[]]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}
