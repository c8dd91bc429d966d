/**
 * Screening: what the bytes and the signatures of received changes decide, before their links are looked at. It changes
 * nothing: what it says is for the reception to act upon.
 */
import { changeId, decodeBody, passingMessage } from "../change/index.ts";
import type { DecodedBody } from "../change/index.ts";
import { verify } from "../crypto/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import type { RejectionCode, Result } from "../result.ts";
import type { AppliedIds } from "./applied-ids.ts";
import { Incoming, IncomingGroup } from "./incoming.ts";
import { linksTo } from "./links.ts";
import { forgedCopy, refusedChange } from "./received.ts";
import type { ReceivedChange } from "./received.ts";
import type { Entry } from "./verified.ts";

/** What is known of changes that came before. */
export interface KnownChanges {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** What is applied. */
  readonly ids: AppliedIds;
  /** Why a change is refused, as far as that is remembered. */
  rejection(id: Uint8Array): RejectionCode | undefined;
  /** The verified signature of a change that waits. */
  pendingSignature(id: Uint8Array): Uint8Array | undefined;
}

/** Whether signatures are valid, by the very object. */
type Verdicts = ReadonlyMap<Uint8Array, boolean>;

const NO_VERDICTS: Verdicts = new Map();

/** Screens changes for one history. */
export class Screening {
  readonly #known: KnownChanges;
  /** What was looked at last is applied: whoever sends such sends more of it. */
  #isRepeating = false;

  constructor(known: KnownChanges) {
    this.#known = known;
  }

  /**
   * Judges what the bytes and the signatures decide; returns the candidates that remain, in order, with their links. Of the
   * changes of one chain only the last is verified, which vouches for those before it. As soon as one signature proves to be
   * bad, there may be other copies to look at, and every one is verified that is left.
   */
  screen(entries: readonly Entry[], results: ReceivedChange[]): readonly Incoming[] {
    const group = this.newGroup();
    if (entries.length === 1) {
      this.sift(entries, group, results, NO_VERDICTS);
      return group.changes;
    }
    this.sift(entries, group, results);
    const verdicts = this.verifyCovers(group.changes);
    if (verdicts === null) return group.changes;
    results.length = 0;
    const rest = this.newGroup();
    this.sift(entries, rest, results, verdicts);
    return rest.changes;
  }

  /** What candidates are added to. */
  newGroup(): IncomingGroup {
    return new IncomingGroup(this.#known.ids);
  }

  /** Adds the candidates to a group, without a look at signatures; when verdicts on some are given, with all of them. */
  sift(
    entries: readonly Entry[],
    group: IncomingGroup,
    results: ReceivedChange[],
    verdicts: Verdicts | null = null,
  ): void {
    const { document, ids } = this.#known;
    for (const { body, signature, ahead } of entries) {
      const id = ahead?.id ?? changeId(body);
      // What is new has to be decoded anyway, and then mostly tells that it is; what comes again is found before that.
      let header = ahead?.header ?? (this.#isRepeating ? null : decodeBody(body, group.last));
      const isApplied = !this.#isNew(header, group.last) && ids.find(id) >= 0;
      this.#isRepeating = isApplied;
      if (isApplied) {
        results.push({ id, status: "duplicate" });
        continue;
      }
      const rejection = this.#known.rejection(id);
      if (rejection !== undefined) {
        results.push(refusedChange(id, rejection));
        continue;
      }
      header ??= decodeBody(body, group.last);
      if (!header.ok) {
        const code = header.error.code;
        if (code === "unsupported_version") results.push({ id, status: "unsupported", code });
        else results.push(refusedChange(id, code));
        continue;
      }
      if (!equalBytes(header.value.document, document)) {
        results.push(refusedChange(id, "wrong_document"));
        continue;
      }
      if (group.has(id, header.value.prev)) {
        results.push({ id, status: "duplicate" });
        continue;
      }
      const change = new Incoming(id, body, null, header.value);
      if (signature !== null) {
        change.unverified = signature;
        change.isGenuine = verdicts?.get(signature) ?? ahead?.isGenuine ?? null;
        if (verdicts !== null && !this.verify(change)) {
          results.push(forgedCopy(id));
          continue;
        }
      }
      group.add(change);
    }
  }

  /** Whether what a change builds on tells that it is not applied; false tells nothing. */
  #isNew(header: Result<DecodedBody> | null, last: Incoming | null): boolean {
    const known = header?.ok === true ? header.value : null;
    // Nothing is applied before that on which it builds; the same id is mostly the same object.
    if (last !== null && known?.prev === last.id) return true;
    return known !== null && this.#known.ids.tipBefore(known) >= 0;
  }

  /**
   * Verifies the signatures of those that no later change of the group vouches for. Null when all are valid, else the verdicts
   * up to the first that is not.
   */
  verifyCovers(candidates: readonly Incoming[]): Verdicts | null {
    for (let i = candidates.length - 1; i >= 0; i--) {
      const candidate = candidates[i]!;
      const { unverified, header, prev } = candidate;
      if (!candidate.isCovered) {
        // Without a signature and a cover it vouches for nothing.
        if (unverified === null) continue;
        if (!this.verify(candidate)) return verdictsOn(candidates).set(unverified, false);
      }
      if (prev !== null && linksTo(header, prev.header)) prev.isCovered = true;
    }
    return null;
  }

  /** Verifies a signature that was not so far; true when it is valid. */
  readonly verify = (change: Incoming): boolean => {
    const { id, unverified, header } = change;
    if (unverified === null) return false;
    change.unverified = null;
    if (change.isGenuine ?? this.#isGenuine(id, unverified, header)) change.signature = unverified;
    else change.isForged = true;
    return !change.isForged;
  };

  /** Verifies a signature, unless the very same is already verified and waits in the queue. */
  #isGenuine(id: Uint8Array, signature: Uint8Array, header: DecodedBody): boolean {
    const pending = this.#known.pendingSignature(id);
    if (pending !== undefined && equalBytes(pending, signature)) return true;
    return verify(signature, passingMessage(id), header.author);
  }
}

function verdictsOn(candidates: readonly Incoming[]): Map<Uint8Array, boolean> {
  const verdicts = new Map<Uint8Array, boolean>();
  for (const { signature } of candidates) if (signature !== null) verdicts.set(signature, true);
  return verdicts;
}
