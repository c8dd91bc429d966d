/** Prices of oracles on a chain: what other programs may use of it. */
export * from "./abi.ts";
export * from "./attestation.ts";
export * from "./binding.ts";
export * from "./chain.ts";
export * from "./compile.ts";
export * from "./deployment.ts";
export * from "./ethereum.ts";
export * from "./network.ts";
