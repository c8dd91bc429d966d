export { decodeSaved, encodeHistory, encodeSaved } from "./file.ts";
export type { Saved, SavedFile } from "./file.ts";
export { openSeal } from "./seal.ts";
export type { Seal, SealedView, Sealing } from "./seal.ts";
export type { AnyView } from "./view-codec.ts";
