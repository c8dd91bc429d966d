/** What an oracle's own record says of it: counted anew from the facts each time, so that there is nothing to merge. */
import { WHOLE } from "./aggregate.ts";

/** How an oracle did. */
export interface Reputation {
  /** Basis points; 5,000 for one that has not spoken, 0 for one that is out. */
  readonly score: bigint;
  /** Attestations that count. */
  readonly attestations: number;
  /** Of them, in rounds with enough oracles: those inside the fence, and those outside. */
  readonly kept: number;
  readonly outliers: number;
  /** Of them: those with responses that were not revealed in time. */
  readonly withheld: number;
  /** Records that break a rule. */
  readonly broken: number;
  /** Mean distance from the round's median over the judged ones, in basis points, rounded down. */
  readonly averageDeviation: bigint;
  /** Greatest timestamp that it attested; null for none. */
  readonly lastSpoke: number | null;
}

/** What is counted of each. */
interface Tally {
  attestations: number;
  kept: number;
  outliers: number;
  withheld: number;
  broken: number;
  deviation: bigint;
  lastSpoke: number | null;
  isExcluded: boolean;
}

/** How much worse than a good round each of these is. */
const OUTLIER = 4;
const WITHHELD = 1;
const BROKEN = 8;

/** Rounds, half of them good, that an oracle is taken to have behind it when it begins. */
const PRIOR = 4;

/** Counts for each member. What is said of others is nothing. */
export class Reputations {
  readonly #tallies: ReadonlyMap<string, Tally>;

  constructor(members: readonly string[]) {
    this.#tallies = new Map(members.map((member) => [member, emptyTally()]));
  }

  /** True for a member. */
  has(oracle: string): boolean {
    return this.#tallies.has(oracle);
  }

  /** An attestation that counts. */
  spoke(oracle: string, timestamp: number): void {
    const tally = this.#tallies.get(oracle);
    if (tally === undefined) return;
    tally.attestations++;
    tally.lastSpoke = Math.max(tally.lastSpoke ?? 0, timestamp);
  }

  /** One that was judged among those of its round, with its distance from the median in basis points. */
  judged(oracle: string, isOutlier: boolean, deviation: bigint): void {
    const tally = this.#tallies.get(oracle);
    if (tally === undefined) return;
    if (isOutlier) tally.outliers++;
    else tally.kept++;
    tally.deviation += deviation;
  }

  /** One whose responses were not all revealed in time. */
  withheld(oracle: string): void {
    const tally = this.#tallies.get(oracle);
    if (tally !== undefined) tally.withheld++;
  }

  /** A record that breaks a rule. */
  broke(oracle: string): void {
    const tally = this.#tallies.get(oracle);
    if (tally !== undefined) tally.broken++;
  }

  /** One that is out. */
  exclude(oracle: string): void {
    const tally = this.#tallies.get(oracle);
    if (tally !== undefined) tally.isExcluded = true;
  }

  /** The reputation of each member, in the order of members. */
  all(): ReadonlyMap<string, Reputation> {
    return new Map([...this.#tallies].map(([oracle, tally]) => [oracle, reputationOf(tally)]));
  }
}

/** 10,000 · (kept + 2) / (kept + 4 + 4 · outliers + withheld + 8 · broken), rounded down. */
export function scoreOf(
  counts: Pick<Reputation, "kept" | "outliers" | "withheld" | "broken">,
): bigint {
  const good = BigInt(counts.kept + PRIOR / 2);
  const bad = BigInt(
    OUTLIER * counts.outliers + WITHHELD * counts.withheld + BROKEN * counts.broken + PRIOR / 2,
  );
  return (WHOLE * good) / (good + bad);
}

function reputationOf({ isExcluded, deviation, ...counts }: Tally): Reputation {
  const judged = BigInt(counts.kept + counts.outliers);
  return {
    ...counts,
    score: isExcluded ? 0n : scoreOf(counts),
    averageDeviation: judged === 0n ? 0n : deviation / judged,
  };
}

function emptyTally(): Tally {
  return {
    attestations: 0,
    kept: 0,
    outliers: 0,
    withheld: 0,
    broken: 0,
    deviation: 0n,
    lastSpoke: null,
    isExcluded: false,
  };
}
