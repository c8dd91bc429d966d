/** Comparisons for the insides of loops, where `expect` alone costs more than all else: it is asked only where they fail. */
import { expect } from "vitest";

/** Expects the same primitive twice. */
export function same(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) expect(actual).toBe(expected);
}

/** Expects two lists of the same primitives. */
export function sameAll(actual: readonly unknown[], expected: readonly unknown[]): void {
  const isSame =
    actual.length === expected.length && actual.every((each, i) => Object.is(each, expected[i]));
  if (!isSame) expect(actual).toStrictEqual(expected);
}
