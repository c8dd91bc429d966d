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
import { leavesOf, rootOf } from "./state.ts";
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
  const folds = replicasOf(scenario(members), new Random(seed), 4).map((document) => {
    const one = fold(document, terms);
    // What all have signed is still what follows from what its proposer had seen.
    for (const { change, root } of one.agreed)
      expect(rootOf(leavesOf(foldBehind(document, terms, change).ledger, terms))).toEqual(root);
    return one;
  });
  for (const one of folds) {
    expect(shown(one)).toEqual(shown(folds[0]!));
    checkMoney(one, put);
  }
  return folds[0]!;
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
