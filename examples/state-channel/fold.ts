/**
 * From statements to a ledger. Operations are done one after another in an order that is the same everywhere:
 *
 *   * stage by stage: first what is in the state of version 1 that all parties have signed, then what version 2 adds, …, last
 *     what no signed state holds. So nobody can put anything before what has been signed, however old it claims to be;
 *   * within a stage first the chain's receipts, then operations in the order of the log, then trades of the order book.
 *
 * What cannot be done in its place is ignored, with the reason.
 */
import type { LogEntry, View } from "bft-json-crdt";
import { factsIn } from "example-order-book";
import type { BookFacts, Fact } from "example-order-book";
import { isAccount } from "example-payment-cluster";
import { Ledger } from "./ledger.ts";
import type { Refusal } from "./ledger.ts";
import { isDeposit, isEpoch } from "./receipts.ts";
import type { Channel, ChannelDocument, Operation } from "./schema.ts";
import { hasSigned } from "./state.ts";
import type { SignedState } from "./state.ts";
import { isAsset } from "./terms.ts";
import type { ChannelTerms } from "./terms.ts";
import { Trades } from "./trades.ts";

/** No amount is greater. */
const MOST = 2n ** 96n;

/** A statement without effect. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: string;
}

/** Two operations with one number, both signed by their author: together they prove it. */
export interface DoubleSpend {
  readonly party: string;
  readonly number: number;
  /** The one that has its place, and the one that has none. */
  readonly done: string;
  readonly refused: string;
}

/** A proposal that all parties have signed. */
export interface Agreed extends SignedState {
  readonly proposal: string;
  /** Local index of the proposal's change: its ancestry is what was signed. */
  readonly change: number;
}

/** What follows from a set of statements. */
export interface Fold {
  readonly ledger: Ledger;
  readonly trades: Trades;
  readonly agreed: readonly Agreed[];
  readonly ignored: readonly Ignored[];
  readonly doubleSpends: readonly DoubleSpend[];
}

type ChannelFields = View<typeof Channel>;
type Entry<Name extends "operations" | "deposits" | "epochs" | "proposals" | "signatures"> =
  LogEntry<ChannelFields[Name][number]>;

/** Everything a document holds. */
export function fold(document: ChannelDocument, terms: ChannelTerms): Fold {
  return foldSome(document, terms, () => true);
}

/** What the author of a change had seen when making it. */
export function foldBehind(document: ChannelDocument, terms: ChannelTerms, change: number): Fold {
  const unseen = new Set(document.history.missingFor([change]));
  return foldSome(document, terms, (at) => !unseen.has(at));
}

function foldSome(
  document: ChannelDocument,
  terms: ChannelTerms,
  counts: (change: number) => boolean,
): Fold {
  const { root, history } = document;
  const among = <T extends { change: number }>(entries: readonly T[]): T[] =>
    entries.filter(({ change }) => counts(change));
  const agreed = agreedIn(
    document,
    terms,
    among(root.proposals.entries()),
    among(root.signatures.entries()),
  );
  const folder = new Folder(terms);
  const operations = among(root.operations.entries());
  const deposits = among(root.deposits.entries());
  const epochs = among(root.epochs.entries());
  const book = factsIn(root.book, history);
  const isIn = agreed.map(({ change }) => {
    const unseen = new Set(history.missingFor([change]));
    return (at: number): boolean => !unseen.has(at);
  });
  isIn.push(() => true);
  isIn.forEach((isInStage, at) => {
    const isNew = ({ change }: { change: number }): boolean =>
      isInStage(change) && !isIn.slice(0, at).some((isInEarlier) => isInEarlier(change));
    folder.receipts(deposits.filter(isNew), epochs.filter(isNew));
    for (const entry of operations) if (isNew(entry)) folder.operate(entry);
    folder.trades.settle(bookUpTo(book, (change) => counts(change) && isInStage(change)));
  });
  const { ledger, trades, ignored, doubleSpends } = folder;
  return { ledger, trades, agreed, ignored, doubleSpends };
}

/**
 * The states that all parties have signed, one after another: each proposal was made by who had seen a signature of each party on
 * the one before. With one honest party there is one for each version at most, since that signs one only. More statements never
 * take one away: of a party's signatures any good one will do, wherever the others stand in the log and whatever is in them.
 */
function agreedIn(
  { history }: ChannelDocument,
  terms: ChannelTerms,
  proposals: readonly Entry<"proposals">[],
  signatures: readonly Entry<"signatures">[],
): Agreed[] {
  const byProposal = new Map<string, Map<string, Entry<"signatures">[]>>();
  for (const entry of signatures) {
    const signers = byProposal.get(entry.value.proposal) ?? new Map<string, (typeof entry)[]>();
    byProposal.set(entry.value.proposal, signers);
    const earlier = signers.get(entry.author);
    if (earlier === undefined) signers.set(entry.author, [entry]);
    else earlier.push(entry);
  }
  const complete = proposals
    .filter(({ id }) => terms.parties.every((party) => byProposal.get(id)?.has(party)))
    .map(({ id, value, change }) => {
      const isGood = ({ author, value: { signature } }: Entry<"signatures">): boolean =>
        hasSigned(author, terms, value, signature);
      const good = terms.parties.map((party) => byProposal.get(id)!.get(party)!.filter(isGood));
      return { id, value, change, good };
    })
    .filter(({ good }) => good.every(({ length }) => length > 0))
    .sort((a, b) => a.value.version - b.value.version || (a.id < b.id ? -1 : 1));
  const agreed: Agreed[] = [];
  let before: Entry<"signatures">[][] = [];
  for (const { id, value, change, good } of complete) {
    if (value.version !== agreed.length + 1) continue;
    const hasSeen = (signature: Entry<"signatures">): boolean =>
      history.isAncestor(signature.change, change);
    if (!before.every((ofParty) => ofParty.some(hasSeen))) continue;
    before = good;
    const signed = good.map(([first]) => {
      const { author, value: statement } = first!;
      return { party: author, signature: statement.signature };
    });
    agreed.push({ ...value, signatures: signed, proposal: id, change });
  }
  return agreed;
}

/** A book of some of its statements. Who has equivocated does not matter here: only what both owners confirmed is paid. */
function bookUpTo(book: BookFacts, counts: (change: number) => boolean): BookFacts {
  const some = <T>(facts: readonly Fact<T>[]): Fact<T>[] =>
    facts.filter(({ change }) => counts(change));
  return {
    orders: some(book.orders),
    cancellations: some(book.cancellations),
    executions: some(book.executions),
    confirmations: some(book.confirmations),
    exposed: new Set(),
    hadSeen: (earlier, later) => book.hadSeen(earlier, later),
  };
}

class Folder {
  readonly ledger = new Ledger();
  readonly trades = new Trades(this.ledger);
  readonly ignored: Ignored[] = [];
  readonly doubleSpends: DoubleSpend[] = [];
  readonly #terms: ChannelTerms;
  /** Party → ids of its operations by their numbers. */
  readonly #done = new Map<string, string[]>();
  /** Deposits whose turn has not come. */
  readonly #early = new Map<number, Entry<"deposits">["value"]>();

  constructor(terms: ChannelTerms) {
    this.#terms = terms;
  }

  /** The chain's receipts, whoever handed them in: deposits by their index, then the latest time. */
  receipts(deposits: readonly Entry<"deposits">[], epochs: readonly Entry<"epochs">[]): void {
    const { ledger } = this;
    for (const entry of deposits) {
      const { value } = entry;
      const isGood =
        value.amount > 0n &&
        value.amount <= MOST &&
        value.index >= 0 &&
        isAsset(value.asset) &&
        this.#terms.parties.includes(value.party) &&
        isDeposit(this.#terms, value, value.signature);
      if (isGood) this.#early.set(value.index, value);
      else this.#ignore(entry, "the chain has not said so");
    }
    for (;;) {
      const next = this.#early.get(ledger.deposits);
      if (next === undefined) break;
      this.#early.delete(ledger.deposits++);
      if (isAsset(next.asset)) ledger.credit(next.party, next.asset, next.amount);
    }
    let latest: Entry<"epochs">["value"] | null = null;
    for (const entry of epochs) {
      const { value } = entry;
      const isGood =
        value.epoch > 0 &&
        value.price > 0n &&
        value.price <= MOST &&
        isEpoch(this.#terms, value, value.signature);
      if (!isGood) this.#ignore(entry, "the chain has not said so");
      else if (latest === null || value.epoch > latest.epoch) latest = value;
    }
    if (latest !== null) ledger.reach(latest.epoch, latest.price);
  }

  /** Does an operation, if it is its author's next one; it then has its number, done or not. */
  operate(entry: Entry<"operations">): void {
    const { id, author, value } = entry;
    if (!this.#terms.parties.includes(author)) return this.#ignore(entry, "it is by no party");
    let done = this.#done.get(author);
    if (done === undefined) this.#done.set(author, (done = []));
    const rival = done[value.number];
    if (rival !== undefined) {
      this.doubleSpends.push({ party: author, number: value.number, done: rival, refused: id });
      return this.#ignore(entry, "another operation has its number");
    }
    if (value.number !== done.length) return this.#ignore(entry, "it is not the next one");
    done.push(id);
    const refusal = this.#do(id, author, value);
    if (refusal !== null) this.#ignore(entry, refusal);
  }

  #do(id: string, author: string, operation: Operation): Refusal {
    const { ledger } = this;
    const { kind, asset, amount, to, data, expiry, target, collateral } = operation;
    switch (kind) {
      case "claim":
        return ledger.claim(author, target, data);
      case "repay":
        return ledger.pool.repay(author, target);
      case "liquidate":
        return ledger.pool.liquidate(author, target);
      default:
    }
    if (amount <= 0n || amount > MOST) return "there is no such amount";
    switch (kind) {
      case "supply":
        return ledger.pool.supply(author, amount);
      case "redeem":
        return ledger.pool.redeem(author, amount);
      case "borrow":
        if (collateral <= 0n || collateral > MOST) return "there is no such amount";
        return ledger.pool.borrow(id, author, amount, collateral);
      default:
    }
    if (!isAsset(asset)) return "there is no such asset";
    if (kind === "withdraw") return ledger.withdraw(author, asset, amount);
    if (!isAccount(to) || !this.#terms.parties.includes(to)) return "the receiver is no party";
    if (to === author) return "nobody pays oneself";
    if (kind === "transfer") return ledger.transfer(author, to, asset, amount);
    if (kind !== "lock") return "there is no such operation";
    if (data.length !== 32) return "a lock has a hash of 32 bytes";
    return ledger.lock({ id, from: author, to, asset, amount, hash: data, expiry });
  }

  #ignore({ id, author }: { id: string; author: string }, reason: string): void {
    this.ignored.push({ id, author, reason });
  }
}
