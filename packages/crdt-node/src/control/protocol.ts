/**
 * The control socket: how other commands talk to a running node. A Unix socket in the node's own folder (mode 0600, so
 * only its owner can connect), on which both sides write lines of JSON in UTF-8, a client's at most
 * MAX_CONTROL_LINE_BYTES long and a node's MAX_ANSWER_LINE_BYTES. The requests of one client begin in their order and are
 * answered in it, except that `send` and `subscribe` go on beside the others once their first part is written. For other
 * programs, this is docs/local-api.md.
 *
 *     node   → {"hello":{"protocol":1,"pid":123,"version":"0.1.0","room":"main","document":"<64 hex>"}}
 *     client → {"id":1,"method":"view","params":{}}
 *     node   → {"id":1,"part":"{\"transactions\":["}      none, one or many, for answers of any length
 *     node   → {"id":1,"result":{"digest":"<64 hex>"}}    exactly one of these two ends the answer
 *     node   → {"id":1,"error":{"code":"refused","exitCode":4,"what":"…","why":"…","next":"…"}}
 *
 * The methods, their parameters, parts and results are the type `Requests` in ../requests.ts; `unsubscribe` is the server's
 * own. A line that is no request is answered with an error whose id is null, and the connection is closed.
 */
import type { CommandError, Complaint, ExitCode } from "../exit-codes.ts";
import { codeOf, type ControlCode } from "./errors.ts";
import { isStrict } from "./strict-json.ts";

export const CONTROL_PROTOCOL = 1;

/** The largest group (1 MiB) in base64, with its envelope, fits. */
export const MAX_CONTROL_LINE_BYTES = 2 * 1_048_576;

/**
 * What proves a fork fits, and any entry of the log: two changes of 1 MiB each in base64, and what they say, of which JSON may
 * write each byte as seven characters. So nobody can write what this node could not tell of.
 */
export const MAX_ANSWER_LINE_BYTES = 32 * 1_048_576;

/** Clients at one time: each may hold one request, one answer and one view in memory. */
export const MAX_CONTROL_CONNECTIONS = 64;

/** Requests of one client that wait for a relay beside the others; above that its next lines wait. */
export const MAX_WAITING_REQUESTS = 64;

/** The first line that a node sends. */
export interface Hello {
  readonly protocol: number;
  readonly pid: number;
  readonly version: string;
  readonly room: string;
  readonly document: string;
}

/** A failure as it travels; made from and into a CommandError. */
export interface ControlError extends Complaint {
  readonly code: ControlCode;
  readonly exitCode: ExitCode;
}

/** One request as it stands on the line. */
export interface ControlRequest {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly [key: string]: unknown };
}

/** One line from the node. */
export type ControlReply =
  | { readonly hello: Hello }
  | { readonly id: number; readonly part: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number | null; readonly error: ControlError };

/** Reads a request; null when the line is none, repeats a key or nests deeply. */
export function readRequest(line: string): ControlRequest | null {
  const value = parseObject(line);
  if (value === null || !isStrict(line)) return null;
  const { id, method, params = {} } = value;
  if (
    typeof id !== "number" ||
    !Number.isSafeInteger(id) ||
    typeof method !== "string" ||
    !isRecord(params)
  )
    return null;
  return { id, method, params };
}

/** Reads a line from a node of the same user; null when it is none of the replies. */
export function readReply(line: string): ControlReply | null {
  const value = parseObject(line);
  if (value === null) return null;
  const isReply =
    isRecord(value["hello"]) || "part" in value || "result" in value || isRecord(value["error"]);
  // The node is of this user and this package, so the shapes inside are as written above.
  return isReply ? (value as unknown as ControlReply) : null;
}

/** What of a failure travels. */
export function controlError(error: CommandError): ControlError {
  return { code: codeOf(error), exitCode: error.exitCode, ...error.complaint };
}

function parseObject(line: string): { readonly [key: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
