/**
 * The chain that all see: of the batches that compete for a height all choose the same one, by a rule without a clock.
 *
 * * A batch counts that is by a sequencer not exposed, builds on the batch chosen before, and is *valid*: 1 to 100 transactions,
 *   all of which its author had seen, each once in the chain, each user's in the order of the nonces without gaps.
 * * Of those for one height the one that includes most transactions is chosen; of equals by the rank of their proposers at this
 *   height (by hash), then by the ids. More work cannot be faked: transactions are signed by their users. But a sequencer
 *   can be his own user, so what is won by volume should cost something, which is for whoever settles the chain.
 * * Who proposed two histories is out, at all heights, for all who know.
 *
 * None of it is final: a batch that comes late, or an exposure, can put another in the place of one that was chosen, and then
 * all above it falls. All fall alike.
 */
import { compareBytes, equalBytes, sha256, toHex } from "bft-json-crdt";
import type { Document, LogEntry } from "bft-json-crdt";
import { rollupId } from "./schema.ts";
import type { Committee, Rollup } from "./schema.ts";

/** Transactions in one batch at most. */
export const MOST_IN_BATCH = 100;
/** UTF-16 units of a payload at most. */
export const MOST_PAYLOAD = 1_000;

/** A batch that was chosen. */
export interface Chosen {
  readonly id: string;
  readonly height: number;
  /** Public key of its proposer, in hex. */
  readonly sequencer: string;
  readonly hash: Uint8Array;
  /** Ids, in order. */
  readonly transactions: readonly string[];
  /** How many valid ones competed. */
  readonly rivals: number;
}

/** A record without effect. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: "malformed" | "not a sequencer" | "exposed" | "nonce used twice" | "invalid";
}

/** What a replica shows. */
export interface ChainView {
  readonly chain: readonly Chosen[];
  /** Ids of transactions that no chosen batch holds and a next one could, in the order of the log. */
  readonly waiting: readonly string[];
  /** Sequencers who signed two histories, sorted. */
  readonly exposed: readonly string[];
  readonly ignored: readonly Ignored[];
}

/** What stands before the first batch. */
export const GENESIS_HASH: Uint8Array = sha256(
  new TextEncoder().encode("sequencers example/1 genesis"),
);

type Transaction = LogEntry<{ nonce: number; payload: string }>;
type Batch = LogEntry<{ height: number; parent: Uint8Array; transactions: unknown }>;

/** What a batch is called by the next: a hash of its id, which commits to all of it. */
export function hashOf(id: string): Uint8Array {
  return sha256(new TextEncoder().encode(`sequencers example/1 batch\0${id}`));
}

/** Reads the chain out of a replica. Throws when the document is of another committee. */
export function chainOf(document: Document<typeof Rollup>, committee: Committee): ChainView {
  if (!equalBytes(document.id, rollupId(committee))) {
    throw new Error("the document was founded by another committee");
  }
  return new Reading(document, committee).view();
}

class Reading {
  readonly #document: Document<typeof Rollup>;
  readonly #sequencers: ReadonlySet<string>;
  readonly #exposed: ReadonlySet<string>;
  readonly #transactions = new Map<string, Transaction>();
  readonly #ignored: Ignored[] = [];
  /** Transactions in the chain so far, and the next nonce of each user. */
  readonly #included = new Set<string>();
  readonly #nonces = new Map<string, number>();

  constructor(document: Document<typeof Rollup>, { sequencers }: Committee) {
    this.#document = document;
    this.#sequencers = new Set(sequencers.map(toHex));
    const forked = document.history.forks().map(({ author }) => toHex(author));
    this.#exposed = new Set(forked);
    for (const entry of document.root.transactions.entries()) {
      const { nonce, payload } = entry.value;
      if (nonce < 0 || payload.length > MOST_PAYLOAD) this.#ignore(entry, "malformed");
      else this.#transactions.set(entry.id, entry);
    }
  }

  view(): ChainView {
    const candidates = new Map<string, Batch[]>();
    for (const batch of this.#document.root.batches.entries()) {
      const fault = this.#faultOf(batch);
      if (fault !== null) {
        this.#ignore(batch, fault);
        continue;
      }
      // A hash of the parent's id cannot be known before the parent, so this leads nowhere in a circle.
      const key = `${batch.value.height}/${toHex(batch.value.parent)}`;
      const others = candidates.get(key);
      if (others === undefined) candidates.set(key, [batch]);
      else others.push(batch);
    }
    const chain: Chosen[] = [];
    for (let parent = GENESIS_HASH; ;) {
      const competing = candidates.get(`${chain.length}/${toHex(parent)}`) ?? [];
      const valid = competing.filter((batch) => {
        if (this.#isValid(batch)) return true;
        this.#ignore(batch, "invalid");
        return false;
      });
      const [best] = valid.toSorted(byChoice);
      if (best === undefined) break;
      const transactions = best.value.transactions as readonly string[];
      for (const id of transactions) this.#include(id);
      parent = hashOf(best.id);
      chain.push({
        id: best.id,
        height: chain.length,
        sequencer: best.author,
        hash: parent,
        transactions,
        rivals: valid.length - 1,
      });
    }
    return {
      chain,
      waiting: this.#waiting(),
      exposed: [...this.#exposed].filter((author) => this.#sequencers.has(author)).sort(),
      ignored: this.#ignored,
    };
  }

  #faultOf({ author, value }: Batch): Ignored["reason"] | null {
    if (!this.#sequencers.has(author)) return "not a sequencer";
    if (this.#exposed.has(author)) return "exposed";
    const { transactions } = value;
    if (
      !Array.isArray(transactions) ||
      transactions.length < 1 ||
      transactions.length > MOST_IN_BATCH
    )
      return "malformed";
    return transactions.every((id) => typeof id === "string") ? null : "malformed";
  }

  /** Each transaction is known to its author, new, and next of its user. */
  #isValid({ change, value }: Batch): boolean {
    const next = new Map<string, number>();
    const taken = new Set<string>();
    for (const id of value.transactions as readonly string[]) {
      const transaction = this.#transactions.get(id);
      if (transaction === undefined || taken.has(id) || this.#included.has(id)) return false;
      if (!this.#document.history.isAncestor(transaction.change, change)) return false;
      const { author } = transaction;
      const nonce = next.get(author) ?? this.#nonces.get(author) ?? 0;
      if (transaction.value.nonce !== nonce) return false;
      next.set(author, nonce + 1);
      taken.add(id);
    }
    return true;
  }

  #include(id: string): void {
    const { author, value } = this.#transactions.get(id)!;
    this.#included.add(id);
    this.#nonces.set(author, value.nonce + 1);
  }

  /** What can still be included: in the order of the nonces, of several with one nonce the first in the log. */
  #waiting(): string[] {
    const waiting: string[] = [];
    const byUser = new Map<string, Map<number, Transaction>>();
    for (const entry of this.#transactions.values()) {
      const own = byUser.get(entry.author) ?? new Map<number, Transaction>();
      byUser.set(entry.author, own);
      if (this.#included.has(entry.id)) continue;
      if (own.has(entry.value.nonce) || entry.value.nonce < (this.#nonces.get(entry.author) ?? 0)) {
        this.#ignore(entry, "nonce used twice");
      } else own.set(entry.value.nonce, entry);
    }
    for (const [user, own] of byUser) {
      for (let nonce = this.#nonces.get(user) ?? 0; own.has(nonce); nonce++)
        waiting.push(own.get(nonce)!.id);
    }
    return waiting;
  }

  #ignore({ id, author }: LogEntry<unknown>, reason: Ignored["reason"]): void {
    this.#ignored.push({ id, author, reason });
  }
}

function byChoice(a: Batch, b: Batch): number {
  const size = ({ value }: Batch): number => (value.transactions as readonly string[]).length;
  const rank = ({ author, value }: Batch): Uint8Array =>
    sha256(
      new TextEncoder().encode(
        `sequencers example/1 rank\0${value.height}\0${toHex(value.parent)}\0${author}`,
      ),
    );
  return size(b) - size(a) || compareBytes(rank(a), rank(b)) || (a.id < b.id ? -1 : 1);
}
