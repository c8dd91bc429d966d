/**
 * Who holds an identity. Its id is the hash of its first key and its guardians, so that a thief of the key cannot say later
 * that the guardians were others: that would be another identity. A new key follows when enough guardians of the state before
 * approve it, wait, and confirm it. Only sets are counted, never what came first, and nothing that is added takes a
 * confirmation back.
 */
import { encodeValue, isValidPublicKey, fromHex, sha256, toHex } from "bft-json-crdt";
import type { LogEntry, Value } from "bft-json-crdt";
import { isHex32, MAX_GUARDIANS, MAX_WAIT } from "./schema.ts";
import type { IdentityLogs } from "./schema.ts";

/** Guardians (keys in hex), how many of them it takes, and for how long they wait. */
export interface Plan {
  readonly guardians: readonly string[];
  readonly threshold: number;
  readonly override: number;
  /** Milliseconds. */
  readonly wait: number;
}

/** A key and a plan that follow on another state; the first one follows on nothing. */
export interface State extends Plan {
  /** Hash of all of it, in hex. */
  readonly id: string;
  readonly key: string;
}

/** An attempt to give an identity another key. */
export interface Attempt {
  readonly state: State;
  /** Guardians who approved, and who confirmed without a veto in sight, or despite one. */
  readonly approvals: number;
  readonly confirmations: number;
  readonly overrides: number;
  /** When the last approval that it took was given, as its author claims; null while there are too few. */
  readonly opened: number | null;
  readonly vetoed: boolean;
  readonly done: boolean;
}

/** An identity as it is held now. */
export interface Identity {
  /** Hash of its first state, in hex. */
  readonly id: string;
  /** The present key, null where two successors were confirmed: nobody speaks for it then. */
  readonly key: string | null;
  readonly state: State;
  /** All keys that it had before, the oldest first. */
  readonly formerKeys: readonly string[];
  /** Attempts to follow on its present state. */
  readonly attempts: readonly Attempt[];
}

/** What was stated and counts for nothing, and why. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: string;
}

const STATE_TAG = new TextEncoder().encode("example/identity/state/v1\0");

/** The state of a key and a plan, after another state of an identity or as its first. */
export function stateOf(key: string, plan: Plan, before: State["id"] | null = null): State {
  const guardians = [...plan.guardians].sort();
  const { threshold, override, wait } = plan;
  const body = encodeValue([before, key, guardians, threshold, override, wait]);
  const id = toHex(sha256(Uint8Array.from([...STATE_TAG, ...body])));
  return { id, key, guardians, threshold, override, wait };
}

/** What is wrong with a plan; null when nothing is. Two majorities always share a guardian, hence `threshold`. */
export function faultOfPlan(key: string, plan: { readonly [name: string]: Value }): string | null {
  const { guardians, threshold, override, wait } = plan;
  if (!Array.isArray(guardians) || guardians.length > MAX_GUARDIANS) return "bad guardians";
  if (!guardians.every(isKey)) return "bad guardians";
  if (new Set([...guardians, key]).size !== guardians.length + 1) return "bad guardians";
  const count = guardians.length;
  const isMajority = count === 0 ? threshold === 0 : Number(threshold) * 2 > count;
  if (!isMajority || Number(override) < Number(threshold) || Number(override) > count) {
    return "bad threshold";
  }
  return Number(wait) >= 0 && Number(wait) <= MAX_WAIT ? null : "bad wait";
}

function isKey(value: Value): boolean {
  const key = isHex32(value) ? fromHex(value) : null;
  return key !== null && isValidPublicKey(key);
}

/** All identities at a time, by id. */
export function identitiesAt(
  logs: IdentityLogs,
  now: number,
  ignored: Ignored[],
): Map<string, Identity> {
  const proposals = proposalsOf(logs, ignored);
  const votes = votesOf(logs, now);
  const identities = new Map<string, Identity>();
  for (const entry of logs.identities) {
    const fault = faultOfPlan(entry.author, entry.value);
    if (fault !== null) ignored.push({ id: entry.id, author: entry.author, reason: fault });
    else {
      const first = stateOf(entry.author, entry.value as Plan);
      // Said twice it is the same.
      if (!identities.has(first.id)) identities.set(first.id, follow(first, proposals, votes));
    }
  }
  return identities;
}

/** Goes from successor to successor. It ends: each state holds the hash of the one before. */
function follow(
  first: State,
  proposals: ReadonlyMap<string, readonly Proposal[]>,
  votes: Votes,
): Identity {
  const formerKeys: string[] = [];
  for (let state = first; ;) {
    const attempts = (proposals.get(state.id) ?? [])
      .filter(
        (it) =>
          it.identity === first.id &&
          it.state.key !== state.key &&
          !formerKeys.includes(it.state.key),
      )
      .map((it) => attemptOf(state, it.state, votes));
    const [next, rival] = attempts.filter((attempt) => attempt.done);
    if (next === undefined || rival !== undefined) {
      const key = rival === undefined ? state.key : null;
      return { id: first.id, key, state, formerKeys, attempts };
    }
    formerKeys.push(state.key);
    state = next.state;
  }
}

interface Proposal {
  readonly identity: string;
  readonly state: State;
}

/** Proposals by the state that they follow on; each once. */
function proposalsOf(logs: IdentityLogs, ignored: Ignored[]): Map<string, Proposal[]> {
  const proposals = new Map<string, Proposal[]>();
  const seen = new Set<string>();
  for (const { id, author, value } of logs.proposals) {
    const fault = isHex32(value.state) ? faultOfPlan(author, value) : "bad state";
    if (fault !== null) {
      ignored.push({ id, author, reason: fault });
      continue;
    }
    const state = stateOf(author, value as unknown as Plan, value.state);
    const name = `${value.identity} ${state.id}`;
    if (seen.has(name)) continue;
    seen.add(name);
    const list = proposals.get(value.state) ?? [];
    list.push({ identity: value.identity, state });
    proposals.set(value.state, list);
  }
  return proposals;
}

/** For each proposed state, what each key has said. */
interface Votes {
  /** The earliest time that each claims for its approval. */
  readonly approvals: Map<string, Map<string, number>>;
  /** The latest times that each claims for its confirmations, without and despite a veto. */
  readonly confirmations: Map<string, Map<string, number>>;
  readonly overrides: Map<string, Map<string, number>>;
  readonly vetoes: Map<string, Set<string>>;
}

function votesOf(logs: IdentityLogs, now: number): Votes {
  const votes: Votes = {
    approvals: new Map(),
    confirmations: new Map(),
    overrides: new Map(),
    vetoes: new Map(),
  };
  // What claims no time, or one that has not come yet, does not count yet.
  const has = (entry: LogEntry<unknown>): entry is LogEntry<unknown> & { readonly time: number } =>
    entry.time !== null && entry.time <= now;
  for (const entry of logs.approvals) {
    if (has(entry)) note(votes.approvals, entry.value.state, entry.author, entry.time, Math.min);
  }
  for (const entry of logs.confirmations) {
    if (!has(entry)) continue;
    const { state, despiteVeto } = entry.value;
    const kind = despiteVeto ? votes.overrides : votes.confirmations;
    note(kind, state, entry.author, entry.time, Math.max);
  }
  for (const { author, value } of logs.vetoes) {
    const by = votes.vetoes.get(value.state) ?? new Set();
    votes.vetoes.set(value.state, by.add(author));
  }
  return votes;
}

function note(
  votes: Map<string, Map<string, number>>,
  state: string,
  author: string,
  time: number,
  choose: (one: number, other: number) => number,
): void {
  const by = votes.get(state) ?? new Map<string, number>();
  by.set(author, choose(time, by.get(author) ?? time));
  votes.set(state, by);
}

/** Counts the guardians of `before` for a state that wants to follow. */
function attemptOf(before: State, state: State, votes: Votes): Attempt {
  const times = (of: Map<string, Map<string, number>>): Map<string, number> => {
    const by = of.get(state.id);
    const said = before.guardians.flatMap((key): [string, number][] => {
      const time = by?.get(key);
      return time === undefined ? [] : [[key, time]];
    });
    return new Map(said);
  };
  const approved = [...times(votes.approvals).values()].sort((a, b) => a - b);
  // Of that many at least one does not lie, if the plan is worth anything: no earlier than that one's.
  const opened = approved[before.threshold - 1] ?? null;
  const waited = (of: Map<string, Map<string, number>>): string[] =>
    [...times(of)]
      .filter(([, time]) => opened !== null && time - opened >= before.wait)
      .map(([key]) => key);
  const confirmations = waited(votes.confirmations);
  const overrides = waited(votes.overrides);
  const all = new Set([...confirmations, ...overrides]).size;
  return {
    state,
    approvals: approved.length,
    confirmations: confirmations.length,
    overrides: overrides.length,
    opened,
    vetoed: votes.vetoes.get(state.id)?.has(before.key) ?? false,
    done:
      before.guardians.length > 0 &&
      (confirmations.length >= before.threshold || all >= before.override),
  };
}

/** What an honest guardian does about an attempt at a time: confirms it, waits, or asks the others whether to overrule a veto. */
export function adviceOn(
  before: State,
  attempt: Attempt,
  now: number,
): "confirm" | "wait" | "vetoed" {
  if (attempt.opened === null || now - attempt.opened < before.wait) return "wait";
  return attempt.vetoed ? "vetoed" : "confirm";
}
