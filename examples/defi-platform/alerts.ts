/**
 * Alerts from other chains: a message that more than two thirds of the stake of its chain's validators have signed, with
 * this text, pauses the market or lets it go on. Of each chain the last one counts, by (block, nonce); one chain that says
 * stop is enough.
 */
import { encodeValue, decodeValue } from "bft-json-crdt";
import type { RelayedMessage, RelayView } from "example-cross-chain-relay";
import { PAIR } from "./terms.ts";

/** What an alert says. */
export type Alert = "pause" | "resume";

/** Who paused the market, and by which message. */
export interface Pause {
  readonly source: string;
  /** Of the message, in hex. */
  readonly digest: string;
}

/** The payload of an alert. */
export function encodeAlert(alert: Alert): Uint8Array {
  return encodeValue([alert, PAIR]);
}

/** Chains that have paused the market and not let it go on, by name. */
export function pausesOf(view: RelayView, chain: string): Pause[] {
  const pauses = new Map<string, Pause>();
  for (const message of view.messages) {
    // Two messages with one number, both vouched for: validators lie, and the safe reading is the one that stops.
    const alert = message.state === "conflict" ? "pause" : alertIn(message);
    if (message.destination !== chain || message.state === "waiting" || alert === null) continue;
    const { source, digest } = message;
    if (alert === "pause") pauses.set(source, { source, digest });
    else pauses.delete(source);
  }
  return [...pauses.keys()].sort().map((source) => pauses.get(source)!);
}

function alertIn({ payload }: RelayedMessage): Alert | null {
  const decoded = decodeValue(payload);
  if (!decoded.ok || !Array.isArray(decoded.value)) return null;
  const [alert, pair] = decoded.value as readonly unknown[];
  return pair === PAIR && (alert === "pause" || alert === "resume") ? alert : null;
}
