/**
 * Every bound of a relay, with its unit and why it has that value. Those named DEFAULT are settings (see settings.ts);
 * the others are consequences of the format, or nobody needs to change them.
 */
import { MAX_GROUP_BYTES } from "bft-json-crdt";

/** Bytes of one frame, at least: the greatest group must always fit, and control messages are smaller. */
export const MIN_FRAME_BYTES = MAX_GROUP_BYTES + 65_536;

/** Rooms held in memory at once. A room is its history, some hundred bytes per change at least. */
export const DEFAULT_MAX_ROOMS = 1_000;

/** Connections at once: what one process serves with some 30 KiB each. */
export const DEFAULT_MAX_SESSIONS = 10_000;

/** Connections in one room at once: each change is written to each of them. */
export const DEFAULT_MAX_ROOM_SESSIONS = 5_000;

/** Bytes waiting for a slow reader, above which it is fed from the history when it has caught up: one large group. */
export const DEFAULT_SEND_SOFT_BYTES = 1_048_576;

/** Bytes waiting for a slow reader, above which it is closed: it asks for more than it reads. */
export const DEFAULT_SEND_HARD_BYTES = 16_777_216;

/** Seconds in which a connection must join a room: long enough for a person who reads /help first. */
export const DEFAULT_JOIN_SECONDS = 300;

/** Seconds between pings: below the minute after which proxies cut idle connections. */
export const DEFAULT_PING_SECONDS = 25;

/** Seconds that a room stays in memory after its last session: a node that reconnects finds it loaded. */
export const DEFAULT_ROOM_GRACE_SECONDS = 60;

/** Bytes of a session that are not stored yet, or wait for a room to load, above which its socket is not read. */
export const INBOX_BYTES = 4 * MAX_GROUP_BYTES;

/** Bytes that a waiting frame costs besides its content: without it, millions of empty frames would be free. */
export const FRAME_OVERHEAD_BYTES = 256;

/** Frames, and bytes of them, of one socket that are handled before others have a turn. */
export const TURN_FRAMES = 64;
export const TURN_BYTES = 262_144;

/** Changes that wait for others and whose senders are remembered, to acknowledge them when they are applied. */
export const MAX_AWAITED_CHANGES = 65_536;

/** Milliseconds in which news for people in a room are gathered: nobody reads faster. */
export const NEWS_MS = 250;

/** Bytes that wait in one room for what they build on: room for the deepest gap of several peers, times many rooms. */
export const ROOM_PENDING_BYTES = 16 * MAX_GROUP_BYTES;

/** UTF-16 units of a text in which a join or a command is looked for; longer ones can only be sync messages. */
export const MAX_COMMAND_LENGTH = 4_096;

/** Milliseconds for the closing handshake, after which the connection is cut. */
export const CLOSE_MS = 2_000;

/** Milliseconds for the store to take what is on its way when the relay stops; the process is stuck otherwise. */
export const DRAIN_MS = 10_000;
