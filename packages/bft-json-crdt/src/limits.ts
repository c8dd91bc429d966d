/**
 * Every bound, with its unit and why it has that value.
 *
 * Two kinds, and the difference matters: FORMAT bounds decide validity, so they are constants of format version 1 and
 * can never be options (two replicas with different options must not disagree). LOCAL bounds only delay or forget.
 */

/** Format. The most bytes of one encoded change body: leaves room for its signature and framing in a group of 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576 - 1_024;

/** Format. The most bytes of one closed group, framing included: what one frame on a socket has to hold. */
export const MAX_GROUP_BYTES = 1_048_576;

/** Format. The most changes in one closed group: bounds the work that one frame can ask for. */
export const MAX_GROUP_CHANGES = 1_024;

/** Format. Heads named in one change: more than honest peers have at once; heads left out stay heads. */
export const MAX_PARENTS = 16;

/** Format. Elements made by one change: every character of the largest body fits. */
export const MAX_ELEMENTS_PER_CHANGE = 1_048_576;

/** Format. Arrays and objects nested in one value: deep enough for documents, shallow enough for any call stack. */
export const MAX_VALUE_DEPTH = 64;

/** Format. Nesting of a whole body: a value plus the arrays around it (body, ops, op, content, values). */
export const MAX_BODY_DEPTH = MAX_VALUE_DEPTH + 8;

/** Format. Bytes in an integer beyond 64 bits: printing one as decimal stays cheap. */
export const MAX_BIGNUM_BYTES = 1_024;

/** Format. UTF-8 bytes of a field name or map key: a key is an index entry, not a payload. */
export const MAX_KEY_BYTES = 1_024;

/** Format. Elements that one assignment or addition may name as replaced: bounds the work of one op. */
export const MAX_REPLACED = 64;

/** Format. Encoded bytes of a value that can be committed to and revealed: a bid or a choice, not a document. */
export const MAX_COMMITTED_BYTES = 4_096;

/** Format. Bytes of the salt of a commitment: as many as the hash, so that no value can be found by trying. */
export const SALT_BYTES = 32;

/** Format. Closers of one round of commitments: their marks fit one integer, so that all are asked in one walk. */
export const MAX_CLOSERS = 32;

/** Format. Depth of nested containers in a schema. */
export const MAX_SCHEMA_DEPTH = 64;

/** Local. Bytes held by the causal queue in total: some 50,000 small changes, the deepest gap of several peers. */
export const DEFAULT_PENDING_BYTES = 64 * 1_048_576;

/** Local. Bytes that one peer may have pending: an eighth of all, so that a flooder leaves the rest to others. */
export const DEFAULT_PENDING_BYTES_PER_PEER = 8 * 1_048_576;

/** Local. Bytes that one author may have pending, whoever delivered them; only verified signatures count. */
export const DEFAULT_PENDING_BYTES_PER_AUTHOR = 8 * 1_048_576;

/**
 * Local. An author who has equivocated may have one part of so many of that pending: 1 MiB by default, in which the
 * greatest change can still wait. It only delays: what is dropped is fetched again.
 */
export const EXPOSED_QUOTA_DIVISOR = 8;

/** Local. Ids of rejected changes remembered, to refuse their dependents at once. */
export const DEFAULT_REJECTED_IDS = 65_536;
