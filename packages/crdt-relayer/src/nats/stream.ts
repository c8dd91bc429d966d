/**
 * The stream that several relays share: made when it is missing, refused when it could lose what relays acknowledge.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { MAX_GROUP_BYTES, toHex } from "bft-json-crdt";
import { EXIT, messageOf, RelayError } from "../exit-codes.ts";
import type { Settings } from "../settings.ts";
import type { StreamMessage } from "./reader.ts";

/** What the stream is called, and how many servers keep it. */
export type StreamSettings = Pick<Settings, "backplaneStream" | "backplaneReplicas">;

/** The subject of a document's messages: hexadecimal below a fixed name, so that no name of a room can reach others. */
export function subjectOf(stream: string, document: Uint8Array): string {
  return `${stream}.${toHex(document)}`;
}

/** All subjects of a stream. */
export function subjectsOf(stream: string): string {
  return `${stream}.*`;
}

/** Finds the stream or makes it. Throws RelayError when it is unfit, and what the server answers. */
export async function prepareStream(
  manager: JetStreamManager,
  settings: StreamSettings,
): Promise<StreamInfo> {
  const name = settings.backplaneStream;
  let info: StreamInfo;
  try {
    info = await manager.streams.info(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
    info = await manager.streams.add({
      name,
      subjects: [subjectsOf(name)],
      description: "changes of crdt-relayer, one subject for each document",
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      num_replicas: settings.backplaneReplicas,
    });
  }
  const fault = faultOfStream(info.config, settings);
  if (fault !== null) {
    throw new RelayError(EXIT.refused, {
      what: `the stream ${name} cannot be the log of a relay`,
      why: fault,
      next: `nats stream edit ${name}  # or name another: crdt-relayer --backplane-stream NAME`,
    });
  }
  return info;
}

/** True when the server says that there is no such stream. */
export function isMissing(error: unknown): boolean {
  return /stream not found/iu.test(messageOf(error));
}

/** Why a stream is no durable log of everything, or null. */
export function faultOfStream(
  config: StreamConfig,
  { backplaneStream: name, backplaneReplicas: replicas }: StreamSettings,
): string | null {
  const { subjects, max_msg_size: most } = config;
  if (subjects.length !== 1 || subjects[0] !== subjectsOf(name))
    return `its subjects are ${subjects.join(", ") || "none"}, not ${subjectsOf(name)}`;
  if (config.storage !== StorageType.File) return "it keeps messages in memory, not in files";
  if (config.retention !== RetentionPolicy.Limits) return "it forgets messages that were read";
  if (config.max_age > 0) return "it forgets messages after some time (max_age)";
  if (config.max_msgs_per_subject > 0)
    return "it keeps only some messages of each room (max_msgs_per_subject)";
  if (config.discard !== DiscardPolicy.New && (config.max_msgs > 0 || config.max_bytes > 0))
    return "it forgets old messages when it is full (discard: old)";
  if (config.num_replicas < replicas)
    return `it is kept by ${config.num_replicas} ${config.num_replicas === 1 ? "server" : "servers"}, not ${replicas}`;
  if (most > 0 && most < MAX_GROUP_BYTES)
    return `it takes messages of ${most} bytes at most (max_msg_size), and groups have up to ${MAX_GROUP_BYTES}`;
  return null;
}

/** A message by its number, from the leader of the stream; null when it is not there. */
export async function storedMessage(
  manager: StreamReader,
  stream: string,
  seq: number,
): Promise<StreamMessage | null> {
  try {
    const found = await manager.streams.getMessage(stream, { seq });
    return found === null ? null : { subject: found.subject, data: found.data, seq };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** What is asked about a stream and its messages. */
export interface StreamReader {
  readonly streams: Pick<JetStreamManager["streams"], "info" | "getMessage">;
}

/** True when the server says that there is no such message. */
export function isAbsent(error: unknown): boolean {
  return /no message found/iu.test(messageOf(error));
}
