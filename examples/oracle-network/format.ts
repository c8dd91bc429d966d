/** Prices and shares for people. */
import { PRICE_UNIT, WHOLE } from "./aggregate.ts";

/** A price with two decimals, the rest cut off. */
export function dollars(price: bigint): string {
  const cents = (price * 100n) / PRICE_UNIT;
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

/** Basis points as percent. */
export function percent(basisPoints: bigint): string {
  const one = WHOLE / 100n;
  return `${basisPoints / one}.${String(basisPoints % one).padStart(2, "0")}%`;
}
