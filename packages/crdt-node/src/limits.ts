/**
 * Every bound of a node that is an option, with its unit and why it has that value: flags of `run`, SIDE_* variables and
 * lines of config.toml are made from this table. None can change what is accepted or shown; they delay, no more.
 */
import {
  DEFAULT_PENDING_BYTES,
  DEFAULT_PENDING_BYTES_PER_AUTHOR,
  DEFAULT_PENDING_BYTES_PER_PEER,
  EXPOSED_QUOTA_DIVISOR,
  MAX_GROUP_BYTES,
  MIN_RESENT_BYTES,
} from "bft-json-crdt";

/** Bytes, all of them. */
export interface Budgets {
  /** Changes that wait for what they build on, in all. */
  readonly pendingBytes: number;
  /** The same from one relay, or from the peers of one address. */
  readonly peerPendingBytes: number;
  /** The same signed by one author, whoever delivers. */
  readonly authorPendingBytes: number;
  /** The same by an author who is caught equivocating. */
  readonly exposedPendingBytes: number;
  /** What waits in this process for one slow relay or peer, above which no more is given to its socket. */
  readonly sendBytes: number;
  /** What one relay or peer may have sent again, besides what the history and its own changes allow. */
  readonly resendBytes: number;
}

/** One budget: what it is when nobody sets it, and the least that it can be. */
export interface Budget {
  readonly help: string;
  readonly standard: number;
  readonly least: number;
}

/** With less than this, a change of the greatest size could never wait, or never leave. */
const GREATEST = MAX_GROUP_BYTES;

/** All budgets, in the order of the help. */
export const BUDGETS: { readonly [K in keyof Budgets]: Budget } = {
  pendingBytes: {
    help: "changes that wait for others, in all",
    standard: DEFAULT_PENDING_BYTES,
    least: GREATEST,
  },
  peerPendingBytes: {
    help: "the same from one relay or address of peers",
    standard: DEFAULT_PENDING_BYTES_PER_PEER,
    least: GREATEST,
  },
  authorPendingBytes: {
    help: "the same by one author",
    standard: DEFAULT_PENDING_BYTES_PER_AUTHOR,
    least: GREATEST,
  },
  exposedPendingBytes: {
    help: "the same by an author caught equivocating",
    standard: DEFAULT_PENDING_BYTES_PER_AUTHOR / EXPOSED_QUOTA_DIVISOR,
    least: GREATEST,
  },
  sendBytes: {
    help: "what waits for one slow relay or peer",
    standard: 4 * MAX_GROUP_BYTES,
    least: GREATEST,
  },
  resendBytes: {
    help: "what one relay or peer may have sent again on demand",
    standard: MIN_RESENT_BYTES,
    least: 0,
  },
};

/** The names of all budgets. */
export const BUDGET_NAMES = Object.keys(BUDGETS) as readonly (keyof Budgets)[];

/** The budgets of a node that sets none. */
export const DEFAULT_BUDGETS: Budgets = {
  pendingBytes: BUDGETS.pendingBytes.standard,
  peerPendingBytes: BUDGETS.peerPendingBytes.standard,
  authorPendingBytes: BUDGETS.authorPendingBytes.standard,
  exposedPendingBytes: BUDGETS.exposedPendingBytes.standard,
  sendBytes: BUDGETS.sendBytes.standard,
  resendBytes: BUDGETS.resendBytes.standard,
};

/** `peerPendingBytes` as it is written in flags and config.toml: `peer-pending-bytes`. */
export function flagOf(name: keyof Budgets): string {
  return name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

/** `peerPendingBytes` as a variable: `SIDE_PEER_PENDING_BYTES`. */
export function variableOf(name: keyof Budgets): string {
  return `SIDE_${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** Bounds of the side that listens for peers. */
export interface PeerBounds {
  /** Connections from peers at once. */
  readonly maxPeers: number;
  /** Milliseconds to become a WebSocket. */
  readonly handshakeMs: number;
  /** Milliseconds to join the room, from then on. */
  readonly joinMs: number;
  /** Milliseconds of silence after which a peer is asked whether it is there; after as many again it is cut. */
  readonly silenceMs: number;
  /** Milliseconds for which nobody is taken from an address that sent too much that is wrong. */
  readonly banMs: number;
}

/** Those of a node that sets none: a peer has a whole history to be told of, and each change is written to all. */
export const DEFAULT_PEER_BOUNDS: PeerBounds = {
  maxPeers: 64,
  handshakeMs: 10_000,
  joinMs: 10_000,
  silenceMs: 30_000,
  banMs: 10_000,
};

/**
 * What one connection may send that no honest peer sends: changes that are refused, messages that are none. A change with
 * a bad signature costs the verification of it, so a flood of them must end.
 */
export const MAX_FAULTS = 256;

/** Connections at once that are no WebSocket yet. */
export const MAX_HANDSHAKES = 64;

/** Bytes of the headers of a request: a WebSocket needs some hundred. */
export const MAX_HEADER_BYTES = 8_192;

/** Addresses that are remembered as having sent too much that is wrong. */
export const MAX_BANNED = 1_024;

/** Heads, and forks, that a status lists: there are as many as others like, and it is one line. */
export const MAX_STATUS_ENTRIES = 1_024;
