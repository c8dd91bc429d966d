/**
 * Checkpoints: the state of all accounts as one hash, signed by core nodes. Who has the terms and the signatures of enough of
 * them needs no history, and no document, to check what an account had.
 */
import { fromHex, sign, toHex, verify } from "bft-json-crdt";
import type { KeyPair, Value } from "bft-json-crdt";
import { MerkleTrees, taggedBytes } from "example-kit";
import type { MerkleProof } from "example-kit";
import type { Facts } from "./facts.ts";
import type { Account, Balances } from "./settle.ts";
import type { Terms } from "./terms.ts";

const trees = new MerkleTrees("payment-cluster balances");

/** A state that core nodes have signed. */
export interface Checkpoint {
  /** Payments that it holds. */
  readonly settled: number;
  readonly root: Uint8Array;
  readonly signatures: readonly { readonly core: string; readonly signature: Uint8Array }[];
}

/** What an account had at a checkpoint. */
export interface BalanceProof {
  readonly account: string;
  readonly state: Account;
  readonly proof: MerkleProof;
}

/** The hash of all balances. */
export function rootOf(balances: Balances): Uint8Array {
  return trees.rootOf(sortedLeaves(balances).map(([, leaf]) => leaf));
}

/** Signs a state. */
export function signState(
  keyPair: KeyPair,
  terms: Terms,
  settled: number,
  root: Uint8Array,
): Uint8Array {
  return sign(stateBytes(terms, settled, root), keyPair.secretKey);
}

/** True when a core node has signed this state. */
export function hasSigned(
  core: string,
  terms: Terms,
  state: { readonly settled: number; readonly root: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const key = fromHex(core);
  return key !== null && verify(state.signature, stateBytes(terms, state.settled, state.root), key);
}

/** The newest state that as many core nodes as the terms ask for have signed; null when there is none. */
export function latestCheckpoint(facts: Facts, terms: Terms): Checkpoint | null {
  const states = new Map<string, Map<string, Uint8Array>>();
  let latest: Checkpoint | null = null;
  for (const vote of facts.checkpoints) {
    if (!hasSigned(vote.author, terms, vote)) continue;
    const key = `${vote.settled}/${toHex(vote.root)}`;
    let signers = states.get(key);
    if (signers === undefined) states.set(key, (signers = new Map()));
    if (!signers.has(vote.author)) signers.set(vote.author, vote.signature);
    if (signers.size < terms.threshold || (latest !== null && isNewer(latest, vote))) continue;
    const signatures = [...signers].map(([core, signature]) => ({ core, signature }));
    latest = { settled: vote.settled, root: vote.root, signatures };
  }
  return latest;
}

function isNewer(one: Checkpoint, other: { settled: number; root: Uint8Array }): boolean {
  if (one.settled !== other.settled) return one.settled > other.settled;
  return toHex(one.root) > toHex(other.root);
}

/** True when enough different core nodes have signed it. Needs the terms and nothing else. */
export function isCertified(checkpoint: Checkpoint, terms: Terms): boolean {
  const { settled, root } = checkpoint;
  const signers = new Set(
    checkpoint.signatures
      .filter(({ core, signature }) => {
        return terms.core.includes(core) && hasSigned(core, terms, { settled, root, signature });
      })
      .map(({ core }) => core),
  );
  return signers.size >= terms.threshold;
}

/** Proves to others what an account has; null when the state does not know it. */
export function proveBalance(balances: Balances, account: string): BalanceProof | null {
  const leaves = sortedLeaves(balances);
  const index = leaves.findIndex(([known]) => known === account);
  if (index < 0) return null;
  const proof = trees.prove(
    leaves.map(([, leaf]) => leaf),
    index,
  );
  return { account, state: balances.accounts.get(account)!, proof };
}

/** True when the account had this at the checkpoint. */
export function isProven({ account, state, proof }: BalanceProof, checkpoint: Checkpoint): boolean {
  return trees.isIn(checkpoint.root, leafOf(account, state), proof);
}

function sortedLeaves({ accounts }: Balances): [account: string, leaf: Value][] {
  return [...accounts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, state]) => [account, leafOf(account, state)]);
}

function leafOf(account: string, { balance, next }: Account): Value {
  return [account, balance, next];
}

function stateBytes(terms: Terms, settled: number, root: Uint8Array): Uint8Array {
  return taggedBytes("payment-cluster checkpoint", [terms.id, settled, root]);
}
