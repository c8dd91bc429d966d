/** What a directory holds: who says to have which file, who doubts it, and what was answered. */
import { bytes, integer, json, log, string, struct } from "bft-json-crdt";

/** The schema of the document. */
export const Directory = struct({
  /** The author says to hold the file with this root, of `size` bytes, until `expires` (claimed milliseconds since 1970). */
  adverts: log(struct({ root: bytes(), size: integer(), expires: integer() })),
  /** Asks the author of an advert for the chunk that `nonce` (32 random bytes) chooses. */
  challenges: log(struct({ advert: string(), nonce: bytes() })),
  /** The chunk, and an array of 32-byte hashes that leads to the root. */
  answers: log(struct({ challenge: string(), chunk: bytes(), path: json() })),
});
