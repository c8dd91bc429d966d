/**
 * What comes in by one socket: it is taken at once while the socket has credit, else in line with what others want. The socket
 * is not read while too much of it waits, while it owes something to its rates, or while nothing can be stored.
 *
 * What is first in line is verified ahead. A frame whose turn comes while that is going on is waited for, outside of the line.
 * Meanwhile those behind it gather: changes of one chain one after another are taken as one group, under one signature. So the
 * more somebody writes, the less each change costs.
 */
import { continued, joinGroups, type RunPart, runPartOf, type VerifiedGroup } from "bft-json-crdt";
import type { WebSocket } from "ws";
import type { Ahead, Foreseen } from "./ahead.ts";
import { Credit } from "./credit.ts";
import {
  AHEAD_GROUPS,
  AHEAD_SIGNATURE_MS,
  FRAME_OVERHEAD_BYTES,
  LINE_INBOX_BYTES,
  MIN_HOLD_MS,
  RUN_BYTES,
  MOST_RUN_CHANGES,
  MOST_UNPAID_BYTES,
  RUN_CHANGES,
  TURN_MS,
} from "./limits.ts";
import { type Frame, streamOf } from "./outlet.ts";
import type { Pauses } from "./pauses.ts";
import { Pieces } from "./pieces.ts";
import type { Meter } from "./rates.ts";
import type { Settings } from "./settings.ts";
import type { Turns } from "./turns.ts";

/** What an intake needs from its relay. */
export interface IntakeHost {
  readonly settings: Pick<Settings, "rateCloseSeconds">;
  /** Gives each socket its turn. */
  readonly turns: Pick<Turns, "next" | "waiting" | "atOnceMs" | "pass" | "worked">;
  /** What is verified while it stands in line. */
  readonly ahead: Ahead;
  /** What of the work of all sockets is none of theirs. */
  readonly pauses: Pick<Pauses, "in">;
  /** Bytes that may wait to be handled and stored: this socket's part of what all may have. */
  readonly inboxShare: number;
}

/** Whom it takes frames in for. */
export interface IntakeOwner {
  /** Handles a frame; called in `guard`. */
  handle(frame: Frame): void;
  /** Begins to verify a group that stands in line; null when it is to be verified in its turn. Must not throw. */
  foresee(group: Uint8Array): Foreseen | null;
  /** Runs a step that may throw because of a mistake of ours. */
  guard(step: () => void): void;
  /** The socket would have to wait for its rates for longer than it may. */
  tooFast(ms: number): void;
  /** The socket is gone, and all that came from it is taken. */
  emptied(): void;
}

/**
 * What waits in the inbox: a frame, or several that are taken as one, and when the first came. Text waits as bytes, too: a string
 * would be moved about by the collector, and what floods have waiting in line would be most of the garbage that is old before it
 * is any.
 */
interface Waiting {
  frames: Uint8Array[];
  readonly isText: boolean;
  readonly arrival: number;
  /** Bytes of the inbox that it takes. */
  bytes: number;
  /** The part of a chain that it holds, when it may go on together with others; null for all else. */
  part: RunPart | null;
  /** Undefined as long as nobody was asked to verify it ahead; null when it is not. */
  ahead?: Foreseen | null;
}

/** The way in of one socket. */
export class Intake {
  readonly #socket: WebSocket;
  readonly #meter: Meter;
  readonly #host: IntakeHost;
  readonly #owner: IntakeOwner;
  /** With none left, what comes waits in the inbox in line. */
  readonly #credit: Credit;
  readonly #inbox: Waiting[] = [];
  /** Bytes in the inbox, and of groups on their way to the store. */
  #awaited = 0;
  /** Changes that are taken as one group, at most. */
  #runChanges = RUN_CHANGES;
  /** Bytes of frames that have come and that no rate has counted yet. */
  #unpaid = 0;
  /** When the frame came that is handled now. */
  #arrival = 0;
  /** What is known ahead of that frame. */
  #verified: VerifiedGroup | null = null;
  #isInLine = false;
  /** The first frame of the inbox is being verified. */
  #isWaiting = false;
  /** What has come is looked at for what to verify ahead, at the end of this tick. */
  #isLooking = false;
  readonly #pieces: Pieces | null;
  /** What was read last came when, and how much of the work for it is counted already. */
  #readAt = 0;
  #handledMs = 0;
  /** The socket is read in its turn now, and for so many milliseconds more. */
  #isReadInTurn = false;
  #turnLeftMs = 0;
  /** The socket is not read before its turn: what it takes to read it is more than its credit. */
  #isSpent = false;
  /** Until then the socket is not read, for the sake of its rates; the timer runs as long. */
  #slowUntil = 0;
  #slowTimer: NodeJS.Timeout | null = null;
  /** Nothing can be stored now, so nothing is read. */
  #isHeld = false;
  /** What comes waits in the inbox for now. */
  #isBlocked = false;
  #isDraining = false;
  /** The socket is gone; what it sent before is still taken, in turns. */
  #isGone = false;
  #isEnded = false;

  constructor(socket: WebSocket, meter: Meter, host: IntakeHost, owner: IntakeOwner) {
    this.#socket = socket;
    this.#meter = meter;
    this.#host = host;
    this.#owner = owner;
    this.#credit = new Credit(host.turns, host.pauses);
    // Around what ws does with it: pieces of messages and control frames cost, too.
    const stream = streamOf(socket);
    this.#pieces = stream === null ? null : new Pieces(stream, this.#comes);
    stream?.prependListener("data", () => {
      this.#readAt = performance.now();
      this.#handledMs = 0;
    });
    stream?.on("data", this.#countReading);
  }

  /** Bytes that were received and are not stored yet. */
  get awaited(): number {
    return this.#awaited;
  }

  /** When the frame came that is handled now. */
  get arrival(): number {
    return this.#arrival;
  }

  /** The group that is handled now, when it was verified ahead. */
  get verified(): VerifiedGroup | null {
    return this.#verified;
  }

  /** In how many milliseconds what it owes would be earned: see Credit. */
  get dueInMs(): number {
    return this.#credit.dueInMs;
  }

  /** What the socket brings, a piece at a time; null when it is not ours to divide. */
  get pieces(): Pieces | null {
    return this.#pieces;
  }

  /** A frame has come; called in `guard`. */
  take({ buffer, byteOffset, length }: Buffer, isText: boolean): void {
    // Code that sees nothing but plain arrays is faster.
    const content = new Uint8Array(buffer, byteOffset, length);
    if (this.#isDraining) return;
    this.#unpaid += content.length + FRAME_OVERHEAD_BYTES;
    if (this.#pieces === null || this.#unpaid >= MOST_UNPAID_BYTES) this.pay();
    if (this.#isEnded) return;
    this.#arrival = performance.now();
    if (!this.#isBlocked && this.#inbox.length === 0 && this.#credit.isLeft) {
      this.#handleTimed(content, isText);
      return;
    }
    this.#put(content, isText);
    if (this.#isBlocked) return;
    this.#standInLine();
    if (this.#isLooking) return;
    // What has come by the same read is there then.
    this.#isLooking = true;
    process.nextTick(() => {
      this.#isLooking = false;
      if (!this.#isBlocked) this.#owner.guard(() => this.#lookAhead());
    });
  }

  /** So many bytes more are on their way to the store, or fewer. */
  await(bytes: number): void {
    this.#awaited += bytes;
    if (this.#isEnded) return;
    if (!this.#mayBeRead(1)) {
      if (!this.#socket.isPaused) this.#socket.pause();
    } else if (this.#socket.isPaused && !this.#isSpent && this.#mayBeRead(1 / 2)) {
      this.#socket.resume();
    }
  }

  /** True when nothing else stands against reading the socket, and no more waits than this part of what may. */
  #mayBeRead(part: number): boolean {
    if (this.#isHeld || this.#slowTimer !== null) return false;
    const { inboxShare } = this.#host;
    const isInLine = this.#isInLine || this.#isWaiting;
    const share = isInLine ? Math.min(inboxShare, LINE_INBOX_BYTES) : inboxShare;
    return this.#awaited <= share * part;
  }

  /** Reads nothing from the socket until it is let go again. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.await(0);
  }

  /** Reads nothing for so many milliseconds, so that the rates are kept. */
  slowDown(ms: number): void {
    if (ms < MIN_HOLD_MS || this.#isEnded) return;
    if (ms > this.#host.settings.rateCloseSeconds * 1_000) {
      this.#owner.tooFast(ms);
      return;
    }
    const until = performance.now() + ms;
    if (until <= this.#slowUntil) return;
    this.#slowUntil = until;
    if (this.#slowTimer !== null) clearTimeout(this.#slowTimer);
    this.#slowTimer = setTimeout(() => {
      this.#slowTimer = null;
      this.await(0);
    }, ms);
    if (!this.#socket.isPaused) this.#socket.pause();
  }

  /** Pays for the frames that have come: to be called also before it is another room that they would be paid to. */
  pay(): void {
    if (this.#unpaid === 0 || this.#isEnded) return;
    const wait = this.#meter.read(this.#unpaid);
    this.#unpaid = 0;
    this.slowDown(wait);
  }

  /** So many milliseconds were worked for it beside its frames. */
  worked(ms: number): void {
    this.#credit.worked(ms);
  }

  /** Keeps what comes in the inbox from now on. */
  block(): void {
    this.#isBlocked = true;
  }

  /** Goes on with what waits in the inbox. */
  unblock(): void {
    this.#isBlocked = false;
    this.#standInLine();
  }

  /** Takes nothing in any more, and forgets what waits. */
  drain(): void {
    this.#isDraining = true;
    this.#forget(this.#inbox.length);
  }

  /** The socket is gone. */
  leave(): void {
    // What ws has taken apart since came in no piece.
    this.pay();
    this.#isGone = true;
    if (this.#isBlocked) this.#forget(this.#inbox.length);
    if (this.#inbox.length === 0) this.#owner.emptied();
  }

  /** Nothing is handled any more. */
  end(): void {
    this.#isEnded = true;
    if (this.#slowTimer !== null) clearTimeout(this.#slowTimer);
    this.#slowTimer = null;
    this.#forget(this.#inbox.length);
  }

  /** Lets a frame wait: with the one before it, if it goes on where that one ends. */
  #put(content: Uint8Array, isText: boolean): void {
    const bytes = content.length + FRAME_OVERHEAD_BYTES;
    const last = this.#inbox[this.#inbox.length - 1];
    const part =
      isText || content.length > RUN_BYTES ? null : runPartOf(content, last?.part ?? null);
    const run = last === undefined || part === null ? null : runOf(last, part, this.#runChanges);
    if (run === null) {
      this.#inbox.push({ frames: [content], isText, arrival: this.#arrival, bytes, part });
    } else {
      last!.frames.push(content);
      last!.part = run;
      last!.bytes += bytes;
    }
    this.await(bytes);
  }

  #handleTimed(content: Uint8Array, isText: boolean): void {
    const start = performance.now();
    this.#owner.handle(isText ? textOf(content) : content);
    const ms = performance.now() - start;
    this.#credit.worked(ms);
    this.#handledMs += ms;
  }

  /** A piece was read: whoever has no credit left for more is read in turn. */
  readonly #countReading = ({ length }: Uint8Array): void => {
    this.pay();
    const readingMs = performance.now() - this.#readAt - this.#handledMs;
    this.#pieces!.took(length, readingMs);
    this.#turnLeftMs -= this.#credit.worked(readingMs);
    if (!this.#isReadInTurn && !this.#isEnded && !this.#credit.isLeft) this.#readLater();
  };

  /** Something has come, and is not read yet; not before its turn, by whoever has no credit. */
  readonly #comes = (): void => {
    if (!this.#isSpent && !this.#isEnded && !this.#credit.isLeft) this.#readLater();
  };

  /** Has the socket read in its turn. */
  #readLater(): void {
    this.#isSpent = true;
    if (!this.#socket.isPaused) this.#socket.pause();
    if (!this.#isBlocked) this.#standInLine();
  }

  /**
   * Reads what has come meanwhile, as far as a short time allows: where many stand in line it is hardly more than one piece, so that
   * those can come in who are new.
   */
  #readInTurn(): void {
    if (!this.#isSpent) return;
    const pieces = this.#pieces!;
    this.#turnLeftMs = TURN_MS * this.#credit.shareInLine ** 2;
    this.#isReadInTurn = true;
    while (pieces.hasMore && this.#turnLeftMs > 0 && this.#mayBeRead(1)) pieces.read();
    this.#isReadInTurn = false;
    // What stands against reading it has it read when that is over.
    this.#isSpent = pieces.hasMore && this.#mayBeRead(1);
    this.await(0);
  }

  #standInLine(): void {
    if (this.#isInLine || this.#isWaiting || (this.#inbox.length === 0 && !this.#isSpent)) return;
    this.#isInLine = true;
    this.#host.turns.next(() => {
      this.#isInLine = false;
      this.#owner.guard(() => {
        this.#openInbox();
        this.#readInTurn();
        if (!this.#isBlocked) this.#standInLine();
      });
      if (this.#isGone && this.#inbox.length === 0) this.#owner.emptied();
    }, this.#credit.dueInMs);
  }

  /** One turn: as much of what waits as a short time allows, at least one frame, unless it is still being verified. */
  #openInbox(): void {
    const end = performance.now() + TURN_MS;
    let taken = 0;
    let bytes = 0;
    while (!this.#isBlocked) {
      if (taken === this.#inbox.length || (taken > 0 && performance.now() >= end)) break;
      const waiting = this.#inbox[taken]!;
      // It need not be verified within this turn; and of many changes there may be many signatures after all.
      if (taken > 0 || waiting.frames.length > 1) this.#foresee(waiting);
      const { isText, arrival, ahead } = waiting;
      if (ahead?.group === null) {
        this.#isWaiting = true;
        ahead.whenVerified(this.#goOn);
        break;
      }
      if (ahead === undefined && waiting.frames.length > 1) {
        this.#isWaiting = true;
        this.#host.ahead.whenSpace(this.#goOn);
        break;
      }
      this.#arrival = arrival;
      taken++;
      bytes += waiting.bytes;
      // Someone who is gone gets no answers.
      if (!this.#isGone || !isText) this.#handleForeseen(waiting, ahead ?? null);
    }
    this.#forget(taken);
    this.await(-bytes);
    if (!this.#isBlocked) this.#lookAhead();
  }

  #handleForeseen(waiting: Waiting, ahead: Foreseen | null): void {
    this.#verified = ahead?.group ?? null;
    const signatures = ahead?.signatures ?? 0;
    this.#credit.spend(signatures * AHEAD_SIGNATURE_MS);
    const { part } = waiting;
    if (ahead !== null && part !== null && part.to > part.from) this.#learn(signatures);
    try {
      this.#handleTimed(contentOf(waiting), waiting.isText);
    } finally {
      this.#verified = null;
    }
  }

  /** A run was verified: they may be longer for whoever sends such as one signature is enough for. */
  #learn(signatures: number): void {
    this.#runChanges =
      signatures > 1 ? RUN_CHANGES : Math.min(MOST_RUN_CHANGES, 2 * this.#runChanges);
  }

  /** What was waited for outside of the line has happened; true when there is anything to go on with. */
  readonly #goOn = (): boolean => {
    this.#isWaiting = false;
    this.#standInLine();
    return this.#isInLine;
  };

  /** Has what is first in line verified, as far as a short time and the bounds allow. */
  #lookAhead(): void {
    const start = performance.now();
    const most = Math.min(AHEAD_GROUPS, this.#inbox.length);
    let now = start;
    for (let at = 0; at < most && now < start + TURN_MS; at++) {
      if (this.#foresee(this.#inbox[at]!)) now = performance.now();
    }
    this.#credit.spend(now - start);
  }

  /** Has a frame verified ahead, if it can be; true when that took some time. */
  #foresee(waiting: Waiting): boolean {
    if (waiting.ahead !== undefined || this.#host.ahead.isFull) return false;
    waiting.ahead = waiting.isText ? null : this.#owner.foresee(contentOf(waiting));
    return true;
  }

  /** Takes the first so many frames out of the inbox. */
  #forget(count: number): void {
    for (const { ahead } of this.#inbox.splice(0, count)) ahead?.release();
  }
}

/** The part of a chain that is waiting, and the next one, as one; null when they are to be taken one after the other. */
function runOf({ part, ahead }: Waiting, next: RunPart, most: number): RunPart | null {
  if (part === null || ahead !== undefined) return null;
  const run = continued(part, next);
  return run === null || run.bytes > RUN_BYTES || run.to - run.from >= most ? null : run;
}

/** One group, or whatever else a frame held. */
function contentOf(waiting: Waiting): Uint8Array {
  if (waiting.frames.length > 1) waiting.frames = [joinGroups(waiting.frames)];
  return waiting.frames[0]!;
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
