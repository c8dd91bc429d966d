/** Identity, oracles, a channel with a book and a pool, and alerts of other chains, together. */
export { encodeAlert, pausesOf } from "./alerts.ts";
export type { Alert, Pause } from "./alerts.ts";
export { admit, platformOf, textOf } from "./platform.ts";
export type { Admission, LoanView, Platform } from "./platform.ts";
export { PAIR } from "./terms.ts";
export type { PlatformDocuments, PlatformTerms } from "./terms.ts";
