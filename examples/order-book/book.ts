/**
 * The book: a pure function of the set of facts, so that replicas with the same history show the same book. The rules
 * are in README.md; each refusal below is one of them.
 */
import type { BookFacts, Fact } from "./facts.ts";
import { readRecords } from "./records.ts";
import type { Account, Ignore, Offer, Reason, Trade } from "./records.ts";

/** A record without effect. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: Reason;
}

/** An order and what has become of it. */
export interface Order extends Offer {
  /** Units of the fills; never more than `amount`. */
  readonly filled: bigint;
  /** Units that the owner has confirmed, of all executions: more than `amount` only if the owner lies. */
  readonly committed: bigint;
  /** Units that others may match: neither filled nor promised to an execution that the owner has confirmed. */
  readonly left: bigint;
  /** Only what is open stands in the levels. "withdrawn": the owner has been proven to equivocate. */
  readonly status: "open" | "filled" | "cancelled" | "withdrawn";
}

/** An execution that counts. */
export interface Fill {
  readonly execution: string;
  /** Public key of who matched, in hex. */
  readonly executor: string;
  /** Ids of the orders. */
  readonly buy: string;
  readonly sell: string;
  readonly price: bigint;
  /** Units that change hands: what the execution asked for, or what was confirmed, or what was left. */
  readonly amount: bigint;
  /** Units that the execution asked for. */
  readonly asked: bigint;
  /** Units to which the owners are bound; 0 while they have not confirmed. */
  readonly buyerConfirmed: bigint;
  readonly sellerConfirmed: bigint;
}

/** True when both owners are bound: then a trade is final, unless one of them is overcommitted. */
export function isConfirmed({ buyerConfirmed, sellerConfirmed }: Fill): boolean {
  return buyerConfirmed > 0n && sellerConfirmed > 0n;
}

/** What stands open at one price. */
export interface PriceLevel {
  readonly price: bigint;
  /** Units. */
  readonly amount: bigint;
  /** Ids of the orders, in the order of the log. */
  readonly orders: readonly string[];
}

/** An owner who confirmed more than the order has: the confirmations, which carry the owner's signature, prove it. */
export interface Overcommitment {
  readonly order: string;
  readonly owner: string;
  readonly amount: bigint;
  readonly committed: bigint;
  /** Ids of the confirmations. */
  readonly confirmations: readonly string[];
}

/** What all replicas with one history show. */
export interface Book {
  /** All valid orders by id, in the order of the log. */
  readonly orders: ReadonlyMap<string, Order>;
  /** In the order of the log, in which they were counted. */
  readonly fills: readonly Fill[];
  /** The highest price first. */
  readonly bids: readonly PriceLevel[];
  /** The lowest price first. */
  readonly asks: readonly PriceLevel[];
  readonly ignored: readonly Ignored[];
  readonly overcommitments: readonly Overcommitment[];
}

/** The book that follows from the facts. Time: a few questions to `hadSeen` for each record. */
export function bookOf(facts: BookFacts): Book {
  const ignored: Ignored[] = [];
  const ignore = ({ id, author }: Fact<unknown>, reason: Reason): void => {
    ignored.push({ id, author, reason });
  };
  const { accounts, cancellations, trades } = readRecords(facts, ignore);
  const fills: Fill[] = [];
  for (const trade of trades) {
    const reason =
      refusalOf(trade, trade.buy, trade.buyerConfirmed) ??
      refusalOf(trade, trade.sell, trade.sellerConfirmed);
    if (reason === null) fill(trade, fills, ignore);
    else ignore(trade.fact, reason);
  }
  const orders = accounts.map(orderOf);
  return {
    orders: new Map(orders.map((order) => [order.id, order])),
    fills,
    bids: levelsOf(orders, "buy"),
    asks: levelsOf(orders, "sell"),
    ignored,
    overcommitments: overcommitmentsOf(accounts),
  };

  /** Why an execution does not bind the owner of one of its orders; null when it does. */
  function refusalOf({ fact }: Trade, { offer }: Account, confirmed: bigint): Reason | null {
    if (confirmed > 0n) return null;
    if (facts.exposed.has(offer.owner)) return "exposed";
    const cancellation = cancellations.get(offer.id);
    if (cancellation === undefined || facts.hadSeen(fact.change, cancellation.change)) return null;
    return "cancelled";
  }

  function orderOf(account: Account): Order {
    const { offer, filled, committed } = account;
    const status = statusOf(account);
    return { ...offer, filled, committed, left: status === "open" ? free(account) : 0n, status };
  }

  function statusOf({ offer, filled }: Account): Order["status"] {
    if (filled === offer.amount) return "filled";
    if (facts.exposed.has(offer.owner)) return "withdrawn";
    return cancellations.has(offer.id) ? "cancelled" : "open";
  }
}

/**
 * Fills as much as both orders have for it. What an owner has confirmed is kept for that, so nobody can put anything before
 * a trade that both owners have confirmed, however early the log shows it.
 */
function fill(trade: Trade, fills: Fill[], ignore: Ignore): void {
  const { fact, buy, sell, buyerConfirmed, sellerConfirmed } = trade;
  const { price, amount: asked } = fact.value;
  const amount = least(asked, leftFor(buy, buyerConfirmed), leftFor(sell, sellerConfirmed));
  if (amount === 0n) {
    ignore(fact, "nothing left");
    return;
  }
  buy.filled += amount;
  sell.filled += amount;
  if (buyerConfirmed > 0n) buy.promised -= amount;
  if (sellerConfirmed > 0n) sell.promised -= amount;
  const [execution, executor] = [fact.id, fact.author];
  const parties = { buy: buy.offer.id, sell: sell.offer.id, buyerConfirmed, sellerConfirmed };
  fills.push({ execution, executor, price, amount, asked, ...parties });
}

/** Units of an order for an execution: as many as its owner has confirmed, else what is promised to no other one. */
function leftFor(account: Account, confirmed: bigint): bigint {
  return confirmed > 0n ? least(confirmed, account.offer.amount - account.filled) : free(account);
}

/** Units that are neither filled nor promised. */
function free({ offer, filled, promised }: Account): bigint {
  const units = offer.amount - filled - promised;
  return units > 0n ? units : 0n;
}

function levelsOf(orders: readonly Order[], wanted: Order["side"]): PriceLevel[] {
  const levels = new Map<bigint, { price: bigint; amount: bigint; orders: string[] }>();
  for (const { id, side, price, left } of orders) {
    if (side !== wanted || left === 0n) continue;
    const level = levels.get(price) ?? { price, amount: 0n, orders: [] };
    level.amount += left;
    level.orders.push(id);
    levels.set(price, level);
  }
  const sign = wanted === "buy" ? -1 : 1;
  return [...levels.values()].sort((a, b) => sign * compare(a.price, b.price));
}

function overcommitmentsOf(accounts: readonly Account[]): Overcommitment[] {
  return accounts
    .filter(({ offer, committed }) => committed > offer.amount)
    .map(({ offer: { id: order, owner, amount }, committed, confirmations }) => {
      return { order, owner, amount, committed, confirmations };
    });
}

function least(...values: readonly [bigint, ...bigint[]]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
