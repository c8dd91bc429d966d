/**
 * The control messages of the sync protocol (version 1): one JSON object per text frame. A binary frame is one closed
 * group of changes (change/group.ts) and nothing else.
 *
 * Both ends speak the same protocol, each for itself: it asks what the other lacks, sends that, and says `done`. No
 * question is answered from memory of an earlier one, so that lost, repeated and reordered messages cost a repetition
 * and never a wrong state. Ids are 64 lower-case hexadecimal digits. `frontier` is either `heads` (at most 256 ids) or,
 * when there are more, `digest`: SHA-256(sync tag ‖ 2 ‖ sorted ids).
 *
 *     have    {frontier, again?}      This is what I have; send me the rest. Answered by binary groups and `done` when
 *                                     all heads are known; by `known` when some are not. Whoever has sent all it has
 *                                     already, and passes on what comes, answers `done` only; `again: true` (after a
 *                                     `done` with unknown heads) says that some of it was lost or refused.
 *     known   {ids}                   Answer to `have`: of your heads I have these only; I cannot tell yet what you
 *                                     lack. Whoever lacks heads of the other too, goes on to compare tips.
 *     done    {frontier}              Answer to `have`: you have been sent all that you lacked of this.
 *     tips    {page, chains: [[author, chain, seq, id], …]}
 *                                     The last changes of my chains, at most 512 entries; several for a forked chain.
 *                                     `page` is a number that the answer repeats; `chain` is a decimal string.
 *     lacks   {of, at, tips}          Answer to `tips` page `of`: I lack the entries at these positions; these are my
 *                                     own tips on the chains of those entries. All other entries I have.
 *     buckets {page, hashes}          Sent before `tips` when there are many chains: 256 hashes. A chain is in bucket
 *                                     SHA-256(sync tag ‖ 0 ‖ author ‖ chain)[0]; a bucket's hash is SHA-256(sync tag ‖ 1
 *                                     ‖ its tips sorted by author, chain, seq, id, as 32 + 8 + 8 + 32 bytes each).
 *     differ  {of, buckets}           Answer to `buckets`: those of them that are not the same here, ascending.
 *     probe   {tips}                  Your tips that I do not know (their chain forked): where do we part? At most 32.
 *     samples {of, ids: [[seq, id], …]}
 *                                     Answer to each tip of `probe`: the changes 1, 2, 4, … before it on its chain, and
 *                                     the first of the chain. Empty when the tip is not known (any more).
 *     want    {ids}                   Send me the groups that hold these (at most 256). Unknown ones are passed over.
 *     ack     {ids}                   These changes, and all that they build on, are applied and durable here.
 *     cursor  {epoch, position, order} All before this place in my order has been sent to you, or you had it. Told only
 *                                     to who asked for it when it joined; see cursor.ts. Never answered.
 *     error   {code, detail, of?}     Something received was refused; `of` is the id of a change. Never answered.
 *
 * Fields that are not named here are ignored, so that later versions can add some. A message of an unknown type, or
 * one that breaks a bound, is answered by `error` and changes nothing.
 */
import { ID_BYTES } from "../change/index.ts";
import { fromLowerHex, toHex } from "../encoding/bytes.ts";
import { ok } from "../result.ts";
import type { Result } from "../result.ts";
import {
  BUCKETS,
  MAX_ERROR_CODE_LENGTH,
  MAX_ERROR_DETAIL_LENGTH,
  MAX_IDS,
  MAX_LISTED_HEADS,
  MAX_PAGE_ENTRIES,
  MAX_PROBE_TIPS,
  MAX_SAMPLES,
  MAX_TEXT_LENGTH,
} from "./bounds.ts";
import { parseCursor } from "./cursor.ts";
import type { Cursor } from "./cursor.ts";

/** What a replica says it has: its heads, or the digest of them when they are many. */
export type Frontier = { readonly heads: readonly Uint8Array[] } | { readonly digest: Uint8Array };

/** The last change of one branch of a chain, as listed in `tips`. */
export interface ListedTip {
  /** The author's public key. */
  readonly author: Uint8Array;
  /** Which of the author's chains. */
  readonly chain: bigint;
  /** The place of the change on its chain; 1 for the first. */
  readonly seq: number;
  /** The change id. */
  readonly id: Uint8Array;
}

/** A change named with its place on its chain, as listed in `samples`. */
export interface Sample {
  /** The place of the change on its chain; 1 for the first. */
  readonly seq: number;
  /** The change id. */
  readonly id: Uint8Array;
}

/** One control message; docs/wire-format.md (15) says what each means. Ids and hashes are 32 bytes. */
export type SyncMessage =
  | { readonly type: "have"; readonly frontier: Frontier; readonly again: boolean }
  | { readonly type: "done"; readonly frontier: Frontier }
  | { readonly type: "known"; readonly ids: readonly Uint8Array[] }
  | { readonly type: "want"; readonly ids: readonly Uint8Array[] }
  | { readonly type: "ack"; readonly ids: readonly Uint8Array[] }
  | { readonly type: "tips"; readonly page: number; readonly chains: readonly ListedTip[] }
  | {
      readonly type: "lacks";
      readonly of: number;
      readonly at: readonly number[];
      readonly tips: readonly Uint8Array[];
    }
  | { readonly type: "buckets"; readonly page: number; readonly hashes: readonly Uint8Array[] }
  | { readonly type: "differ"; readonly of: number; readonly buckets: readonly number[] }
  | { readonly type: "probe"; readonly tips: readonly Uint8Array[] }
  | { readonly type: "samples"; readonly of: Uint8Array; readonly ids: readonly Sample[] }
  | { readonly type: "cursor"; readonly cursor: Cursor }
  | {
      readonly type: "error";
      readonly code: string;
      readonly detail: string;
      readonly of?: Uint8Array;
    };

/** Why a text frame is not a message that this build knows. */
export interface MessageFault {
  /** The reason, for programs. */
  readonly code: "malformed" | "too_large" | "unknown_type";
  /** One sentence for people. */
  readonly detail: string;
  /** True when it claims to be an `error`, which must not be answered. */
  readonly isError: boolean;
}

/** Reads a text frame. Never throws, whatever the text. */
export function parseMessage(text: string): Result<SyncMessage, MessageFault> {
  if (text.length > MAX_TEXT_LENGTH) {
    return fault("too_large", `a control message has at most ${MAX_TEXT_LENGTH} characters`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault("malformed", "not JSON");
  }
  if (!isRecord(value)) return fault("malformed", "a control message is a JSON object");
  const type = Object.hasOwn(value, "type") ? value["type"] : undefined;
  if (typeof type !== "string") return fault("malformed", "a control message has a type");
  const read = Object.hasOwn(READERS, type) ? READERS[type as SyncMessage["type"]] : undefined;
  if (read === undefined) return fault("unknown_type", "no control message of this type is known");
  const message = read(value);
  if (message === null) return fault("malformed", `not a ${type} message`, type === "error");
  return ok(message);
}

/** Writes a control message as the text of one frame. */
export function encodeMessage(message: SyncMessage): string {
  return JSON.stringify(WRITERS[message.type](message as never));
}

type Fields = Readonly<Record<string, unknown>>;
type MessageOf<T extends SyncMessage["type"]> = Extract<SyncMessage, { readonly type: T }>;

const READERS: {
  readonly [T in SyncMessage["type"]]: (fields: Fields) => SyncMessage | null;
} = {
  have: (fields) => {
    const frontier = readFrontier(fields);
    const { again } = fields;
    if (frontier === null || (again !== undefined && typeof again !== "boolean")) return null;
    return { type: "have", frontier, again: again ?? false };
  },
  done: (fields) => {
    const frontier = readFrontier(fields);
    return frontier === null ? null : { type: "done", frontier };
  },
  known: (fields) => readIds("known", fields),
  want: (fields) => readIds("want", fields),
  ack: (fields) => readIds("ack", fields),
  tips: ({ page, chains }) => {
    const entries = readList(chains, MAX_PAGE_ENTRIES, readTip);
    return isCount(page) && entries !== null ? { type: "tips", page, chains: entries } : null;
  },
  lacks: ({ of, at, tips }) => {
    const positions = readList(at, MAX_PAGE_ENTRIES, readCount);
    const ids = readList(tips, MAX_PAGE_ENTRIES, readId);
    if (!isCount(of) || positions === null || ids === null) return null;
    return { type: "lacks", of, at: positions, tips: ids };
  },
  buckets: ({ page, hashes }) => {
    const list = readList(hashes, BUCKETS, readId);
    return isCount(page) && list?.length === BUCKETS
      ? { type: "buckets", page, hashes: list }
      : null;
  },
  differ: ({ of, buckets }) => {
    const list = readList(buckets, BUCKETS, readCount);
    if (!isCount(of) || list === null) return null;
    const isAscending = list.every(
      (bucket, i) => bucket < BUCKETS && (i === 0 || list[i - 1]! < bucket),
    );
    return isAscending ? { type: "differ", of, buckets: list } : null;
  },
  probe: ({ tips }) => {
    const ids = readList(tips, MAX_PROBE_TIPS, readId);
    return ids === null ? null : { type: "probe", tips: ids };
  },
  samples: ({ of, ids }) => {
    const tip = readId(of);
    const samples = readList(ids, MAX_SAMPLES, readSample);
    return tip === null || samples === null ? null : { type: "samples", of: tip, ids: samples };
  },
  cursor: (fields) => {
    const cursor = parseCursor(fields);
    return cursor === null ? null : { type: "cursor", cursor };
  },
  error: ({ code, detail, of }) => {
    if (typeof code !== "string" || typeof detail !== "string") return null;
    const id = readId(of);
    return {
      type: "error",
      code: printable(code, MAX_ERROR_CODE_LENGTH),
      detail: printable(detail, MAX_ERROR_DETAIL_LENGTH),
      ...(id === null ? {} : { of: id }),
    };
  },
};

const WRITERS: { readonly [T in SyncMessage["type"]]: (message: MessageOf<T>) => unknown } = {
  have: ({ type, frontier, again }) => ({
    type,
    ...writeFrontier(frontier),
    ...(again ? { again } : {}),
  }),
  done: ({ type, frontier }) => ({ type, ...writeFrontier(frontier) }),
  known: writeIds,
  want: writeIds,
  ack: writeIds,
  tips: ({ type, page, chains }) => ({
    type,
    page,
    chains: chains.map(({ author, chain, seq, id }) => [
      toHex(author),
      chain.toString(),
      seq,
      toHex(id),
    ]),
  }),
  lacks: ({ type, of, at, tips }) => ({ type, of, at, tips: tips.map(toHex) }),
  buckets: ({ type, page, hashes }) => ({ type, page, hashes: hashes.map(toHex) }),
  differ: (message) => message,
  probe: ({ type, tips }) => ({ type, tips: tips.map(toHex) }),
  samples: ({ type, of, ids }) => ({
    type,
    of: toHex(of),
    ids: ids.map(({ seq, id }) => [seq, toHex(id)]),
  }),
  cursor: ({ type, cursor: { epoch, position, order } }) => ({ type, epoch, position, order }),
  error: ({ type, code, detail, of }) => ({
    type,
    code: printable(code, MAX_ERROR_CODE_LENGTH),
    detail: printable(detail, MAX_ERROR_DETAIL_LENGTH),
    ...(of === undefined ? {} : { of: toHex(of) }),
  }),
};

function readFrontier({ heads, digest }: Fields): Frontier | null {
  if ((heads === undefined) === (digest === undefined)) return null;
  if (heads === undefined) {
    const hash = readId(digest);
    return hash === null ? null : { digest: hash };
  }
  const ids = readList(heads, MAX_LISTED_HEADS, readId);
  return ids === null ? null : { heads: ids };
}

function writeFrontier(frontier: Frontier): { digest: string } | { heads: string[] } {
  if ("digest" in frontier) return { digest: toHex(frontier.digest) };
  return { heads: frontier.heads.map(toHex) };
}

function readIds(type: "known" | "want" | "ack", { ids }: Fields): SyncMessage | null {
  const list = readList(ids, MAX_IDS, readId);
  return list === null ? null : { type, ids: list };
}

function writeIds({ type, ids }: MessageOf<"known" | "want" | "ack">): unknown {
  return { type, ids: ids.map(toHex) };
}

/** Reads an array of at most `most` items; null when it is none or an item is bad. */
function readList<T>(value: unknown, most: number, read: (item: unknown) => T | null): T[] | null {
  if (!Array.isArray(value) || value.length > most) return null;
  const list: T[] = [];
  for (const item of value as readonly unknown[]) {
    const result = read(item);
    if (result === null) return null;
    list.push(result);
  }
  return list;
}

const CHAIN_PATTERN = /^(?:0|[1-9][0-9]{0,19})$/u;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

function readId(value: unknown): Uint8Array | null {
  return typeof value === "string" ? fromLowerHex(value, ID_BYTES) : null;
}

function readTip(value: unknown): ListedTip | null {
  if (!Array.isArray(value) || value.length !== 4) return null;
  const [author, chain, seq, id] = value as readonly unknown[];
  const key = readId(author);
  const change = readId(id);
  if (key === null || change === null || !isCount(seq) || seq < 1) return null;
  if (typeof chain !== "string" || !CHAIN_PATTERN.test(chain)) return null;
  const number = BigInt(chain);
  if (BigInt.asUintN(64, number) !== number) return null;
  return { author: key, chain: number, seq, id: change };
}

function readSample(value: unknown): Sample | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [seq, id] = value as readonly unknown[];
  const change = readId(id);
  return isCount(seq) && seq >= 1 && change !== null ? { seq, id: change } : null;
}

function readCount(value: unknown): number | null {
  return isCount(value) ? value : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text of a stranger that may end in a log or on a terminal: short and without control characters. */
function printable(text: string, most: number): string {
  return text.slice(0, most).replace(CONTROL_CHARACTERS, "?");
}

function fault(
  code: MessageFault["code"],
  detail: string,
  isError = false,
): { readonly ok: false; readonly error: MessageFault } {
  return { ok: false, error: { code, detail, isError } };
}
