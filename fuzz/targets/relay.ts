/**
 * A relay's rooms and sessions, in process and without sockets: whatever clients send, joins, commands and frames, no
 * session fails from within, every answer is of a known form, and an honest client still gets its change acknowledged.
 */
import { EventEmitter } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { WebSocket } from "ws";
import { DOCUMENT, freshChanges, groupOf, makeChanges, schemaOf } from "../history.ts";
import type { MadeChange } from "../history.ts";
import { toHex } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import { parseMessage, SliceCache } from "../../packages/bft-json-crdt/src/sync/index.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { EmbeddedBackplane } from "../../packages/crdt-relayer/src/backplane.ts";
import { CLOSE } from "../../packages/crdt-relayer/src/close-codes.ts";
import { MemoryLevel } from "../../packages/crdt-relayer/src/memory-level.ts";
import { Outlets } from "../../packages/crdt-relayer/src/outlet.ts";
import { Ahead } from "../../packages/crdt-relayer/src/ahead.ts";
import { Conduct } from "../../packages/crdt-relayer/src/conduct.ts";
import { Pauses } from "../../packages/crdt-relayer/src/pauses.ts";
import { Rates } from "../../packages/crdt-relayer/src/rates.ts";
import { Rooms } from "../../packages/crdt-relayer/src/rooms.ts";
import { Session } from "../../packages/crdt-relayer/src/session.ts";
import { Policies } from "../../packages/crdt-relayer/src/room-policy.ts";
import type { SessionHost } from "../../packages/crdt-relayer/src/session.ts";
import { completeSettings } from "../../packages/crdt-relayer/src/settings.ts";
import { Turns } from "../../packages/crdt-relayer/src/turns.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asIndex, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";
import { frameOf, freshCursor, freshMessage, MESSAGE_WORDS } from "./messages.ts";

/** Opens a session on a socket; a test may open broken ones. */
export type OpenRelaySession = (socket: WebSocket, peer: string, host: SessionHost) => Session;

const CLIENTS = 3;

/** Frames of one input at most. */
const MAX_FRAMES = 40;

/** Turns of the event loop in which an honest client must be answered. */
const MAX_TURNS = 200;

/** Codes of errors that a relay answers with (docs/wire-format.md 15.1, 15.2), besides those of changes. */
const CODES: ReadonlySet<string> = new Set([
  ...["bad_join", "not_joined", "too_many_rooms", "room_full", "room_damaged", "stopping"],
  ...["malformed", "too_large", "unknown_type", "flooding", "unsupported_version"],
  ...["wrong_document", "bad_signature", "missing_signature", "wrong_prev", "wrong_lamport"],
  ...["rejected_dependency", "over_quota"],
]);

const CLOSE_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE).map(({ code }) => code));

/** A relay. Input: `{changes, frames: [{who, text | group | bytes | gone}, …]}`. */
export function relayTarget(
  open: OpenRelaySession = (socket, peer, host) => new Session(socket, peer, host),
): Target {
  return {
    name: "relay",
    about: "joins, commands, messages and groups, sent to a relay's rooms by several clients",
    words: MESSAGE_WORDS,
    fresh,
    run: (input) => run(input, open),
  };
}

/** As much of a WebSocket as a session uses. */
class FakeSocket extends EventEmitter {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  isPaused = false;
  readonly got: (string | Uint8Array)[] = [];
  closedWith: number | null = null;

  send(frame: string | Uint8Array, _options: unknown, written: () => void): void {
    this.got.push(frame);
    queueMicrotask(written);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number): void {
    this.closedWith = code;
    this.emit("close", code);
  }

  ping(): void {
    this.emit("pong");
  }

  terminate(): void {
    this.close(1006);
  }

  /** What a client sends. */
  feed(frame: string | Uint8Array): void {
    if (this.closedWith !== null) return;
    this.emit("message", Buffer.from(frame), typeof frame !== "string");
  }
}

/** Log lines of a relay that must never be written. */
class Faults {
  readonly found: string[] = [];
  readonly log: SessionHost["log"];

  constructor() {
    const silent = (): void => undefined;
    const noted = (what: unknown, message?: string): void => {
      const { err } = (what ?? {}) as { readonly err?: unknown };
      this.found.push(`${message ?? ""} ${err instanceof Error ? err.message : ""}`);
    };
    const log = { debug: silent, info: silent, warn: silent, error: noted, fatal: noted };
    this.log = Object.assign(log, {
      child: () => this.log,
      isLevelEnabled: () => true,
    }) as unknown as SessionHost["log"];
  }
}

async function run(input: Tree, open: OpenRelaySession): Promise<void> {
  const changes = makeChanges(fieldOf(input, "changes"));
  const faults = new Faults();
  const settings = completeSettings(
    { data: ":memory:", roomGraceSeconds: 60, sessionFaults: 0 },
    {},
  );
  const roomHost = {
    received: () => undefined,
    storingFailed: (error: unknown) => faults.found.push(`storing failed: ${String(error)}`),
  };
  const rooms = new Rooms(new EmbeddedBackplane(new MemoryLevel()), settings, roomHost, faults.log);
  const host: SessionHost = {
    settings,
    log: faults.log,
    turns: new Turns(),
    outlets: new Outlets(),
    policies: new Policies(settings),
    rates: new Rates(() => settings),
    conduct: new Conduct(() => settings),
    ahead: new Ahead(),
    pauses: new Pauses(),
    inboxShare: settings.sessionInboxBytes,
    outboxShare: settings.sendSoftBytes,
    slices: new SliceCache(100_000),
    sending: () => undefined,
    sent: () => undefined,
    enter: (document) => rooms.enter(document),
    leave: (document) => {
      rooms.leave(document);
    },
    joined: () => undefined,
    ended: () => undefined,
  };
  const sockets: FakeSocket[] = [];
  const sessions: Session[] = [];
  const connect = (who: number): FakeSocket => {
    const socket = new FakeSocket();
    sockets.push(socket);
    sessions.push(open(socket as unknown as WebSocket, `client ${who}`, host));
    return socket;
  };
  const clients = Array.from({ length: CLIENTS }, (_, who) => connect(who));
  try {
    for (const frame of asArray(fieldOf(input, "frames")).slice(0, MAX_FRAMES)) {
      const who = asIndex(fieldOf(frame, "who"), CLIENTS);
      if (fieldOf(frame, "gone") === true) {
        clients[who]!.terminate();
        clients[who] = connect(who);
      } else {
        clients[who]!.feed(frameFrom(frame, changes));
      }
      if (asIndex(fieldOf(frame, "wait"), 4) === 0) await nextTurn();
    }
    await checkService(connect(CLIENTS));
    promise(faults.found.length === 0, `the relay says: ${faults.found[0] ?? ""}`);
    for (const socket of sockets) checkAnswers(socket);
  } finally {
    for (const session of sessions) session.terminate();
    await rooms.close();
  }
}

/** An honest client joins a room of its own choice, sends a change and waits for its acknowledgement. */
async function checkService(socket: FakeSocket): Promise<void> {
  const [change] = makeChanges([{ author: 0, chain: 7, ops: [] }]);
  socket.feed(JSON.stringify({ type: "join", document: toHex(DOCUMENT) }));
  socket.feed(change!.group);
  const isAcknowledged = (): boolean =>
    socket.got.some((frame) => {
      const message = typeof frame === "string" ? parseMessage(frame) : null;
      if (message === null || !message.ok || message.value.type !== "ack") return false;
      return message.value.ids.some((id) => toHex(id) === toHex(change!.id));
    });
  for (let turns = 0; turns < MAX_TURNS && !isAcknowledged(); turns++) await nextTurn();
  promise(isAcknowledged(), "an honest client's change is not acknowledged");
}

function checkAnswers({ got, closedWith }: FakeSocket): void {
  promise(
    closedWith === null || closedWith === 1006 || CLOSE_CODES.has(closedWith),
    "a new close code",
  );
  for (const frame of got) {
    if (typeof frame !== "string") continue;
    if (!frame.startsWith("{")) {
      promise(frame.length < 16_384, "a person is answered at too great a length");
      continue;
    }
    const { type, code } = JSON.parse(frame) as { type?: unknown; code?: unknown };
    const isError = type === "error" && typeof code === "string";
    if (isError) promise(CODES.has(code), `the code ${code} is new`);
    else promise(type === "joined" || parseMessage(frame).ok, "an answer of a new form");
  }
}

function frameFrom(frame: Tree, changes: readonly MadeChange[]): string | Uint8Array {
  const bytes = fieldOf(frame, "bytes");
  if (bytes instanceof Uint8Array) return bytes;
  const group = fieldOf(frame, "group");
  if (group !== undefined) return groupOf(changes, group);
  return frameOf(fieldOf(frame, "text"), changes);
}

const COMMANDS = ["/join main", "/join", "/who", "/leave", "/help", "/joni", "hello", "", "{", "/"];

function fresh(choices: Choices): Tree {
  const changes = freshChanges(schemaOf(choices.below(2) + 4), choices, 6);
  const cursor = (): { readonly [key: string]: Tree } =>
    choices.oneIn(2) ? {} : { cursor: choices.pick<Tree>([null, "", 7, freshCursor(choices)]) };
  const join = (): Tree =>
    choices.oneIn(3)
      ? { type: "join", room: choices.pick(["main", "", "fuzz", "x".repeat(1_024), "\ud800"]) }
      : { type: "join", document: toHex(DOCUMENT), ...cursor() };
  const frames = Array.from({ length: 3 + choices.below(12) }, (_, n): Tree => {
    const who = choices.below(CLIENTS);
    const wait = choices.below(4);
    if (n < 2 || choices.oneIn(8)) return { who, wait, text: join() };
    switch (choices.below(6)) {
      case 0:
        return { who, wait, text: choices.pick(COMMANDS) };
      case 1:
        return { who, wait, bytes: Uint8Array.of(0x81, choices.below(256)) };
      case 2:
        return choices.oneIn(3) ? { who, gone: true } : { who, wait, text: "junk" };
      case 3:
        return { who, wait, text: freshMessage(changes.length, choices) };
      default:
        return { who, wait, group: choices.shuffle(changes.map((_, at) => at)).slice(0, 3) };
    }
  });
  return { changes, frames };
}
