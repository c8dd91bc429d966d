/** A web of trust as a function of signed facts, for other programs to stand on. */
export { checkPresentation, commitTo, present } from "./disclosure.ts";
export type { Checked, Field, Presentation, SaltedField } from "./disclosure.ts";
export { judge } from "./policy.ts";
export type { Demand, Finding, Policy, Verdict } from "./policy.ts";
export { adviceOn, stateOf } from "./recovery.ts";
export type { Attempt, Identity, Ignored, Plan, State } from "./recovery.ts";
export { IdentitySchema, WHOLE } from "./schema.ts";
export type { IdentityLogs } from "./schema.ts";
export { matchSkills } from "./skills.ts";
export type { Match } from "./skills.ts";
export { sybilScore } from "./sybil.ts";
export type { SybilNorm, SybilScore } from "./sybil.ts";
export { reachFrom, trustIn } from "./trust.ts";
export type { Path, Trust, Viewpoint, Weights } from "./trust.ts";
export { viewOf } from "./view.ts";
export type { Attestation, IdentityView } from "./view.ts";
export { votingPower } from "./voting.ts";
export type { Poll } from "./voting.ts";
