/** A council that changes parameters by votes. */
export { councilOf, isPassing, MOST_REPLACED } from "./council.ts";
export type { CouncilView, Ignored, Proposal, Stance } from "./council.ts";
export { Member } from "./member.ts";
export { Council, councilId } from "./schema.ts";
export type { Constitution } from "./schema.ts";
