/**
 * Which records are valid, whatever else happens: decided from the record, what it names and what its author had seen.
 */
import type {
  BookFacts,
  CancellationRecord,
  ConfirmationRecord,
  ExecutionRecord,
  Fact,
} from "./facts.ts";

/** Prices and amounts are integers from 1 to this. */
export const MOST = 2n ** 128n - 1n;

export type Side = "buy" | "sell";

/** Why a record has no effect. */
export type Reason =
  /** A side that is none, a price or an amount out of range; for a confirmation, more than the execution asked for. */
  | "malformed"
  /** It names no order, or no execution, that is valid. */
  | "unknown"
  /** The author of an execution or a confirmation had not seen what it names. */
  | "unseen"
  /** A cancellation or a confirmation by somebody else than the owner. */
  | "not the owner"
  /** The owner has cancelled before, or confirmed as many units. */
  | "repeated"
  /** An execution whose buy order sells, or whose sell order buys. */
  | "wrong side"
  /** Both orders have one owner. */
  | "self-trade"
  /** A price that one of the orders does not accept. */
  | "price"
  /** An order that was cancelled by somebody who had not seen the execution. */
  | "cancelled"
  /** An order of somebody who has been proven to equivocate. */
  | "exposed"
  /** One of the orders is filled, or promised, to executions that go first. */
  | "nothing left";

/** Takes down that a record has no effect. */
export type Ignore = (fact: Fact<unknown>, reason: Reason) => void;

/** What an order says. */
export interface Offer {
  readonly id: string;
  /** Public key in hex. */
  readonly owner: string;
  readonly side: Side;
  readonly price: bigint;
  readonly amount: bigint;
}

/** An order and the sums that are kept of it, in units. */
export interface Account {
  readonly offer: Offer;
  readonly change: number;
  filled: bigint;
  /** What the owner has confirmed, filled or not. */
  committed: bigint;
  /** The part of it that is not filled yet. */
  promised: bigint;
  /** Ids of the owner's confirmations. */
  readonly confirmations: string[];
}

/** A valid execution; whether anything is left for it is decided later. */
export interface Trade {
  readonly fact: Fact<ExecutionRecord>;
  readonly buy: Account;
  readonly sell: Account;
  /** The most units that the owners have confirmed; 0 while they have not. */
  buyerConfirmed: bigint;
  sellerConfirmed: bigint;
}

/** What is valid. */
export interface Records {
  /** Of the orders, in the order of the log. */
  readonly accounts: readonly Account[];
  /** By the order's id. */
  readonly cancellations: ReadonlyMap<string, Fact<CancellationRecord>>;
  /** In the order of the log, with the confirmations counted. */
  readonly trades: readonly Trade[];
}

/** Reads all records; those that are not valid are ignored. */
export function readRecords(facts: BookFacts, ignore: Ignore): Records {
  const accounts = readOrders(facts, ignore);
  const cancellations = readCancellations(facts, accounts, ignore);
  const trades = readExecutions(facts, accounts, ignore);
  readConfirmations(facts, trades, ignore);
  return { accounts: [...accounts.values()], cancellations, trades: [...trades.values()] };
}

function readOrders(facts: BookFacts, ignore: Ignore): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const fact of facts.orders) {
    const { id, author: owner, change } = fact;
    const { side, price, amount } = fact.value;
    if (!isSide(side) || !isInRange(price) || !isInRange(amount)) ignore(fact, "malformed");
    else {
      const offer = { id, owner, side, price, amount };
      const counts = { filled: 0n, committed: 0n, promised: 0n };
      accounts.set(id, { offer, change, ...counts, confirmations: [] });
    }
  }
  return accounts;
}

/** The first cancellation of each order by its owner. */
function readCancellations(
  facts: BookFacts,
  accounts: ReadonlyMap<string, Account>,
  ignore: Ignore,
): Map<string, Fact<CancellationRecord>> {
  const cancellations = new Map<string, Fact<CancellationRecord>>();
  for (const fact of facts.cancellations) {
    const order = accounts.get(fact.value.order);
    if (order === undefined) ignore(fact, "unknown");
    else if (order.offer.owner !== fact.author) ignore(fact, "not the owner");
    else if (cancellations.has(order.offer.id)) ignore(fact, "repeated");
    else cancellations.set(order.offer.id, fact);
  }
  return cancellations;
}

function readExecutions(
  facts: BookFacts,
  accounts: ReadonlyMap<string, Account>,
  ignore: Ignore,
): Map<string, Trade> {
  const trades = new Map<string, Trade>();
  for (const fact of facts.executions) {
    const { buy: buyId, sell: sellId, price, amount } = fact.value;
    const buy = accounts.get(buyId);
    const sell = accounts.get(sellId);
    if (!isInRange(price) || !isInRange(amount)) ignore(fact, "malformed");
    else if (buy === undefined || sell === undefined) ignore(fact, "unknown");
    else if (buy.offer.side !== "buy" || sell.offer.side !== "sell") ignore(fact, "wrong side");
    else if (buy.offer.owner === sell.offer.owner) ignore(fact, "self-trade");
    else if (price > buy.offer.price || price < sell.offer.price) ignore(fact, "price");
    else if (![buy, sell].every(({ change }) => facts.hadSeen(change, fact.change))) {
      ignore(fact, "unseen");
    } else trades.set(fact.id, { fact, buy, sell, buyerConfirmed: 0n, sellerConfirmed: 0n });
  }
  return trades;
}

/** Marks trades as confirmed and adds up what their owners are bound to. */
function readConfirmations(
  facts: BookFacts,
  trades: ReadonlyMap<string, Trade>,
  ignore: Ignore,
): void {
  for (const fact of facts.confirmations) {
    const trade = trades.get(fact.value.execution);
    const reason = trade === undefined ? "unknown" : whyNotConfirmed(facts, trade, fact);
    if (reason !== null) ignore(fact, reason);
    else confirm(trade!, fact);
  }
}

function confirm(trade: Trade, { id, author, value }: Fact<ConfirmationRecord>): void {
  const isBuyer = author === trade.buy.offer.owner;
  const account = isBuyer ? trade.buy : trade.sell;
  const more = value.amount - (isBuyer ? trade.buyerConfirmed : trade.sellerConfirmed);
  if (isBuyer) trade.buyerConfirmed = value.amount;
  else trade.sellerConfirmed = value.amount;
  account.committed += more;
  account.promised += more;
  account.confirmations.push(id);
}

function whyNotConfirmed(
  facts: BookFacts,
  { fact, buy, sell, buyerConfirmed, sellerConfirmed }: Trade,
  { author, value, change }: Fact<ConfirmationRecord>,
): Reason | null {
  if (!isInRange(value.amount) || value.amount > fact.value.amount) return "malformed";
  if (author !== buy.offer.owner && author !== sell.offer.owner) return "not the owner";
  const before = author === buy.offer.owner ? buyerConfirmed : sellerConfirmed;
  if (value.amount <= before) return "repeated";
  return facts.hadSeen(fact.change, change) ? null : "unseen";
}

function isSide(text: string): text is Side {
  return text === "buy" || text === "sell";
}

function isInRange(value: bigint): boolean {
  return value >= 1n && value <= MOST;
}
