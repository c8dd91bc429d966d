/**
 * Every way in which a relay ends a connection: the WebSocket close code (RFC 6455 §7.4; 4000–4999 are private), what it
 * says, and whether the client should come back (after its usual backoff) or must change something first.
 */

/** One way to end a connection. */
export interface Close {
  readonly code: number;
  /** At most 123 bytes, as RFC 6455 demands. */
  readonly reason: string;
  readonly then: "reconnect" | "terminal";
}

/** All of them. */
export const CLOSE = {
  /** SIGTERM, SIGINT or close(): everything acknowledged is stored. */
  stopping: { code: 1001, reason: "the relay is stopping", then: "reconnect" },
  /** Sent by ws: the bytes are not the WebSocket protocol. */
  protocol: { code: 1002, reason: "", then: "terminal" },
  /** Sent by ws: a text frame is not UTF-8. */
  notText: { code: 1007, reason: "", then: "terminal" },
  /** Sent by ws: a message in too many fragments. */
  fragments: { code: 1008, reason: "", then: "terminal" },
  /** Sent by ws: a message over the greatest frame (--max-frame-bytes). */
  tooLarge: { code: 1009, reason: "", then: "terminal" },
  /** A mistake in the relay itself; it is in its log. */
  internal: { code: 1011, reason: "an internal error; reconnect", then: "reconnect" },
  /** --max-sessions are connected. */
  tooManySessions: { code: 1013, reason: "too many sessions; try again later", then: "reconnect" },
  /** --send-hard-bytes wait to be read, or something since --send-seconds. */
  slowReader: { code: 4000, reason: "slow reader, reconnect", then: "reconnect" },
  /** No room was joined within --join-seconds. */
  notJoined: { code: 4001, reason: "no room was joined in time", then: "terminal" },
  /** --max-rooms are in use; or somebody from elsewhere got this one, from where more were in use. */
  tooManyRooms: { code: 4002, reason: "too many rooms; try again later", then: "reconnect" },
  /** --max-room-sessions are in this room. */
  roomFull: { code: 4003, reason: "the room is full; try again later", then: "reconnect" },
  /** The room's part of the store cannot be read; whoever runs the relay must act. */
  roomDamaged: { code: 4004, reason: "the relay's copy of this room is damaged", then: "terminal" },
  /** The relay could not store changes and stops; nothing unstored was acknowledged. */
  storeFailed: {
    code: 4005,
    reason: "the relay cannot store changes and stops; reconnect",
    then: "reconnect",
  },
  /** --max-address-sessions are connected from there. */
  tooManyFromAddress: {
    code: 4006,
    reason: "too many sessions from this address; try again later",
    then: "reconnect",
  },
  /** The shared log cannot be reached: nothing could be acknowledged. Another relay may do better. */
  backplaneLost: {
    code: 4008,
    reason: "the relay cannot reach its log; reconnect",
    then: "reconnect",
  },
  /** It would have to wait longer than --rate-close-seconds to keep within its rates. */
  tooFast: {
    code: 4007,
    reason: "too much at once; reconnect, and send slower",
    then: "reconnect",
  },
  /** It sent more than --session-faults messages or changes that no program sends which keeps to the protocol. */
  misbehaves: {
    code: 4009,
    reason: "too much of what no correct client sends; see the errors before",
    then: "reconnect",
  },
  /** The room asks who comes (`readers`, or --authenticate), and no proof was the answer, or none in --join-seconds. */
  notProven: {
    code: 4020,
    reason: "this room asks for a key, and none was proven",
    then: "terminal",
  },
  /** The proof was made with another key, or for another nonce, document or host. */
  wrongProof: { code: 4021, reason: "the proof of the key is wrong", then: "terminal" },
  /** The relay was called by a name that it does not know as its own (--hosts), so that no proof can be checked. */
  wrongHost: { code: 4022, reason: "not a name of this relay", then: "terminal" },
  /** The key that was proven is neither among the readers of the room nor among its authors. */
  notAllowed: { code: 4023, reason: "this key may not come into the room", then: "terminal" },
  /** The rules of the room have changed; who joins again is told what they are now. */
  rulesChanged: {
    code: 4024,
    reason: "the rules of this room have changed; reconnect",
    then: "reconnect",
  },
} as const satisfies Record<string, Close>;

/**
 * The reason that a close frame carries. With a delay it ends in `; retry in 1234 ms`: the client should come back when so
 * many milliseconds have passed, and not before. Each client is told another time, so that they do not come all at once.
 */
export function reasonOf({ reason }: Close, retryMs?: number): string {
  return retryMs === undefined ? reason : `${reason}; retry in ${retryMs} ms`;
}

/** The name of one way to end a connection. */
export type CloseName = keyof typeof CLOSE;
