/** A session on a socket that is only pretended, and all that it asks of its relay. */
import { EventEmitter } from "node:events";
import { type Result, SliceCache } from "bft-json-crdt";
import { pino } from "pino";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { Ahead } from "../src/ahead.ts";
import { EmbeddedBackplane } from "../src/backplane.ts";
import { MemoryLevel } from "../src/memory-level.ts";
import { Outlets } from "../src/outlet.ts";
import { Conduct } from "../src/conduct.ts";
import { Pauses } from "../src/pauses.ts";
import { Rates } from "../src/rates.ts";
import type { Room } from "../src/room.ts";
import { Policies } from "../src/room-policy.ts";
import { type RoomRefusal, Rooms } from "../src/rooms.ts";
import { Session, type SessionHost } from "../src/session.ts";
import { completeSettings, type Settings } from "../src/settings.ts";
import type { Step } from "../src/turns.ts";

/** As much of a WebSocket as a session uses. */
export class FakeSocket extends EventEmitter {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  isPaused = false;
  pings = 0;
  isCut = false;
  readonly frames: (string | Uint8Array)[] = [];
  readonly closes: { readonly code: number; readonly reason: string }[] = [];
  /** What to call when a frame has been read. */
  readonly written: (() => void)[] = [];

  send(frame: string | Uint8Array, _: object, done: () => void): void {
    this.frames.push(frame);
    this.written.push(done);
  }

  ping(): void {
    this.pings++;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  terminate(): void {
    this.isCut = true;
    this.emit("close", 1006);
  }
}

/** A session, with all that it asks of its relay. */
export class World implements SessionHost {
  readonly settings: Settings;
  readonly log = pino({ level: "silent" });
  readonly slices = new SliceCache(0);
  readonly steps: Step[] = [];
  /** In how many milliseconds each step was due that ever stood in line. */
  readonly dueInMs: number[] = [];
  readonly turns = {
    waiting: 0,
    atOnceMs: 0,
    pass: 0,
    worked: (): void => {
      // Nobody counts: a test says how much was done at once.
    },
    next: (step: Step, inMs = 0) => {
      this.steps.push(step);
      this.dueInMs.push(inMs);
    },
  };
  inboxShare = 1_000_000;
  outboxShare = 1_000_000;
  entered: string[] = [];
  /** Rooms that are being opened. */
  entering = 0;
  left = 0;
  endings = 0;
  onSending: () => void = () => undefined;
  readonly rooms: Rooms;
  readonly rates: Rates;
  readonly policies: Policies;
  readonly outlets = new Outlets();
  readonly ahead = new Ahead();
  readonly pauses = new Pauses();
  readonly conduct = new Conduct(() => this.settings);
  readonly socket: FakeSocket;
  readonly session: Session;

  constructor(
    given: Partial<Settings> = {},
    rates: Rates | null = null,
    peer = "peer",
    dialled: string | null = "relay.example",
    socket = new FakeSocket(),
  ) {
    this.socket = socket;
    this.settings = completeSettings({ data: ":memory:", sessionFaults: 0, ...given }, {});
    this.policies = new Policies(this.settings);
    const nobody = { received: () => undefined, storingFailed: () => undefined };
    this.rooms = new Rooms(
      new EmbeddedBackplane(new MemoryLevel()),
      this.settings,
      nobody,
      this.log,
      this.policies,
    );
    this.rates = rates ?? new Rates(() => this.settings);
    this.session = new Session(this.socket as unknown as WebSocket, peer, this, dialled);
    worlds.push(this);
  }

  sending(): void {
    this.onSending();
  }

  sent(): void {
    // Nobody counts.
  }

  enter(document: Uint8Array): Promise<Result<Room, RoomRefusal>> {
    this.entered.push(Buffer.from(document).toString("hex"));
    this.entering++;
    return this.rooms.enter(document).finally(() => this.entering--);
  }

  leave(document: Uint8Array): void {
    this.left++;
    this.rooms.leave(document);
  }

  joined(): void {
    // Nobody counts.
  }

  ended(): void {
    this.endings++;
  }

  /** A frame comes, in a pass of the event loop of its own. */
  get(frame: string | Uint8Array): void {
    this.turns.pass++;
    this.getToo(frame);
  }

  /** A frame comes in the same pass. */
  getToo(frame: string | Uint8Array): void {
    const isText = typeof frame === "string";
    this.socket.emit("message", Buffer.from(frame as string), !isText);
  }

  /** The frames that went out since this was asked last. */
  said(): (string | Uint8Array)[] {
    this.outlets.flush();
    return this.socket.frames.splice(0);
  }

  /** The code of the only answer since. */
  code(): unknown {
    const frames = this.said();
    expect(frames).toHaveLength(1);
    return (JSON.parse(String(frames[0])) as { readonly code?: unknown }).code;
  }

  /** Joins, and lets everything settle. */
  async join(join: object | string = { type: "join", room: "main" }): Promise<this> {
    this.get(typeof join === "string" ? join : JSON.stringify(join));
    // On a busy machine it may have used up its credit, and stands in line.
    do {
      this.turn();
      await settle();
    } while (this.entering > 0 || this.steps.length > 0);
    return this;
  }

  /** The steps that stand in line take their turn. */
  turn(): void {
    for (const step of this.steps.splice(0)) step();
  }
}

const worlds: World[] = [];

/** To be called after each test. */
export function endWorlds(): void {
  for (const { session } of worlds.splice(0)) session.terminate();
}

/** Whatever waits for nothing but its turn has happened. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
