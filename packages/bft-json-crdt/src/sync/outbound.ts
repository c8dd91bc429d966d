/**
 * What a session still has to send, in order: control messages, groups asked for by id, then the changes that the peer
 * lacks, in causal order.
 *
 * Groups are encoded when the transport has room for them, at most one slice (1,024 changes, 1 MiB, or less) ahead; until then
 * they are runs of local indexes. So a slow reader costs a few numbers and not a history of frames.
 */
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { MAX_OUTBOX_LENGTH, MAX_OUTBOX_MESSAGES, MAX_WANTED_GROUPS } from "./bounds.ts";
import { costOf } from "./budget.ts";
import { IndexRuns } from "./index-runs.ts";
import { encodeMessage } from "./messages.ts";
import type { SyncMessage } from "./messages.ts";
import type { SliceCache } from "./slices.ts";
import type { SyncHistory } from "./tips.ts";

/** Takes one frame; false when the transport is full (the frame is taken all the same). */
export type SendFrame = (frame: string | Uint8Array) => boolean;

/** The sending half of a session. */
export class Outbound {
  readonly #history: SyncHistory;
  readonly #send: SendFrame;
  readonly #mostLength: () => number;
  readonly #sliceBytes: number;
  readonly #slices: SliceCache | null;
  readonly #messages: string[] = [];
  #messagesLength = 0;
  readonly #groups: Uint8Array[] = [];
  /** First indexes of the closed groups that were asked for. */
  readonly #wanted = new Set<number>();
  readonly #changes = new IndexRuns();
  #isFull = false;
  #isPumping = false;

  /**
   * `mostLength`: UTF-16 units of control messages that may wait for a full transport; one may in any case. `sliceBytes`: bytes of
   * changes that are encoded as one frame, if that is more than one closed group. `slices`: what was encoded for others.
   */
  constructor(
    history: SyncHistory,
    send: SendFrame,
    mostLength: () => number = () => MAX_OUTBOX_LENGTH,
    sliceBytes: number = MAX_GROUP_BYTES,
    slices: SliceCache | null = null,
  ) {
    this.#history = history;
    this.#send = send;
    this.#mostLength = mostLength;
    this.#sliceBytes = Math.min(sliceBytes, MAX_GROUP_BYTES);
    this.#slices = slices;
  }

  /** True when everything was handed to the transport. */
  get isIdle(): boolean {
    return (
      this.#messages.length === 0 &&
      this.#groups.length === 0 &&
      this.#wanted.size === 0 &&
      this.#changes.isEmpty
    );
  }

  /** True while the transport takes no more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Queues a control message and returns its length; 0 when too many wait, and this one is dropped. */
  message(message: SyncMessage): number {
    const text = encodeMessage(message);
    const most = Math.min(MAX_OUTBOX_LENGTH, this.#mostLength());
    const isOver =
      this.#messages.length >= MAX_OUTBOX_MESSAGES ||
      (this.#messages.length > 0 && this.#messagesLength + text.length > most);
    if (isOver) return 0;
    this.#messages.push(text);
    this.#messagesLength += text.length;
    return text.length;
  }

  /** Queues a live group that is already encoded, when nothing goes before it; false when something does. */
  live(group: Uint8Array): boolean {
    if (this.#isFull || !this.isIdle) return false;
    this.#groups.push(group);
    return true;
  }

  /** Queues the closed group that holds a change, unless it is on its way already; returns the bytes that it costs. */
  wanted(index: number): number {
    if (this.#changes.has(index) || this.#wanted.size >= MAX_WANTED_GROUPS) return 0;
    const [start, end] = this.#history.groupRange(index);
    if (this.#wanted.has(start)) return 0;
    this.#wanted.add(start);
    let bytes = 0;
    for (let i = start; i < end; i++) bytes += costOf(this.#history, i);
    return bytes;
  }

  /** True when a change is queued by its index. */
  isQueued(index: number): boolean {
    return this.#changes.has(index);
  }

  /** Queues these changes (ascending) in the place of all changes queued before. */
  replaceChanges(indexes: readonly number[]): void {
    this.#changes.clear();
    this.changes(indexes);
  }

  /** Queues changes (ascending, above all queued before). */
  changes(indexes: readonly number[]): void {
    for (const index of indexes) this.#changes.add(index);
  }

  /** True when all queued changes below `end` are handed over, and all groups that were asked for. */
  hasSentBelow(end: number): boolean {
    return (
      this.#groups.length === 0 &&
      this.#wanted.size === 0 &&
      (this.#changes.isEmpty || this.#changes.first >= end)
    );
  }

  /** All changes below this local index have been handed over or were not to be sent. */
  sentUpTo(end: number): number {
    return this.#changes.isEmpty ? end : Math.min(end, this.#changes.first);
  }

  /** The transport has room again. */
  resume(): void {
    this.#isFull = false;
  }

  /** Sends until the transport is full or nothing is left. `next` gives a message to send before further changes. */
  pump(next: () => SyncMessage | null): void {
    // A transport that answers at once calls back in here; the loop below goes on with what that queued.
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (!this.#isFull) {
        const frame = this.#nextFrame(next);
        if (frame === null) return;
        if (!this.#send(frame)) this.#isFull = true;
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #nextFrame(next: () => SyncMessage | null): string | Uint8Array | null {
    const text = this.#messages.shift();
    if (text !== undefined) {
      this.#messagesLength -= text.length;
      return text;
    }
    if (this.#groups.length === 0) {
      const message = next();
      if (message !== null) return encodeMessage(message);
      if (!this.#encodeWanted()) this.#encodeSlice();
    }
    return this.#groups.shift() ?? null;
  }

  #encodeWanted(): boolean {
    for (const start of this.#wanted) {
      this.#wanted.delete(start);
      const [, end] = this.#history.groupRange(start);
      const indexes = Array.from({ length: end - start }, (_, i) => start + i);
      this.#groups.push(...this.#history.groupsFor(indexes));
      return true;
    }
    return false;
  }

  /**
   * Encodes the next changes: whole closed groups, as many as fit in one frame. What was encoded for another peer is taken from
   * there; and what comes before that ends where it begins, so that peers who lack more or less of the same meet again.
   */
  #encodeSlice(): void {
    const { first: start } = this.#changes;
    if (start < 0 || this.#takeSlice(start)) return;
    const slice: number[] = [];
    let bytes = 8;
    let next = start;
    let isFull = false;
    while (!this.#changes.isEmpty) {
      const [, end] = this.#history.groupRange(this.#changes.first);
      const part = this.#changes.below(end);
      let partBytes = 0;
      for (const index of part) partBytes += costOf(this.#history, index);
      isFull =
        slice.length + part.length > MAX_GROUP_CHANGES || bytes + partBytes > this.#sliceBytes;
      if (slice.length > 0 && (isFull || this.#slices?.has(this.#history, next) === true)) break;
      slice.push(...part);
      bytes += partBytes;
      next = end;
      this.#changes.dropBelow(end);
    }
    const groups = this.#history.groupsFor(slice);
    this.#groups.push(...groups);
    // One that is not full would soon be a part of another.
    if (isFull && next - start === slice.length)
      this.#slices?.keep(this.#history, start, { end: next, bytes, groups });
  }

  /** Takes the changes from a local index on as they were encoded for another peer; false when they were not. */
  #takeSlice(start: number): boolean {
    const known = this.#slices?.take(this.#history, start) ?? null;
    if (known === null || known.end > this.#changes.firstEnd) return false;
    const isTooLarge = known.bytes > this.#sliceBytes;
    // A closed group is never cut.
    if (isTooLarge && known.end > this.#history.groupRange(start)[1]) return false;
    this.#groups.push(...known.groups);
    this.#changes.dropBelow(known.end);
    return true;
  }
}
