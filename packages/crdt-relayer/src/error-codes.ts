/**
 * Every code of `{"type":"error","code":…}` that a relay sends, and when. The codes are stable: programs switch over
 * them. What comes beside them (`detail`) is for people.
 */
import type { RejectionCode } from "bft-json-crdt";
import type { Unproven } from "./authentication.ts";
import type { RoomRefusal } from "./rooms.ts";

/** A code of an error message. */
export type ErrorCode =
  | RoomRefusal["code"]
  | Unproven["code"]
  | RejectionCode
  | "bad_join"
  | "not_joined"
  | "unknown_type";

/** What each code says. */
export const ERRORS: { readonly [K in ErrorCode]: string } = {
  bad_join: "the join names neither a room nor a document, or both",
  not_joined: "a message or a change came before a room was joined",
  unknown_type: "no control message of this type is known",
  malformed: "a message, a group or a change is not in its one canonical form",
  too_large: "a message or a change is over a bound of the format",
  unsupported_version: "a change of a later version of the format; it is not judged",
  wrong_document: "a change that was made for another document",
  bad_signature: "the signature of this copy is wrong; nothing is said about the change",
  missing_signature: "this copy has no signature, and none in its group covers it",
  wrong_prev: "`prev` is of another chain, or `seq` does not follow it",
  wrong_lamport: "`lamport` is not one more than the greatest of what the change builds on",
  rejected_dependency: "the change builds on one that was rejected",
  over_quota: "correct so far, but what waits is over a bound; it may be sent again later",
  room_read_only: "the room takes no changes now; nothing is said about the change itself",
  author_not_allowed:
    "the room takes no changes by this author; nothing is said about the change itself",
  not_proven: "a challenge was answered by something else than a proof (close code 4020)",
  wrong_proof: "the proof does not verify (close code 4021)",
  wrong_host: "the relay has no such name, so it can check no proof (close code 4022)",
  not_allowed: "the key that was proven may not come into the room (close code 4023)",
  too_many_rooms: "`--max-rooms` are in use (close code 4002)",
  room_full: "`--max-room-sessions` are in this room (close code 4003)",
  room_damaged: "the store's part of this room is damaged; its operator must act (close code 4004)",
  unavailable: "the relay cannot reach its log (close code 4008)",
  stopping: "the relay is stopping (close code 1001)",
  internal: "a mistake in the relay itself; it is in its log (close code 1011)",
};
