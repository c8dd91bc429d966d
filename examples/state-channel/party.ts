/** What honest parties do: operate, hand in receipts, propose and sign states, leave. */
import type { Participant } from "example-kit";
import { equalBytes } from "bft-json-crdt";
import { fold, foldBehind } from "./fold.ts";
import type { Agreed } from "./fold.ts";
import type { Channel, Operation } from "./schema.ts";
import { leavesOf, proofOf, rootOf, signState } from "./state.ts";
import type { Leaf } from "./state.ts";
import type { MerkleProof } from "example-kit";
import type { ChannelTerms } from "./terms.ts";

type Member = Participant<typeof Channel>;

/** Others' changes that one change can name as seen. */
const MAX_PARENTS = 16;

const EMPTY = {
  asset: "",
  amount: 0n,
  to: "",
  data: new Uint8Array(),
  expiry: 0,
  target: "",
  collateral: 0n,
};

/** Signs an operation with the next number; returns its id. Liars give a number. */
export function operate(
  member: Member,
  operation: Partial<Operation> & { readonly kind: string },
): string {
  const mine = member.document.root.operations
    .entries()
    .filter(({ author }) => author === member.author);
  const next = mine.reduce((least, { value }) => Math.max(least, value.number + 1), 0);
  member.change(({ operations }) => operations.append({ number: next, ...EMPTY, ...operation }));
  const { history } = member.document;
  return member.document.root.operations
    .entries()
    .findLast(({ change }) => change === history.length - 1)!.id;
}

/** Proposes the state of all that this party has seen. */
export function propose(member: Member, terms: ChannelTerms): void {
  // One change names 16 heads only, and the state shall be that of everything.
  while (member.document.frontier().length > MAX_PARENTS) member.change(() => {});
  const { ledger, agreed } = fold(member.document, terms);
  const root = rootOf(leavesOf(ledger, terms));
  const version = agreed.length + 1;
  member.change(({ proposals }) => proposals.append({ version, deposits: ledger.deposits, root }));
}

/**
 * Signs the first proposal of the next version that is right; one for each version, for good. Returns whether there was one. Not
 * right is also one that is older than what the chain has said: there a lock of ours might be claimed too late.
 */
export function signProposal(member: Member, terms: ChannelTerms): boolean {
  const { document } = member;
  const { agreed, ledger } = fold(document, terms);
  const version = agreed.length + 1;
  const candidates = document.root.proposals
    .entries()
    .filter(({ author, value }) => value.version === version && terms.parties.includes(author));
  const ids = new Set(candidates.map(({ id }) => id));
  const hasSignedOne = document.root.signatures
    .entries()
    .some(({ author, value }) => author === member.author && ids.has(value.proposal));
  if (hasSignedOne) return false;
  const good = candidates.find(({ change, value }) => {
    const behind = foldBehind(document, terms, change);
    return (
      behind.agreed.length + 1 === version &&
      behind.ledger.epoch === ledger.epoch &&
      behind.ledger.deposits === value.deposits &&
      equalBytes(rootOf(leavesOf(behind.ledger, terms)), value.root)
    );
  });
  if (good === undefined) return false;
  const signature = signState(member.keyPair, terms, good.value);
  member.change(({ signatures }) => signatures.append({ proposal: good.id, signature }));
  return true;
}

/** A line of a signed state with its proof. */
export interface Exit {
  readonly leaf: Leaf;
  readonly proof: MerkleProof;
}

/** The latest state that all have signed, with what one needs to leave by it; null when there is none. */
export function latestState(
  member: Member,
  terms: ChannelTerms,
): { readonly state: Agreed; readonly exits: readonly Exit[] } | null {
  const state = fold(member.document, terms).agreed.at(-1);
  if (state === undefined) return null;
  const leaves = leavesOf(foldBehind(member.document, terms, state.change).ledger, terms);
  return { state, exits: leaves.map((leaf, at) => ({ leaf, proof: proofOf(leaves, at) })) };
}
