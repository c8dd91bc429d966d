/**
 * Proofs of misbehaviour: statements of one key that no honest owner of it makes. Each proof is judged by what its accuser had
 * seen, so a proof is a proof on every replica that has it, whatever else arrives.
 */
import { equalBytes } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { taggedHash } from "example-kit";
import { hasSigned, rootOf } from "./checkpoint.ts";
import type { Accusation, Ack, CheckpointVote, Fact, Facts, Payout, Transfer } from "./facts.ts";
import type { ClusterDocument } from "./schema.ts";
import type { Balances } from "./settle.ts";
import type { Terms } from "./terms.ts";

/** What somebody did. */
export type Offence =
  | "two payments with one number"
  | "two acknowledgements for one number"
  | "two accusers acknowledged"
  | "a payout acknowledged wrongly"
  | "a false claim"
  | "a false checkpoint"
  | "two stories on one chain";

/** A proven accusation. */
export interface Verdict {
  readonly culprit: string;
  readonly prover: string;
  readonly offence: Offence;
}

/** Accusation → verdict, of those that are proven. */
export type Verdicts = ReadonlyMap<string, Verdict>;

/** The balances that the author of a change had seen, under the verdicts so far. */
export type StateBehind = (change: number, verdicts: Verdicts) => Balances;

/** The hash by which an accuser shows that the proof was his before he tells it. `salt` should be random. */
export function accusationDigest(
  terms: Terms,
  prover: string,
  { first, second, salt }: Pick<Accusation, "first" | "second" | "salt">,
): Uint8Array {
  const value: Value = [terms.id, prover, first, second, salt];
  return taggedHash("payment-cluster accusation", value);
}

/** Judges all accusations. */
export function judge(
  document: ClusterDocument,
  terms: Terms,
  facts: Facts,
  stateBehind: StateBehind,
): Verdicts {
  const court = new Court(document, terms, facts, stateBehind);
  // What an accuser had seen stands before the accusation in every replica's history.
  for (const accusation of facts.accusations.toSorted((a, b) => a.change - b.change))
    court.hear(accusation);
  return court.verdicts;
}

class Court {
  readonly verdicts = new Map<string, Verdict>();
  readonly #document: ClusterDocument;
  readonly #terms: Terms;
  readonly #facts: Facts;
  readonly #stateBehind: StateBehind;
  /** What is known of checkpoints and of acknowledged payouts: computing a state takes time, so each is computed once. */
  readonly #isFalse = new Map<string, boolean>();

  constructor(document: ClusterDocument, terms: Terms, facts: Facts, stateBehind: StateBehind) {
    this.#document = document;
    this.#terms = terms;
    this.#facts = facts;
    this.#stateBehind = stateBehind;
  }

  hear(accusation: Accusation): void {
    const { author: prover } = accusation;
    if (!this.#isCommitted(accusation)) return;
    const first = this.#seen(accusation.first, accusation);
    const second = accusation.second === "" ? null : this.#seen(accusation.second, accusation);
    if (first === null || (second === null && accusation.second !== "")) return;
    const offence =
      second === null ? this.#alone(first, accusation) : this.#together(first, second, accusation);
    // Whoever could accuse himself would never lose anything.
    if (offence === null || first.author === prover) return;
    this.verdicts.set(accusation.id, { culprit: first.author, prover, offence });
  }

  /** True when the accuser had promised just this accusation before. */
  #isCommitted(accusation: Accusation): boolean {
    const commitment = this.#seen(accusation.commitment, accusation);
    return (
      commitment?.kind === "commitment" &&
      commitment.author === accusation.author &&
      equalBytes(commitment.digest, accusationDigest(this.#terms, accusation.author, accusation))
    );
  }

  /** A statement that the accuser had seen. */
  #seen(id: string, { change }: Accusation): Fact | null {
    const fact = this.#facts.byId.get(id);
    if (fact === undefined) return null;
    return this.#document.history.isAncestor(fact.change, change) ? fact : null;
  }

  #alone(fact: Fact, accusation: Accusation): Offence | null {
    if (fact.kind === "checkpoint")
      return this.#once(fact, () => this.#isFalseState(fact)) ? "a false checkpoint" : null;
    const payout = fact.kind === "ack" ? this.#seen(fact.target, accusation) : null;
    if (fact.kind !== "ack" || payout?.kind !== "payout") return null;
    const isWrong = this.#once(fact, () => this.#isWrongPayout(fact, payout));
    return isWrong ? "a payout acknowledged wrongly" : null;
  }

  #once({ id }: Fact, isFalse: () => boolean): boolean {
    let known = this.#isFalse.get(id);
    if (known === undefined) this.#isFalse.set(id, (known = isFalse()));
    return known;
  }

  /** True when who acknowledged a payout had seen a proof against its author, or too few payments. */
  #isWrongPayout({ change }: Ack, { author, periods }: Payout): boolean {
    for (const [id, { culprit }] of this.verdicts) {
      const accusation = this.#facts.byId.get(id)!;
      if (culprit === author && this.#document.history.isAncestor(accusation.change, change))
        return true;
    }
    const { made } = this.#stateBehind(change, this.verdicts);
    return made.size < periods * this.#terms.period;
  }

  /** True when a checkpoint does not hold what it should: what the first of its signers had seen. */
  #isFalseState(vote: CheckpointVote): boolean {
    let first: CheckpointVote = vote;
    if (vote.proposal !== "") {
      const proposal = this.#facts.byId.get(vote.proposal);
      if (proposal?.kind !== "checkpoint" || proposal.proposal !== "") return true;
      if (!this.#document.history.isAncestor(proposal.change, vote.change)) return true;
      first = proposal;
    }
    const state = this.#stateBehind(first.change, this.verdicts);
    return (
      vote.settled !== state.made.size ||
      !equalBytes(vote.root, rootOf(state)) ||
      !hasSigned(vote.author, this.#terms, vote)
    );
  }

  #together(one: Fact, other: Fact, accusation: Accusation): Offence | null {
    if (one.author !== other.author || one.id === other.id) return null;
    const { history } = this.#document;
    if (one.kind === "transfer" && other.kind === "transfer" && one.number === other.number)
      return "two payments with one number";
    if (one.kind === "ack" && other.kind === "ack" && one.target !== other.target) {
      const a = this.#seen(one.target, accusation);
      const b = this.#seen(other.target, accusation);
      if (a?.kind === "transfer" && b?.kind === "transfer" && isConflict(a, b))
        return "two acknowledgements for one number";
      if (a?.kind === "accusation" && b?.kind === "accusation") {
        const culprit = this.verdicts.get(a.id)?.culprit;
        if (culprit !== undefined && culprit === this.verdicts.get(b.id)?.culprit)
          return "two accusers acknowledged";
      }
      // Once it has acknowledged an accusation, it acknowledges no payout: not on another chain either.
      if (
        a?.kind === "payout" &&
        b?.kind === "accusation" &&
        a.author === this.verdicts.get(b.id)?.culprit
      ) {
        if (!history.isAncestor(one.change, other.change)) return "a payout acknowledged wrongly";
      }
    }
    if (one.kind === "claim" && other.kind === "transfer" && other.number >= one.next) {
      if (history.isAncestor(other.change, one.change)) return "a false claim";
    }
    const isOneChain = history.chainIndexAt(one.change) === history.chainIndexAt(other.change);
    const isLine =
      history.isBehind(one.change, other.change) || history.isBehind(other.change, one.change);
    return isOneChain && !isLine ? "two stories on one chain" : null;
  }
}

/** True when only one of two payments can be made. */
export function isConflict(one: Transfer, other: Transfer): boolean {
  return one.author === other.author && one.number === other.number && one.id !== other.id;
}
