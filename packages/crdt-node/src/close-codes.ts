/**
 * Every way in which a node ends a connection that a peer made to it: the WebSocket close code (RFC 6455 §7.4; 4000–4999
 * are private) and what it says. Those that a relay has too are the same there. ws adds 1002, 1007, 1008 and 1009 for
 * what breaks the WebSocket protocol, is no UTF-8, comes in too many fragments, or is over the greatest frame.
 */

/** All of them. */
export const CLOSE = {
  /** Everything acknowledged is stored. */
  stopping: { code: 1001, reason: "the node is stopping" },
  /** A mistake in the node itself. */
  internal: { code: 1011, reason: "an internal error; reconnect" },
  /** --max-peers are connected. */
  tooManyPeers: { code: 1013, reason: "too many peers; try again later" },
  /** It reads nothing of what waits for it. */
  slowReader: { code: 4000, reason: "slow reader, reconnect" },
  /** No join came in time, or something else came first. */
  notJoined: { code: 4001, reason: "no room was joined" },
  /** The node serves another document. */
  otherRoom: { code: 4010, reason: "this node does not serve that room" },
  /** Too much of what it sent is what no honest peer sends. */
  tooManyFaults: { code: 4011, reason: "too much of what you send is wrong" },
  /** The node has connected to itself. */
  itself: { code: 4012, reason: "a node cannot be its own peer" },
} as const;

/** The name of one way to end a connection. */
export type CloseName = keyof typeof CLOSE;
