/**
 * What an honest core node does: acknowledges, at most one payment for each number of an account, takes its shares of the fees,
 * and signs checkpoints.
 */
import { equalBytes } from "bft-json-crdt";
import type { Participant } from "example-kit";
import { latestCheckpoint, rootOf, signState } from "./checkpoint.ts";
import type { Accusation } from "./facts.ts";
import type { Cluster } from "./schema.ts";
import { chosenLines } from "./settle.ts";
import type { Terms } from "./terms.ts";
import { settledBehind, viewOf } from "./view.ts";
import type { ClusterView } from "./view.ts";

/** Others' changes that one change can name as seen. */
const MAX_PARENTS = 16;
/** Commitments of one author that a core node acknowledges: they cost their author nothing. */
const MAX_COMMITMENTS = 16;

/** Acknowledges all that is to be acknowledged now; returns how many acknowledgements were made. */
export function serve(node: Participant<typeof Cluster>, terms: Terms): number {
  for (let made = 0; ;) {
    const view = viewOf(node.document, terms);
    const targets = [
      ...payable(node.author, view, terms),
      ...due(node.author, view, terms),
      ...promised(node.author, view),
      ...convicting(node, view, terms),
    ];
    if (targets.length === 0) return made;
    seeEverything(node);
    node.change(({ acks }) => acks.append(...targets.map((target) => ({ target }))));
    made += targets.length;
  }
}

/** States that it takes its shares of all periods that are over; false when there is none that it has not asked for. */
export function takePayout(node: Participant<typeof Cluster>, terms: Terms): boolean {
  const { facts, settled } = viewOf(node.document, terms);
  const mine = facts.payouts.filter(({ author }) => author === node.author);
  const periods = Math.floor(settled.made.size / terms.period);
  if (periods <= Math.max(0, ...mine.map((payout) => payout.periods))) return false;
  node.change(({ payouts }) => payouts.append({ periods }));
  return true;
}

/**
 * Signs the settled state: that of a checkpoint which others have signed and which is right, else a new one. False when there
 * is nothing new to sign.
 */
export function signCheckpoint(node: Participant<typeof Cluster>, terms: Terms): boolean {
  const { facts, verdicts, settled } = viewOf(node.document, terms);
  const latest = latestCheckpoint(facts, terms)?.settled ?? 0;
  const mine = facts.checkpoints.filter(({ author }) => author === node.author);
  for (const vote of facts.checkpoints) {
    if (vote.proposal !== "" || vote.settled <= latest) continue;
    // Its own are among them.
    if (mine.some(({ settled: signed }) => signed >= vote.settled)) continue;
    const state = settledBehind(node.document, terms, vote.change, verdicts);
    const root = rootOf(state);
    if (state.made.size !== vote.settled || !equalBytes(root, vote.root)) continue;
    sign(node, terms, vote.id, vote.settled, root);
    return true;
  }
  if (settled.made.size <= Math.max(latest, ...mine.map((vote) => vote.settled))) return false;
  seeEverything(node);
  sign(node, terms, "", settled.made.size, rootOf(settled));
  return true;
}

function sign(
  node: Participant<typeof Cluster>,
  terms: Terms,
  proposal: string,
  settled: number,
  root: Uint8Array,
): void {
  const signature = signState(node.keyPair, terms, settled, root);
  node.change(({ checkpoints }) => checkpoints.append({ proposal, settled, root, signature }));
}

/**
 * Makes the next change build on all that this node has: one names 16 heads only, and a liar can make more. So whoever gets an
 * acknowledgement has before it everything that it relied on.
 */
function seeEverything(node: Participant<typeof Cluster>): void {
  while (node.document.frontier().length > MAX_PARENTS) node.change(() => {});
}

/** The next payment of each account that has the money, unless this node has acknowledged one with that number. */
function payable(me: string, { facts, settled }: ClusterView, terms: Terms): string[] {
  const answered = new Set<string>();
  for (const transfer of facts.transfers)
    if (isAckedBy(me, facts.acks, transfer)) answered.add(`${transfer.author}/${transfer.number}`);
  const targets: string[] = [];
  for (const [payer, line] of chosenLines(facts)) {
    const { balance, next } = settled.accounts.get(payer) ?? { balance: 0n, next: 0 };
    const transfer = line.get(next);
    if (transfer === undefined || answered.has(`${payer}/${next}`)) continue;
    if (balance >= transfer.amount + terms.fee) targets.push(transfer.id);
  }
  return targets;
}

/**
 * For each core node that nobody has proven to lie the payout of most periods that are over, if this node has not acknowledged one
 * of as many.
 */
function due(me: string, { facts, settled, verdicts }: ClusterView, terms: Terms): string[] {
  const culprits = new Set([...verdicts.values()].map(({ culprit }) => culprit));
  const most = new Map<string, number>();
  for (const payout of facts.payouts) {
    const { author, periods } = payout;
    if (isAckedBy(me, facts.acks, payout))
      most.set(author, Math.max(periods, most.get(author) ?? 0));
  }
  const targets = new Map<string, string>();
  for (const { id, author, periods } of facts.payouts) {
    if (culprits.has(author) || periods * terms.period > settled.made.size) continue;
    if (periods <= (most.get(author) ?? 0)) continue;
    most.set(author, periods);
    targets.set(author, id);
  }
  return [...targets.values()];
}

/** Commitments that this node has not acknowledged. */
function promised(me: string, { facts }: ClusterView): string[] {
  const counts = new Map<string, number>();
  return facts.commitments
    .filter((commitment) => {
      const count = (counts.get(commitment.author) ?? 0) + 1;
      counts.set(commitment.author, count);
      return count <= MAX_COMMITMENTS && !isAckedBy(me, facts.acks, commitment);
    })
    .map(({ id }) => id);
}

/** For each core node that is proven to lie the accusation that this node promised itself to first, once. */
function convicting(node: Participant<typeof Cluster>, view: ClusterView, terms: Terms): string[] {
  const { facts, verdicts } = view;
  const byCulprit = new Map<string, Accusation[]>();
  for (const accusation of facts.accusations) {
    const culprit = verdicts.get(accusation.id)?.culprit;
    if (culprit === undefined || !terms.core.includes(culprit)) continue;
    const known = byCulprit.get(culprit);
    if (known === undefined) byCulprit.set(culprit, [accusation]);
    else known.push(accusation);
  }
  const targets: string[] = [];
  for (const rivals of byCulprit.values()) {
    if (rivals.some((rival) => isAckedBy(node.author, facts.acks, rival))) continue;
    const first = rivals
      .filter((rival) => wasFirst(node, view, rival, rivals, terms))
      .map(({ id, commitment }) => ({
        id,
        // Own acknowledgements stand in the local history as they were made.
        when: facts.acks.get(commitment)?.get(node.author)?.[0]?.change ?? Infinity,
      }))
      .sort((a, b) => a.when - b.when || (a.id < b.id ? -1 : 1))[0];
    if (first !== undefined) targets.push(first.id);
  }
  return targets;
}

/**
 * True when enough core nodes had acknowledged the commitment without having seen anybody else's accusation: then the proof is
 * the accuser's own, not copied.
 */
function wasFirst(
  { document }: Participant<typeof Cluster>,
  { facts }: ClusterView,
  accusation: Accusation,
  rivals: readonly Accusation[],
  terms: Terms,
): boolean {
  const others = rivals.filter(({ author }) => author !== accusation.author);
  const innocent = [...(facts.acks.get(accusation.commitment)?.values() ?? [])].filter((acks) =>
    acks.some(
      (ack) => !others.some(({ change }) => document.history.isAncestor(change, ack.change)),
    ),
  );
  return innocent.length >= terms.threshold;
}

function isAckedBy(
  me: string,
  acks: ClusterView["facts"]["acks"],
  { id }: { readonly id: string },
): boolean {
  return acks.get(id)?.has(me) ?? false;
}
