/** What is said of changes that come from outside: of each, and of a group as a whole. */
import type { RejectionCode } from "../result.ts";

/** What became of a change. */
export type ReceiveStatus =
  /** It is in the history now. */
  | "applied"
  /** It was in the history already. */
  | "duplicate"
  /** It builds on something that is not here, and waits for that. */
  | "pending"
  /** It is refused; `code` says why. */
  | "rejected"
  /** Of a format version that this build does not know: neither applied nor rejected. */
  | "unsupported";

/** What became of one change of a group. */
export interface ReceivedChange {
  /** The change id, 32 bytes. */
  readonly id: Uint8Array;
  /** What became of it. */
  readonly status: ReceiveStatus;
  /** Why, for "rejected" and "unsupported". */
  readonly code?: RejectionCode;
  /** For "rejected": the id itself is refused for ever ("change"), or just this copy of it ("copy"). */
  readonly scope?: "change" | "copy";
}

/** What became of a received group. */
export interface ReceivedGroup {
  /** The worst that happened to any of its changes: rejected, unsupported, pending, applied, duplicate. */
  readonly status: ReceiveStatus;
  /** The code of the first change with that status. */
  readonly code?: RejectionCode;
  /** Local indexes of all changes that were applied, pending ones that this group released included, ascending. */
  readonly applied: readonly number[];
  /** Ids that the sender should be asked for. */
  readonly missing: readonly Uint8Array[];
  /** What became of each change, those at first that were settled at first; empty when the bytes are no group. */
  readonly results: readonly ReceivedChange[];
  /** The group, as it came, is a closed group of just the changes in `applied`: it can be stored and passed on as it is. */
  readonly isExact: boolean;
}

/** A closed group and the ascending local indexes of the changes that it holds: what SyncSession.push takes. */
export interface LiveGroup {
  /** The bytes to send. */
  readonly group: Uint8Array;
  /** Local indexes of the changes in it, ascending. */
  readonly indexes: readonly number[];
}

/** Order of statuses from worst to best. */
const SEVERITY: { readonly [status in ReceiveStatus]: number } = {
  rejected: 0,
  unsupported: 1,
  pending: 2,
  applied: 3,
  duplicate: 4,
};

/** A change that is refused for ever. */
export function refusedChange(id: Uint8Array, code: RejectionCode): ReceivedChange {
  return { id, status: "rejected", code, scope: "change" };
}

/** A copy of a change with a signature that is not valid. */
export function forgedCopy(id: Uint8Array): ReceivedChange {
  return { id, status: "rejected", code: "bad_signature", scope: "copy" };
}

/** The verdict on a group that holds at least one change. */
export function summarize(
  results: readonly ReceivedChange[],
  applied: readonly number[],
  missing: readonly Uint8Array[],
  isExact: boolean,
): ReceivedGroup {
  let worst = results[0]!;
  for (let i = 1; i < results.length; i++) {
    if (SEVERITY[results[i]!.status] < SEVERITY[worst.status]) worst = results[i]!;
  }
  const { status, code } = worst;
  if (code === undefined) return { status, applied, missing, results, isExact };
  return { status, code, applied, missing, results, isExact };
}

/** The verdict on bytes that are no group. */
export function refused(code: RejectionCode): ReceivedGroup {
  return { status: "rejected", code, applied: [], missing: [], results: [], isExact: false };
}
