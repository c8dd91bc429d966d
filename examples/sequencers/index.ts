/** Sequencers whose competing batches all choose from alike. */
export { chainOf, GENESIS_HASH, hashOf, MOST_IN_BATCH, MOST_PAYLOAD } from "./chain.ts";
export type { ChainView, Chosen, Ignored } from "./chain.ts";
export { Person } from "./people.ts";
export { Rollup, rollupId } from "./schema.ts";
export type { Committee } from "./schema.ts";
