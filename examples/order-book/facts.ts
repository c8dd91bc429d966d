/**
 * What traders and matchers write down, each under the own key: orders, cancellations, executions, confirmations. Nobody
 * can take back or change what another has written; what a book is worth is computed from all of it (book.ts).
 */
import { bigint, log, string, struct, toHex } from "bft-json-crdt";
import type { Handle, History, View } from "bft-json-crdt";
import { sightOf } from "./sight.ts";
import type { Question } from "./sight.ts";

const order = struct({
  /** "buy" or "sell". */
  side: string(),
  /** The most a buyer pays, the least a seller takes, for one unit. */
  price: bigint(),
  /** Units. */
  amount: bigint(),
});

const cancellation = struct({
  /** Id of the order that its owner takes off the book. */
  order: string(),
});

const execution = struct({
  /** Ids of the two orders. */
  buy: string(),
  sell: string(),
  /** For one unit. */
  price: bigint(),
  /** Units. */
  amount: bigint(),
});

const confirmation = struct({
  /** Id of the execution to which the owner of one of its orders is bound from now on. */
  execution: string(),
  /** Units, up to those that the execution asked for. */
  amount: bigint(),
});

/** An order book: a document of its own, or a field of another. */
export const orderBook = struct({
  orders: log(order),
  cancellations: log(cancellation),
  executions: log(execution),
  confirmations: log(confirmation),
});

export type OrderRecord = View<typeof order>;
export type CancellationRecord = View<typeof cancellation>;
export type ExecutionRecord = View<typeof execution>;
export type ConfirmationRecord = View<typeof confirmation>;

/** One record, who stands for it, and where it stands in the history. A `LogEntry` is one. */
export interface Fact<T> {
  /** The same on every replica. */
  readonly id: string;
  /** Public key of who wrote it, in hex. */
  readonly author: string;
  readonly value: T;
  /** The change it came in, as `hadSeen` knows it; may differ from replica to replica. */
  readonly change: number;
}

/**
 * All that a book is computed from. The lists stand in an order that is the same on every replica and in which nothing
 * stands before what its author had seen, as `entries()` of a log gives them.
 */
export interface BookFacts {
  readonly orders: readonly Fact<OrderRecord>[];
  readonly cancellations: readonly Fact<CancellationRecord>[];
  readonly executions: readonly Fact<ExecutionRecord>[];
  readonly confirmations: readonly Fact<ConfirmationRecord>[];
  /** Keys, in hex, of authors who have been proven to equivocate. */
  readonly exposed: ReadonlySet<string>;
  /** True when the author of the later change had seen the earlier one, or they are the same change. */
  hadSeen(earlier: number, later: number): boolean;
}

/** The facts in a book, which may be a field of a larger document: the handle of the book, the history of the document. */
export function factsIn(book: Handle<typeof orderBook>, history: History): BookFacts {
  const lists = {
    orders: book.orders.entries(),
    cancellations: book.cancellations.entries(),
    executions: book.executions.entries(),
    confirmations: book.confirmations.entries(),
    exposed: new Set(history.forks().map((fork) => toHex(fork.author))),
  };
  return { ...lists, hadSeen: sightOf(history, questionsOf(lists)) };
}

/** What will be asked: an execution about its orders and their first cancellations, a confirmation about its execution. */
function questionsOf(facts: Omit<BookFacts, "hadSeen">): Question[] {
  const orders = new Map(facts.orders.map((fact) => [fact.id, fact]));
  const executions = new Map(facts.executions.map((fact) => [fact.id, fact]));
  const cancelled = new Map<string, number>();
  for (const { value, author, change } of facts.cancellations) {
    const isFirst = !cancelled.has(value.order);
    if (isFirst && orders.get(value.order)?.author === author) cancelled.set(value.order, change);
  }
  const questions: Question[] = [];
  for (const { value, change } of facts.executions) {
    for (const id of [value.buy, value.sell]) {
      const order = orders.get(id);
      const cancellation = cancelled.get(id);
      if (order !== undefined) questions.push([order.change, change]);
      if (cancellation !== undefined) questions.push([change, cancellation]);
    }
  }
  for (const { value, change } of facts.confirmations) {
    const execution = executions.get(value.execution);
    if (execution !== undefined) questions.push([execution.change, change]);
  }
  return questions;
}
