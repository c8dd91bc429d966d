/**
 * Attestations beside each other: of one oracle, where no two may contradict each other; of one round, where outliers show.
 * No rule asks which was there first, since a liar can choose what to have seen.
 */
import { fenceOf, WHOLE } from "./aggregate.ts";
import type { Anomaly, Attestation } from "./facts.ts";
import type { NetworkRules } from "./network.ts";
import type { Reputations } from "./reputation.ts";

/** One price this often in a row looks like a feed that stands still. */
export const FROZEN_AFTER = 10;

/**
 * Attestations of one oracle that share a nonce, or a pair and a round, by id, with why: each of them is void. So an oracle that
 * writes on two chains, which is no fork, gains nothing by it either.
 */
export function contradictions(
  attestations: readonly Attestation[],
  roundSeconds: number,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const group of grouped(attestations, (each) => roundKey(each, roundSeconds, each.oracle))) {
    if (group.length > 1) for (const { id } of group) found.set(id, "two prices in one round");
  }
  for (const group of grouped(attestations, ({ oracle, nonce }) => `${oracle} ${nonce}`)) {
    if (group.length > 1) for (const { id } of group) found.set(id, "two records with one nonce");
  }
  return found;
}

/** Ids of attestations with an earlier timestamp than one of the same oracle with a smaller nonce. */
export function runningBackwards(attestations: readonly Attestation[]): Set<string> {
  const found = new Set<string>();
  for (const own of grouped(attestations, ({ oracle }) => oracle)) {
    let latest = 0;
    for (const { id, timestamp } of own.toSorted((a, b) => a.nonce - b.nonce)) {
      if (timestamp < latest) found.add(id);
      latest = Math.max(latest, timestamp);
    }
  }
  return found;
}

/** Judges each round in which enough oracles spoke, by the fence around its prices; returns the outliers. */
export function judgeRounds(
  attestations: readonly Attestation[],
  rules: NetworkRules,
  reputations: Reputations,
): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const round of grouped(attestations, (each) => roundKey(each, rules.roundSeconds))) {
    if (round.length < rules.minimumOracles) continue;
    const prices = round.map(({ price }) => price);
    const fence = fenceOf(prices, rules.tolerance);
    const median = lowerMedian(prices);
    for (const { id, oracle, price } of round) {
      const distance = price > median ? price - median : median - price;
      const deviation = (distance * WHOLE) / median;
      const isOutlier = fence !== null && (price < fence.low || price > fence.high);
      reputations.judged(oracle, isOutlier, deviation);
      if (!isOutlier) continue;
      const detail = `${deviation} basis points from the median`;
      anomalies.push({ kind: "outlier", oracle, attestation: id, detail });
    }
  }
  return anomalies;
}

/** The attestations with which an oracle has given one price ten times in a row, and each after those. */
export function frozenFeeds(attestations: readonly Attestation[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const own of grouped(attestations, ({ oracle, pair }) => `${oracle} ${pair}`)) {
    let run = 0;
    let last = 0n;
    for (const { id, oracle, price } of own.toSorted((a, b) => a.nonce - b.nonce)) {
      run = price === last ? run + 1 : 1;
      last = price;
      if (run < FROZEN_AFTER) continue;
      const detail = `the same price ${run} times`;
      anomalies.push({ kind: "frozen feed", oracle, attestation: id, detail });
    }
  }
  return anomalies;
}

function roundKey({ pair, timestamp }: Attestation, roundSeconds: number, oracle = ""): string {
  return `${oracle} ${pair} ${Math.floor(timestamp / roundSeconds)}`;
}

/** In the order in which the keys come first. */
function grouped(
  attestations: readonly Attestation[],
  keyOf: (attestation: Attestation) => string,
): Iterable<Attestation[]> {
  const groups = new Map<string, Attestation[]>();
  for (const attestation of attestations) {
    const key = keyOf(attestation);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [attestation]);
    else group.push(attestation);
  }
  return groups.values();
}

function lowerMedian(prices: readonly bigint[]): bigint {
  const sorted = prices.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
