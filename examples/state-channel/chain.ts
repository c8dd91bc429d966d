/**
 * A chain in small: it holds the money, sees nothing of the channel, trusts nobody and checks everything. Time is counted in epochs.
 * A call that is refused throws `Refused` and changes nothing.
 */
import { sha256, toHex } from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import type { MerkleProof } from "example-kit";
import type { Lock } from "./ledger.ts";
import { signDeposit, signEpoch } from "./receipts.ts";
import type { Deposit, Epoch } from "./receipts.ts";
import { isLineOf, isSignedByAll } from "./state.ts";
import type { Leaf, SignedState } from "./state.ts";
import type { Asset, ChannelTerms } from "./terms.ts";

/** The chain does not do that. */
export class Refused extends Error {}

/** One channel on a chain. */
export class Chain {
  readonly #keyPair: KeyPair;
  readonly #terms: ChannelTerms;
  readonly #deposits: Deposit[] = [];
  readonly #vault = new Map<Asset, bigint>();
  /** What was paid out, by "party/asset". */
  readonly #paid = new Map<string, bigint>();
  /** Locks, deposits and balances that are paid out for good. */
  readonly #closed = new Set<string>();
  /** Hash in hex of a secret → the epoch in which it was first told. */
  readonly #told = new Map<string, number>();
  #epoch = 0;
  #price = 1n;
  /** The newest state that anyone has shown; null: none, so everybody gets the own deposits back. */
  #newest: SignedState | null = null;
  /** Versions of the states that it was shown and took. */
  readonly #seen = new Set<number>();
  /** The epoch from which on the newest state is final; null while the channel is open. */
  #finalFrom: number | null = null;

  constructor(keyPair: KeyPair, terms: ChannelTerms) {
    this.#keyPair = keyPair;
    this.#terms = terms;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** True when the dispute is over. */
  get isFinal(): boolean {
    return this.#finalFrom !== null && this.#epoch >= this.#finalFrom;
  }

  /** How many different states it was shown and took. */
  get statesSeen(): number {
    return this.#seen.size;
  }

  /** Units that the channel has here. */
  vault(asset: Asset): bigint {
    return this.#vault.get(asset) ?? 0n;
  }

  /** Units that a party was paid. */
  paid(party: string, asset: Asset): bigint {
    return this.#paid.get(`${party}/${asset}`) ?? 0n;
  }

  /** A party puts money in; the receipt is for the channel. */
  deposit(
    party: string,
    asset: Asset,
    amount: bigint,
  ): Deposit & { readonly signature: Uint8Array } {
    this.#require(this.#finalFrom === null, "the channel is closing");
    this.#require(this.#terms.parties.includes(party), "only parties put money in");
    this.#require(amount > 0n, "there is no such amount");
    const deposit = { index: this.#deposits.length, party, asset, amount };
    this.#deposits.push(deposit);
    this.#vault.set(asset, this.vault(asset) + amount);
    return { ...deposit, signature: signDeposit(this.#keyPair, this.#terms, deposit) };
  }

  /** Another epoch begins; the receipt is for the channel. */
  advance(price: bigint): Epoch & { readonly signature: Uint8Array } {
    this.#epoch++;
    this.#price = price;
    const epoch = { epoch: this.#epoch, price: this.#price };
    return { ...epoch, signature: signEpoch(this.#keyPair, this.#terms, epoch) };
  }

  /** Anyone begins to close the channel by the newest state that he has; null when none was ever signed. */
  close(state: SignedState | null): void {
    this.#require(this.#finalFrom === null, "the channel is closing already");
    if (state !== null) this.#see(state);
    this.#finalFrom = this.#epoch + this.#terms.disputeEpochs;
  }

  /** Anyone shows a newer state while the dispute lasts, which begins anew. */
  challenge(state: SignedState): void {
    this.#require(this.#finalFrom !== null, "nobody closes the channel");
    this.#require(!this.isFinal, "the dispute is over");
    this.#require(state.version > (this.#newest?.version ?? 0), "it is no newer state");
    this.#see(state);
    this.#finalFrom = this.#epoch + this.#terms.disputeEpochs;
  }

  /** While the channel is open: pays what a state says that the party has taken out. */
  payWithdrawal(state: SignedState, leaf: Leaf, proof: MerkleProof): bigint {
    this.#require(this.#finalFrom === null, "the channel is closing");
    this.#require(leaf.kind === "balance", "that is no balance");
    this.#require(isLineOf(state.root, leaf, proof), "that is not in the state");
    this.#see(state);
    return this.#pay(leaf.party, leaf.asset, leaf.withdrawn - this.paid(leaf.party, leaf.asset));
  }

  /** After the dispute: pays a line of the state, once. A lock needs `claim` or `refund`. */
  exit(leaf: Leaf, proof: MerkleProof): bigint {
    this.#requireLine(leaf, proof);
    this.#require(leaf.kind === "balance", "that is no balance");
    const { party, asset, balance, withdrawn } = leaf;
    this.#closeOnce(`balance ${party} ${asset}`);
    return this.#pay(party, asset, balance + withdrawn - this.paid(party, asset));
  }

  /** Anyone tells a secret, at any time: what counts for a lock is the epoch in which it was first told. */
  tell(secret: Uint8Array): void {
    const hash = toHex(sha256(secret));
    if (!this.#told.has(hash)) this.#told.set(hash, this.#epoch);
  }

  /** After the dispute: pays a lock whose secret was told in time to its receiver. */
  claim(leaf: Leaf, proof: MerkleProof): bigint {
    this.#requireLine(leaf, proof);
    this.#require(leaf.kind === "lock", "that is no lock");
    this.#require(this.#isToldInTime(leaf), "nobody told the secret in time");
    this.#closeOnce(`lock ${leaf.id}`);
    return this.#pay(leaf.to, leaf.asset, leaf.amount);
  }

  /** After the dispute: pays an expired lock back whose secret was not told in time. */
  refund(leaf: Leaf, proof: MerkleProof): bigint {
    this.#requireLine(leaf, proof);
    this.#require(leaf.kind === "lock", "that is no lock");
    this.#require(this.#epoch >= leaf.expiry, "the lock has not expired");
    this.#require(!this.#isToldInTime(leaf), "the secret was told in time");
    this.#closeOnce(`lock ${leaf.id}`);
    return this.#pay(leaf.from, leaf.asset, leaf.amount);
  }

  /** After the dispute: pays back a deposit that came too late for the state. */
  reclaim(index: number): bigint {
    this.#require(this.isFinal, "the dispute is not over");
    const deposit = this.#deposits[index];
    this.#require(deposit !== undefined, "there is no such deposit");
    this.#require(index >= (this.#newest?.deposits ?? 0), "the deposit is in the state");
    this.#closeOnce(`deposit ${index}`);
    return this.#pay(deposit.party, deposit.asset as Asset, deposit.amount);
  }

  #isToldInTime({ hash, expiry }: Lock): boolean {
    return (this.#told.get(toHex(hash)) ?? Infinity) < expiry;
  }

  #see(state: SignedState): void {
    this.#require(Number.isSafeInteger(state.version) && state.version > 0, "that is no version");
    this.#require(isSignedByAll(state, this.#terms), "not all parties have signed it");
    this.#require(state.deposits <= this.#deposits.length, "it has deposits that nobody made");
    const newest = this.#newest?.version ?? 0;
    this.#require(state.version >= newest, "there is a newer state");
    if (state.version > newest) this.#newest = state;
    this.#seen.add(state.version);
  }

  #requireLine(leaf: Leaf, proof: MerkleProof): void {
    this.#require(this.isFinal, "the dispute is not over");
    this.#require(this.#newest !== null, "there is no state");
    this.#require(isLineOf(this.#newest.root, leaf, proof), "that is not in the state");
  }

  #closeOnce(what: string): void {
    this.#require(!this.#closed.has(what), "it was paid already");
    this.#closed.add(what);
  }

  #pay(party: string, asset: Asset, amount: bigint): bigint {
    // Less than nothing: a state whose signers took more out than they should.
    this.#require(amount >= 0n && amount <= this.vault(asset), "there is not as much");
    this.#vault.set(asset, this.vault(asset) - amount);
    this.#paid.set(`${party}/${asset}`, this.paid(party, asset) + amount);
    return amount;
  }

  #require(condition: boolean, why: string): asserts condition {
    if (!condition) throw new Refused(why);
  }
}
