/** For tests: traders with real keys, and short words for what they do. */
import { documentId, toHex } from "bft-json-crdt";
import type { LocalChange } from "bft-json-crdt";
import { Clock, Participant, reconcile } from "example-kit";
import { orderBook } from "./index.ts";
import type { ExecutionRecord, Side } from "./index.ts";

export type Trader = Participant<typeof orderBook>;

export const BOOK_ID = documentId("order-book");

/** A trader with an empty book. */
export function trader(name: string): Trader {
  const [schema, id, clock] = [orderBook, BOOK_ID, new Clock()];
  return new Participant({ name, seed: "floor", schema, id, clock });
}

/** Brings all to one history. */
export function meet(...traders: readonly Trader[]): void {
  for (let round = 0; round < 2; round++) {
    for (const other of traders.slice(1)) reconcile(traders[0]!.document, other.document);
  }
}

/** Places an order; its id. */
export function place(who: Trader, side: Side, amount: bigint, price: bigint): string {
  return idOf(who.change(({ orders }) => orders.append({ side, price, amount })));
}

/** Cancels an order. */
export function cancel(who: Trader, order: string): string {
  return idOf(who.change(({ cancellations }) => cancellations.append({ order })));
}

/** Executes two orders against each other. */
export function execute(
  who: Trader,
  buy: string,
  sell: string,
  amount: bigint,
  price: bigint,
): string {
  const record: ExecutionRecord = { buy, sell, price, amount };
  return idOf(who.change(({ executions }) => executions.append(record)));
}

/** Confirms an execution. */
export function confirm(who: Trader, execution: string, amount: bigint): string {
  return idOf(who.change(({ confirmations }) => confirmations.append({ execution, amount })));
}

/** The id of the only record that a change made. */
function idOf({ id }: LocalChange): string {
  return `${toHex(id)}:0`;
}
