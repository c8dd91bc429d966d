/**
 * Everything that can be asked of a node, whether it runs in this process or answers on its control socket: one table of
 * types, and one function that answers.
 */
import { fromHex } from "bft-json-crdt";
import { RequestError } from "./control/errors.ts";
import type { CommandError } from "./exit-codes.ts";
import type { FeedEvent } from "./feed.ts";
import type { ForkEvidence } from "./fork-evidence.ts";
import { type DagFormat, isDagFormat, type LogEntry, logEntry, rivalsIn } from "./inspection.ts";
import type { LinkState } from "./link.ts";
import type { Node } from "./node.ts";
import { jsonLine, MAX_LINE_BYTES, parseTransaction, type Transaction } from "./transaction.ts";
import { type Damage, verifyStore } from "./verification.ts";

/** A relay, or a peer that this node connects to, as `status` shows it. */
export interface LinkStatus {
  readonly url: string;
  /** "offline" when the node is not running. */
  readonly state: LinkState | "offline";
  /** Why the last connection failed or broke, while there is none; or why one does not take what this node writes. */
  readonly reason: string | null;
}

/** The evidence that an author signed two different changes with one number, as `status` shows it. */
export interface ForkStatus {
  readonly author: string;
  readonly chain: string;
  readonly seq: number;
  /** The ids of two changes with that number, the lower first; both are in the history. */
  readonly ids: readonly [string, string];
  /** It was signed with this node's own key: the key is in use elsewhere, or was stolen. */
  readonly own: boolean;
}

/** What `status` shows; keys and ids are hex. */
export interface Status {
  readonly name: string;
  readonly running: boolean;
  readonly pid: number;
  /** "" when the key is lost; a node that runs has one. */
  readonly key: string;
  readonly room: string;
  readonly document: string;
  /** The chain that this store writes to, as a decimal string of up to 64 bits. */
  readonly chain: string;
  readonly relays: readonly LinkStatus[];
  readonly peers: readonly LinkStatus[];
  /** Where peers may connect to this node; null when they may not, or it is not running. */
  readonly listening: string | null;
  /** Peers that have connected to it, by the address that they come from. */
  readonly guests: readonly { readonly url: string; readonly state: LinkState }[];
  readonly changes: number;
  /** Own changes that no relay or peer is known to have acknowledged. */
  readonly unacknowledged: number;
  readonly transactions: number;
  readonly digest: string;
  /** The first of them. */
  readonly heads: readonly string[];
  readonly headCount: number;
  readonly pending: { readonly changes: number; readonly bytes: number };
  readonly faults: {
    /** The first of them. */
    readonly forks: readonly ForkStatus[];
    readonly forkCount: number;
    /** How often received changes were refused since the node started, by code. */
    readonly rejected: { readonly [code: string]: number };
  };
  /** Seconds since the node started, and CPU seconds that its process has used. */
  readonly uptime: number;
  readonly cpu: number;
}

/** What an import did with the changes of a file. */
export interface Imported {
  readonly added: number;
  readonly known: number;
  /** Waiting for changes that are not here yet. */
  readonly pending: number;
}

/** Parameters, parts and result of each request. */
export interface Requests {
  status: { params: object; part: never; result: Status };
  /** Parts are pieces of the RFC 8785 JSON of the view. */
  view: { params: object; part: string; result: { readonly digest: string } };
  digest: { params: object; part: never; result: { readonly digest: string } };
  log: { params: object; part: LogEntry; result: { readonly changes: number } };
  /** What proves that authors equivocated, one part for each chain. */
  forks: { params: object; part: ForkEvidence; result: { readonly forks: number } };
  verify: {
    params: object;
    part: Damage;
    result: { readonly changes: number; readonly damaged: number };
  };
  /** Parts are pieces of the file, in base64. */
  export: { params: object; part: string; result: { readonly changes: number } };
  /** `group` is one closed group in base64. */
  import: { params: { readonly group: string }; part: never; result: Imported };
  dag: { params: { readonly format: DagFormat }; part: string; result: object };
  /** Signs and stores; the ids are durable when this is answered. */
  append: {
    params: { readonly transactions: readonly Transaction[] };
    part: never;
    result: { readonly ids: readonly string[] };
  };
  /** Waits until a relay or peer has acknowledged a change, and with it all that it builds on, as durable. */
  delivery: {
    params: { readonly id: string; readonly timeoutMs: number };
    part: never;
    result: { readonly acknowledged: boolean };
  };
  /**
   * `append` and `delivery` in one: the part says that all are durable here, the result whether a relay or peer acknowledged them
   * in time. A transaction is an object, or a line as a person types it.
   */
  send: {
    params: {
      readonly transactions: readonly (Transaction | string)[];
      readonly timeoutMs?: number;
    };
    part: { readonly stored: readonly string[] };
    result: { readonly ids: readonly string[]; readonly acknowledged: boolean };
  };
  /** Goes on until it is aborted; with `view`, the whole view comes first. */
  subscribe: { params: { readonly view?: boolean }; part: FeedEvent; result: object };
}

export type Method = keyof Requests;

/** Makes a request; yields parts, returns the result, throws CommandError. */
export type Call = <M extends Method>(
  method: M,
  params: Requests[M]["params"],
) => AsyncGenerator<Requests[M]["part"], Requests[M]["result"]>;

/** Makes a request that has no parts, or whose parts do not matter, and returns its result. */
export async function ask<M extends Method>(
  call: Call,
  method: M,
  params: Requests[M]["params"],
): Promise<Requests[M]["result"]> {
  const answer = call(method, params);
  for (;;) {
    const step = await answer.next();
    if (step.done === true) return step.value;
  }
}

/** Makes a request, hands each part to `take`, and returns the result. */
export async function collect<M extends Method>(
  call: Call,
  method: M,
  params: Requests[M]["params"],
  take: (part: Requests[M]["part"]) => void | Promise<void>,
): Promise<Requests[M]["result"]> {
  const answer = call(method, params);
  for (;;) {
    const step = await answer.next();
    if (step.done === true) return step.value;
    await take(step.value);
  }
}

/** Characters of a view in one part: lines of the control socket stay short, whatever the view. */
const VIEW_PART_CHARACTERS = 262_144;

/** Bytes of an exported file in one part. */
const EXPORT_PART_BYTES = 196_608;

/** Log entries between pauses in which the node can do its other work. */
const ENTRIES_PER_TURN = 256;

/** A transaction that came over the control socket is checked like one that was typed. */
const MAX_TRANSACTIONS_PER_REQUEST = 4_096;

/** Longest wait for a delivery, in milliseconds: one day. */
const LONGEST_DELIVERY_MS = 86_400_000;

/** Milliseconds that `send` waits for a relay unless told otherwise, as the command does. */
const USUAL_DELIVERY_MS = 10_000;

/** UTF-8 bytes of the texts of one transaction: what a line holds, and the "Bob" that a bare text is sent to. */
const MAX_TRANSACTION_BYTES = MAX_LINE_BYTES + 3;

/** For requests that end on their own. */
const NEVER = new AbortController().signal;

type Params = { readonly [key: string]: unknown };

/** Answers a request about a node; params come from outside. The signal ends a subscription and what waits for a relay. */
export async function* answerRequest(
  node: Node,
  method: string,
  params: Params,
  signal: AbortSignal = NEVER,
): AsyncGenerator<unknown, unknown> {
  switch (method) {
    case "status":
      return node.status();
    case "digest":
      return { digest: node.digest() };
    case "view":
      return yield* viewParts(node);
    case "log":
      return yield* logParts(node);
    case "forks":
      return yield* forkParts(node);
    case "verify":
      return yield* verifyStore(node.store);
    case "export":
      return yield* exportParts(node);
    case "import":
      return node.import(bytesOf(params["group"]));
    case "dag":
      return yield* textParts(node.graph(formatOf(params["format"])), {});
    case "append":
      return { ids: await node.append(transactionsOf(params["transactions"])) };
    case "delivery":
      return {
        acknowledged: await node.delivered(
          idOf(params["id"]),
          timeoutOf(params["timeoutMs"]),
          signal,
        ),
      };
    case "send":
      return yield* sendParts(node, params, signal);
    case "subscribe":
      yield* node.feed.subscribe(flagOf(params["view"]), signal);
      return {};
    default:
      throw new RequestError("unknown_method", {
        what: "the request is malformed",
        why: `there is no method ${JSON.stringify(method.slice(0, 64))}`,
      });
  }
}

async function* sendParts(
  node: Node,
  params: Params,
  signal: AbortSignal,
): AsyncGenerator<Requests["send"]["part"], Requests["send"]["result"]> {
  const timeoutMs = timeoutOf(params["timeoutMs"] ?? USUAL_DELIVERY_MS);
  const ids = await node.append(transactionsOf(params["transactions"]));
  yield { stored: ids };
  // An acknowledgement covers all that a change builds on, so all before it on its chain.
  return { ids, acknowledged: await node.delivered(idOf(ids.at(-1)), timeoutMs, signal) };
}

function viewParts(node: Node): AsyncGenerator<string, { digest: string }> {
  return textParts(node.viewJson(), { digest: node.digest() });
}

async function* textParts<R>(text: string, result: R): AsyncGenerator<string, R> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + VIEW_PART_CHARACTERS, text.length);
    // A pair of surrogates stays whole: each part may be written out on its own.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    yield text.slice(start, end);
    start = end;
  }
  return result;
}

async function* logParts(node: Node): AsyncGenerator<LogEntry, { changes: number }> {
  // What arrives meanwhile comes after; the answer is the history as it was when asked for.
  const changes = node.history.length;
  const rivals = rivalsIn(node.history);
  for (let index = 0; index < changes; index++) {
    yield logEntry(node.history, index, rivals);
    if (index % ENTRIES_PER_TURN === 0) await turn();
  }
  return { changes };
}

async function* forkParts(node: Node): AsyncGenerator<ForkEvidence, { forks: number }> {
  const evidence = node.forks();
  for (const [i, fork] of evidence.entries()) {
    yield fork;
    if (i % ENTRIES_PER_TURN === 0) await turn();
  }
  return { forks: evidence.length };
}

async function* exportParts(node: Node): AsyncGenerator<string, { changes: number }> {
  const changes = node.history.length;
  const file = Buffer.from(node.save());
  // Nothing leaves the process before it is durable: what is not might be signed otherwise after a restart.
  await node.stored();
  for (let start = 0; start < file.length; start += EXPORT_PART_BYTES) {
    yield file.toString("base64", start, start + EXPORT_PART_BYTES);
  }
  return { changes };
}

/** Lets sockets and timers have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function transactionsOf(value: unknown): Transaction[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TRANSACTIONS_PER_REQUEST) {
    throw malformed(`transactions must be a list of 1 to ${MAX_TRANSACTIONS_PER_REQUEST}`);
  }
  return value.map((item: unknown) => {
    const parsed = parseTransaction(typeof item === "string" ? item : objectText(item));
    if (parsed.kind !== "transaction")
      throw malformed(parsed.kind === "error" ? parsed.message : "an empty text is no transaction");
    const { from, to, memo = "" } = parsed.transaction;
    // A change has a greatest size, and a node that cannot make one ends.
    if (Buffer.byteLength(from + to + memo) > MAX_TRANSACTION_BYTES)
      throw malformed(`a transaction is longer than ${MAX_LINE_BYTES} bytes`);
    return parsed.transaction;
  });
}

function objectText(item: unknown): string {
  if (typeof item === "object" && item !== null && !Array.isArray(item)) return jsonLine(item);
  throw malformed("a transaction must be an object, or a line as it is typed");
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== "string") throw malformed("group must be base64");
  return new Uint8Array(Buffer.from(value, "base64"));
}

function idOf(value: unknown): Uint8Array {
  const id = typeof value === "string" ? fromHex(value) : null;
  if (id === null || id.length !== 32) throw malformed("id must be 64 hex digits");
  return id;
}

function timeoutOf(value: unknown): number {
  if (typeof value !== "number" || !(value >= 0 && value <= LONGEST_DELIVERY_MS)) {
    throw malformed(`timeoutMs must be 0 to ${LONGEST_DELIVERY_MS}`);
  }
  return value;
}

function flagOf(value: unknown): boolean {
  if (value === undefined || typeof value === "boolean") return value === true;
  throw malformed("view must be true or false");
}

function formatOf(value: unknown): DagFormat {
  if (isDagFormat(value)) return value;
  throw malformed("format must be dot, mermaid or json");
}

function malformed(why: string): CommandError {
  return new RequestError("bad_params", { what: "the request is malformed", why });
}
