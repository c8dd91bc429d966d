/**
 * Conduct: what nobody sends whose program keeps to the protocol. A session may have some such faults, and one a second is
 * forgiven; beyond that it is closed. From a network of which several sessions were closed for that lately, newcomers are let in
 * one after the other, the more slowly the more there were: to come back costs whoever floods more than it costs the relay. What is
 * connected from there already is left alone, since not all who share an address are the same.
 */
import type { ReceivedGroup, RejectionCode } from "bft-json-crdt";
import {
  FORGIVEN_STRIKES,
  LEAST_APART_MS,
  MAX_WATCHED,
  MOST_APART_MS,
  PENDING_FAULT,
  STRIKE_HALF_MS,
} from "./limits.ts";
import { networkOf } from "./rates.ts";
import type { Settings } from "./settings.ts";

/**
 * Why a change is refused that nobody delivers who has verified it. A copy without a signature, what is over a quota, and what a
 * room does not take may come from anybody, and so may what a later version sends.
 */
const FAULTS: ReadonlySet<RejectionCode> = new Set([
  "malformed",
  "too_large",
  "wrong_document",
  "bad_signature",
  "wrong_prev",
  "wrong_lamport",
  "rejected_dependency",
] as const);

/**
 * The faults in a group that was received. Whoever has a change has all that it builds on, so what has to wait for long is one as
 * well, and counts for a part until it is released: less than nothing is what releases more than it leaves to wait.
 */
export function faultsOf({ applied, results }: ReceivedGroup): number {
  if (results.length === 0) return 1;
  let faults = 0;
  let waiting = -applied.length;
  for (const { status, code } of results) {
    if (status === "applied" || status === "pending") waiting++;
    else if (status === "rejected" && code !== undefined && FAULTS.has(code)) faults++;
  }
  return faults + waiting * PENDING_FAULT;
}

/** The faults of one session. */
export class Faults {
  readonly #most: () => number;
  #count = 0;
  #at: number;

  /** `most` is asked for at each fault, since it may be changed; 0 is no bound. */
  constructor(most: () => number, now: number) {
    this.#most = most;
    this.#at = now;
  }

  /** Adds some, or takes some back; true when there are too many. */
  add(faults: number, now: number): boolean {
    this.#count = Math.max(0, this.#count - (now - this.#at) / 1_000 + faults);
    this.#at = now;
    const most = this.#most();
    return most > 0 && this.#count > most;
  }
}

/** What is remembered of a network. */
interface Watched {
  /** Sessions that were closed for their faults, of which half is forgotten in STRIKE_HALF_MS. */
  strikes: number;
  readonly since: number;
  /** When somebody was let in from there last. */
  admittedAt: number;
}

/** How those have behaved who come from one network. */
export class Conduct {
  readonly #settings: () => Pick<Settings, "sessionFaults">;
  /** The one that was heard of last stands last. */
  readonly #watched = new Map<string, Watched>();

  /** Settings are asked for at each use, since they may be changed. */
  constructor(settings: () => Pick<Settings, "sessionFaults">) {
    this.#settings = settings;
  }

  /** How many networks are remembered. */
  get size(): number {
    return this.#watched.size;
  }

  /** What a new session may have. */
  faults(): Faults {
    return new Faults(() => this.#settings().sessionFaults, performance.now());
  }

  /** A session from an address was closed for its faults, or something happened that is a part of that. */
  strike(address: string, part = 1, now: number = performance.now()): void {
    const network = networkOf(address);
    const known = this.#watched.get(network);
    this.#watched.delete(network);
    const strikes = (known === undefined ? 0 : strikesOf(known, now)) + part;
    const admittedAt = known?.admittedAt ?? now;
    this.#watched.set(network, { strikes, since: now, admittedAt });
    if (this.#watched.size <= MAX_WATCHED) return;
    for (const oldest of this.#watched.keys()) {
      this.#watched.delete(oldest);
      return;
    }
  }

  /** Whether a newcomer from an address is let in now. */
  admits(address: string, now: number = performance.now()): boolean {
    if (this.#watched.size === 0 || this.#settings().sessionFaults === 0) return true;
    const network = networkOf(address);
    const known = this.#watched.get(network);
    if (known === undefined) return true;
    const beyond = strikesOf(known, now) - FORGIVEN_STRIKES;
    if (beyond <= 0) return true;
    const apartMs = Math.min(MOST_APART_MS, LEAST_APART_MS * 2 ** beyond);
    if (now - known.admittedAt < apartMs) return false;
    known.admittedAt = now;
    return true;
  }
}

function strikesOf({ strikes, since }: Watched, now: number): number {
  return strikes * 2 ** ((since - now) / STRIKE_HALF_MS);
}
