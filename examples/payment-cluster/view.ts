/**
 * What a cluster shows: a function of the set of statements, so that replicas with one history show one thing. Two layers:
 * *settled* is what core nodes have acknowledged and stays; *expected* adds what will hold if nobody objects.
 */
import { latestCheckpoint } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { factsOf } from "./facts.ts";
import type { Accusation, Ack, Facts, Transfer } from "./facts.ts";
import { judge } from "./misbehaviour.ts";
import type { Verdicts } from "./misbehaviour.ts";
import type { ClusterDocument } from "./schema.ts";
import { ackCount, certifiedLines, chosenLines, settle } from "./settle.ts";
import type { Balances, Share } from "./settle.ts";
import type { Terms } from "./terms.ts";

/** Payments of one account with one number, in the order of their ids: a double spend, which all of them together prove. */
export interface DoubleSpend {
  readonly account: string;
  readonly number: number;
  readonly ids: readonly string[];
  /** The one that counts for now. */
  readonly chosen: string;
  readonly isSettled: boolean;
}

/** What a replica knows. */
export interface ClusterView {
  readonly facts: Facts;
  readonly settled: Balances;
  readonly expected: Balances;
  readonly doubleSpends: readonly DoubleSpend[];
  readonly verdicts: Verdicts;
  /** One for each core node, in the order of the terms: what it was paid for, and who gets half of the rest. */
  readonly shares: readonly Share[];
  readonly checkpoint: Checkpoint | null;
}

/** Everything, from all statements. */
export function viewOf(document: ClusterDocument, terms: Terms): ClusterView {
  const facts = factsOf(document, terms);
  const verdicts = judge(document, terms, facts, (change, verdicts) =>
    settledBehind(document, terms, change, verdicts),
  );
  const lines = chosenLines(facts);
  const shares = sharesOf(document, terms, facts, verdicts);
  const settled = settle(terms, certifiedLines(lines, facts, terms), shares);
  return {
    facts,
    settled,
    expected: settle(terms, lines, shares),
    doubleSpends: doubleSpendsOf(facts, settled),
    verdicts,
    shares,
    checkpoint: latestCheckpoint(facts, terms),
  };
}

/** The settled balances of what the author of a change had seen when making it. */
export function settledBehind(
  document: ClusterDocument,
  terms: Terms,
  change: number,
  verdicts: Verdicts,
): Balances {
  const unseen = new Set(document.history.missingFor([change]));
  const facts = factsOf(document, terms, (at) => !unseen.has(at));
  const shares = sharesOf(document, terms, facts, verdicts);
  return settle(terms, certifiedLines(chosenLines(facts), facts, terms), shares);
}

/**
 * A period is paid for when enough core nodes have acknowledged payouts of it. It is the prover's when enough have acknowledged
 * the accusation and not, before that, a payout of it. Both take n − f, so an honest core node would have done both; but it
 * acknowledges no payout once it has seen a proof. So with at most f liars no period is both, and none changes hands: whoever
 * acknowledges one thing more than once counts by what decides most, and never less for more, wherever it stands in the log.
 */
function sharesOf(
  { history }: ClusterDocument,
  terms: Terms,
  facts: Facts,
  verdicts: Verdicts,
): Share[] {
  const convictions = convictionsOf(facts, terms, verdicts);
  return terms.core.map((core) => {
    const payouts = facts.payouts.filter(({ author }) => author === core);
    /** For how many periods somebody has acknowledged payouts, in acknowledgements that count. */
    const granted = (by: string, counts: (ack: Ack) => boolean): number =>
      payouts.reduce(
        (most, { id, periods }) =>
          facts.acks.get(id)?.get(by)?.some(counts) === true ? Math.max(most, periods) : most,
        0,
      );
    const all = terms.core.map((by) => granted(by, () => true));
    const paid = all.sort((a, b) => b - a)[terms.threshold - 1]!;
    const accusation = convictions.get(core);
    if (accusation === undefined) return { core, paid, prover: null, after: 0 };
    const before = [...facts.acks.get(accusation.id)!].map(([by, convictions]) =>
      Math.min(
        ...convictions.map(({ change }) =>
          granted(by, (ack) => history.isAncestor(ack.change, change)),
        ),
      ),
    );
    const after = before.sort((a, b) => a - b)[terms.threshold - 1]!;
    return { core, paid, prover: accusation.author, after };
  });
}

/** For each core node the accusation that the core has acknowledged, as it does for one at most. */
function convictionsOf(facts: Facts, terms: Terms, verdicts: Verdicts): Map<string, Accusation> {
  const best = new Map<string, Accusation>();
  for (const accusation of facts.accusations) {
    const { id } = accusation;
    const culprit = verdicts.get(id)?.culprit;
    const count = ackCount(facts, id);
    if (culprit === undefined || count < terms.threshold) continue;
    const rival = best.get(culprit)?.id;
    const rivalCount = rival === undefined ? 0 : ackCount(facts, rival);
    if (rival === undefined || count > rivalCount || (count === rivalCount && id < rival))
      best.set(culprit, accusation);
  }
  return best;
}

function doubleSpendsOf(facts: Facts, settled: Balances): DoubleSpend[] {
  const chosen = chosenLines(facts);
  const byNumber = new Map<string, Transfer[]>();
  for (const transfer of facts.transfers) {
    const key = `${transfer.author}/${transfer.number}`;
    const known = byNumber.get(key);
    if (known === undefined) byNumber.set(key, [transfer]);
    else known.push(transfer);
  }
  return [...byNumber]
    .filter(([, rivals]) => rivals.length > 1)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, rivals]) => {
      const { author: account, number } = rivals[0]!;
      const { id } = chosen.get(account)!.get(number)!;
      const ids = rivals.map((rival) => rival.id).sort();
      return { account, number, ids, chosen: id, isSettled: settled.made.has(id) };
    });
}
