/**
 * What the example programs share: choices under a seed, participants with real keys and documents, a network with a clock
 * of its own that delays, loses and parts, merkle trees, orders of delivery for tests, the same end for all stories, and what a terminal shows.
 */
export { cast, namesOf, showAgreement } from "./cast.ts";
export { Clock } from "./clock.ts";
export { atLeast, between, command, run } from "./command.ts";
export type { Command, CommonOptions } from "./command.ts";
export { forkersIn } from "./forkers.ts";
export { MerkleTrees, taggedBytes, taggedHash } from "./merkle.ts";
export type { MerkleProof } from "./merkle.ts";
export { Mesh, reconcile } from "./mesh.ts";
export type { MeshOptions } from "./mesh.ts";
export { keyPairOf, Participant } from "./participant.ts";
export type { ParticipantOptions } from "./participant.ts";
export { Random } from "./random.ts";
export { replicasOf, scenario } from "./scramble.ts";
export type { Scenario } from "./scramble.ts";
export { paint, prove, say, table, title } from "./terminal.ts";
export type { Colour } from "./terminal.ts";
