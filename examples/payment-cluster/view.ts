/**
 * What a cluster shows: a function of the set of statements, so that replicas with one history show one thing. Two layers:
 * *settled* is what core nodes have acknowledged and stays; *expected* adds what will hold if nobody objects.
 */
import { latestCheckpoint } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { factsOf } from "./facts.ts";
import type { Facts, Transfer } from "./facts.ts";
import { judge } from "./misbehaviour.ts";
import type { Verdicts } from "./misbehaviour.ts";
import type { ClusterDocument } from "./schema.ts";
import { ackCount, certifiedLines, chosenLines, settle } from "./settle.ts";
import type { Balances } from "./settle.ts";
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
  /** Core nodes that were proven to lie → who gets half their share of the pot. */
  readonly convicted: ReadonlyMap<string, string>;
  readonly checkpoint: Checkpoint | null;
}

/** Everything, from all statements. */
export function viewOf(document: ClusterDocument, terms: Terms): ClusterView {
  const facts = factsOf(document, terms);
  const verdicts = judge(document, terms, facts, (change, verdicts) =>
    settledBehind(document, terms, change, verdicts),
  );
  const lines = chosenLines(facts);
  const convicted = convictedOf(facts, terms, verdicts);
  const provers = [...convicted.values()];
  const settled = settle(terms, certifiedLines(lines, facts, terms), provers);
  return {
    facts,
    settled,
    expected: settle(terms, lines, provers),
    doubleSpends: doubleSpendsOf(facts, settled),
    verdicts,
    convicted,
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
  const provers = [...convictedOf(facts, terms, verdicts).values()];
  return settle(terms, certifiedLines(chosenLines(facts), facts, terms), provers);
}

/** For each core node the accusation that the core has acknowledged, as it does for one at most. */
function convictedOf(facts: Facts, terms: Terms, verdicts: Verdicts): Map<string, string> {
  const best = new Map<string, { id: string; prover: string; count: number }>();
  for (const { id } of facts.accusations) {
    const verdict = verdicts.get(id);
    const count = ackCount(facts, id);
    if (verdict === undefined || count < terms.threshold) continue;
    if (!terms.core.includes(verdict.culprit)) continue;
    const rival = best.get(verdict.culprit);
    if (rival === undefined || count > rival.count || (count === rival.count && id < rival.id))
      best.set(verdict.culprit, { id, prover: verdict.prover, count });
  }
  return new Map([...best].map(([culprit, { prover }]) => [culprit, prover]));
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
