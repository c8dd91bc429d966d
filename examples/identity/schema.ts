/**
 * What can be stated: seven logs of signed facts. Nothing here is a state; who holds which identity, who trusts whom and who
 * is let in is read from them (`view.ts`). A record counts only for what its author may say; the author is the signature's.
 */
import { boolean, bytes, integer, json, log, optional, string, struct } from "bft-json-crdt";
import type { Handle } from "bft-json-crdt";

/** Who may give an identity another key, and how. */
const plan = {
  /** Keys in hex. */
  guardians: json(),
  /** Guardians who have to confirm a new key. */
  threshold: integer(),
  /** Guardians who can do it against a veto. */
  override: integer(),
  /** Milliseconds between approval and confirmation. */
  wait: integer(),
};

export const IdentitySchema = struct({
  /** By the key that the identity begins with. Its id is the hash of that key and the plan. */
  identities: log(struct(plan)),
  /** By the present key of `from`. */
  attestations: log(
    struct({
      from: string(),
      subject: string(),
      claim: string(),
      /** Basis points: 1 to 10,000. */
      confidence: integer(),
      /** Milliseconds since 1970; it counts before that time. */
      expires: optional(integer()),
      /** Commits to fields that the subject may disclose (`disclosure.ts`). */
      commitment: optional(bytes()),
    }),
  ),
  /** By the author of the attestation, which is named by its id in the log. */
  revocations: log(struct({ attestation: string() })),
  /** By the new key: it asks to follow on a state of an identity. */
  proposals: log(struct({ identity: string(), state: string(), ...plan })),
  /** By guardians of the state before: they have made sure who asks. */
  approvals: log(struct({ state: string() })),
  /** By the same, after the wait. */
  confirmations: log(struct({ state: string(), despiteVeto: boolean() })),
  /** By the present key: it is not lost. */
  vetoes: log(struct({ state: string() })),
});

/** The logs, wherever in a document they stand. */
export type IdentityLogs = Handle<typeof IdentitySchema>;

/** All of a whole: confidences, weights and scores are integers from 0 to this. */
export const WHOLE = 10_000;

/** Most guardians of one identity. */
export const MAX_GUARDIANS = 16;

/** Longest wait: ten years, in milliseconds. */
export const MAX_WAIT = 315_576_000_000;

/** A claim's type: a word, or a word and what it is about, such as `met` or `skill:welding`; 64 characters at most. */
export function isClaim(text: string): boolean {
  return text.length <= 64 && /^[a-z][a-z0-9-]*(:[a-z0-9-]+)?$/.test(text);
}

/** A key or hash: 32 bytes in hex. */
export function isHex32(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}
