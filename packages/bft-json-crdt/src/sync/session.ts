/**
 * One peer, one document: brings two replicas to the same history over any transport that carries frames in order.
 *
 * Both ends run this class. Each end does two things that do not depend on each other. It *asks* for what
 * is not here (inquiry.ts). And it *answers* the peer's `have`, in one of these states:
 *
 *     idle       nothing is owed; live changes are passed on at once
 *     waiting    the peer has heads that are unknown here, so what it lacks is not known yet. Either it knows all heads of
 *                this end, sends what is missing and `done`, and then its heads are known; or it answers `known`
 *     comparing  both ends have something that the other lacks: this end shows the tips of its chains (comparison.ts)
 *     streaming  what the peer lacks is known and being sent; `done` follows
 *
 * The frontier decides: a `done` that names heads which are still unknown makes this end ask again, at most three times
 * for each open() or refresh(). No state waits on a clock; call refresh() now and then, and whatever was lost, dropped
 * or refused is found again. All state is bounded (bounds.ts), except for the runs of indexes still to be sent and, for
 * the time of a comparison, one number per chain of the own history: a peer cannot make them grow.
 *
 * What was sent counts as known to the peer. It is sent again when the peer says that it was lost, as far as its
 * budget reaches (budget.ts); beyond, a `have` is answered by `done` alone.
 */
import { toHex } from "../encoding/bytes.ts";
import type { LiveGroup, ReceivedGroup } from "../history/index.ts";
import { MAX_PARENTS } from "../limits.ts";
import type { RejectionCode } from "../result.ts";
import { differOf, lacksOf, samplesOf } from "./answers.ts";
import {
  FRAMES_PER_ERROR_REPLY,
  MAX_ERROR_REPLIES,
  MAX_IDS,
  MAX_RECEIVED_RUNS,
  MAX_WAITING_ACKS,
  WALK_STEP_BYTES,
} from "./bounds.ts";
import { costOf, ResendBudget } from "./budget.ts";
import { Comparison } from "./comparison.ts";
import { CursorTeller } from "./cursor-teller.ts";
import type { Cursor } from "./cursor.ts";
import { Inquiry } from "./inquiry.ts";
import { IndexRuns } from "./index-runs.ts";
import { encodeMessage, parseMessage } from "./messages.ts";
import type { Frontier, MessageFault, SyncMessage } from "./messages.ts";
import { OwnFrontier } from "./own-frontier.ts";
import { Outbound } from "./outbound.ts";
import type { SendFrame } from "./outbound.ts";
import type { SliceCache } from "./slices.ts";
import { withoutHeads } from "./tips.ts";
import type { SyncHistory } from "./tips.ts";

/**
 * What a peer did wrong, or was told: a fault of a message, a rejection of a change, "flooding" when it asks faster than
 * it reads or for the same again and again (answers are dropped), "refused" when the peer reports an error of ours.
 */
export type SyncErrorCode = MessageFault["code"] | RejectionCode | "flooding" | "refused";

/** Messages that ask for something. */
const QUESTIONS: ReadonlySet<SyncMessage["type"]> = new Set([
  "have",
  "tips",
  "buckets",
  "probe",
  "want",
] as const);

/** What a session works on, and whom it tells. */
export interface SyncSessionOptions {
  /** What is brought to the peer, and compared with what it has: `document.history`. */
  readonly history: SyncHistory;
  /** Label of the peer, for the host. */
  readonly peer: string;
  /** Takes one frame for the peer. False: the transport is full; this one is taken, and none follow before resume(). */
  readonly send: SendFrame;
  /** Applies a group from the peer to the history, and returns what became of it. */
  readonly receiveGroup: (group: Uint8Array) => ReceivedGroup;
  /**
   * Local indexes below this are durable and may leave the process; all of the history when left out. A host that
   * writes its own changes to a log after applying them needs it, and calls push() once they are durable.
   */
  readonly durable?: () => number;
  /** The peer says that these changes, and all that they build on, are durable there. */
  readonly onAck?: (ids: readonly Uint8Array[]) => void;
  /**
   * The peer has these heads; perhaps not all of them are here. If it is somebody who comes back, it may wait for
   * acknowledgements that were on their way when it left.
   */
  readonly onHeads?: (ids: readonly Uint8Array[]) => void;
  /** A place in the own order, told to the peer now and then; nothing is told without it. */
  readonly cursorAt?: (position: number) => Cursor;
  /** The peer's log up to this place is applied here; once that is durable the cursor may be kept. */
  readonly onCursor?: (cursor: Cursor) => void;
  /** The peer asks for something that has to be looked for: what it lacks, or where two histories differ. */
  readonly onQuestion?: () => void;
  /**
   * The peer answers what it was not asked, or asks for changes of which it was told nothing here: one that keeps to the protocol
   * does so now and then at most. What answers a question that is settled meanwhile does not count.
   */
  readonly onUnasked?: () => void;
  /** Called whenever `synced` becomes true. */
  readonly onSynced?: () => void;
  /** That of the last session, where the same connection comes back to this history; a new one by default. */
  readonly budget?: ResendBudget;
  /**
   * Bytes of control messages that may wait here while the transport is full (at most 1 MiB, the default); what is
   * beyond is dropped, and asked for again. A host of many sessions divides what all of them may have.
   */
  readonly outboxBytes?: () => number;
  /**
   * Bytes of changes that are encoded as one frame, if that is more than one closed group: at most MAX_GROUP_BYTES, the default. With
   * less the host can turn to others sooner, and a few signatures more are sent.
   */
  readonly sliceBytes?: number;
  /** Where sessions keep for each other what they have encoded: the same for all of a host; nothing is kept without it. */
  readonly slices?: SliceCache;
  /** Called for each fault; `detail` is one sentence for people. */
  readonly onError?: (code: SyncErrorCode, detail: string) => void;
}

/** The protocol with one peer about one document. */
export class SyncSession {
  /** The label that it was given. */
  readonly peer: string;
  readonly #options: SyncSessionOptions;
  readonly #history: SyncHistory;
  readonly #outbound: Outbound;
  #isClosed = false;

  readonly #own: OwnFrontier;
  readonly #inquiry: Inquiry;

  #state: "idle" | "waiting" | "comparing" | "streaming" = "idle";
  #comparison: Comparison | null = null;
  /** Answers that may still come to what is not compared any more. */
  #late = 0;
  #page = 0;
  /** Changes that the peer surely has, while what it lacks is not known yet. */
  readonly #known = new Set<number>();
  /** Live changes are passed on: the peer has been, or is being, sent all that came before `covered` of the budget. */
  #isLive = false;
  readonly #budget: ResendBudget;
  #isToldOfFlooding = false;
  /** Where the catch-up that `done` concludes ends. */
  #streamEnd = 0;
  /**
   * What the peer lacks was told by a cursor: it is being sent, or was sent and the peer is asked now. Until it has been
   * answered once, its heads are those of a moment when it did not have all of that.
   */
  #recovery: "none" | "sending" | "sent" = "none";
  readonly #cursors: CursorTeller;
  /** The frontier of the last `done`. */
  #told: Frontier | null = null;

  /** Changes at or above `covered` of the budget that came from the peer, or that it says it has. */
  readonly #received = new IndexRuns();
  #isReceiving = false;
  readonly #deferred: { readonly group: Uint8Array; readonly indexes: readonly number[] }[] = [];
  readonly #acks = new Set<number>();
  #wasSynced = false;
  #errorReplies = MAX_ERROR_REPLIES;
  #frames = 0;

  constructor(options: SyncSessionOptions) {
    this.peer = options.peer;
    this.#options = options;
    this.#history = options.history;
    this.#outbound = new Outbound(
      options.history,
      options.send,
      options.outboxBytes,
      options.sliceBytes,
      options.slices,
    );
    this.#budget = options.budget ?? new ResendBudget(options.history);
    this.#own = new OwnFrontier(options.history);
    this.#inquiry = new Inquiry(options.history, this.#own, () => this.#durable());
    this.#cursors = new CursorTeller(options.cursorAt);
  }

  /** Nothing is known to be missing on either side, and everything was handed to the transport. */
  get synced(): boolean {
    return (
      this.#isLive &&
      this.#state === "idle" &&
      !this.#inquiry.isOpen &&
      !this.#inquiry.lacksSome &&
      this.#outbound.isIdle
    );
  }

  /** What this connection has cost, for the session that follows on it. */
  get budget(): ResendBudget {
    return this.#budget;
  }

  /** Begins: tells the peer what is here. A session that is not opened opens by itself at the peer's first `have`. */
  open(): void {
    this.refresh();
  }

  /**
   * Begins, in the place of open(), with a peer that has all changes below this local index: sends the rest, and then what
   * is here, so that frontiers are compared after all. The host must know that nothing below was given up by the budget.
   */
  recover(position: number): void {
    const durable = this.#durable();
    const missing = Array.from({ length: durable - position }, (_, i) => position + i);
    this.#inquiry.allowRounds();
    this.#cursors.begin(position);
    this.#recovery = "sending";
    this.#send(missing, durable);
    this.#flush();
  }

  /** Begins, in the place of open(), at the end that kept the cursor: the other one sends what is behind it, and then asks. */
  awaitRecovery(): void {
    this.#inquiry.recover();
  }

  /** Tells the peer a cursor, if anything was passed on since the last one; to be called now and then. */
  tellCursor(): void {
    this.#own.allowMore();
    this.#cursors.due();
    this.#flush();
  }

  /** Compares frontiers again; to be called now and then, and harmless at any time. */
  refresh(): void {
    this.#own.allowMore();
    this.#inquiry.allowRounds();
    this.#reply(this.#inquiry.ask());
    // Answers that were lost would be waited for in vain.
    if (this.#state === "comparing") this.#compare();
    this.#flush();
  }

  /** Takes one frame from the peer: text is a control message, bytes are a group. Never throws for what it holds. */
  receive(frame: string | Uint8Array): void {
    if (this.#isClosed) return;
    this.#frames++;
    this.#budget.earn(frame.length);
    if (this.#frames % FRAMES_PER_ERROR_REPLY === 0 && this.#errorReplies < MAX_ERROR_REPLIES) {
      this.#errorReplies++;
    }
    if (typeof frame !== "string") {
      this.#takeGroup(frame);
    } else {
      const message = parseMessage(frame);
      if (message.ok) this.#take(message.value);
      else this.#report(message.error.code, message.error.detail, !message.error.isError);
    }
    this.#flush();
  }

  /**
   * Passes on changes that were just applied (and are durable): ascending local indexes, and the closed group that holds
   * exactly them. The host pushes every applied change once, in order, to all sessions: also to the one it came from,
   * which leaves out what its peer has.
   *
   * Of a group that was merged from several, `parts` are those: a peer that has some of it gets the others as they are.
   */
  push(group: Uint8Array, indexes: readonly number[], parts: readonly LiveGroup[] = []): void {
    if (parts.length > 0 && !this.#lacksAll(indexes)) {
      for (const part of parts) this.push(part.group, part.indexes);
      return;
    }
    if (this.#isReceiving) {
      this.#deferred.push({ group, indexes });
      return;
    }
    this.#pass(group, indexes);
    if (this.#inquiry.takeApplied()) this.#streamIfKnown();
    this.#flush();
  }

  /** Tells the peer that these changes, and all that they build on, are durable here. Ids not applied are left out. */
  acknowledge(ids: readonly Uint8Array[]): void {
    for (const id of ids) {
      const index = this.#history.indexOf(id);
      if (index < 0) continue;
      addHead(this.#acks, this.#history, index);
      if (this.#acks.size > MAX_WAITING_ACKS) deleteFirst(this.#acks);
    }
    this.#flush();
  }

  /** The transport has room again. */
  resume(): void {
    this.#outbound.resume();
    this.#flush();
  }

  /** Ends the session: nothing is sent or taken any more. */
  close(): void {
    this.#isClosed = true;
  }

  #durable(): number {
    return Math.min(this.#options.durable?.() ?? Infinity, this.#history.length);
  }

  #take(message: SyncMessage): void {
    if (QUESTIONS.has(message.type)) this.#options.onQuestion?.();
    switch (message.type) {
      case "have":
        this.#takeHave(message.frontier, message.again);
        if ("heads" in message.frontier) this.#options.onHeads?.(message.frontier.heads);
        return;
      case "done":
        return this.#takeDone(message.frontier);
      case "known":
        return this.#takeKnown(message.ids);
      case "tips":
        return this.#answer(lacksOf(this.#history, message.page, message.chains));
      case "lacks":
        return this.#answered(this.#comparison?.takeLacks(message.of, message.at, message.tips));
      case "buckets":
        this.#answer(differOf(this.#history, message.page, message.hashes));
        return this.#comparison?.takeBuckets(message.hashes);
      case "differ":
        return this.#answered(this.#comparison?.takeDiffer(message.of, message.buckets));
      case "probe":
        this.#asked(message.tips.some((id) => this.#history.indexOf(id) >= 0));
        for (const tip of message.tips) this.#answer(samplesOf(this.#history, tip));
        return;
      case "samples":
        return this.#answered(this.#comparison?.takeSamples(message.of, message.ids));
      case "want":
        return this.#takeWant(message.ids);
      case "ack":
        return this.#takeAck(message.ids);
      case "cursor":
        if (this.#inquiry.hasAll) this.#options.onCursor?.(message.cursor);
        return;
      case "error":
        return this.#options.onError?.(
          "refused",
          `the peer refused something (${message.code}): ${message.detail}`,
        );
    }
  }

  /** What has come asked for what is here; else the host is told. */
  #asked(isSo: boolean): void {
    if (!isSo) this.#options.onUnasked?.();
  }

  /** What has come answers a question from here, maybe one that is settled meanwhile; else the host is told. */
  #answered(isSo = false): void {
    if (isSo) return;
    if (this.#late > 0) this.#late--;
    else this.#options.onUnasked?.();
  }

  /** Compares no more, or anew. */
  #compareBy(comparison: Comparison | null): void {
    this.#late += this.#comparison?.outstanding ?? 0;
    this.#comparison = comparison;
  }

  #takeHave(frontier: Frontier, again: boolean): void {
    const inquiry = this.#inquiry;
    inquiry.takeHave(frontier);
    if (!inquiry.hasAsked) this.#reply(inquiry.ask());
    else if (inquiry.lacksSome && !inquiry.isOpen && this.#mayAsk())
      this.#budget.spend(this.#reply(inquiry.ask()));
    if (again) this.#recovery = "none";
    // What is being sent was chosen by an earlier `have`; `done` will show whether it was enough.
    if (this.#state === "streaming") return;
    if (!inquiry.lacksSome) {
      // All that the peer does not name yet may be on its way: only what it misses after `done` is sent again.
      if (this.#isLive && !again && this.#state === "idle") this.#finish();
      else this.#stream();
      return;
    }
    const heads = "heads" in frontier ? frontier.heads : [];
    this.#reply({ type: "known", ids: heads.filter((id) => this.#history.indexOf(id) >= 0) });
    if (this.#state === "idle") this.#state = "waiting";
  }

  #takeDone(frontier: Frontier): void {
    const inquiry = this.#inquiry;
    inquiry.takeDone(frontier);
    if (!inquiry.lacksSome) {
      this.#streamIfKnown();
      return;
    }
    const question = this.#mayAsk() ? inquiry.askAgain() : null;
    if (question !== null) {
      this.#budget.spend(this.#reply(question));
      return;
    }
    inquiry.forgetUnnamed();
    // The heads stay unknown (this build may not read them, or the peer made them up), but an answer is owed.
    if (this.#state === "waiting") this.#compare();
  }

  #takeKnown(ids: readonly Uint8Array[]): void {
    if (this.#state !== "waiting" && this.#state !== "comparing") return;
    for (const id of ids) {
      const index = this.#history.indexOf(id);
      if (index >= 0) this.#known.add(index);
    }
    if (this.#state === "waiting") this.#compare();
  }

  #takeWant(ids: readonly Uint8Array[]): void {
    this.#asked(ids.some((id) => this.#history.indexOf(id) >= 0));
    const durable = this.#durable();
    for (const id of ids) {
      const index = this.#history.indexOf(id);
      if (index < 0 || index >= durable) continue;
      if (this.#budget.isSpent) return this.#refuseFlood();
      this.#budget.spend(this.#outbound.wanted(index));
    }
  }

  /** What the peer has, whoever gave it to it, it need not be sent. */
  #takeAck(ids: readonly Uint8Array[]): void {
    for (const id of ids) this.#noteHeld(this.#history.indexOf(id));
    this.#boundReceived();
    this.#options.onAck?.(ids);
  }

  #takeGroup(group: Uint8Array): void {
    this.#isReceiving = true;
    let received: ReceivedGroup;
    try {
      received = this.#options.receiveGroup(group);
    } finally {
      this.#isReceiving = false;
    }
    this.#inquiry.takeGroup(received);
    this.#noteReceived(received);
    for (const { group, indexes } of this.#deferred.splice(0)) this.#pass(group, indexes);
    if (received.missing.length > 0) {
      const question = this.#inquiry.want(received.missing);
      if (question !== null) this.#reply(question);
    } else if (received.status === "applied") {
      this.#inquiry.takeComplete();
    }
    if (this.#inquiry.takeApplied()) this.#streamIfKnown();
    this.#reportRejection(received);
  }

  /** Remembers what the peer evidently has: now for the answer that is owed, later so as not to send it back. */
  #noteReceived({ results }: ReceivedGroup): void {
    for (const { id, status } of results) {
      if (status === "applied" || status === "duplicate") this.#noteHeld(this.#history.indexOf(id));
    }
    this.#boundReceived();
  }

  /** The peer has the change of this local index (-1 is none). */
  #noteHeld(index: number): void {
    if (index < 0) return;
    if (this.#state === "waiting" || this.#state === "comparing") {
      addHead(this.#known, this.#history, index);
    }
    if (index >= this.#budget.covered) this.#received.add(index);
  }

  #boundReceived(): void {
    while (this.#received.runs > MAX_RECEIVED_RUNS) this.#received.dropFirstRun();
  }

  #reportRejection({ status, code, missing, results }: ReceivedGroup): void {
    if (status !== "rejected" || code === undefined) return;
    // Unsigned changes that came before what they build on are asked for again together with it.
    if (code === "missing_signature" && missing.length > 0) return;
    // Where there is no room for a cover, that is what went wrong, and not that what it covers has no signature.
    const fault =
      results.find((result) => result.code === "over_quota") ??
      results.find((result) => result.status === "rejected");
    const of = fault?.id;
    const detail = of === undefined ? "a group was refused" : `a change was refused: ${toHex(of)}`;
    this.#report(fault?.code ?? code, detail, true, of);
  }

  #streamIfKnown(): void {
    if (this.#state === "waiting" || this.#state === "comparing") this.#stream();
  }

  #compare(): void {
    if (this.#recovery !== "none") return this.#stream();
    // The first comparison is free; one that is repeated must be within the budget.
    if (this.#budget.covered > 0 && this.#budget.isSpent) return this.#stream();
    this.#state = "comparing";
    this.#compareBy(new Comparison(this.#history, this.#known, () => ++this.#page));
  }

  /** Answers by what is still queued, and `done`. */
  #finish(): void {
    this.#state = "streaming";
    this.#streamEnd = this.#budget.covered;
  }

  /** Begins to send what the peer lacks, as far as is known. */
  #stream(): void {
    const durable = this.#durable();
    const isSent = this.#recovery !== "none";
    const missing = isSent ? null : this.#affordable(durable);
    if (missing !== null) this.#outbound.replaceChanges([]);
    else if (!isSent) this.#refuseFlood();
    this.#compareBy(null);
    this.#known.clear();
    this.#send(missing ?? this.#uncovered(durable), durable);
  }

  /** Begins to send these changes, which are all that the peer lacks of the first so many. */
  #send(changes: readonly number[], durable: number): void {
    this.#outbound.changes(changes);
    this.#isLive = true;
    this.#budget.cover(durable);
    this.#received.dropBelow(durable);
    this.#finish();
  }

  /** What the peer lacks of the first so many changes; null when that repeats more than it may. */
  #affordable(durable: number): number[] | null {
    // Not even looked for: the walk through the history would cost what is to be saved.
    if (this.#budget.isSpent) return null;
    const all = this.#missing();
    const missing = (all.at(-1) ?? -1) < durable ? all : all.filter((index) => index < durable);
    const { covered } = this.#budget;
    const [first = covered] = missing;
    if (first >= covered) return missing;
    let cost = (this.#history.length - first) * WALK_STEP_BYTES;
    for (const index of missing) {
      if (index >= covered) break;
      if (!this.#outbound.isQueued(index)) cost += costOf(this.#history, index);
    }
    return this.#budget.spend(cost) ? missing : null;
  }

  /** Changes that were neither sent to the peer nor came from it. */
  #uncovered(durable: number): number[] {
    const indexes: number[] = [];
    for (let index = this.#budget.covered; index < durable; index++) {
      if (!this.#received.has(index)) indexes.push(index);
    }
    return indexes;
  }

  #missing(): number[] {
    const frontier = this.#inquiry.peerFrontier;
    if (frontier === null || this.#own.is(frontier)) return [];
    if ("heads" in frontier) {
      for (const id of frontier.heads) {
        const index = this.#history.indexOf(id);
        if (index >= 0) this.#known.add(index);
      }
    }
    return this.#history.missingFor([...this.#known]);
  }

  #pass(group: Uint8Array, indexes: readonly number[]): void {
    // Before the peer is answered there is nothing to pass on: the answer will hold these changes too.
    if (!this.#isLive || this.#state === "waiting" || this.#state === "comparing") return;
    const { covered } = this.#budget;
    const fresh = this.#lacksAll(indexes)
      ? indexes
      : indexes.filter((index) => index >= covered && !this.#received.has(index));
    this.#budget.cover((indexes[indexes.length - 1] ?? -1) + 1);
    this.#received.dropBelow(this.#budget.covered);
    if (fresh.length === 0) return;
    if (
      fresh.length < indexes.length ||
      this.#state === "streaming" ||
      !this.#outbound.live(group)
    ) {
      this.#outbound.changes(fresh);
    }
  }

  /** True when the peer is not known to have any of these changes (ascending). */
  #lacksAll(indexes: readonly number[]): boolean {
    if ((indexes[0] ?? 0) < this.#budget.covered) return false;
    return this.#received.isEmpty || !indexes.some((index) => this.#received.has(index));
  }

  #flush(): void {
    if (this.#isReceiving || this.#isClosed) return;
    this.#outbound.pump(() => this.#next());
    const synced = this.synced;
    if (synced === this.#wasSynced) return;
    this.#wasSynced = synced;
    if (!synced) return;
    this.#inquiry.allowRounds();
    this.#options.onSynced?.();
  }

  /** The next message that goes before further changes, if one is due. */
  #next(): SyncMessage | null {
    if (this.#acks.size > 0) return this.#nextAck();
    if (this.#state === "comparing" && this.#comparison !== null) {
      const question = this.#comparison.next();
      if (question !== null && this.#budget.covered > 0) {
        this.#budget.spend(encodeMessage(question).length);
      }
      if (question !== null || !this.#comparison.isFinished) return question;
      this.#stream();
    }
    const sent = this.#outbound.sentUpTo(this.#budget.covered);
    if (this.#state !== "streaming" || !this.#outbound.hasSentBelow(this.#streamEnd))
      return this.#cursors.next(sent);
    this.#state = "idle";
    if (this.#recovery === "sending" && !this.#inquiry.hasAsked) {
      this.#recovery = "sent";
      return this.#inquiry.ask(false, sent);
    }
    this.#recovery = "none";
    this.#cursors.answered();
    return this.#conclusion(this.#own.at(sent));
  }

  /** The end of an answer. What says the same as the last one is told in short, if the peer has asked for too much again. */
  #conclusion(frontier: Frontier): SyncMessage {
    const isRepeated = this.#told === frontier;
    this.#told = frontier;
    const message: SyncMessage = { type: "done", frontier };
    if (!isRepeated || this.#budget.spend(encodeMessage(message).length)) return message;
    return { type: "done", frontier: withoutHeads(frontier) };
  }

  #nextAck(): SyncMessage {
    const ids: Uint8Array[] = [];
    for (const index of this.#acks) {
      if (ids.length === MAX_IDS) break;
      this.#acks.delete(index);
      ids.push(this.#history.idAt(index));
    }
    return { type: "ack", ids };
  }

  /** Whether to ask because of what the peer says: that is sent for it, too. The host may ask whenever it likes. */
  #mayAsk(): boolean {
    if (!this.#budget.isSpent) return true;
    this.#refuseFlood();
    return false;
  }

  /** Answers from the history, as far as the budget reaches. */
  #answer(message: SyncMessage): void {
    if (this.#budget.isSpent) this.#refuseFlood();
    else this.#budget.spend(this.#reply(message));
  }

  /** Queues a message and returns its length; 0 when it is dropped. */
  #reply(message: SyncMessage): number {
    const length = this.#outbound.message(message);
    if (length === 0) {
      this.#options.onError?.(
        "flooding",
        "the peer asks faster than it reads; an answer was dropped",
      );
    }
    return length;
  }

  /** The peer asks for too much again; it is told once. */
  #refuseFlood(): void {
    if (this.#isToldOfFlooding) return;
    this.#isToldOfFlooding = true;
    this.#report("flooding", "too much was asked for again; a new connection may ask anew", true);
  }

  #report(code: SyncErrorCode, detail: string, isAnswered: boolean, of?: Uint8Array): void {
    this.#options.onError?.(code, detail);
    if (!isAnswered || this.#errorReplies === 0) return;
    this.#errorReplies--;
    this.#reply({ type: "error", code, detail, ...(of === undefined ? {} : { of }) });
  }
}

/**
 * Adds a change in the place of those that it is built on. Of these only `prev` and the parents are looked for: somebody who
 * names a change again and again must not have thousands of references looked for each time, and what stays in there is harmless.
 */
function addHead(heads: Set<number>, history: SyncHistory, index: number): void {
  const slots = Math.min(history.dependencySlots(index), 1 + MAX_PARENTS);
  for (let slot = 0; slot < slots; slot++) heads.delete(history.dependencyAt(index, slot));
  heads.add(index);
}

function deleteFirst(set: Set<number>): void {
  for (const item of set) {
    set.delete(item);
    return;
  }
}
