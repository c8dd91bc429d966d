/** A sealed-bid auction on commitments that are revealed later. */
export { centsOf, MOST_CENTS, outcomeOf } from "./auction.ts";
export type { Bid, Lot, Outcome } from "./auction.ts";
export { Person } from "./people.ts";
export { House } from "./schema.ts";
