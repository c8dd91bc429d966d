/** The arithmetic beside naive models of it, and the bounds that it keeps whatever a minority says. */
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aggregate,
  confidenceOf,
  fenceOf,
  integerRoot,
  MAX_PRICE,
  outerOf,
  standardDeviation,
  timeWeightedMean,
  volatilityAdjusted,
  weightedMean,
  weightedMedian,
  weightOf,
  WHOLE,
} from "./aggregate.ts";
import type { Observation, Weighted } from "./aggregate.ts";

const price = fc.bigInt({ min: 1n, max: MAX_PRICE });
const weight = fc.bigInt({ min: 0n, max: WHOLE });
const weighted = fc.record({ price, weight });
/** Close together, so that ties are frequent. */
const close = fc.bigInt({ min: 1n, max: 30n });

function units(...prices: readonly number[]): bigint[] {
  return prices.map(BigInt);
}

function equal(...prices: readonly number[]): Observation[] {
  return units(...prices).map((each) => ({ price: each, weight: 10n, confidence: 9_000n }));
}

describe("the weighted mean", () => {
  it("is the mean of as many copies as there is weight", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ price, weight: fc.bigInt({ min: 0n, max: 20n }) })),
        (given) => {
          const copies = copiesOf(given);
          const sum = copies.reduce((all, each) => all + each, 0n);
          expect(weightedMean(given)).toBe(
            copies.length === 0 ? null : sum / BigInt(copies.length),
          );
        },
      ),
      runs(100),
    );
  });

  it("rounds down", () => {
    expect(
      weightedMean([
        { price: 1n, weight: 1n },
        { price: 2n, weight: 1n },
      ]),
    ).toBe(1n);
    expect(weightedMean([])).toBeNull();
    expect(weightedMean([{ price: 5n, weight: 0n }])).toBeNull();
  });
});

describe("the weighted median", () => {
  it("is the lower median of as many copies as there is weight, in any order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ price: close, weight: fc.bigInt({ min: 0n, max: 9n }) })),
        (given) => {
          const copies = copiesOf(given).toSorted((a, b) => Number(a - b));
          const middle = copies[Math.floor((copies.length - 1) / 2)] ?? null;
          expect(weightedMedian(given)).toBe(middle);
          expect(weightedMedian(given.toReversed())).toBe(middle);
        },
      ),
      runs(100),
    );
  });

  it("stays among the honest prices while the honest have more than half of the weight", () => {
    fc.assert(
      fc.property(fc.array(weighted, { minLength: 1 }), fc.array(weighted), (honest, liars) => {
        fc.pre(totalOf(honest) > totalOf(liars));
        const prices = honest.filter((each) => each.weight > 0n).map((each) => each.price);
        const median = weightedMedian([...honest, ...liars])!;
        expect(median >= least(prices) && median <= most(prices)).toBe(true);
      }),
      runs(100),
    );
  });
});

describe("the mean over time", () => {
  it("is the mean of the price at each second", () => {
    const timed = fc.record({ price: close, timestamp: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(timed), fc.nat(40), fc.nat(40), (given, from, until) => {
        const prices = given.toSorted((a, b) => a.timestamp - b.timestamp);
        const seconds: bigint[] = [];
        for (let at = from; at < until; at++) {
          const holding = prices.findLast(({ timestamp }) => timestamp <= at);
          if (holding !== undefined) seconds.push(holding.price);
        }
        const sum = seconds.reduce((all, each) => all + each, 0n);
        expect(timeWeightedMean(prices, from, until)).toBe(
          seconds.length === 0 ? null : sum / BigInt(seconds.length),
        );
      }),
      runs(100),
    );
  });

  it("counts each price for as long as it holds", () => {
    const prices = [
      { price: 100n, timestamp: 0 },
      { price: 200n, timestamp: 10 },
      { price: 400n, timestamp: 15 },
    ];
    expect(timeWeightedMean(prices, 0, 20)).toBe((100n * 10n + 200n * 5n + 400n * 5n) / 20n);
    expect(timeWeightedMean(prices, 12, 14)).toBe(200n);
    expect(timeWeightedMean(prices, -100, 0)).toBeNull();
  });
});

describe("the standard deviation", () => {
  it("has a root that is the greatest whose square fits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (square) => {
        const root = integerRoot(square);
        expect(root * root <= square && (root + 1n) ** 2n > square).toBe(true);
      }),
      runs(100),
    );
    expect([0n, 1n, 2n, 3n, 4n, 8n, 9n].map(integerRoot)).toEqual([0n, 1n, 1n, 1n, 2n, 2n, 3n]);
    expect(() => integerRoot(-1n)).toThrow(RangeError);
  });

  it("is that of a textbook but for rounding", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { minLength: 1 }), (prices) => {
        const mean = prices.reduce((all, each) => all + each, 0) / prices.length;
        const variance = prices.reduce((all, each) => all + (each - mean) ** 2, 0) / prices.length;
        const exact = Math.sqrt(variance);
        expect(Math.abs(Number(standardDeviation(units(...prices))) - exact)).toBeLessThan(2);
      }),
      runs(100),
    );
    expect(standardDeviation(units(2, 4, 4, 4, 5, 5, 7, 9))).toBe(2n);
    expect(standardDeviation([])).toBe(0n);
  });
});

describe("the fence", () => {
  it("has quartiles rounded towards the middle", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13].map(outerOf)).toEqual([
      0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3,
    ]);
    expect(fenceOf(units(10, 20, 30), 0n)).toBeNull();
    // Of 7 the quartiles are the third from either side.
    expect(fenceOf(units(1, 2, 100, 110, 120, 900, 950), 0n)).toEqual({ low: 70n, high: 150n });
    expect(fenceOf(units(100, 100, 100, 100), 500n)).toEqual({ low: 95n, high: 105n });
    expect(fenceOf(units(1, 5, 9, 100), 0n)).toEqual({ low: 0n, high: 15n });
  });

  it("finds out two of seven on one side, which the usual quartiles would not", () => {
    const prices = units(2_490, 2_495, 2_500, 2_505, 2_510, 3_000, 3_001);
    const fence = fenceOf(prices, 50n)!;
    expect(prices.filter((each) => each > fence.high)).toEqual(units(3_000, 3_001));
    const usual = prices[Math.floor((3 * 7) / 4)]!;
    expect(usual).toBe(3_000n);
  });

  it("lets no price in that is further from the honest ones than their own spread allows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 1_000n, max: 2_000n }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.bigInt({ min: 1n, max: 5_000n }), { maxLength: 4 }),
        fc.bigInt({ min: 0n, max: 500n }),
        (honest, liars, tolerance) => {
          const all = [...honest, ...liars];
          fc.pre(all.length >= 4 && liars.length <= outerOf(all.length));
          const { low, high } = fenceOf(all, tolerance)!;
          const spread = ((most(honest) - least(honest)) * 3n) / 2n;
          const tolerated = (most(honest) * tolerance) / WHOLE;
          const margin = spread > tolerated ? spread : tolerated;
          expect(low >= least(honest) - margin).toBe(true);
          expect(high <= most(honest) + margin).toBe(true);
        },
      ),
      runs(100),
    );
  });
});

describe("an aggregate", () => {
  const rules = { minimumOracles: 3, tolerance: 50n };

  it("leaves outliers out and says which", () => {
    const observations = equal(2_500, 3_000, 2_490, 2_510, 3_001, 2_495, 2_505);
    const result = aggregate(observations, rules)!;
    expect(result.price).toBe(2_500n);
    expect(result.mean).toBe(2_500n);
    expect(result.deviation).toBe(7n);
    expect(result.rejected.map((each) => each.price)).toEqual([3_000n, 3_001n]);
    // 9,000 claimed · 5/7 kept = 6,428; deviation 28 bp takes 280 bp away.
    expect(result.confidence).toBe((6_428n * 9_720n) / 10_000n);
  });

  it("is none with too few, or without weight", () => {
    expect(aggregate(equal(1, 2), rules)).toBeNull();
    expect(
      aggregate(
        equal(1, 2, 3).map((each) => ({ ...each, weight: 0n })),
        rules,
      ),
    ).toBeNull();
    expect(aggregate(equal(100, 100, 100, 200), { ...rules, minimumOracles: 4 })).toBeNull();
    expect(aggregate([], { ...rules, minimumOracles: 0 })).toBeNull();
  });

  it("does not depend on the order, but for that of its lists", () => {
    const observation = fc.record({ price: close, weight, confidence: weight });
    fc.assert(
      fc.property(fc.array(observation), fc.nat(), (given, turn) => {
        const at = given.length === 0 ? 0 : turn % given.length;
        const turned = [...given.slice(at), ...given.slice(0, at)];
        const one = aggregate(given, rules);
        const other = aggregate(turned, rules);
        const numbers = [one, other].map(
          (result) =>
            result && [
              result.price,
              result.mean,
              result.deviation,
              result.confidence,
              result.kept.length,
            ],
        );
        expect(numbers[0]).toEqual(numbers[1]);
        if (one !== null) expect(one.confidence >= 0n && one.confidence <= WHOLE).toBe(true);
      }),
      runs(100),
    );
  });

  it("has no confidence when prices disagree by a tenth", () => {
    expect(confidenceOf(equal(90, 110), 2, 100n, 10n)).toBe(0n);
    expect(confidenceOf(equal(99, 101), 2, 100n, 1n)).toBe(8_100n);
  });
});

describe("a price that minds volatility", () => {
  it("is the median while calm, else the mean of the middle half", () => {
    expect(volatilityAdjusted(units(99, 100, 101), 200n)).toEqual({
      price: 100n,
      low: 100n,
      high: 100n,
      isVolatile: false,
    });
    expect(volatilityAdjusted(units(60, 98, 100, 102, 106, 140, 900), 200n)).toMatchObject({
      price: (100n + 102n + 106n) / 3n,
      isVolatile: true,
    });
    expect(volatilityAdjusted(units(1, 1, 1, 999), 200n)!.low).toBe(0n);
    expect(volatilityAdjusted([], 200n)).toBeNull();
  });
});

describe("a weight", () => {
  it("is the product of confidence and reputation", () => {
    expect(weightOf(9_500n, 5_000n)).toBe(4_750n);
    expect(weightOf(9_999n, 1n)).toBe(0n);
  });
});

function copiesOf(observations: readonly Weighted[]): bigint[] {
  return observations.flatMap((each) =>
    Array.from({ length: Number(each.weight) }, () => each.price),
  );
}

function totalOf(observations: readonly Weighted[]): bigint {
  return observations.reduce((sum, each) => sum + each.weight, 0n);
}

function least(prices: readonly bigint[]): bigint {
  return prices.reduce((a, b) => (a < b ? a : b));
}

function most(prices: readonly bigint[]): bigint {
  return prices.reduce((a, b) => (a > b ? a : b));
}
