/** Attestations by pair and time. */
import type { Attestation } from "./facts.ts";

/** Answers by binary search; built once from all that obey the rules. */
export class PriceIndex {
  readonly #byPair = new Map<string, Attestation[]>();

  constructor(attestations: readonly Attestation[]) {
    for (const attestation of attestations) {
      const known = this.#byPair.get(attestation.pair);
      if (known === undefined) this.#byPair.set(attestation.pair, [attestation]);
      else known.push(attestation);
    }
    for (const known of this.#byPair.values()) known.sort(byTime);
  }

  /** In alphabetical order. */
  get pairs(): string[] {
    return [...this.#byPair.keys()].sort();
  }

  /** Those with timestamps from `from` to `until` (seconds, both included), by (timestamp, oracle). */
  between(pair: string, from: number, until: number): readonly Attestation[] {
    const known = this.#byPair.get(pair) ?? [];
    return known.slice(firstFrom(known, from), firstFrom(known, until + 1));
  }

  /** The newest of each oracle in that time, by oracle: however often one speaks, it is one voice. */
  newest(pair: string, from: number, until: number): readonly Attestation[] {
    const byOracle = new Map<string, Attestation>();
    for (const attestation of this.between(pair, from, until)) {
      byOracle.set(attestation.oracle, attestation);
    }
    return [...byOracle.values()].sort((a, b) => (a.oracle < b.oracle ? -1 : 1));
  }
}

function firstFrom(sorted: readonly Attestation[], timestamp: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.timestamp < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One oracle has one attestation for a pair and a time, so that this is a total order. */
function byTime(a: Attestation, b: Attestation): number {
  return a.timestamp - b.timestamp || (a.oracle < b.oracle ? -1 : 1);
}
