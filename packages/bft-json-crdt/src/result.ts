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
  | "bad_value"
  | "bad_index"
  | "bad_key"
  | "bad_schema"
  | "bad_document_id"
  | "bad_round"
  | "no_key"
  | "not_in_change"
  | "in_change"
  | "unknown_element"
  | "unknown_dependency"
  | "too_large"
  | "detached";

/** Thrown when the caller, not a peer, made the mistake. */
export class MisuseError extends Error {
  readonly code: MisuseCode;

  constructor(code: MisuseCode, message: string) {
    super(message);
    this.name = "MisuseError";
    this.code = code;
  }
}
