/** States that are signed: what everybody would leave with, as one hash, which the chain believes when all parties have signed. */
import { fromHex, sign, verify } from "bft-json-crdt";
import type { KeyPair, Value } from "bft-json-crdt";
import { MerkleTrees, taggedBytes } from "example-kit";
import type { MerkleProof } from "example-kit";
import type { Ledger, Lock } from "./ledger.ts";
import type { Asset, ChannelTerms } from "./terms.ts";

const trees = new MerkleTrees("state-channel state");

/** What is signed. */
export interface State {
  /** A newer state has a greater one; 0 is that in which nothing was signed. */
  readonly version: number;
  /** How many deposits of the chain are in it. */
  readonly deposits: number;
  readonly root: Uint8Array;
}

/** A state with signatures. */
export interface SignedState extends State {
  readonly signatures: readonly { readonly party: string; readonly signature: Uint8Array }[];
}

/** A line of a state. */
export type Leaf =
  | {
      readonly kind: "balance";
      readonly party: string;
      readonly asset: Asset;
      readonly balance: bigint;
      readonly withdrawn: bigint;
    }
  | ({ readonly kind: "lock" } & Lock);

/** The lines of a state, in an order that is the same everywhere. */
export function leavesOf(ledger: Ledger, terms: ChannelTerms): Leaf[] {
  const balances = ledger
    .closing(terms.parties)
    .map((line) => ({ kind: "balance" as const, ...line }));
  const locks = [...ledger.locks.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((lock) => ({ kind: "lock" as const, ...lock }));
  return [...balances, ...locks];
}

/** The hash of a state. */
export function rootOf(leaves: readonly Leaf[]): Uint8Array {
  return trees.rootOf(leaves.map(valueOf));
}

/** Proves a line. Throws RangeError when there is none. */
export function proofOf(leaves: readonly Leaf[], index: number): MerkleProof {
  return trees.prove(leaves.map(valueOf), index);
}

/** True when the line is in the state with that hash. */
export function isLineOf(root: Uint8Array, leaf: Leaf, proof: MerkleProof): boolean {
  return trees.isIn(root, valueOf(leaf), proof);
}

/** Signs a state for the chain. */
export function signState(keyPair: KeyPair, terms: ChannelTerms, state: State): Uint8Array {
  return sign(bytesOf(terms, state), keyPair.secretKey);
}

/** True when the party has signed that state of that channel. */
export function hasSigned(
  party: string,
  terms: ChannelTerms,
  state: State,
  signature: Uint8Array,
): boolean {
  const key = fromHex(party);
  return key !== null && verify(signature, bytesOf(terms, state), key);
}

/** True when every party has signed. */
export function isSignedByAll(state: SignedState, terms: ChannelTerms): boolean {
  return terms.parties.every((party) =>
    state.signatures.some(
      (one) => one.party === party && hasSigned(party, terms, state, one.signature),
    ),
  );
}

function bytesOf({ id }: ChannelTerms, { version, deposits, root }: State): Uint8Array {
  return taggedBytes("state-channel state", [id, version, deposits, root]);
}

function valueOf(leaf: Leaf): Value {
  if (leaf.kind === "balance") {
    const { kind, party, asset, balance, withdrawn } = leaf;
    return [kind, party, asset, balance, withdrawn];
  }
  const { kind, id, from, to, asset, amount, hash, expiry } = leaf;
  return [kind, id, from, to, asset, amount, hash, expiry];
}
