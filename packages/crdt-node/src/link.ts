/**
 * One connection to one relay or peer, kept up for as long as the node runs: joins the room, lets an Exchange speak, and
 * comes back with jittered backoff. It only moves bytes.
 *
 * A WebSocket (RFC 6455): text frames are control messages, binary frames are groups of changes.
 */
import { fromHex } from "bft-json-crdt";
import { WebSocket } from "ws";
import { LONGEST_FAULTY_WAIT_MS, LONGEST_WAIT_MS, toldWait, waitBefore } from "./backoff.ts";
import {
  CLOSE_MS,
  type Connection,
  Exchange,
  type ExchangeHost,
  type LinkState,
  MANY_FRAMES_AT_ONCE,
  MAX_FRAME_BYTES,
} from "./exchange.ts";
import type { Cursors } from "./cursors.ts";

import { RoomRules } from "./room-rules.ts";

export type { LinkState } from "./exchange.ts";

/** A signature that shows whose node this is; both in hex. */
export interface Proof {
  readonly author: string;
  readonly signature: string;
}

/** What a link needs from the node that it belongs to. */
export interface LinkHost extends ExchangeHost {
  /** Tells peers, and nobody else, whom they talk to, so that a node that connects to itself finds out. */
  readonly instance: string;
  /** This node's key, in hex. */
  readonly key: string;
  /** Where the node was in the logs of its relays, as far as it has kept that. */
  readonly cursors: Cursors;
  /** Signs a relay's nonce (32 bytes), for the node's own document and the host that was dialled, and nothing else. */
  prove(nonce: Uint8Array, host: string): Proof;
  /** The state has changed; `reason` says why a connection was lost or could not be made, or what it does not take. */
  linkChanged(link: Link, reason: string | null): void;
}

/** Milliseconds for the connection to be made, and again for the other end to let us in. */
const HANDSHAKE_MS = 10_000;

/** Milliseconds after which a connection that is not open is given up, whatever comes on it. */
const CONNECT_MS = 2 * HANDSHAKE_MS;

/** Characters of what a relay gives as its reason that are shown. */
const MAX_DETAIL_CHARACTERS = 200;

/** A connection to a relay or a peer that is made again whenever it breaks. */
export class Link implements Connection {
  readonly url: string;
  readonly kind: "relay" | "peer";
  readonly #host: LinkHost;
  #state: LinkState = "connecting";
  #socket: WebSocket | null = null;
  #exchange: Exchange | null = null;
  /** The relay was told where this node was in its log. */
  #hasCursor = false;
  #attempt = 0;
  /** Milliseconds: no wait is longer, and who lets us stay for so long has a new start. */
  #longestWait = LONGEST_WAIT_MS;
  #joinedAt = Infinity;
  /** Nobody has a reason to ask twice on one connection. */
  #hasProven = false;
  #retry: NodeJS.Timeout | null = null;
  #handshake: NodeJS.Timeout | null = null;

  constructor(url: string, host: LinkHost, kind: Link["kind"] = "relay") {
    this.url = url;
    this.kind = kind;
    this.#host = host;
  }

  get payer(): string {
    return this.url;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Begins to connect; returns at once. */
  open(): void {
    if (this.#state === "closed") return;
    this.#retry = null;
    this.#setState("connecting", null);
    const socket = new WebSocket(this.url, {
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      allowSynchronousEvents: MANY_FRAMES_AT_ONCE,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    // The time of the socket's own handshake begins anew with each byte that comes.
    this.#handshake = setTimeout(() => {
      this.#drop(socket, "it did not answer in time");
    }, CONNECT_MS);
    let reason: string | null = null;
    socket.on("open", () => {
      if (this.#socket === socket) this.#join(socket);
    });
    socket.on("message", (data: Buffer, isBinary) => {
      if (this.#socket === socket) this.#receive(socket, isBinary ? data : data.toString("utf8"));
    });
    socket.on("error", (error) => {
      reason ??= explain(error, this.kind);
    });
    socket.on("close", (code, text) => {
      if (this.#socket !== socket) return;
      const words = text.toString("utf8");
      this.#lost(reason ?? closeReason(code, words), toldWait(words));
    });
  }

  push(group: Uint8Array, indexes: readonly number[]): void {
    this.#exchange?.push(group, indexes);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#stopTimers();
    this.#state = "closed";
    this.#exchange?.close();
    this.#exchange = null;
    this.#socket = null;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const cut = setTimeout(() => {
        socket.terminate();
      }, CLOSE_MS);
      socket.once("close", () => {
        clearTimeout(cut);
        resolve();
      });
      socket.close(1000);
    });
  }

  #join(socket: WebSocket): void {
    this.#setState("joining", null);
    if (this.#handshake !== null) clearTimeout(this.#handshake);
    this.#handshake = setTimeout(() => {
      this.#drop(socket, "it did not let us into the room in time");
    }, HANDSHAKE_MS);
    this.#hasProven = false;
    const { room, instance, cursors } = this.#host;
    this.#hasCursor = this.kind === "relay" && cursors.get(this.url) !== undefined;
    // Peers have no order to come back to.
    const more = this.kind === "peer" ? { instance } : { cursor: cursors.get(this.url) ?? null };
    socket.send(JSON.stringify({ type: "join", room, ...more }));
    this.#exchange = new Exchange(socket, {
      host: this.#host,
      from: this,
      onSynced: () => {
        this.#setState("synced", null);
      },
      onCursor: (cursor) => {
        cursors.set(this.url, cursor);
      },
      onDeaf: (deafness) => {
        this.#drop(
          socket,
          deafness === "silent" ? "it has gone silent" : "it does not read what it is sent",
        );
      },
      onFaulty: () => {
        // However long it behaved before, the waits go on growing from where they were.
        this.#joinedAt = Infinity;
        this.#longestWait = LONGEST_FAULTY_WAIT_MS;
        this.#drop(socket, "too much of what it sends is wrong");
      },
    });
  }

  #receive(socket: WebSocket, frame: string | Uint8Array): void {
    if (this.#exchange?.hasBegun === true) {
      this.#exchange.receive(frame);
      return;
    }
    const answer = typeof frame === "string" ? readJoinAnswer(frame) : null;
    if (answer === null) return;
    if (answer.kind === "error") {
      this.#drop(socket, `it does not let us in: ${answer.detail}`);
      return;
    }
    if (answer.kind === "challenge") {
      this.#prove(socket, answer.nonce);
      return;
    }
    if (answer.document !== Buffer.from(this.#host.history.document).toString("hex")) {
      this.#drop(socket, `its room "${this.#host.room}" holds another document`);
      return;
    }
    if (this.#handshake !== null) clearTimeout(this.#handshake);
    this.#handshake = null;
    this.#joinedAt = performance.now();
    const notice = answer.rules.notice(this.#host.key);
    this.#setState("syncing", notice?.detail ?? null);
    if (notice !== null) this.#host.linkReported(this, notice.code, notice.detail);
    this.#exchange?.begin(this.#hasCursor && answer.recovered, answer.rules);
  }

  /** Shows whose node this is, once, and only to who asks as a relay does. */
  #prove(socket: WebSocket, nonce: Uint8Array | null): void {
    if (nonce === null || this.#hasProven) {
      this.#drop(socket, "it asks for a signature that no relay needs");
      return;
    }
    this.#hasProven = true;
    // As it stands in the Host header, which the relay compares.
    const proof = this.#host.prove(nonce, new URL(this.url).host);
    socket.send(JSON.stringify({ type: "proof", ...proof }));
  }

  #drop(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return;
    socket.terminate();
    this.#lost(reason);
  }

  /** `told` is how many milliseconds the other end asked us to stay away. */
  #lost(reason: string, told = 0): void {
    this.#stopTimers();
    this.#socket = null;
    this.#exchange?.close();
    this.#exchange = null;
    // A relay that lets us in only to hang up at once is not tried more often than one that is not there.
    if (performance.now() - this.#joinedAt >= this.#longestWait) {
      this.#attempt = 0;
      this.#longestWait = LONGEST_WAIT_MS;
    }
    this.#joinedAt = Infinity;
    this.#setState("waiting", reason);
    this.#retry = setTimeout(
      () => {
        this.open();
      },
      told + waitBefore(this.#attempt, Math.random, this.#longestWait),
    );
    this.#attempt++;
  }

  #stopTimers(): void {
    for (const timer of [this.#retry, this.#handshake]) {
      if (timer !== null) clearTimeout(timer);
    }
    this.#retry = null;
    this.#handshake = null;
  }

  #setState(state: LinkState, reason: string | null): void {
    if (this.#state === "closed" || (this.#state === state && reason === null)) return;
    this.#state = state;
    this.#host.linkChanged(this, reason);
  }
}

type JoinAnswer =
  | {
      readonly kind: "joined";
      readonly document: string;
      readonly recovered: boolean;
      readonly rules: RoomRules;
    }
  /** The nonce is null when it is none. */
  | { readonly kind: "challenge"; readonly nonce: Uint8Array | null }
  | { readonly kind: "error"; readonly detail: string };

/** A relay's answer to the join; null for anything else, which is for later versions to understand. */
function readJoinAnswer(frame: string): JoinAnswer | null {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const message = value as { readonly [key: string]: unknown };
  const { document, recovered } = message;
  if (message["type"] === "joined" && typeof document === "string") {
    const rules = RoomRules.read(message);
    return { kind: "joined", document, recovered: recovered === true, rules };
  }
  if (message["type"] === "challenge") {
    const { nonce } = message;
    const isNonce = typeof nonce === "string" && /^[0-9a-f]{64}$/u.test(nonce);
    return { kind: "challenge", nonce: isNonce ? fromHex(nonce) : null };
  }
  if (message["type"] === "error") {
    const { detail } = message;
    return {
      kind: "error",
      detail:
        typeof detail === "string" ? detail.slice(0, MAX_DETAIL_CHARACTERS) : "no reason given",
    };
  }
  return null;
}

const CONNECT_REASONS: { readonly [code: string]: string } = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the host's name could not be looked up",
  ETIMEDOUT: "it did not answer",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no network",
  ECONNRESET: "the connection broke",
};

function explain(error: Error, kind: Link["kind"]): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const status = /Unexpected server response: (\d+)/u.exec(error.message)?.[1];
  if (status === "429") return "it takes nobody from here for a while";
  if (status !== undefined)
    return `it answered with HTTP status ${status}, not as a ${kind === "peer" ? "node" : "relay"}`;
  return CONNECT_REASONS[code] ?? (error.message === "" ? code : error.message);
}

function closeReason(code: number, text: string): string {
  if (text !== "") return `it closed the connection: ${text} (${code})`;
  // 1005 and 1006 are never sent: they stand for a close without a code, and for a connection that just ended.
  return code === 1005 || code === 1006
    ? "the connection ended"
    : `it closed the connection (${code})`;
}
