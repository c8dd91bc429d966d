/**
 * Domain tags: everything ever hashed or signed begins with the tag of its kind, so that bytes made for one purpose
 * can never be taken for another. A tag is ASCII and ends in NUL, and no tag is a prefix of another.
 */

const encoder = new TextEncoder();

function tag(name: string): Uint8Array {
  return encoder.encode(`bft-json-crdt/1 ${name}\0`);
}

/** Hashed before a change body to make its id. */
export const CHANGE_TAG: Uint8Array = tag("change");
/** Signed before a change id. */
export const SIGNATURE_TAG: Uint8Array = tag("signature");
/** Hashed before a genesis to make a document id. */
export const GENESIS_TAG: Uint8Array = tag("genesis");
/** Hashed before a schema description to make its digest. */
export const SCHEMA_TAG: Uint8Array = tag("schema");
/** Hashed before author and chain to choose a sync bucket, and before a bucket's tips. */
export const SYNC_TAG: Uint8Array = tag("sync");
/** Signed before the hash of a saved file, by who saved it. */
export const SEAL_TAG: Uint8Array = tag("seal");
/** Hashed before what a commitment binds. */
export const COMMITMENT_TAG: Uint8Array = tag("commitment");
/** Signed before a relay's nonce, by who shows it a key. */
export const AUTHENTICATION_TAG: Uint8Array = tag("authentication");
