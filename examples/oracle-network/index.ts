/** Oracles who agree on one document and nothing else: what other programs may use of it. */
export * from "./aggregate.ts";
export * from "./attestation.ts";
