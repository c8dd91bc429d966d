/**
 * Reception: what becomes of changes that come from outside. Each is judged by its bytes, its signature and its links;
 * then it is applied, waits in the causal queue for what it builds on, or is refused.
 *
 * What is applied belongs to the history (history.ts). What waits, and what was refused, is kept here, within bounds: a
 * local cache, which may delay, but never changes a verdict.
 */
import type { DecodedBody } from "../change/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import type { RejectionCode, Result } from "../result.ts";
import { admit, hasItsCovers } from "./admission.ts";
import { AppliedIds } from "./applied-ids.ts";
import { CausalQueue, PendingChange } from "./causal-queue.ts";
import type { PendingPool, QueueBounds } from "./causal-queue.ts";
import type { Chains } from "./chains.ts";
import type { HistoryLimits } from "./history-limits.ts";
import { idOf, keyOf } from "./id-key.ts";
import type { IdTable } from "./id-table.ts";
import { Incoming, IncomingGroup } from "./incoming.ts";
import { linksTo } from "./links.ts";
import { Oldest } from "./oldest.ts";
import { forgedCopy, refused, summarize } from "./received.ts";
import type { ReceivedChange, ReceivedGroup } from "./received.ts";
import { Screening } from "./screening.ts";
import type { Entry } from "./verified.ts";

/** What is applied, as far as judging asks for it. */
export interface Applied {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  readonly ids: IdTable;
  readonly chains: Chains;
  /** How many changes are applied. */
  length(): number;
  lamportAt(index: number): number;
  /** Adds a valid change, all of whose dependencies are applied, to the closed group that begins at `groupStart`. */
  apply(change: Incoming, groupStart: number): number;
}

/** Ids reported as missing for one group at most. */
const MAX_MISSING_REPORTED = 256;

/** What a group holds when it is taken in together with others, all of which can be applied. */
interface Part {
  readonly decoded: Result<readonly Entry[]>;
  /** What was settled at once. */
  readonly results: ReceivedChange[];
  /** Those of the candidates that stand in it. */
  readonly candidates: readonly Incoming[];
}

/** Takes changes in, for one history. */
export class Reception {
  readonly #applied: Applied;
  readonly #ids: AppliedIds;
  readonly #queue: CausalQueue;
  readonly #screening: Screening;
  readonly #rejected = new Map<string, RejectionCode>();
  readonly #oldestRejected = new Oldest(this.#rejected);
  #rejectedLimit: number;

  constructor(applied: Applied, limits: Required<HistoryLimits>, pool: PendingPool | undefined) {
    this.#applied = applied;
    this.#ids = new AppliedIds(applied.ids, applied.chains);
    this.#rejectedLimit = limits.rejectedIds;
    this.#queue = new CausalQueue(queueBounds(limits), pool);
    this.#screening = new Screening({
      document: applied.document,
      ids: this.#ids,
      rejection: (id) => (this.#rejected.size === 0 ? undefined : this.#rejected.get(keyOf(id))),
      pendingSignature: (id) =>
        this.#queue.count === 0 ? undefined : this.#queue.get(keyOf(id))?.signature,
    });
  }

  /** What waits: changes, and the bytes that they take. */
  get pending(): { readonly count: number; readonly bytes: number } {
    return { count: this.#queue.count, bytes: this.#queue.bytes };
  }

  /** Sets other limits. What waits beyond the new total is dropped at once, what is over a quota when its payer brings more. */
  setLimits(limits: Required<HistoryLimits>): void {
    this.#rejectedLimit = limits.rejectedIds;
    this.#queue.rebound(queueBounds(limits));
  }

  /** Forgets all that waits. */
  forgetPending(): void {
    this.#queue.clear();
  }

  /** Keys of what pending changes wait for. */
  missing(): string[] {
    return this.#queue.missing();
  }

  /** Lowers what may wait of an author who has equivocated. */
  expose(author: Uint8Array): void {
    this.#queue.expose(keyOf(author));
  }

  /** Takes in a decoded group that `peer` delivered. */
  receive(decoded: Result<readonly Entry[]>, peer: string): ReceivedGroup {
    if (!decoded.ok) return refused(decoded.error.code);
    const start = this.#applied.length();
    const results: ReceivedChange[] = [];
    const candidates = this.#screening.screen(decoded.value, results);
    for (const { id, code, scope } of results)
      if (scope === "change") this.#reject(keyOf(id), code!, null);
    for (const candidate of candidates) this.#resolve(candidate);
    admit(candidates, this.#screening.verify);
    const isWhole = candidates.every(({ admitted }) => admitted);

    const settled = this.#applyAdmitted(candidates);
    for (const { admitted, id } of candidates)
      if (admitted) results.push({ id, status: "applied" });
    this.#drain(settled);
    if (!isWhole) {
      for (const candidate of candidates) {
        if (!candidate.admitted) this.#settleOther(candidate, peer, results);
      }
    }

    const applied: number[] = [];
    for (let index = start; index < this.#applied.length(); index++) applied.push(index);
    // What was pending a moment ago may have been released, or dropped, by the rest of the group.
    const verdicts = isWhole
      ? results
      : results.map((result) =>
          result.status === "pending" ? this.#verdictOn(result.id) : result,
        );
    const missing = isWhole ? [] : this.#missingOf(candidates).map(idOf);
    // What was applied from the queue has a signature that its copy in this group may lack.
    const isExact =
      isWhole &&
      applied.length === candidates.length &&
      candidates.length === decoded.value.length &&
      candidates.every(({ unverified }) => unverified === null);
    return summarize(verdicts, applied, missing, isExact);
  }

  /**
   * Takes in groups that are together no more than one may be, when all that is new of them can be applied at once and releases
   * nothing: each gets the verdict of being received in its turn, but a signature beside a cover in a later group is not
   * looked at. Null, and nothing is changed, when that is not so.
   */
  receiveTogether(groups: readonly Result<readonly Entry[]>[]): ReceivedGroup[] | null {
    const group = this.#screening.newGroup();
    const candidates = group.changes;
    const parts: Part[] = [];
    for (const decoded of groups) {
      const results: ReceivedChange[] = [];
      const from = candidates.length;
      if (decoded.ok) this.#screening.sift(decoded.value, group, results);
      if (results.some(({ status }) => status !== "duplicate")) return null;
      const added = candidates.slice(from);
      if (!hasItsCovers(added)) return null;
      parts.push({ decoded, results, candidates: added });
    }
    for (const candidate of candidates) {
      this.#resolve(candidate);
      if (candidate.fault !== null || candidate.missing.length > 0) return null;
      if (this.#queue.count > 0 && this.#queue.concerns(candidate.key)) return null;
    }
    if (this.#screening.verifyCovers(candidates) !== null) return null;
    admit(candidates, this.#screening.verify);
    // None falls: each is sound, finds what it builds on, and has its signature or its cover.
    if (!candidates.every(({ admitted }) => admitted)) return null;
    this.#applyAdmitted(candidates);
    return parts.map(verdictOnPart);
  }

  /** Why a change of this replica's own making cannot be applied, null when it can and was; its local index is in `change`. */
  append(change: Incoming, groupStart: number): string | null {
    new IncomingGroup(this.#ids).add(change);
    this.#resolve(change);
    if (change.fault !== null) return change.fault;
    if (change.missing.length > 0) return "it waits";
    if (this.#ids.find(change.id) >= 0) return "it is applied already";
    change.index = this.#applied.apply(change, groupStart);
    this.#drain([change.key]);
    return null;
  }

  /** A change was applied without coming in here: what waits for it is released. */
  release(id: Uint8Array): void {
    if (this.#queue.count === 0) return;
    const key = keyOf(id);
    this.#queue.remove(key);
    this.#drain([key]);
  }

  /** False when `receive` would settle this copy of a change without a look at its signature. */
  mustVerify(id: Uint8Array, signature: Uint8Array): boolean {
    if (this.#ids.find(id) >= 0) return false;
    if (this.#rejected.size === 0 && this.#queue.count === 0) return true;
    const key = keyOf(id);
    if (this.#rejected.has(key)) return false;
    const queued = this.#queue.get(key);
    return queued === undefined || !equalBytes(queued.signature, signature);
  }

  /** A change that does not come in a group. */
  #alone(
    id: Uint8Array,
    body: Uint8Array,
    signature: Uint8Array | null,
    header: DecodedBody,
  ): Incoming {
    const change = new Incoming(id, body, signature, header);
    new IncomingGroup(this.#ids).add(change);
    return change;
  }

  /** Finds the fault that the dependencies show, if they are all known. */
  #resolve(candidate: Incoming): void {
    if (
      candidate.missing.some((key) => this.#rejected.has(key)) ||
      candidate.inGroup.some((dependency) => dependency.fault !== null)
    ) {
      candidate.fault = "rejected_dependency";
    } else if (candidate.missing.length === 0) {
      candidate.fault = this.#faultOf(candidate);
    }
  }

  #faultOf({ header, inGroup, prev, prevIndex }: Incoming): RejectionCode | null {
    let lamport = prevIndex < 0 ? 0 : this.#applied.lamportAt(prevIndex);
    for (const list of [header.parents, header.refs]) {
      for (let i = 0; i < list.length; i++) {
        const index = this.#ids.find(list[i]!);
        if (index >= 0) lamport = Math.max(lamport, this.#applied.lamportAt(index));
      }
    }
    for (let i = 0; i < inGroup.length; i++)
      lamport = Math.max(lamport, inGroup[i]!.header.lamport);
    if (header.lamport !== lamport + 1) return "wrong_lamport";
    if (header.prev === null) return null;
    if (prev !== null) return linksTo(header, prev.header) ? null : "wrong_prev";
    const { chains } = this.#applied;
    const index = prevIndex;
    const linked =
      chains.isOf(chains.chainIndex(index), header.author, header.chain) &&
      chains.seq(index) + 1 === header.seq;
    return linked ? null : "wrong_prev";
  }

  /**
   * Applies the admitted candidates in order, in closed groups as small as they can be cut. Returns keys that something in the
   * queue may have waited for.
   */
  #applyAdmitted(candidates: readonly Incoming[]): string[] {
    const settled: string[] = [];
    let start = this.#applied.length();
    /** Changes of the closed group that begins at `start` whose covers have not come so far. */
    let open = 0;
    for (const candidate of candidates) {
      if (!candidate.admitted) continue;
      if (this.#queue.count > 0) {
        this.#queue.remove(candidate.key);
        settled.push(candidate.key);
      }
      this.#applied.apply(candidate, start);
      const { prev } = candidate;
      if (prev !== null && prev.isOpen) {
        prev.isOpen = false;
        open--;
      }
      candidate.isOpen = candidate.signature === null;
      if (candidate.isOpen) open++;
      if (open === 0) start = this.#applied.length();
    }
    return settled;
  }

  /** Rejects, queues or discards a candidate that could not be applied. */
  #settleOther(candidate: Incoming, peer: string, results: ReceivedChange[]): void {
    const { id, key, body, header, fault } = candidate;
    if (fault !== null) {
      this.#reject(key, fault, results);
      return;
    }
    if (this.#ids.find(id) >= 0 || this.#rejected.has(key) || this.#queue.get(key) !== undefined) {
      // Another copy of it waited in the queue.
      results.push(this.#verdictOn(id));
      return;
    }
    if (candidate.unverified !== null) this.#screening.verify(candidate);
    const { signature } = candidate;
    if (signature === null) {
      results.push(
        candidate.isForged
          ? forgedCopy(id)
          : { id, status: "rejected", code: "missing_signature", scope: "copy" },
      );
      return;
    }
    const waitsFor = this.#unapplied(header);
    for (let i = 0; i < waitsFor.length; i++) {
      if (!this.#rejected.has(waitsFor[i]!)) continue;
      this.#reject(key, "rejected_dependency", results);
      return;
    }
    if (waitsFor.length === 0) {
      // Its dependencies were applied in this very step, after it was judged.
      this.#applyReady({ key, id, body, signature, header }, results);
    } else if (
      this.#queue.add(
        new PendingChange(key, body, header, signature, keyOf(header.author), peer, waitsFor),
      )
    ) {
      results.push({ id, status: "pending" });
    } else {
      results.push({ id, status: "rejected", code: "over_quota", scope: "copy" });
    }
  }

  /** What has become of a change that was fit to be applied or to wait. */
  #verdictOn(id: Uint8Array): ReceivedChange {
    if (this.#ids.find(id) >= 0) return { id, status: "applied" };
    const key = keyOf(id);
    const code = this.#rejected.get(key);
    if (code !== undefined) return { id, status: "rejected", code, scope: "change" };
    if (this.#queue.get(key) !== undefined) return { id, status: "pending" };
    return { id, status: "rejected", code: "over_quota", scope: "copy" };
  }

  /** Keys of dependencies that the sender should be asked for: of what waits, and of what could not be kept. */
  #missingOf(candidates: readonly Incoming[]): string[] {
    const missing: string[] = [];
    for (const candidate of candidates) {
      if (this.#ids.find(candidate.id) >= 0 || this.#rejected.has(candidate.key)) continue;
      // What waits may wait for a change of this very group that was discarded.
      const waits = this.#queue.get(candidate.key) !== undefined;
      for (const key of waits ? this.#unapplied(candidate.header) : candidate.missing) {
        if (missing.length >= MAX_MISSING_REPORTED) return missing;
        if (this.#queue.get(key) !== undefined || this.#rejected.has(key)) continue;
        if (this.#ids.find(idOf(key)) < 0 && !missing.includes(key)) missing.push(key);
      }
    }
    return missing;
  }

  /** Keys of what a change depends on that is not applied. */
  #unapplied({ prev, parents, refs }: DecodedBody): string[] {
    const keys: string[] = [];
    if (prev !== null && this.#ids.find(prev) < 0) keys.push(keyOf(prev));
    for (const list of [parents, refs]) {
      for (let i = 0; i < list.length; i++) {
        if (this.#ids.find(list[i]!) < 0) keys.push(keyOf(list[i]!));
      }
    }
    return keys;
  }

  /** Applies everything in the queue that `settled` keys release, in a loop. */
  #drain(settled: string[]): void {
    for (let i = 0; i < settled.length; i++) {
      for (const waited of this.#queue.release(settled[i]!)) {
        const { key, id, body, signature } = waited;
        if (this.#applyReady({ key, id, body, signature, header: waited.decoded() }, null))
          settled.push(key);
      }
    }
  }

  /** Judges a change whose dependencies are all applied, and applies or rejects it. */
  #applyReady(
    entry: Pick<PendingChange, "key" | "id" | "body" | "signature"> & { header: DecodedBody },
    results: ReceivedChange[] | null,
  ): boolean {
    const candidate = this.#alone(entry.id, entry.body, entry.signature, entry.header);
    const fault = this.#faultOf(candidate);
    if (fault !== null) {
      this.#reject(entry.key, fault, results);
      return false;
    }
    this.#applied.apply(candidate, this.#applied.length());
    results?.push({ id: entry.id, status: "applied" });
    if (results !== null) this.#drain([entry.key]);
    return true;
  }

  /** Remembers an id as rejected, and with it everything in the queue that builds on it, in a loop. */
  #reject(key: string, code: RejectionCode, results: ReceivedChange[] | null): void {
    results?.push({ id: idOf(key), status: "rejected", code, scope: "change" });
    this.#remember(key, code);
    this.#queue.remove(key);
    const condemned = [key];
    for (let i = 0; i < condemned.length; i++) {
      for (const entry of this.#queue.condemn(condemned[i]!)) {
        this.#remember(entry.key, "rejected_dependency");
        condemned.push(entry.key);
      }
    }
  }

  #remember(key: string, code: RejectionCode): void {
    this.#rejected.set(key, code);
    while (this.#rejected.size > this.#rejectedLimit)
      this.#rejected.delete(this.#oldestRejected.next()!);
  }
}

function queueBounds(limits: Required<HistoryLimits>): QueueBounds {
  return {
    total: limits.pendingBytes,
    perPeer: limits.pendingBytesPerPeer,
    perAuthor: limits.pendingBytesPerAuthor,
    perExposedAuthor: limits.pendingBytesPerExposedAuthor,
  };
}

/** What became of a group whose candidates are all applied. */
function verdictOnPart({ decoded, results, candidates }: Part): ReceivedGroup {
  if (!decoded.ok) return refused(decoded.error.code);
  for (const { id } of candidates) results.push({ id, status: "applied" });
  const applied = candidates.map(({ index }) => index);
  // A signature that nobody has looked at is not kept.
  const isExact =
    candidates.length === decoded.value.length &&
    candidates.every(({ unverified }) => unverified === null);
  return summarize(results, applied, [], isExact);
}
