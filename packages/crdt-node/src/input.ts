/** Transactions from a stream of text, as they come. */
import { LineSplitter, type Line } from "./lines.ts";
import { MAX_LINE_BYTES, parseTransaction, type Transaction } from "./transaction.ts";

/** What a person is told before typing: it is the form that nobody expects. */
export const BARE_TEXT_WARNING =
  "any other text goes to Bob with amount 1, and what is signed cannot be taken back";

/** What one chunk of input held. */
export interface InputBatch {
  readonly transactions: readonly Transaction[];
  /** Lines that are no transaction; `line` counts from 1, `message` names what was expected. */
  readonly errors: readonly { readonly line: number; readonly message: string }[];
}

/** Reads lines until the stream ends; the next chunk is not read before the caller is done with the last. */
export async function* readTransactions(
  stream: AsyncIterable<unknown>,
): AsyncGenerator<InputBatch, void> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  let number = 0;
  const batchOf = (lines: readonly Line[]): InputBatch => {
    const transactions: Transaction[] = [];
    const errors: { line: number; message: string }[] = [];
    for (const line of lines) {
      number++;
      const parsed = line.ok
        ? parseTransaction(line.text)
        : ({ kind: "error", message: UNREADABLE[line.reason] } as const);
      if (parsed.kind === "transaction") transactions.push(parsed.transaction);
      else if (parsed.kind === "error") errors.push({ line: number, message: parsed.message });
    }
    return { transactions, errors };
  };
  for await (const chunk of stream) yield batchOf(splitter.push(chunk as Buffer));
  const last = splitter.end();
  if (last !== null) yield batchOf([last]);
}

const UNREADABLE = {
  too_long: `the line is longer than ${MAX_LINE_BYTES.toLocaleString("en-US")} bytes`,
  not_utf8: "the line is not UTF-8",
} as const;
