/**
 * The outcome of anything done with bytes from outside: a value, or a rejection with a code from a closed set.
 * Remote input never throws; misuse of the API throws {@link MisuseError}, which also carries a code.
 */

/** Every reason for which remote input can be refused. Switch over it exhaustively. */
export type RejectionCode =
  /** Not the one canonical encoding of what was expected. */
  | "malformed"
  /** Over a bound that the format version fixes (see limits.ts). */
  | "too_large"
  /** A format version that this build does not know: kept aside, never judged. */
  | "unsupported_version"
  /** Made for another document. */
  | "wrong_document"
  /** This copy's signature does not verify under the one rule of crypto/; says nothing about the id. */
  | "bad_signature"
  /** This copy has no signature and no cover in its group; says nothing about the id. */
  | "missing_signature"
  /** `prev` is of another chain, or `seq` is not `prev.seq + 1`. */
  | "wrong_prev"
  /** `lamport` is not one more than the greatest of the dependencies. */
  | "wrong_lamport"
  /** Builds on a change that was rejected. */
  | "rejected_dependency"
  /** Correct so far, but a queue is full; it may be sent again later. */
  | "over_quota"
  /** Not judged: the host takes no changes into this document now. Given by hosts only; says nothing about the id. */
  | "room_read_only"
  /** Not judged: the host takes no changes by this author. Given by hosts only; says nothing about the id. */
  | "author_not_allowed";

/** Why some remote input was refused. */
export interface Rejection {
  /** The reason, for programs. */
  readonly code: RejectionCode;
  /** One sentence for people; never parsed. */
  readonly detail: string;
}

/** Either a value or the reason why there is none. */
export type Result<T, E = Rejection> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Wraps a value. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Wraps a rejection. */
export function rejected(
  code: RejectionCode,
  detail: string,
): { readonly ok: false; readonly error: Rejection } {
  return { ok: false, error: { code, detail } };
}

/** Every way in which a caller can misuse the API. */
export type MisuseCode =
  /** A value that the schema, or the method, does not take. */
  | "bad_value"
  /** There is no such place in the list, log or text, or it is inside of a surrogate pair. */
  | "bad_index"
  /** Not a key, or the two keys of a pair do not belong together. */
  | "bad_key"
  /** Not a schema. */
  | "bad_schema"
  /** Not a document id, or not the genesis of one. */
  | "bad_document_id"
  /** Not the terms of a round of commit and reveal. */
  | "bad_round"
  /** The document was opened without a key pair, and so can only be read. */
  | "no_key"
  /** An edit outside of `change`. */
  | "not_in_change"
  /** Something that cannot be done while a change is being made. */
  | "in_change"
  /** There is no such element or key here. */
  | "unknown_element"
  /** A change that is not applied here. */
  | "unknown_dependency"
  /** More than fits into a change. */
  | "too_large"
  /** The handle of something that was made in a change that failed. */
  | "detached";

/** Thrown when the caller, not a peer, made the mistake. */
export class MisuseError extends Error {
  /** The mistake, for programs. */
  readonly code: MisuseCode;

  /** @internal */
  constructor(code: MisuseCode, message: string) {
    super(message);
    this.name = "MisuseError";
    this.code = code;
  }
}
