/**
 * Changes for people: what a change says, read from its signed bytes, whether or not its ops have an effect on the view;
 * and the graph that they form.
 */
import {
  decodeValue,
  explainBody,
  type History,
  toDot,
  toGraph,
  toHex,
  toMermaid,
  type Value,
} from "bft-json-crdt";
import { formatTransaction, type Transaction } from "./transaction.ts";

type ExplainedHeader = Extract<ReturnType<typeof explainBody>, { readonly ops: unknown }>;
type ExplainedOp = ExplainedHeader["ops"][number];

/** One change: its header and ops as the library explains them, and the transactions among what it inserts. */
export interface LogEntry extends Omit<ExplainedHeader, "document" | "elements"> {
  /** The change id: 64 hex digits. */
  readonly id: string;
  readonly transactions: readonly Transaction[];
  /** The author has equivocated on this chain, as far as is known here. */
  readonly forked: boolean;
  /** The id of another change with the same number, for the two that prove it; null for all others. */
  readonly rival: string | null;
}

/** What {@link dagText} can write. */
export type DagFormat = "dot" | "mermaid" | "json";

/** The ops are the last field of a body, `[1, document, author, chain, seq, prev, parents, lamport, time, refs, ops]`. */
const OPS_FIELD = 10;

/** The kind of an op, `[kind, elements made, targets, content]`, that inserts values into a list. */
const INSERT_VALUES = 1;

/** For each of the two changes that prove a fork, the id of the other; ids are hex. */
export function rivalsIn(history: History): ReadonlyMap<string, string> {
  return new Map(
    history.forks().flatMap(({ ids }) => {
      const [first, second] = ids.map(toHex) as [string, string];
      return [
        [first, second],
        [second, first],
      ];
    }),
  );
}

/** What there is to say about an applied change; `rivals` as of {@link rivalsIn}. */
export function logEntry(
  history: History,
  index: number,
  rivals: ReadonlyMap<string, string> = new Map(),
): LogEntry {
  const explained = explainBody(history.bodyAt(index));
  if ("fault" in explained)
    throw new Error(`an applied change cannot be read: ${explained.fault.detail}`);
  const { document: _document, elements: _elements, ...header } = explained;
  const id = toHex(history.idAt(index));
  return {
    id,
    ...header,
    transactions: transactionsIn(history.bodyAt(index)),
    forked: history.isForked(index),
    rival: rivals.get(id) ?? null,
  };
}

/** A few words for each thing that a change does, from its body alone. */
export function describeBody(body: Uint8Array): string[] {
  const explained = explainBody(body);
  if ("fault" in explained) return ["nothing that can be read"];
  return describeChange({ ops: explained.ops, transactions: transactionsIn(body) });
}

/** The transactions that a change inserts, whole, however long their texts are. */
export function transactionsIn(body: Uint8Array): Transaction[] {
  const decoded = decodeValue(body);
  // A body may nest deeper than a value; then it has nothing that fits this document anyway.
  const ops = decoded.ok && isList(decoded.value) ? decoded.value[OPS_FIELD] : undefined;
  if (ops === undefined || !isList(ops)) return [];
  return ops.flatMap((op) => {
    const [kind, , , content] = isList(op) ? op : [];
    if (kind !== INSERT_VALUES || content === undefined || !isList(content)) return [];
    return content.flatMap(transactionOf);
  });
}

/** Characters of a text of a transaction that are shown where there is a line for each change. */
const MAX_SHOWN_CHARACTERS = 200;

/** A few words for each thing that a change does; long texts are cut off. */
export function describeChange({
  ops,
  transactions,
}: Pick<LogEntry, "ops" | "transactions">): string[] {
  const others = ops.filter(({ kind }) => kind !== "insert values" || transactions.length === 0);
  return [
    ...transactions.map((transaction) => formatTransaction(shortened(transaction))),
    ...others.map(describeOp),
  ];
}

/** True for the name of a format. */
export function isDagFormat(value: unknown): value is DagFormat {
  return value === "dot" || value === "mermaid" || value === "json";
}

/** The graph of all applied changes; `nameOf` says what to call an author, by public key in hex. */
export function dagText(
  history: History,
  format: DagFormat,
  nameOf: (author: string) => string,
): string {
  switch (format) {
    case "dot":
      return toDot(history, { nameOf });
    case "mermaid":
      return toMermaid(history, { nameOf });
    case "json":
      return `${JSON.stringify(toGraph(history))}\n`;
  }
}

function shortened({ from, to, amount, memo }: Transaction): Transaction {
  const texts = { from: cutOff(from), to: cutOff(to), amount };
  return memo === undefined ? texts : { ...texts, memo: cutOff(memo) };
}

function cutOff(text: string): string {
  if (text.length <= MAX_SHOWN_CHARACTERS) return text;
  const isSplit = (text.charCodeAt(MAX_SHOWN_CHARACTERS - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, MAX_SHOWN_CHARACTERS - (isSplit ? 1 : 0))}…`;
}

function describeOp({ kind, content, ranges }: ExplainedOp): string {
  if (kind === "inert") return "nothing that is known here";
  if (kind !== "remove") return content === undefined ? kind : `${kind} ${content}`;
  const elements = (ranges ?? []).reduce((sum, range) => sum + range.count, 0);
  return `remove ${elements} element${elements === 1 ? "" : "s"}`;
}

function transactionOf(item: Value): Transaction[] {
  if (!isRecord(item)) return [];
  const { from, to, amount, memo } = item;
  if (typeof from !== "string" || typeof to !== "string" || typeof amount !== "number") return [];
  if (memo !== undefined && typeof memo !== "string") return [];
  return [memo === undefined ? { from, to, amount } : { from, to, amount, memo }];
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function isRecord(value: Value): value is { readonly [key: string]: Value } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}
