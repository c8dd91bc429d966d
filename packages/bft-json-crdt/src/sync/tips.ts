/**
 * What a history looks like from outside: its frontier, and the tips of its chains in 256 buckets.
 *
 * The tips of all chains commit to the whole history, as the frontier does. Buckets are cryptographic hashes of what
 * they hold, never sums: an author could grind changes until a sum collides.
 */
import { ID_BYTES, SYNC_TAG } from "../change/index.ts";
import { sha256 } from "../crypto/index.ts";
import { compareBytes, equalBytes } from "../encoding/bytes.ts";
import type { ChainTip, History } from "../history/index.ts";
import { BUCKETS, MAX_LISTED_HEADS } from "./bounds.ts";
import type { Frontier, ListedTip } from "./messages.ts";

/** What sync needs of a history: `document.history` is one. */
export type SyncHistory = Pick<
  History,
  | "length"
  | "indexOf"
  | "idAt"
  | "bodySizeAt"
  | "heads"
  | "headCount"
  | "dependencies"
  | "dependencySlots"
  | "dependencyAt"
  | "seqAt"
  | "tips"
  | "tipsOf"
  | "ancestorOnChain"
  | "missingFor"
  | "groupRange"
  | "groupsFor"
>;

/** What goes before the hashed bytes, after the tag: which kind of thing is hashed. */
const KIND_CHAIN = 0;
const KIND_BUCKET = 1;
const KIND_FRONTIER = 2;

const TIP_BYTES = ID_BYTES + 8 + 8 + ID_BYTES;

/** The tips of a history at one moment, grouped into buckets. */
export class TipSummary {
  /** Length of the history at that moment. */
  readonly length: number;
  /** Tips by bucket, each bucket sorted by author, chain, seq and id. */
  readonly buckets: readonly (readonly ChainTip[])[];
  /** How many tips there are. */
  readonly count: number;
  #hashes: Uint8Array[] | null = null;

  constructor(history: Pick<SyncHistory, "length" | "tips">) {
    const buckets: ChainTip[][] = Array.from({ length: BUCKETS }, () => []);
    const tips = history.tips();
    for (const tip of tips) buckets[bucketOf(tip)]!.push(tip);
    for (const bucket of buckets) bucket.sort(compareTips);
    this.length = history.length;
    this.buckets = buckets;
    this.count = tips.length;
  }

  /** The 256 hashes of the buckets. */
  get hashes(): readonly Uint8Array[] {
    this.#hashes ??= this.buckets.map(hashBucket);
    return this.#hashes;
  }

  /** Numbers of the buckets whose hashes are not these. */
  differing(hashes: readonly Uint8Array[]): number[] {
    const numbers: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const hash = hashes[bucket];
      if (hash === undefined || !equalBytes(hash, this.hashes[bucket]!)) numbers.push(bucket);
    }
    return numbers;
  }
}

const summaries = new WeakMap<object, TipSummary>();

/**
 * The summary of a history, shared by all its sessions. It may be a few changes old (one for every 256 tips), so that
 * a question costs O(tips) only once in a while; an old summary never claims what the history does not hold.
 */
export function summaryOf(history: Pick<SyncHistory, "length" | "tips">): TipSummary {
  const cached = summaries.get(history);
  if (cached !== undefined && history.length - cached.length <= cached.count / 256) {
    return cached;
  }
  const summary = new TipSummary(history);
  summaries.set(history, summary);
  return summary;
}

/** The bucket (0–255) of a chain. */
export function bucketOf({ author, chain }: Pick<ListedTip, "author" | "chain">): number {
  const input = startHash(KIND_CHAIN, ID_BYTES + 8);
  const at = SYNC_TAG.length + 1;
  input.set(author, at);
  new DataView(input.buffer).setBigUint64(at + ID_BYTES, chain);
  return sha256(input)[0]!;
}

/** What finding the frontier takes of a history. */
type WithHeads = Pick<SyncHistory, "length" | "heads" | "dependencies" | "idAt">;

/**
 * The frontier of the first `length` changes of a history, for a message: listed, or its digest when it is wide.
 * For less than the whole history some heads may be named that others build on; that is harmless.
 */
export function frontierOf(history: WithHeads, length: number = history.length): Frontier {
  let known = found.get(history);
  if (known === undefined) found.set(history, (known = []));
  const before = known.find((one) => one.length === length);
  if (before !== undefined) return before.frontier;
  const frontier = announce(history, length);
  // A history only grows, so its first so many changes stay the same for ever.
  known.unshift({ length, frontier });
  known.length = Math.min(known.length, FOUND_FRONTIERS);
  return frontier;
}

/** The frontier that was found last of at most so many changes, and of how many; null if none was. */
export function foundFrontier(history: object, length: number): FoundFrontier | null {
  let latest: FoundFrontier | null = null;
  for (const one of found.get(history) ?? [])
    if (one.length <= length && one.length > (latest?.length ?? -1)) latest = one;
  return latest;
}

/** A frontier that was found, and of how many changes it is. */
export interface FoundFrontier {
  readonly length: number;
  readonly frontier: Frontier;
}

/** Frontiers that are kept of one history, for all its sessions: of all of it, of what is durable, and those a moment ago. */
const FOUND_FRONTIERS = 4;

/** The latest first. */
const found = new WeakMap<object, FoundFrontier[]>();

function announce(history: WithHeads, length: number): Frontier {
  const heads = new Set(history.heads());
  for (let index = history.length - 1; index >= length; index--) {
    if (!heads.delete(index)) continue;
    for (const dependency of history.dependencies(index)) heads.add(dependency);
  }
  const ids = [...heads].map((index) => history.idAt(index));
  if (length < history.length) ids.sort(compareBytes);
  return ids.length <= MAX_LISTED_HEADS ? { heads: ids } : { digest: digestOf(ids) };
}

/** The same frontier without its heads: shorter, but a peer that lists its own cannot tell that it is the same. */
export function withoutHeads(frontier: Frontier): Frontier {
  return "heads" in frontier ? { digest: digestOf(frontier.heads) } : frontier;
}

/** Whether two frontiers are the same one. */
export function sameFrontier(a: Frontier, b: Frontier): boolean {
  if ("digest" in a) return "digest" in b && equalBytes(a.digest, b.digest);
  if ("digest" in b || a.heads.length !== b.heads.length) return false;
  return a.heads.every((id, i) => equalBytes(id, b.heads[i]!));
}

function digestOf(ids: readonly Uint8Array[]): Uint8Array {
  const input = startHash(KIND_FRONTIER, ids.length * ID_BYTES);
  ids.forEach((id, i) => input.set(id, SYNC_TAG.length + 1 + i * ID_BYTES));
  return sha256(input);
}

/** What most buckets of a history of few chains have. */
let hashOfNoTips: Uint8Array | null = null;

function hashBucket(tips: readonly ListedTip[]): Uint8Array {
  return tips.length > 0 ? hashTips(tips) : (hashOfNoTips ??= hashTips(tips));
}

function hashTips(tips: readonly ListedTip[]): Uint8Array {
  const input = startHash(KIND_BUCKET, tips.length * TIP_BYTES);
  const view = new DataView(input.buffer);
  let at = SYNC_TAG.length + 1;
  for (const { author, chain, seq, id } of tips) {
    input.set(author, at);
    view.setBigUint64(at + ID_BYTES, chain);
    view.setBigUint64(at + ID_BYTES + 8, BigInt(seq));
    input.set(id, at + ID_BYTES + 16);
    at += TIP_BYTES;
  }
  return sha256(input);
}

function startHash(kind: number, size: number): Uint8Array<ArrayBuffer> {
  const input = new Uint8Array(SYNC_TAG.length + 1 + size);
  input.set(SYNC_TAG);
  input[SYNC_TAG.length] = kind;
  return input;
}

function compareTips(a: ListedTip, b: ListedTip): number {
  const authors = compareBytes(a.author, b.author);
  if (authors !== 0) return authors;
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1;
  return a.seq - b.seq || compareBytes(a.id, b.id);
}
