/** For the tests of this example: three parties, a chain, and meetings when the test says so. */
import {
  Clock,
  keyPairOf,
  Participant,
  Random,
  reconcile,
  replicasOf,
  scenario,
} from "example-kit";
import { expect } from "vitest";
import { Chain } from "./chain.ts";
import { fold, foldBehind } from "./fold.ts";
import type { Fold } from "./fold.ts";
import { propose, signProposal } from "./party.ts";
import { Channel } from "./schema.ts";
import type { ChannelDocument } from "./schema.ts";
import { isSignedByAll, leavesOf, rootOf } from "./state.ts";
import { ASSETS, channelTerms } from "./terms.ts";
import type { Asset } from "./terms.ts";

export type Member = Participant<typeof Channel>;

export const NAMES = ["ann", "ben", "cem"] as const;
export const chainKey = keyPairOf("test", "chain");
export const terms = channelTerms({
  name: "test",
  parties: NAMES.map((name) => keyPairOf("test", name).publicKey),
  chain: chainKey.publicKey,
  disputeEpochs: 2,
});

const clock = new Clock();

export function join(name: string): Member {
  return new Participant({ name, seed: "test", schema: Channel, id: terms.id, clock });
}

/** Three parties who have put money in, in epoch 1 at a price of 100. */
export function opened(): { chain: Chain; ann: Member; ben: Member; cem: Member; all: Member[] } {
  const chain = new Chain(chainKey, terms);
  const [ann, ben, cem] = NAMES.map(join) as [Member, Member, Member];
  const all = [ann, ben, cem];
  fund(chain, ann, "usd", 1_000n);
  fund(chain, ben, "eth", 100n);
  fund(chain, cem, "usd", 500n);
  tick(chain, ann, 100n);
  meet(...all);
  return { chain, ann, ben, cem, all };
}

export function fund(chain: Chain, member: Member, asset: Asset, amount: bigint): void {
  const receipt = chain.deposit(member.author, asset, amount);
  member.change(({ deposits }) => deposits.append(receipt));
}

export function tick(chain: Chain, member: Member, price: bigint): void {
  const receipt = chain.advance(price);
  member.change(({ epochs }) => epochs.append(receipt));
}

/** Everybody gets everything. */
export function meet(...members: readonly Member[]): void {
  for (let round = 0; round < 2; round++)
    for (const one of members)
      for (const other of members) if (one !== other) reconcile(one.document, other.document);
}

/** One proposes, all sign; everybody knows. */
export function sign(proposer: Member, ...others: readonly Member[]): void {
  meet(proposer, ...others);
  propose(proposer, terms);
  meet(proposer, ...others);
  for (const member of [proposer, ...others]) expect(signProposal(member, terms)).toBe(true);
  meet(proposer, ...others);
}

export const see = (member: Member): Fold => fold(member.document, terms);

/** What is shown, without what is local to a replica. */
export function shown({ ledger, trades, agreed, ignored, doubleSpends }: Fold): unknown {
  const states = agreed.map(({ change: _local, ...state }) => state);
  const { pool, epoch, price, deposits } = ledger;
  return {
    leaves: leavesOf(ledger, terms),
    balances: terms.parties.map((party) => ASSETS.map((asset) => ledger.balance(party, asset))),
    pool: [pool.cash, pool.shares, pool.loans],
    paid: trades.paid,
    rest: [epoch, price, deposits, ignored, doubleSpends, states],
  };
}

/** Replicas that got it in other orders show the same, and all that came in; returns what they show. */
export function agreedBy(
  members: readonly Member[],
  seed: number,
  put: Record<Asset, bigint>,
): Fold {
  const documents = replicasOf(scenario(members), new Random(seed), 4);
  const folds = documents.map((document) => fold(document, terms));
  for (const one of folds) expect(shown(one)).toEqual(shown(folds[0]!));
  checkMoney(folds[0]!, put);
  checkSigned(documents[0]!, folds[0]!);
  return folds[0]!;
}

/** Where an operation stands: its place in the order of all of them, and the signed state that first has it. */
interface Place {
  readonly id: string;
  /** Index of the first signed state that has it; as many as there are when none has. */
  readonly stage: number;
}

/**
 * Naively: which operation of a party has which number, by "party/number". Those of each signed state in turn, then the rest, each
 * in the order of the log; the first with the next number has it.
 */
export function placesOf(document: ChannelDocument, agreed: Fold["agreed"]): Map<string, Place> {
  const { history, root } = document;
  const stageOf = (change: number): number => {
    const first = agreed.findIndex((state) => history.isAncestor(change, state.change));
    return first === -1 ? agreed.length : first;
  };
  const next = new Map<string, number>();
  const places = new Map<string, Place>();
  for (let stage = 0; stage <= agreed.length; stage++) {
    for (const { id, author, value, change } of root.operations.entries()) {
      const number = next.get(author) ?? 0;
      if (stageOf(change) !== stage || value.number !== number) continue;
      if (!terms.parties.includes(author)) continue;
      next.set(author, number + 1);
      places.set(`${author}/${number}`, { id, stage });
    }
  }
  return places;
}

/**
 * What all have signed is still what follows from what its proposer had seen, also in the fold of everything: what was done there is
 * done, what was ignored is ignored for the same reason, what was paid is paid first, and the numbers are those of the naive model.
 */
export function checkSigned(document: ChannelDocument, whole: Fold): void {
  const { history, root } = document;
  const operations = root.operations.entries();
  const reasonsIn = ({ ignored }: Fold): Map<string, string> =>
    new Map(ignored.map(({ id, reason }) => [id, reason]));
  const reasons = reasonsIn(whole);
  for (const state of whole.agreed) {
    expect(isSignedByAll(state, terms)).toBe(true);
    const behind = foldBehind(document, terms, state.change);
    expect(rootOf(leavesOf(behind.ledger, terms))).toEqual(state.root);
    const then = reasonsIn(behind);
    for (const { id, change } of operations)
      if (history.isAncestor(change, state.change)) expect(reasons.get(id)).toBe(then.get(id));
    expect(whole.trades.paid.slice(0, behind.trades.paid.length)).toEqual(behind.trades.paid);
  }
  const places = placesOf(document, whole.agreed);
  const placed = new Set([...places.values()].map(({ id }) => id));
  for (const { id } of operations) if (!placed.has(id)) expect(reasons.has(id)).toBe(true);
  for (const { party, number, done, refused } of whole.doubleSpends) {
    expect(done).toBe(places.get(`${party}/${number}`)!.id);
    expect(placed.has(refused)).toBe(false);
  }
}

/** No money came or went, and nobody owes. */
export function checkMoney({ ledger }: Fold, put: Record<Asset, bigint>): void {
  const leaves = leavesOf(ledger, terms);
  for (const asset of ASSETS) {
    expect(ledger.total(asset)).toBe(put[asset]);
    let sum = 0n;
    for (const leaf of leaves) {
      if (leaf.asset !== asset) continue;
      sum += leaf.kind === "balance" ? leaf.balance + leaf.withdrawn : leaf.amount;
      if (leaf.kind === "balance") expect(leaf.balance).toBeGreaterThanOrEqual(0n);
    }
    expect(sum).toBe(put[asset]);
    for (const party of terms.parties)
      expect(ledger.balance(party, asset)).toBeGreaterThanOrEqual(0n);
  }
}
