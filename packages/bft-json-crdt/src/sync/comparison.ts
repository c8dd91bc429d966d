/**
 * Finds out what a peer has, when its heads alone do not tell: by showing it the tips of the own chains.
 *
 * Costs one page entry per chain in a differing bucket, and one more round trip for chains that forked. The outcome is a
 * set of changes that the peer surely has, ancestors included. It is exact on a chain that did not fork. On a forked one
 * it may stop short of the fork, by less than what the peer's own branch is long; so at most the difference is sent
 * again. Whatever a peer answers only changes what it is sent.
 */
import { toHex } from "../encoding/bytes.ts";
import type { ChainTip } from "../history/index.ts";
import {
  FLAT_CHAINS,
  MAX_PAGE_ENTRIES,
  MAX_PAGES_IN_FLIGHT,
  MAX_PROBES,
  MAX_PROBE_TIPS,
} from "./bounds.ts";
import type { Sample, SyncMessage } from "./messages.ts";
import { summaryOf } from "./tips.ts";
import type { SyncHistory, TipSummary } from "./tips.ts";

/** One run of questions about what a peer has. */
export class Comparison {
  readonly #history: SyncHistory;
  readonly #summary: TipSummary;
  /** Filled with local indexes of changes that the peer has. */
  readonly #known: Set<number>;
  readonly #nextPage: () => number;
  /** Tips to be listed; null until the differing buckets are known. */
  #listing: readonly ChainTip[] | null = null;
  #listed = 0;
  /** Number of the `buckets` message, once it is sent. */
  #bucketsPage = -1;
  /** Listed tips by the number of the page that still waits for its answer. */
  readonly #pages = new Map<number, readonly ChainTip[]>();
  /** Tips of the peer, unknown here, that are still to be asked about; and those asked about. */
  readonly #probes = new Map<string, Uint8Array>();
  readonly #probed = new Set<string>();

  /** `known` is added to; `nextPage` gives page numbers that the session has not used before. */
  constructor(history: SyncHistory, known: Set<number>, nextPage: () => number) {
    this.#history = history;
    this.#summary = summaryOf(history);
    this.#known = known;
    this.#nextPage = nextPage;
    if (this.#summary.count <= FLAT_CHAINS) this.#listing = this.#summary.buckets.flat();
  }

  /** True when no answer is outstanding and nothing is left to ask. */
  get isFinished(): boolean {
    return (
      this.#listing !== null &&
      this.#listed === this.#listing.length &&
      this.#pages.size === 0 &&
      this.#probes.size === 0 &&
      this.#probed.size === 0
    );
  }

  /** How many answers are outstanding. */
  get outstanding(): number {
    const buckets = this.#listing === null && this.#bucketsPage >= 0 ? 1 : 0;
    return buckets + this.#pages.size + this.#probed.size;
  }

  /** The next question that can be sent now, or null. */
  next(): SyncMessage | null {
    if (this.#listing === null) {
      if (this.#bucketsPage >= 0) return null;
      this.#bucketsPage = this.#nextPage();
      return { type: "buckets", page: this.#bucketsPage, hashes: this.#summary.hashes };
    }
    if (this.#listed < this.#listing.length && this.#pages.size < MAX_PAGES_IN_FLIGHT) {
      return this.#nextTips(this.#listing);
    }
    if (this.#probes.size > 0 && this.#probed.size === 0) return this.#nextProbe();
    return null;
  }

  /** Takes the peer's own bucket hashes, which tell as much as its answer to ours. */
  takeBuckets(hashes: readonly Uint8Array[]): void {
    this.#list(this.#summary.differing(hashes));
  }

  /** Takes the answer to `buckets`; false when that was not asked. */
  takeDiffer(page: number, buckets: readonly number[]): boolean {
    if (page !== this.#bucketsPage) return false;
    this.#list(buckets);
    return true;
  }

  /** Takes the answer to a page: what the peer lacks of it, and its own tips on those chains; false when that was not asked. */
  takeLacks(page: number, at: readonly number[], tips: readonly Uint8Array[]): boolean {
    const listed = this.#pages.get(page);
    if (listed === undefined) return false;
    this.#pages.delete(page);
    const lacked = new Set(at);
    listed.forEach(({ index }, position) => {
      if (!lacked.has(position)) this.#known.add(index);
    });
    if (lacked.size === 0) return true;
    for (const id of tips) {
      const index = this.#history.indexOf(id);
      if (index >= 0) this.#known.add(index);
      else if (this.#probes.size < MAX_PROBES) this.#probes.set(toHex(id), id);
    }
    return true;
  }

  /** Takes the answer for one tip of `probe`: the nearest of its ancestors that is known here; false when that was not asked. */
  takeSamples(of: Uint8Array, samples: readonly Sample[]): boolean {
    if (!this.#probed.delete(toHex(of))) return false;
    for (const { id } of samples) {
      const index = this.#history.indexOf(id);
      if (index < 0) continue;
      this.#known.add(index);
      break;
    }
    return true;
  }

  /** Lists the tips of these buckets; the peer has all our tips of the others. */
  #list(buckets: readonly number[]): void {
    if (this.#listing !== null) return;
    const differing = new Set(buckets);
    this.#listing = this.#summary.buckets.flatMap((tips, bucket) => {
      if (differing.has(bucket)) return tips;
      for (const { index } of tips) this.#known.add(index);
      return [];
    });
  }

  #nextTips(listing: readonly ChainTip[]): SyncMessage {
    const page = this.#nextPage();
    const chains = listing.slice(this.#listed, this.#listed + MAX_PAGE_ENTRIES);
    this.#listed += chains.length;
    this.#pages.set(page, chains);
    return { type: "tips", page, chains };
  }

  #nextProbe(): SyncMessage | null {
    const tips: Uint8Array[] = [];
    for (const [key, id] of this.#probes) {
      if (tips.length === MAX_PROBE_TIPS) break;
      this.#probes.delete(key);
      // What it came with, or another frame, may have made it known since.
      const index = this.#history.indexOf(id);
      if (index >= 0) {
        this.#known.add(index);
        continue;
      }
      this.#probed.add(key);
      tips.push(id);
    }
    return tips.length > 0 ? { type: "probe", tips } : null;
  }
}
