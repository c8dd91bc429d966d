/** The document that nodes share: a list of transactions. Anyone who opens a room with this schema sees the same. */
import { type Document, list, number, optional, string, struct, type View } from "bft-json-crdt";
import { formatTransaction, type Transaction } from "./transaction.ts";

/** The schema of every room. A memo that was not given is left out of the view. */
export const ledger = struct({
  transactions: list(
    struct({ from: string(), to: string(), amount: number(), memo: optional(string()) }),
  ),
});

/** The view: `{ transactions: [{ from, to, amount, memo? }, …] }`. */
export type Ledger = View<typeof ledger>;

/** A document with that schema. */
export type LedgerDocument = Document<typeof ledger>;

/** Makes one change that adds one transaction at the end; signed and applied when it returns, stored nowhere yet. */
export function pushTransaction(document: LedgerDocument, transaction: Transaction): void {
  document.change((doc) => {
    doc.transactions.push(transaction);
  });
}

/** One line for a transaction of the view; unlike one that was typed here, it may be anything that fits the schema. */
export function showTransaction(transaction: Ledger["transactions"][number]): string {
  return formatTransaction(transaction);
}
