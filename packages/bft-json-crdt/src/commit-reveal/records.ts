/** What is written down in a round: records of one kind of log, which an application puts into its schema. */
import type { LogHandle } from "../document/index.ts";
import { ID_BYTES } from "../change/index.ts";
import { bytes, json, log, optional, string, struct } from "../schema/index.ts";
import type { Initial, LogSchema } from "../schema/index.ts";
import { MisuseError } from "../result.ts";
import { isTopic } from "./commitment.ts";

const RECORD = struct({
  /** "commit", "close", "reveal" or "end". */
  kind: string(),
  /** Of which round it is. */
  topic: string(),
  /** Of a commit: 32 bytes. */
  commitment: optional(bytes()),
  /** Of a reveal: what had been committed to. */
  value: optional(json()),
  /** Of a reveal: 32 bytes. */
  salt: optional(bytes()),
});

/** The schema of one record: which fields there are depends on the kind, "commit", "close", "reveal" or "end". */
export type RoundRecordSchema = typeof RECORD;

/** One record, as `append` takes it. */
export type RoundRecord = Initial<RoundRecordSchema>;

/** The handle of a log of rounds. */
export type RoundLog = LogHandle<RoundRecordSchema>;

/** A log that holds commitments, closings, reveals and ends of any number of rounds, told apart by their topics. */
export function commitRevealLog(): LogSchema<RoundRecordSchema> {
  return log(RECORD);
}

/** The record that commits its author. Throws MisuseError unless the commitment has 32 bytes. */
export function commitRecord(topic: string, commitment: Uint8Array): RoundRecord {
  if (commitment.length !== ID_BYTES)
    throw new MisuseError("bad_value", "a commitment has 32 bytes");
  return { kind: "commit", topic: checkedTopic(topic), commitment };
}

/**
 * The record by which a closer says: these commitments I had seen. Make the change with `requires: document.frontier()`,
 * so that it has seen all that this replica has, however many heads there are.
 */
export function closeRecord(topic: string): RoundRecord {
  return { kind: "close", topic: checkedTopic(topic) };
}

/** The record by which a closer says: these reveals I had seen. Made like that of a closing. */
export function endRecord(topic: string): RoundRecord {
  return { kind: "end", topic: checkedTopic(topic) };
}

function checkedTopic(topic: string): string {
  if (isTopic(topic)) return topic;
  throw new MisuseError("bad_round", "a topic is text of 1 to 1024 bytes");
}
