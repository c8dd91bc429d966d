/**
 * A session: one socket, and the room that it is in. Nothing that comes through the socket can throw beyond it: text is
 * a join, a sync message (both JSON) or a command that a person typed; bytes are a group of changes.
 */
import {
  documentId,
  fromHex,
  type LiveBatch,
  ResendBudget,
  type Result,
  type SliceCache,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import type { Logger } from "pino";
import { WebSocket } from "ws";
import {
  Challenge,
  NOT_ALLOWED,
  NOT_FOR_PEOPLE,
  type Unproven,
  WRONG_HOST,
} from "./authentication.ts";
import { CLOSE, type CloseName, reasonOf } from "./close-codes.ts";
import { type Conduct, type Faults, faultsOf } from "./conduct.ts";
import { type Ending, endingOf } from "./endings.ts";
import { type CommandContext, isCommand, NOT_A_COMMAND, runCommand } from "./commands.ts";
import type { ErrorCode } from "./error-codes.ts";
import { Intake, type IntakeHost } from "./intake.ts";
import {
  FRAGMENT_FAULT,
  MAX_COMMAND_LENGTH,
  MISBEHAVED_CLOSE_MS,
  PING_FAULT,
  TURN_BYTES,
} from "./limits.ts";
import { type Frame, Outlet, type OutletHost } from "./outlet.ts";
import { whenFirstRead } from "./pieces.ts";
import type { Meter, Rates } from "./rates.ts";
import { resumptionOf } from "./resumption.ts";
import { counted, type Member, type Room } from "./room.ts";
import { isRoomName, MAX_ROOM_NAME } from "./room-name.ts";
import type { Policies, RoomPolicy } from "./room-policy.ts";
import type { RoomRefusal } from "./rooms.ts";
import type { Settings } from "./settings.ts";

/** Version of the protocol that `joined` announces. */
export const PROTOCOL = 1;

/** What a close event says when there was no close frame (RFC 6455 §7.1.5). */
const ABNORMAL = 1_006;

/** What a session needs from its relay. */
export interface SessionHost extends OutletHost, IntakeHost {
  readonly settings: Settings;
  readonly log: Logger;
  /** Who may come into which room. */
  readonly policies: Policies;
  /** How fast each may send. */
  readonly rates: Rates;
  /** How those behave who come from an address. */
  readonly conduct: Conduct;
  /** Bytes of answers that this session may keep back while its socket takes no more. */
  readonly outboxShare: number;
  /** What sessions have encoded of histories, for all of them. */
  readonly slices: SliceCache;
  /** Takes a place in a room; see Rooms. */
  enter(document: Uint8Array, session: Session): Promise<Result<Room, RoomRefusal>>;
  leave(document: Uint8Array, session: Session): void;
  /** The session is in a room for the first time. */
  joined(session: Session): void;
  /** The socket is gone. */
  ended(session: Session): void;
}

interface Destination {
  readonly document: Uint8Array;
  /** The name that the session used; null when it named the document itself. */
  readonly room: string | null;
  /** What a program says of the place where it was last; undefined when it does not want to know of any. */
  readonly cursor?: unknown;
}

/** What a session has once its client has said something: ten thousand may come who never do. */
interface Works {
  readonly meter: Meter;
  readonly faults: Faults;
  readonly outlet: Outlet;
  readonly intake: Intake;
}

/** One connection to a relay. */
export class Session implements Member {
  readonly peer: string;
  readonly #socket: WebSocket;
  readonly #host: SessionHost;
  #ownLog: Logger | null = null;
  #kind: Member["kind"] = "program";
  #room: Room | null = null;
  #roomName: string | null = null;
  #sync: SyncSession | null = null;
  /** What the documents that this socket was in have cost; joining one again does not refill it. */
  readonly #budgets = new WeakMap<Room["history"], ResendBudget>();
  /** Bytes sent since others had a turn, which they have after each tick. */
  #sentBytes = 0;
  #isYielding = false;
  /** Read through `#works`, which makes it, but by who only looks. */
  #made: Works | null = null;
  #isStalled = false;
  /** The frame that is handled now, or was last, is text. */
  #handlesText = false;
  /** It has asked for a room before. */
  #hasEntered = false;
  #isAlive = true;
  /** The socket is gone. */
  #isGone = false;
  #isClosed = false;
  #isLeft = false;
  #ending: Ending | null = null;
  readonly #joinTimer: NodeJS.Timeout;
  /** The host that the client has dialled; null when it is no name of this relay. */
  readonly #dialled: string | null;
  /** The client is asked who it is, and has not answered yet. */
  #challenge: Challenge<Destination> | null = null;
  /** The rules under which the room was entered. */
  #policy: RoomPolicy | null = null;

  /** `peer` labels who is at the other end in logs and quotas; `dialled` is what a proof of its key must name. */
  constructor(socket: WebSocket, peer: string, host: SessionHost, dialled: string | null = null) {
    this.#socket = socket;
    this.#dialled = dialled;
    this.peer = peer;
    this.#host = host;
    this.#joinTimer = setTimeout(() => {
      this.close("notJoined");
    }, host.settings.joinSeconds * 1_000).unref();
    socket.on("close", (code) => {
      this.#debug({ code }, "session closed");
      this.#ending ??= code === ABNORMAL ? "lost" : "client";
      this.#isGone = true;
      if (this.#made === null) this.#leave();
      else this.#made.intake.leave();
    });
    // Nothing that a socket meets may end the process; what is to be done about it is in #make.
    socket.on("error", ignore);
    whenFirstRead(socket, () => {
      const { intake } = this.#works;
      if (this.#isClosed) intake.end();
    });
  }

  /** What it takes to serve a client; a session is hardly more than its socket before. */
  get #works(): Works {
    return (this.#made ??= this.#make());
  }

  get #meter(): Meter {
    return this.#works.meter;
  }

  get #intake(): Intake {
    return this.#works.intake;
  }

  #make(): Works {
    const socket = this.#socket;
    const host = this.#host;
    const { peer } = this;
    const meter = host.rates.meter(peer);
    const outlet = new Outlet(socket, host, () => {
      this.#drained();
    });
    const intake = new Intake(socket, meter, host, {
      handle: (frame) => {
        this.#handle(frame);
      },
      foresee: (group) =>
        this.#sync === null ? null : (this.#room?.foresee(group, host.ahead) ?? null),
      guard: (step) => {
        this.#guard(step);
      },
      tooFast: (ms) => {
        this.#log.info({ ms }, "a session exceeds its rates by too much and is closed");
        this.close("tooFast");
      },
      emptied: () => {
        this.#leave();
      },
    });
    socket.on("message", (data: Buffer, isBinary) => {
      this.#isAlive = true;
      this.#blame((intake.pieces?.message(data.length) ?? 0) * FRAGMENT_FAULT);
      this.#guard(() => {
        intake.take(data, !isBinary);
      });
    });
    socket.on("pong", ({ length }) => {
      this.#isAlive = true;
      intake.pieces?.control(length);
      this.#blame(PING_FAULT);
    });
    socket.on("ping", ({ length }) => {
      intake.pieces?.control(length);
      this.#blame(PING_FAULT);
    });
    // What breaks the WebSocket protocol is closed by ws, with its own code.
    socket.on("error", (error) => {
      this.#debug({ error: error.message }, "socket error");
      const ending = endingOf(error);
      if (ending !== null) host.conduct.strike(peer);
      this.#ending ??= ending;
    });
    return { meter, outlet, intake, faults: host.conduct.faults() };
  }

  /** Made when there is something to tell: most sessions come and go without. */
  get #log(): Logger {
    return (this.#ownLog ??= this.#host.log.child({ peer: this.peer }));
  }

  get kind(): Member["kind"] {
    return this.#kind;
  }

  /** Bytes that wait for the other end to read them. */
  get unread(): number {
    return this.#made?.outlet.unread ?? 0;
  }

  /** Bytes that were received and are not stored yet. */
  get awaited(): number {
    return this.#made?.intake.awaited ?? 0;
  }

  /** How the session ended, once it has. */
  get ending(): Ending {
    return this.#ending ?? "lost";
  }

  /** Cuts a connection that has not answered the last ping, closes one that reads too slowly, and pings any other. */
  checkAlive(): void {
    if (this.#isGone) return;
    const waitedMs = this.#made?.outlet.waitedMs(performance.now()) ?? 0;
    if (!this.#isClosed && waitedMs > this.#host.settings.sendSeconds * 1_000) {
      this.#log.info({ waitedMs }, "slow reader");
      this.close("slowReader");
      return;
    }
    this.#guard(() => this.#sync?.tellCursor());
    // While the socket is not read, no answer can come.
    if (this.#isAlive || this.#socket.isPaused) {
      this.#isAlive = false;
      if (!this.#isClosed) this.#socket.ping();
    } else {
      this.#log.info("a session does not answer any more and is cut");
      this.#ending ??= "cut";
      this.#socket.terminate();
    }
  }

  /** Takes nothing in any more, but can still be told what became of what it took. */
  drain(): void {
    this.#intake.drain();
    if (this.#isGone) this.#leave();
  }

  /** Reads nothing from the socket until it is let go again. */
  hold(isHeld: boolean): void {
    this.#intake.hold(isHeld);
  }

  /** Ends the session in one of the documented ways; with `retryMs` it is told when to come back. */
  close(name: CloseName, retryMs?: number): void {
    if (this.#isClosed) return;
    this.#ending ??= name;
    const { code } = CLOSE[name];
    const reason = reasonOf(CLOSE[name], retryMs);
    this.#end();
    this.#debug({ code, reason }, "session is closed by the relay");
    this.#made?.outlet.flush();
    this.#socket.close(code, reason);
    if (name === "misbehaves") {
      // What else it sends is not read, and so its answer is not either.
      this.#socket.pause();
      setTimeout(() => {
        this.#socket.terminate();
      }, MISBEHAVED_CLOSE_MS).unref();
    } else if (this.#socket.isPaused) {
      // The answer to our close frame must be read.
      this.#socket.resume();
    }
  }

  /** Goes by the rules of its room as they are now; true when it must join again because they have changed. */
  heedRules(): boolean {
    const room = this.#room;
    if (room === null) return false;
    const policy = this.#host.policies.of(room.document);
    if (policy === this.#policy) return false;
    this.#policy = policy;
    if (this.#kind === "program" || policy.asksWho) return true;
    this.#send(`* the rules have changed; ${policy.summary ?? "everybody may write"}`);
    return false;
  }

  /** Cuts the connection without more words. */
  terminate(): void {
    this.#ending ??= "cut";
    this.#end();
    this.#socket.terminate();
    if (this.#isGone) this.#leave();
  }

  acknowledge(ids: readonly Uint8Array[]): void {
    this.#guard(() => this.#sync?.acknowledge(ids));
  }

  push({ group, indexes, parts }: LiveBatch): void {
    this.#guard(() => this.#sync?.push(group, indexes, parts));
  }

  tell(news: string): void {
    if (this.unread <= this.#host.settings.sendSoftBytes) this.#send(news);
  }

  await(bytes: number): void {
    this.#intake.await(bytes);
  }

  #debug(fields: object, what: string): void {
    if (this.#host.log.isLevelEnabled("debug")) this.#log.debug(fields, what);
  }

  /** A mistake of ours costs this session and never the process. */
  #guard(step: () => void): void {
    if (this.#isClosed) return;
    try {
      step();
    } catch (error) {
      this.#log.error({ err: error }, "an internal error; the session is closed");
      this.close("internal");
    }
  }

  /** Something came that no program sends which keeps to the protocol, or a part of that; or less of it waits. */
  #blame(faults: number): void {
    if (faults === 0 || this.#isClosed || !this.#works.faults.add(faults, performance.now()))
      return;
    this.#log.info("a session sends too much that no correct client sends, and is closed");
    this.#host.conduct.strike(this.peer);
    this.close("misbehaves");
  }

  /** The socket is gone and all that came from it is taken. */
  #leave(): void {
    this.#end();
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#host.ended(this);
  }

  #handle(frame: string | Uint8Array): void {
    this.#handlesText = typeof frame === "string";
    if (this.#challenge !== null) {
      this.#prove(this.#challenge, frame);
    } else if (typeof frame !== "string") {
      if (this.#sync !== null) this.#sync.receive(frame);
      else this.#refuse("not_joined", 'join a room first: {"type":"join","room":"main"}');
    } else if (isCommand(frame)) {
      runCommand(frame, this.#commands());
    } else if (!this.#handleJoin(frame)) {
      if (this.#sync !== null) this.#sync.receive(frame);
      else this.#refuseText(frame);
    }
  }

  /** Handles a frame that is a join; false when it is something else. */
  #handleJoin(text: string): boolean {
    if (text.length > MAX_COMMAND_LENGTH || !text.includes('"join"')) return false;
    const message = parseObject(text);
    if (message?.["type"] !== "join") return false;
    const { room, document, cursor } = message;
    if (room === undefined && typeof document === "string" && /^[0-9a-f]{64}$/u.test(document)) {
      this.#approach({
        document: fromHex(document) ?? documentId(document),
        room: null,
        cursor,
      });
    } else if (document === undefined && typeof room === "string" && isRoomName(room)) {
      this.#approach({ document: documentId(room), room, cursor });
    } else {
      this.#refuse("bad_join", 'a join names a room or a document: {"type":"join","room":"main"}');
    }
    return true;
  }

  #refuseText(text: string): void {
    if (!text.startsWith("{")) {
      this.#send(NOT_A_COMMAND);
      return;
    }
    const message = text.length <= MAX_COMMAND_LENGTH ? parseObject(text) : null;
    if (message === null) this.#refuse("malformed", "this is not a control message");
    else this.#refuse("not_joined", 'join a room first: {"type":"join","room":"main"}');
  }

  /** Lets a program into a room, or asks it first who it is. */
  #approach(destination: Destination): void {
    if (!this.#host.policies.of(destination.document).asksWho) {
      void this.#enter(destination, "program");
      return;
    }
    this.#leaveRoom();
    if (this.#dialled === null) {
      this.#turnAway(WRONG_HOST, "program");
      return;
    }
    const { joinSeconds } = this.#host.settings;
    this.#challenge = new Challenge(destination, this.#dialled, joinSeconds, () => {
      this.close("notProven");
    });
    this.#send(this.#challenge.question);
  }

  /** Takes the answer to a challenge, whatever it is. */
  #prove(challenge: Challenge<Destination>, frame: string | Uint8Array): void {
    this.#challenge = null;
    const { destination } = challenge;
    const proven = challenge.take(frame);
    if (!proven.ok) {
      this.#meter.refusedProof();
      this.#turnAway(proven.error, "program");
    } else if (!this.#host.policies.of(destination.document).admits(proven.value)) {
      this.#turnAway(NOT_ALLOWED, "program");
    } else {
      this.#log.info({ author: proven.value }, "proved its key");
      void this.#enter(destination, "program");
    }
  }

  async #enter({ document, room: name, cursor }: Destination, kind: Member["kind"]): Promise<void> {
    this.#leaveRoom();
    if (this.#hasEntered) this.#intake.slowDown(this.#meter.rejoins());
    this.#hasEntered = true;
    this.#intake.block();
    const policy = this.#host.policies.of(document);
    const entered = await this.#host.enter(document, this);
    this.#intake.unblock();
    // Who came in under other rules may not be who may come in now.
    if (this.#host.policies.of(document) !== policy) this.close("rulesChanged");
    this.#policy = policy;
    if (this.#isClosed) {
      if (entered.ok) this.#host.leave(document, this);
      return;
    }
    const start = performance.now();
    this.#guard(() => {
      if (entered.ok) this.#settle(entered.value, name, kind, cursor);
      else this.#turnAway(entered.error, kind);
    });
    // It comes in no turn of its own, and is paid for all the same.
    this.#intake.worked(performance.now() - start);
  }

  #settle(room: Room, name: string | null, kind: Member["kind"], cursor?: unknown): void {
    clearTimeout(this.#joinTimer);
    this.#room = room;
    this.#roomName = name;
    this.#kind = kind;
    room.enter(this);
    this.#host.joined(this);
    this.#meter.enter(room);
    const document = toHex(room.document);
    this.#log.info({ document, room: name ?? undefined, kind }, "joined");
    if (kind === "person") {
      this.#send(this.#welcome(room));
      return;
    }
    let budget = this.#budgets.get(room.history);
    if (budget === undefined) {
      const { resendBytes } = this.#host.settings;
      budget = new ResendBudget(room.history, { resentBytes: resendBytes });
      this.#budgets.set(room.history, budget);
    }
    const resumption = resumptionOf(room, cursor, budget.covered);
    this.#send(
      JSON.stringify({
        type: "joined",
        ...(name === null ? {} : { room: name }),
        document,
        protocol: PROTOCOL,
        ...this.#policy?.announcement,
        ...resumption?.fields,
      }),
    );
    this.#sync = new SyncSession({
      history: room.history,
      peer: this.peer,
      send: (frame) => this.#send(frame),
      receiveGroup: (group) => {
        const { arrival, verified } = this.#intake;
        const received = room.receive(group, this, arrival, verified);
        this.#intake.slowDown(this.#meter.judged(received, group.length, room));
        this.#blame(faultsOf(received));
        return received;
      },
      onHeads: (ids) => {
        room.acknowledge(ids, this);
      },
      onQuestion: () => {
        this.#intake.slowDown(this.#meter.asks());
      },
      onUnasked: () => {
        this.#blame(1);
      },
      onError: (code, detail) => {
        this.#log.debug({ code, detail }, "fault");
        // What is wrong with a group was counted when it was received.
        if (this.#handlesText && (code === "malformed" || code === "too_large")) this.#blame(1);
      },
      outboxBytes: () => this.#host.outboxShare,
      sliceBytes: TURN_BYTES,
      slices: this.#host.slices,
      budget,
      ...(resumption === null ? {} : { cursorAt: (position) => room.cursorAt(position) }),
    });
    const from = resumption?.from ?? null;
    if (from === null) this.#sync.open();
    else this.#sync.recover(from);
  }

  #turnAway({ code, detail, close }: RoomRefusal | Unproven, kind: Member["kind"]): void {
    if (kind === "person") this.#send(`error: ${detail}`);
    else this.#refuse(code, detail);
    this.close(close);
  }

  #commands(): CommandContext {
    return {
      join: (room) => {
        if (isRoomName(room)) this.#look({ document: documentId(room), room });
        else this.#send(`error: a room's name has 1 to ${MAX_ROOM_NAME} characters`);
      },
      leave: () => {
        const wasIn = this.#room !== null;
        this.#leaveRoom();
        return wasIn;
      },
      who: () => (this.#room === null ? null : `${this.#title(this.#room)}: ${this.#room.company}`),
      reply: (text) => {
        this.#send(text);
      },
    };
  }

  /** Lets a person into a room that asks nobody for a key. */
  #look(destination: Destination): void {
    if (this.#host.policies.of(destination.document).asksWho) this.#send(NOT_FOR_PEOPLE);
    else void this.#enter(destination, "person");
  }

  #welcome(room: Room): string {
    const { length } = room.history;
    const changes =
      length === 0
        ? "no changes yet"
        : `${counted(length, "change")} by ${counted(room.authors, "author")}`;
    const summary = this.#policy?.summary ?? null;
    const rules = summary === null ? "" : `; ${summary}`;
    return `joined ${this.#title(room)} (document ${toHex(room.document).slice(0, 8)}): ${changes}; ${room.company}${rules}`;
  }

  #title(room: Room): string {
    return this.#roomName === null
      ? `document ${toHex(room.document).slice(0, 8)}`
      : `room ${JSON.stringify(this.#roomName)}`;
  }

  #refuse(code: ErrorCode, detail: string): void {
    this.#send(JSON.stringify({ type: "error", code, detail }));
    if (code === "malformed" || code === "bad_join" || code === "not_joined") this.#blame(1);
  }

  /** Hands a frame to the socket, which takes it in any case; false when it is full and resume() follows later. */
  #send(frame: Frame): boolean {
    if (this.#isClosed || this.#socket.readyState !== WebSocket.OPEN) return false;
    const { sendSoftBytes, sendHardBytes } = this.#host.settings;
    const { outlet } = this.#works;
    if (outlet.isFlushed) this.#sentBytes = 0;
    outlet.send(frame);
    const { unread } = this;
    if (unread > sendHardBytes) {
      this.#log.info({ unread }, "slow reader");
      this.close("slowReader");
      return false;
    }
    if (unread > sendSoftBytes) this.#isStalled = true;
    this.#sentBytes += frame.length;
    if (this.#sentBytes >= TURN_BYTES) this.#yield();
    return !this.#isStalled;
  }

  /** A fast reader never fills its socket; others have a turn all the same. */
  #yield(): void {
    this.#isStalled = true;
    if (this.#isYielding) return;
    this.#isYielding = true;
    this.#host.turns.next(() => {
      this.#isYielding = false;
      this.#sentBytes = 0;
      this.#drained();
    }, this.#intake.dueInMs);
  }

  #drained(): void {
    if (!this.#isStalled || this.#isYielding || this.unread > this.#host.settings.sendSoftBytes / 2)
      return;
    this.#isStalled = false;
    this.#guard(() => this.#sync?.resume());
  }

  #leaveRoom(): void {
    const room = this.#room;
    if (room === null) return;
    this.#sync?.close();
    this.#sync = null;
    this.#room = null;
    room.leave(this);
    this.#intake.pay();
    this.#meter.enter(null);
    this.#host.leave(room.document, this);
  }

  #end(): void {
    this.#isClosed = true;
    clearTimeout(this.#joinTimer);
    this.#challenge?.end();
    this.#made?.meter.close();
    this.#made?.intake.end();
    this.#leaveRoom();
  }
}

function ignore(): void {
  // Somebody else hears of it, too.
}

/** The own fields of a JSON object, or null for any other text. */
function parseObject(text: string): { readonly [key: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    // A key like __proto__ is data and must not reach what is inherited.
    return Object.assign(Object.create(null) as object, value) as {
      readonly [key: string]: unknown;
    };
  } catch {
    return null;
  }
}
