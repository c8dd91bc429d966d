/**
 * The arithmetic of oracles: one price out of many. Only integers, in an order of steps that is written down, so that a
 * contract can repeat each number exactly: prices have 8 decimals, confidences and weights are basis points (0 … 10,000),
 * times are whole seconds, and every division rounds down. With prices of at most 96 bits no sum leaves 256 bits.
 */

/** Decimals of a price: 1.0 is 100,000,000. */
export const PRICE_DECIMALS = 8;

/** The price 1.0. */
export const PRICE_UNIT = 10n ** BigInt(PRICE_DECIMALS);

/** The greatest price: 96 bits. The least is 1. */
export const MAX_PRICE = 2n ** 96n - 1n;

/** The whole, in basis points. */
export const WHOLE = 10_000n;

/** With fewer prices than this there are no quartiles, and none is an outlier. */
export const LEAST_FOR_QUARTILES = 4;

/** A price and how much it counts. */
export interface Weighted {
  readonly price: bigint;
  /** Not negative: basis points among oracles, the volume among sources. */
  readonly weight: bigint;
}

/** A price from a moment on. */
export interface Timed {
  readonly price: bigint;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** What one oracle says, as it goes into an aggregate. */
export interface Observation extends Weighted {
  /** How sure its oracle is, in basis points. */
  readonly confidence: bigint;
}

/** Rules of an aggregate. */
export interface AggregateRules {
  /** Fewer observations than this that are no outliers make no price. */
  readonly minimumOracles: number;
  /** Basis points of the median within which nobody is an outlier, however close the others are. */
  readonly tolerance: bigint;
}

/** One price out of many. */
export interface Aggregate<T extends Observation = Observation> {
  /** The weighted median of those that were kept. */
  readonly price: bigint;
  /** Their weighted mean. */
  readonly mean: bigint;
  /** Their standard deviation, unweighted. */
  readonly deviation: bigint;
  /** Basis points. */
  readonly confidence: bigint;
  /** In the order given. */
  readonly kept: readonly T[];
  /** Outliers, in the order given. */
  readonly rejected: readonly T[];
}

/** Where prices stop being outliers: from `low` to `high`, both included. */
export interface Fence {
  readonly low: bigint;
  readonly high: bigint;
}

/** A price for moments when prices disagree. */
export interface VolatilityAdjusted {
  /** The median while it is calm, else the mean of the middle half. */
  readonly price: bigint;
  /** One standard deviation below and above: for a lender and for a borrower. */
  readonly low: bigint;
  readonly high: bigint;
  readonly isVolatile: boolean;
}

/** The weight of an observation: confidence times reputation, both in basis points. */
export function weightOf(confidence: bigint, reputation: bigint): bigint {
  return (confidence * reputation) / WHOLE;
}

/** Σ price · weight / Σ weight; null when nothing has weight. */
export function weightedMean(observations: readonly Weighted[]): bigint | null {
  let sum = 0n;
  let total = 0n;
  for (const { price, weight } of observations) {
    sum += price * weight;
    total += weight;
  }
  return total === 0n ? null : sum / total;
}

/**
 * The least price at which the weight of all prices up to it reaches half: 2 · cumulated ≥ total. So of an even number of
 * equal weights it is the lower of the two in the middle. Null when nothing has weight.
 */
export function weightedMedian(observations: readonly Weighted[]): bigint | null {
  const total = observations.reduce((sum, { weight }) => sum + weight, 0n);
  if (total === 0n) return null;
  let cumulated = 0n;
  for (const { price, weight } of observations.toSorted(byPrice)) {
    cumulated += weight;
    if (2n * cumulated >= total) return price;
  }
  throw new RangeError("a weight is negative");
}

/**
 * The mean over time from `from` to `until` (seconds). A price holds from its timestamp until the next one's, the last one
 * until the end; time before the first does not count. The prices stand in the order of their timestamps; of several with
 * one timestamp the last holds. Null when no time is covered.
 */
export function timeWeightedMean(
  prices: readonly Timed[],
  from: number,
  until: number,
): bigint | null {
  let sum = 0n;
  let total = 0n;
  prices.forEach(({ price, timestamp }, at) => {
    const start = Math.max(timestamp, from);
    const end = Math.min(prices[at + 1]?.timestamp ?? until, until);
    if (end <= start) return;
    const seconds = BigInt(end - start);
    sum += price * seconds;
    total += seconds;
  });
  return total === 0n ? null : sum / total;
}

/** √(Σ (price − mean)² / n), where the mean, the quotient and the root are each rounded down; 0 for no prices. */
export function standardDeviation(prices: readonly bigint[]): bigint {
  if (prices.length === 0) return 0n;
  const count = BigInt(prices.length);
  const mean = prices.reduce((sum, price) => sum + price, 0n) / count;
  const squares = prices.reduce((sum, price) => sum + (price - mean) ** 2n, 0n);
  return integerRoot(squares / count);
}

/** The greatest integer whose square is not more than `square`; by Newton's steps from above. */
export function integerRoot(square: bigint): bigint {
  if (square < 0n) throw new RangeError("there is no root of a negative number");
  if (square < 2n) return square;
  let root = square;
  for (let next = (square + 1n) / 2n; next < root; next = (root + square / root) / 2n) root = next;
  return root;
}

/**
 * How many prices stand outside of the quartiles on either side, of `count`: ⌊(count + 2) / 4⌋. With the prices in ascending
 * order from 0 the first quartile is number `outer`, the third is number `count − 1 − outer`: both are rounded towards the
 * middle, so that `outer` liars on one side cannot be a quartile themselves. That is why 2 of 7 are found out; the usual
 * ⌊3 · count / 4⌋ would make one of them the third quartile.
 */
export function outerOf(count: number): number {
  return count < LEAST_FOR_QUARTILES ? 0 : Math.floor((count + 2) / 4);
}

/**
 * The fence around the quartiles Q1 and Q3: as far out as the greater of ⌊3 · (Q3 − Q1) / 2⌋ and ⌊median · tolerance / 10,000⌋,
 * not below 0. The median is the lower one in the middle, number ⌊(n − 1) / 2⌋. Every price counts once here, whatever its
 * weight. Null for fewer than 4 prices.
 */
export function fenceOf(prices: readonly bigint[], tolerance: bigint): Fence | null {
  const count = prices.length;
  if (count < LEAST_FOR_QUARTILES) return null;
  const sorted = prices.toSorted(compare);
  const outer = outerOf(count);
  const first = sorted[outer]!;
  const third = sorted[count - 1 - outer]!;
  const median = sorted[Math.floor((count - 1) / 2)]!;
  const spread = ((third - first) * 3n) / 2n;
  const least = (median * tolerance) / WHOLE;
  const margin = spread > least ? spread : least;
  return { low: first > margin ? first - margin : 0n, high: third + margin };
}

/**
 * One price: outliers out, then the weighted median of the rest with its mean, deviation and confidence. Null when fewer than
 * `minimumOracles` are left, or they have no weight.
 */
export function aggregate<T extends Observation>(
  observations: readonly T[],
  rules: AggregateRules,
): Aggregate<T> | null {
  const fence = fenceOf(
    observations.map(({ price }) => price),
    rules.tolerance,
  );
  const isInside = ({ price }: T): boolean =>
    fence === null || (price >= fence.low && price <= fence.high);
  const kept = observations.filter(isInside);
  const rejected = observations.filter((observation) => !isInside(observation));
  if (kept.length < rules.minimumOracles) return null;
  const price = weightedMedian(kept);
  const mean = weightedMean(kept);
  if (price === null || mean === null) return null;
  const deviation = standardDeviation(kept.map((observation) => observation.price));
  const confidence = confidenceOf(kept, observations.length, mean, deviation);
  return { price, mean, deviation, confidence, kept, rejected };
}

/**
 * How sure an aggregate is, in basis points, in three steps, each rounded down: the mean of the confidences, by weight; times
 * the part of all observations that was kept; times agreement, which is the whole less 10 times the deviation's part of the
 * mean (a deviation of 1 % takes a tenth away, one of 10 % everything).
 */
export function confidenceOf(
  kept: readonly Observation[],
  count: number,
  mean: bigint,
  deviation: bigint,
): bigint {
  const claimed = weightedMean(
    kept.map(({ confidence, weight }) => ({ price: confidence, weight })),
  );
  if (claimed === null || mean === 0n) return 0n;
  const covered = (claimed * BigInt(kept.length)) / BigInt(count);
  const doubt = 10n * ((deviation * WHOLE) / mean);
  return doubt >= WHOLE ? 0n : (covered * (WHOLE - doubt)) / WHOLE;
}

/**
 * A price that minds how much the prices disagree: volatile is a standard deviation of more than `threshold` basis points of
 * the lower median. Then the price is the mean, rounded down, of what stands from the first to the third quartile. Weights do not
 * count. Null for no prices.
 */
export function volatilityAdjusted(
  prices: readonly bigint[],
  threshold: bigint,
): VolatilityAdjusted | null {
  if (prices.length === 0) return null;
  const sorted = prices.toSorted(compare);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const deviation = standardDeviation(prices);
  const isVolatile = deviation * WHOLE > median * threshold;
  const outer = outerOf(sorted.length);
  const middle = sorted.slice(outer, sorted.length - outer);
  const price = isVolatile
    ? middle.reduce((sum, each) => sum + each, 0n) / BigInt(middle.length)
    : median;
  const low = price > deviation ? price - deviation : 0n;
  return { price, low, high: price + deviation, isVolatile };
}

function byPrice(a: Weighted, b: Weighted): number {
  return compare(a.price, b.price);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
