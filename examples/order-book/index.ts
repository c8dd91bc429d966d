/**
 * An order book without a middleman: `orderBook` is the schema, `factsIn` reads a document (or the part of one that is a
 * book), `bookOf` computes what all replicas show.
 */
import type { Document } from "bft-json-crdt";
import { bookOf } from "./book.ts";
import type { Book } from "./book.ts";
import { factsIn } from "./facts.ts";
import type { orderBook } from "./facts.ts";

export { bookOf, isConfirmed } from "./book.ts";
export type { Book, Fill, Ignored, Order, Overcommitment, PriceLevel } from "./book.ts";
export { factsIn, orderBook } from "./facts.ts";
export type {
  BookFacts,
  CancellationRecord,
  ConfirmationRecord,
  ExecutionRecord,
  Fact,
  OrderRecord,
} from "./facts.ts";
export { MOST } from "./records.ts";
export type { Offer, Reason, Side } from "./records.ts";
export { confirmableBy, matchesOf } from "./matching.ts";

/** The book of a document that is nothing but a book. */
export function viewOf(document: Document<typeof orderBook>): Book {
  return bookOf(factsIn(document.root, document.history));
}
