/** For tests: traders with real keys, and short words for what they do. */
import { documentId, toHex } from "bft-json-crdt";
import type { LocalChange } from "bft-json-crdt";
import { Clock, forkersIn, Participant, reconcile } from "example-kit";
import { MOST, orderBook } from "./index.ts";
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

/** What has become of an execution: its units, or why it has none. */
export interface Fate {
  readonly amount: bigint;
  readonly reason: "invalid" | "exposed" | "cancelled" | "nothing left" | null;
  /** How it stands to a cancellation of one of its orders, where there is one: neither had seen the other, or one of them had. */
  readonly crossing: "concurrent" | "after it" | "before it" | null;
}

/**
 * What becomes of each execution, by its id, as README.md says it: without sums that are carried along, and each question of who had
 * seen what asked of the history alone.
 */
export function fatesIn({ root, history }: Trader["document"]): Map<string, Fate> {
  const orders = new Map(root.orders.entries().map((order) => [order.id, order]));
  const executions = root.executions.entries();
  const hadSeen = (earlier: number, later: number): boolean => history.isAncestor(earlier, later);
  const isInRange = (units: bigint): boolean => units >= 1n && units <= MOST;
  const least = (...units: bigint[]): bigint => units.reduce((a, b) => (b < a ? b : a));
  type Execution = (typeof executions)[number];

  const isOrder = (id: string, side: Side): boolean => {
    const order = orders.get(id)?.value;
    return order?.side === side && isInRange(order.price) && isInRange(order.amount);
  };
  const isValid = ({ change, value: { buy, sell, price, amount } }: Execution): boolean => {
    if (!isOrder(buy, "buy") || !isOrder(sell, "sell")) return false;
    const [buyer, seller] = [orders.get(buy)!, orders.get(sell)!];
    return (
      isInRange(price) &&
      isInRange(amount) &&
      buyer.author !== seller.author &&
      price <= buyer.value.price &&
      price >= seller.value.price &&
      hadSeen(buyer.change, change) &&
      hadSeen(seller.change, change)
    );
  };
  const valid = executions.filter(isValid);
  const confirmedBy = (owner: string, { id, change, value }: Execution): bigint =>
    root.confirmations
      .entries()
      .filter((it) => it.author === owner && it.value.execution === id)
      .filter((it) => isInRange(it.value.amount) && it.value.amount <= value.amount)
      .filter((it) => hadSeen(change, it.change))
      .reduce((most, it) => (it.value.amount > most ? it.value.amount : most), 0n);
  const cancellationOf = (id: string): number | undefined =>
    root.cancellations
      .entries()
      .find((it) => it.value.order === id && it.author === orders.get(id)!.author)?.change;

  // Each order of each valid execution, with what its owner has confirmed of it.
  const sides = new Map(
    valid.map((execution) => {
      const { buy, sell } = execution.value;
      const sidesOf = [buy, sell].map((id) => {
        const owner = orders.get(id)!.author;
        const [confirmed, cancelled] = [confirmedBy(owner, execution), cancellationOf(id)];
        return { id, owner, confirmed, cancelled };
      });
      return [execution.id, sidesOf];
    }),
  );
  const fates = new Map<string, Fate>();
  const filledOf = (order: string, isCounted: (confirmed: bigint) => boolean): bigint =>
    [...sides].reduce((sum, [id, both]) => {
      const side = both.find((it) => it.id === order);
      return side !== undefined && isCounted(side.confirmed)
        ? sum + (fates.get(id)?.amount ?? 0n)
        : sum;
    }, 0n);
  const leftFor = (order: string, confirmed: bigint): bigint => {
    const { amount } = orders.get(order)!.value;
    const left = amount - filledOf(order, () => true);
    if (confirmed > 0n) return least(confirmed, left);
    const promised = [...sides.values()]
      .flat()
      .reduce((sum, it) => (it.id === order ? sum + it.confirmed : sum), 0n);
    const kept = left - (promised - filledOf(order, (units) => units > 0n));
    return kept > 0n ? kept : 0n;
  };
  const forkers = forkersIn(history);
  for (const execution of executions) {
    const { id, change, value } = execution;
    const both = sides.get(id) ?? [];
    const crossings = both.flatMap(({ cancelled }) => {
      if (cancelled === undefined) return [];
      if (hadSeen(change, cancelled)) return ["before it" as const];
      return hadSeen(cancelled, change) ? ["after it" as const] : ["concurrent" as const];
    });
    const crossing = crossings.find((it) => it === "concurrent") ?? crossings[0] ?? null;
    const [refusal] = both.flatMap(({ owner, confirmed, cancelled }) => {
      if (confirmed > 0n) return [];
      if (forkers.has(owner)) return ["exposed" as const];
      const stands = cancelled === undefined || hadSeen(change, cancelled);
      return stands ? [] : ["cancelled" as const];
    });
    const reason = both.length === 0 ? "invalid" : (refusal ?? null);
    const amount =
      reason === null ? least(value.amount, ...both.map((it) => leftFor(it.id, it.confirmed))) : 0n;
    fates.set(id, { amount, reason: reason ?? (amount === 0n ? "nothing left" : null), crossing });
  }
  return fates;
}
