/** Prices out of a view: what an application asks for. */
import { aggregate, timeWeightedMean, volatilityAdjusted, weightOf } from "./aggregate.ts";
import type { Aggregate, Observation, Timed, VolatilityAdjusted } from "./aggregate.ts";
import { freshnessFault } from "./attestation.ts";
import type { ExportedAttestation } from "./attestation.ts";
import type { Attestation } from "./facts.ts";
import type { NetworkView } from "./view.ts";

/** What goes into an aggregate: the newest attestation of an oracle, weighted. */
export interface Voice extends Observation {
  readonly attestation: Attestation;
}

/** The newest attestation of each oracle that counts at a time (seconds), by oracle. */
export function freshAt(view: NetworkView, pair: string, at = view.now): readonly Attestation[] {
  const { rules, index } = view;
  return index
    .newest(pair, at - rules.maximumAge, at + rules.maximumLead)
    .filter(
      ({ timestamp, sources }) =>
        freshnessFault({ timestamp, sources: sources.length }, at, rules) === null,
    );
}

/** The price of a pair at a time (seconds), by confidence and reputation; null while too few speak. */
export function priceAt(view: NetworkView, pair: string, at = view.now): Aggregate<Voice> | null {
  const voices = freshAt(view, pair, at).map((attestation) => {
    const { oracle, price, confidence } = attestation;
    const weight = weightOf(confidence, view.reputations.get(oracle)!.score);
    return { price, confidence, weight, attestation };
  });
  return aggregate(voices, view.rules);
}

/** The price at the begin of each round from `from` to before `until` (seconds), where there is one. */
export function pricesBetween(
  view: NetworkView,
  pair: string,
  from: number,
  until: number,
): readonly Timed[] {
  const prices: Timed[] = [];
  const { roundSeconds } = view.rules;
  const first = Math.ceil(from / roundSeconds) * roundSeconds;
  for (let timestamp = first; timestamp < until; timestamp += roundSeconds) {
    const found = priceAt(view, pair, timestamp);
    if (found !== null) prices.push({ price: found.price, timestamp });
  }
  return prices;
}

/** The mean over time of those prices; null when there is none. */
export function twapOf(
  view: NetworkView,
  pair: string,
  from: number,
  until: number,
): bigint | null {
  return timeWeightedMean(pricesBetween(view, pair, from, until), from, until);
}

/** A price that minds how much those oracles disagree that are no outliers; `threshold` in basis points. */
export function volatilityAdjustedAt(
  view: NetworkView,
  pair: string,
  threshold: bigint,
  at = view.now,
): VolatilityAdjusted | null {
  const kept = priceAt(view, pair, at)?.kept ?? [];
  return volatilityAdjusted(
    kept.map(({ price }) => price),
    threshold,
  );
}

/** What a contract is given for a pair: the newest of each oracle that counts now, by oracle. */
export function exportedAt(view: NetworkView, pair: string): readonly ExportedAttestation[] {
  return freshAt(view, pair).map(({ oracle, price, confidence, timestamp, sources, nonce }) => ({
    oracle,
    pair,
    price,
    confidence: Number(confidence),
    timestamp,
    sources: sources.length,
    nonce,
  }));
}
