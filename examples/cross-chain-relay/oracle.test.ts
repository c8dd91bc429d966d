import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeReport, medianOf, reportOf } from "./index.ts";
import { factsOf, keysOf, setOf, SETS, STAKES } from "./world.model.ts";

const feed = setOf("ETH/USD");
const keys = keysOf("ETH/USD");

/** The median of reports by the validators with these numbers. */
function median(reports: readonly (readonly [who: number, value: bigint])[], round = 5n) {
  const statements = reports.map(([who, value]) => reportOf(value, 5n, feed, keys[who]!));
  return medianOf(factsOf([], statements), SETS, "ETH/USD", round);
}

describe("the median by stake", () => {
  test("is what unit by unit of stake, in order, stands in the middle", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 20n), { minLength: 4, maxLength: 4 }), (values) => {
        const units = values.flatMap((value, at) =>
          Array.from({ length: Number(STAKES[at]) }, () => value),
        );
        units.sort((a, b) => Number(a - b));
        const value = units[units.length / 2 - 1];
        expect(median(values.map((one, at) => [at, one] as const))?.value).toBe(value);
      }),
      runs(20),
    );
  });

  test("stays among what honest validators say, whatever less than a third of the stake reports", () => {
    fc.assert(
      fc.property(
        fc.constantFrom([0], [1], [2], [3]),
        fc.array(fc.bigInt(900n, 1_100n), { minLength: 4, maxLength: 4 }),
        fc.constantFrom(0n, 1n, 10n ** 30n, 2n ** 128n - 1n),
        ([liar], values, lie) => {
          const honest = values.filter((_, at) => at !== liar).sort((a, b) => Number(a - b));
          const reports = values.map((value, at) => [at, at === liar ? lie : value] as const);
          const value = median(reports)!.value;
          expect(value >= honest[0]! && value <= honest.at(-1)!).toBe(true);
        },
      ),
      runs(20),
    );
  });

  test("needs reports of more than two thirds of the stake, of that round, by validators of that epoch", () => {
    expect(
      median([
        [0, 5n],
        [1, 5n],
      ]),
    ).toBeNull();
    expect(
      median([
        [0, 5n],
        [0, 5n],
        [1, 5n],
      ]),
    ).toBeNull();
    expect(
      median([
        [0, 5n],
        [1, 5n],
        [2, 6n],
      ]),
    ).toEqual({ value: 5n, stake: 80n, total: 100n });
    expect(
      median(
        [
          [0, 5n],
          [1, 5n],
          [2, 6n],
        ],
        6n,
      ),
    ).toBeNull();
    expect(
      median(
        [
          [0, 5n],
          [1, 5n],
          [2, 6n],
        ],
        500n,
      ),
    ).toBeNull();
    const epoch = setOf("ETH/USD", 2, 100n, 199n);
    const old = keys.map((key) => reportOf(5n, 5n, epoch, key));
    expect(medianOf(factsOf([], old), SETS, "ETH/USD", 5n)).toBeNull();
  });

  test("leaves out who reported two values", () => {
    expect(
      median([
        [0, 1n],
        [1, 5n],
        [2, 6n],
        [3, 7n],
      ])?.value,
    ).toBe(5n);
    const without = { value: 6n, stake: 70n, total: 100n };
    expect(
      median([
        [0, 1n],
        [0, 2n],
        [1, 5n],
        [2, 6n],
        [3, 7n],
      ]),
    ).toEqual(without);
    expect(
      median([
        [2, 6n],
        [1, 5n],
        [1, 6n],
        [0, 5n],
        [3, 7n],
      ]),
    ).toMatchObject({ stake: 70n });
  });
});

test("a value fits into 16 bytes or is refused", () => {
  expect(encodeReport(258n)).toEqual(
    Uint8Array.from([...Array.from({ length: 14 }, () => 0), 1, 2]),
  );
  expect(() => encodeReport(-1n)).toThrow(RangeError);
  expect(() => encodeReport(2n ** 128n)).toThrow(RangeError);
});
