/**
 * What comes out of a lot: a function of the round of commitments that the library reads, and so the same on every replica
 * that has the same history.
 *
 * The highest bid wins and pays the second highest, or the reserve. Who commits puts down a deposit, and forfeits it by not
 * revealing in time, by committing to two bids, or by revealing what is no bid. A void round costs nobody anything.
 */
import { compareBytes, readRound } from "bft-json-crdt";
import type { Document, Round, RoundCommitment, RoundView, Value } from "bft-json-crdt";
import type { House } from "./schema.ts";

/** What is sold, and by whose word bids are in time. All who look must agree on it. */
export interface Lot {
  readonly round: Round;
  /** Least price, in cents. */
  readonly reserve: number;
}

/** The greatest bid, in cents. */
export const MOST_CENTS = 1_000_000_000;

/** A bid that was revealed in time. */
export interface Bid {
  /** Public key, in hex. */
  readonly bidder: string;
  readonly cents: number;
}

/** A lot as it stands. */
export interface Outcome {
  /** "sold" and "unsold" can change only if an auctioneer is still to contradict itself. */
  readonly status: "open" | "sold" | "unsold" | "void";
  readonly round: RoundView;
  /** Revealed bids, the best first. */
  readonly bids: readonly Bid[];
  readonly winner: string | null;
  /** What the winner pays, in cents. */
  readonly price: number;
  /** Public keys of who loses the deposit, sorted. */
  readonly forfeits: readonly string[];
}

/** Reads a lot out of a replica. */
export function outcomeOf(document: Document<typeof House>, { round, reserve }: Lot): Outcome {
  const view = readRound(document, document.root.bids, round);
  const commitments = view.isVoid ? [] : view.commitments;
  const ranked = commitments
    .flatMap((it): (Bid & { readonly seal: Uint8Array })[] => {
      const cents = centsOf(it.value);
      if (cents === null) return [];
      return [{ bidder: it.author, cents, seal: it.commitment }];
    })
    // Equal bids by their seals: whoever wins pays what was bid, so there is nothing to be won by trying salts.
    .toSorted((a, b) => b.cents - a.cents || compareBytes(a.seal, b.seal));
  const bids = ranked.map(({ bidder, cents }) => ({ bidder, cents }));
  const [best, second] = bids.filter(({ cents }) => cents >= reserve);
  const isSold = view.isSettled && best !== undefined;
  return {
    status: view.isVoid ? "void" : isSold ? "sold" : view.isSettled ? "unsold" : "open",
    round: view,
    bids,
    winner: isSold ? best.bidder : null,
    price: isSold ? (second?.cents ?? reserve) : 0,
    forfeits: [...new Set(commitments.filter(isForfeit).map(({ author }) => author))].sort(),
  };
}

/** Cents of a bid: an integer from 1 to a billion; null for anything else that was revealed. */
export function centsOf(value: Value | undefined): number | null {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return null;
  return value >= 1 && value <= MOST_CENTS ? value : null;
}

function isForfeit({ state, value }: RoundCommitment): boolean {
  if (state === "withheld" || state === "contradicted") return true;
  return state === "revealed" && centsOf(value) === null;
}
