/**
 * What the facts say at a time: who holds which identity, and which attestations stand. A pure function of the set of facts and
 * of the time that the viewer gives: no clock is read, and no order decides anything.
 */
import { toHex } from "bft-json-crdt";
import type { History, LogEntry } from "bft-json-crdt";
import { identitiesAt } from "./recovery.ts";
import type { Identity, Ignored } from "./recovery.ts";
import { isClaim, WHOLE } from "./schema.ts";
import type { IdentityLogs } from "./schema.ts";

/** What one identity stands for about another one. */
export interface Attestation {
  /** Of its record in the log. */
  readonly id: string;
  readonly from: string;
  readonly subject: string;
  readonly claim: string;
  /** Basis points. */
  readonly confidence: number;
  /** When it was made, as its author claims. */
  readonly time: number;
  readonly expires: number | null;
  readonly commitment: Uint8Array | null;
}

/** Everything that can be asked. */
export interface IdentityView {
  /** Milliseconds since 1970: what the viewer calls now. */
  readonly now: number;
  readonly identities: ReadonlyMap<string, Identity>;
  /** Those that count, at most one by an identity about another one with one claim; by subject, claim, from. */
  readonly attestations: readonly Attestation[];
  /** The same by who made them. */
  readonly given: ReadonlyMap<string, readonly Attestation[]>;
  /** The same by whom they are about. */
  readonly received: ReadonlyMap<string, readonly Attestation[]>;
  /** Keys that were proven to have signed two histories. */
  readonly exposed: ReadonlySet<string>;
  readonly ignored: readonly Ignored[];
}

/** Reads the logs of a document at a time, in milliseconds since 1970. */
export function viewOf(logs: IdentityLogs, history: History, now: number): IdentityView {
  const ignored: Ignored[] = [];
  const identities = identitiesAt(logs, now, ignored);
  const exposed = new Set(history.forks().map((fork) => toHex(fork.author)));
  const authors = new Map<string, string>();
  for (const { id, author } of logs.attestations) authors.set(id, author);
  const revoked = revocationsOf(logs, authors, ignored);

  // Of several by one about one with one claim the least confident counts: to say less it takes no more than to say it.
  const standing = new Map<string, Attestation>();
  for (const entry of logs.attestations) {
    const reason = revoked.has(entry.id) ? "revoked" : faultOf(entry, identities, exposed, now);
    if (reason !== null) {
      ignored.push({ id: entry.id, author: entry.author, reason });
      continue;
    }
    const attestation = attestationOf(entry);
    const place = `${attestation.subject} ${attestation.claim} ${attestation.from}`;
    const other = standing.get(place);
    if (other === undefined || isWeaker(attestation, other)) standing.set(place, attestation);
  }
  const attestations = [...standing.keys()].sort().map((place) => standing.get(place)!);
  return {
    now,
    identities,
    attestations,
    given: groupedBy(attestations, "from"),
    received: groupedBy(attestations, "subject"),
    exposed,
    ignored,
  };
}

function revocationsOf(
  logs: IdentityLogs,
  authors: ReadonlyMap<string, string>,
  ignored: Ignored[],
): Set<string> {
  const revoked = new Set<string>();
  for (const { id, author, value } of logs.revocations) {
    if (authors.get(value.attestation) === author) revoked.add(value.attestation);
    else ignored.push({ id, author, reason: "revokes what its author did not attest" });
  }
  return revoked;
}

/** Why an attestation does not count; null when it does. */
function faultOf(
  { author, time, value }: LogEntry<Stated>,
  identities: ReadonlyMap<string, Identity>,
  exposed: ReadonlySet<string>,
  now: number,
): string | null {
  const from = identities.get(value.from);
  if (from === undefined || !identities.has(value.subject)) return "no such identity";
  if (from.key !== author) {
    return from.formerKeys.includes(author) ? "by a key that was replaced" : "by another key";
  }
  if (exposed.has(author)) return "by a key that signed two histories";
  if (value.from === value.subject) return "about itself";
  if (!isClaim(value.claim)) return "bad claim";
  if (value.confidence < 1 || value.confidence > WHOLE) return "bad confidence";
  if ((value.commitment?.length ?? 32) !== 32) return "bad commitment";
  if (time === null) return "without a time";
  if (time > now) return "not yet";
  return (value.expires ?? Infinity) <= now ? "expired" : null;
}

/** An attestation's record. */
interface Stated {
  readonly from: string;
  readonly subject: string;
  readonly claim: string;
  readonly confidence: number;
  readonly expires?: number;
  readonly commitment?: Uint8Array;
}

function attestationOf({ id, time, value }: LogEntry<Stated>): Attestation {
  const { from, subject, claim, confidence, expires, commitment } = value;
  return {
    id,
    from,
    subject,
    claim,
    confidence,
    time: time!,
    expires: expires ?? null,
    commitment: commitment ?? null,
  };
}

/** Less confident; among equals older, then with the lesser id. */
function isWeaker(one: Attestation, other: Attestation): boolean {
  if (one.confidence !== other.confidence) return one.confidence < other.confidence;
  return one.time !== other.time ? one.time < other.time : one.id < other.id;
}

function groupedBy(
  attestations: readonly Attestation[],
  field: "from" | "subject",
): Map<string, Attestation[]> {
  const groups = new Map<string, Attestation[]>();
  for (const attestation of attestations) {
    const group = groups.get(attestation[field]);
    if (group === undefined) groups.set(attestation[field], [attestation]);
    else group.push(attestation);
  }
  return groups;
}
