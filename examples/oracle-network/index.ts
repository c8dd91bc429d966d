/** Oracles who agree on one document and nothing else: what other programs may use of it. */
export * from "./aggregate.ts";
export * from "./attestation.ts";
export * from "./facts.ts";
export * from "./format.ts";
export * from "./market.ts";
export * from "./network.ts";
export * from "./oracle.ts";
export * from "./price-index.ts";
export * from "./prices.ts";
export * from "./reputation.ts";
export * from "./source.ts";
export * from "./view.ts";
