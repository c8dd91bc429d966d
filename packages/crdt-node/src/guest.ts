/**
 * One connection that a peer has made to this node. It must join the node's own room, in time and before anything else;
 * then it is an exchange like any other. Nothing that comes through the socket can throw beyond it.
 */
import { toHex } from "bft-json-crdt";
import { WebSocket } from "ws";
import { CLOSE, type CloseName } from "./close-codes.ts";
import { type Connection, Exchange, type ExchangeHost, type LinkState } from "./exchange.ts";
import type { PeerBounds } from "./limits.ts";

/** What a guest needs from the node. */
export interface GuestHost extends ExchangeHost {
  readonly instance: string;
  /** It has joined, has synced, or is gone. */
  guestChanged(guest: Guest): void;
}

/** Version of the protocol that `joined` announces; a relay announces the same. */
const PROTOCOL = 1;

/** UTF-16 units of a text in which a join is looked for: a room's name, and all of it escaped. */
const MAX_JOIN_LENGTH = 8_192;

/** One connection from a peer. */
export class Guest implements Connection {
  readonly url: string;
  readonly kind = "guest";
  /** The address without the port: who connects again and again has one budget. */
  readonly payer: string;
  readonly #socket: WebSocket;
  readonly #host: GuestHost;
  readonly #exchange: Exchange;
  readonly #onGone: (guest: Guest, wasFaulty: boolean) => void;
  readonly #joinTimer: NodeJS.Timeout;
  readonly #gone: Promise<void>;
  #state: LinkState = "joining";
  #isFaulty = false;

  /** `onGone` is called once, when nothing more is taken from it. */
  constructor(
    socket: WebSocket,
    { address, port }: { readonly address: string; readonly port: number },
    host: GuestHost,
    bounds: PeerBounds,
    onGone: (guest: Guest, wasFaulty: boolean) => void,
  ) {
    this.#socket = socket;
    this.#host = host;
    this.#onGone = onGone;
    this.payer = `guest ${address}`;
    this.url = `${address.includes(":") ? `[${address}]` : address}:${port}`;
    this.#exchange = new Exchange(socket, {
      host,
      from: this,
      silenceMs: bounds.silenceMs,
      onSynced: () => {
        this.#setState("synced");
      },
      onDeaf: (deafness) => {
        if (deafness === "slow") this.end("slowReader");
        else socket.terminate();
      },
      onFaulty: () => {
        this.#isFaulty = true;
        this.end("tooManyFaults");
      },
    });
    this.#joinTimer = setTimeout(() => {
      this.end("notJoined");
    }, bounds.joinMs);
    socket.on("message", (data: Buffer, isBinary) => {
      this.#take(isBinary ? data : data.toString("utf8"));
    });
    // What breaks the WebSocket protocol is closed by ws, with its own code.
    socket.on("error", () => undefined);
    this.#gone = new Promise((resolve) => {
      socket.once("close", () => {
        this.#leave();
        resolve();
      });
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  push(group: Uint8Array, indexes: readonly number[]): void {
    this.#exchange.push(group, indexes);
  }

  close(): Promise<void> {
    this.end("stopping");
    return this.#gone;
  }

  /** Ends it in one of the documented ways; what it still sends is not heard. */
  end(name: CloseName): void {
    this.#leave();
    const { code, reason } = CLOSE[name];
    // The server cuts what does not answer to that in time; a socket that is closing takes no second word.
    this.#socket.close(code, reason);
  }

  #take(frame: string | Uint8Array): void {
    if (this.#state === "closed") return;
    try {
      if (this.#exchange.hasBegun) this.#exchange.receive(frame);
      else this.#join(frame);
    } catch (error) {
      // A mistake of ours costs this connection and never the process.
      this.#host.linkReported(this, "internal", String(error));
      this.end("internal");
    }
  }

  #join(frame: string | Uint8Array): void {
    const { room, instance, history } = this.#host;
    const document = toHex(history.document);
    const join = typeof frame === "string" ? readJoin(frame) : null;
    if (join === null) {
      this.#refuse("not_joined", 'join a room first: {"type":"join","room":"main"}', "notJoined");
    } else if (join.instance === instance) {
      this.#refuse("itself", CLOSE.itself.reason, "itself");
    } else if (join.room === undefined ? join.document !== document : join.room !== room) {
      this.#refuse("other_room", CLOSE.otherRoom.reason, "otherRoom");
    } else {
      clearTimeout(this.#joinTimer);
      const named = join.room === undefined ? {} : { room };
      this.#send({ type: "joined", ...named, document, protocol: PROTOCOL });
      this.#setState("syncing");
      this.#exchange.begin();
    }
  }

  #refuse(code: string, detail: string, name: CloseName): void {
    this.#send({ type: "error", code, detail });
    this.end(name);
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #leave(): void {
    if (this.#state === "closed") return;
    clearTimeout(this.#joinTimer);
    this.#exchange.close();
    this.#setState("closed");
    this.#onGone(this, this.#isFaulty);
  }

  #setState(state: LinkState): void {
    this.#state = state;
    this.#host.guestChanged(this);
  }
}

interface Join {
  readonly room: string | undefined;
  readonly document: string | undefined;
  readonly instance: string | undefined;
}

/** Reads a join; null for anything else, and for one that names a room and a document, or neither. */
function readJoin(text: string): Join | null {
  if (text.length > MAX_JOIN_LENGTH) return null;
  let message: { readonly [key: string]: unknown };
  try {
    // Whatever is not an object has no fields.
    message = Object(JSON.parse(text)) as typeof message;
  } catch {
    return null;
  }
  if (message["type"] !== "join") return null;
  const [room, document, instance] = ["room", "document", "instance"].map((key) => {
    const field = message[key];
    return typeof field === "string" ? field : undefined;
  });
  return (room === undefined) === (document === undefined) ? null : { room, document, instance };
}
