/**
 * One connection to one relay, kept up for as long as the node runs: joins the room, lets a SyncSession speak, notices
 * when the other end has gone silent, and comes back with jittered backoff. It only moves bytes.
 *
 * A WebSocket (RFC 6455): text frames are control messages, binary frames are groups of changes.
 */
import {
  type History,
  MAX_GROUP_BYTES,
  type ReceivedGroup,
  ResendBudget,
  SyncSession,
} from "bft-json-crdt";
import { WebSocket } from "ws";
import { LONGEST_WAIT_MS, toldWait, waitBefore } from "./backoff.ts";
import { type Budgets, DEFAULT_BUDGETS } from "./limits.ts";

/** What a link is doing. "synced" means that nothing is known to be missing on either side. */
export type LinkState = "connecting" | "joining" | "syncing" | "synced" | "waiting" | "closed";

/** What a link needs from the node that it belongs to. */
export interface LinkHost {
  readonly history: History;
  readonly room: string;
  /** Local indexes below this are durable here, and only those may be sent. */
  readonly durable: number;
  /** The default ones when left out. */
  readonly budgets?: Budgets;
  /** Takes in a group from a relay. */
  receive(group: Uint8Array, from: Link): ReceivedGroup;
  acknowledged(ids: readonly Uint8Array[]): void;
  /** The state has changed; `reason` says why a connection was lost or could not be made. */
  linkChanged(link: Link, reason: string | null): void;
  /** The relay reported something that a person may want to know. */
  linkReported(link: Link, code: string, detail: string): void;
}

/** A frame is a group or a control message; both fit. */
const MAX_FRAME_BYTES = 2 * MAX_GROUP_BYTES;

/** Milliseconds for the connection to be made, and again for the relay to let us in. */
const HANDSHAKE_MS = 10_000;

/** Milliseconds of silence after which the relay is asked whether it is there; after as many again it is taken as gone. */
const SILENCE_MS = 30_000;

/** Milliseconds between comparisons of the frontiers, in case something got lost that neither side noticed. */
const REFRESH_MS = 60_000;

/** Characters of what a relay gives as its reason that are shown. */
const MAX_DETAIL_CHARACTERS = 200;

/** Milliseconds that closing may take before the connection is cut. */
const CLOSE_MS = 1_000;

/** A connection to a relay that is made again whenever it breaks. */
export class Link {
  readonly url: string;
  readonly #host: LinkHost;
  readonly #budgets: Budgets;
  #state: LinkState = "connecting";
  #socket: WebSocket | null = null;
  #session: SyncSession | null = null;
  #attempt = 0;
  #joinedAt = Infinity;
  #retry: NodeJS.Timeout | null = null;
  #handshake: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;
  #heard = false;
  #asked = false;
  #nextRefresh = 0;
  #stalled = false;

  constructor(url: string, host: LinkHost) {
    this.url = url;
    this.#host = host;
    this.#budgets = host.budgets ?? DEFAULT_BUDGETS;
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
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    let reason: string | null = null;
    socket.on("open", () => {
      this.#join(socket);
    });
    socket.on("message", (data: Buffer, isBinary) => {
      this.#heard = true;
      if (this.#socket === socket) this.#receive(socket, isBinary ? data : data.toString("utf8"));
    });
    socket.on("ping", () => {
      this.#heard = true;
    });
    socket.on("pong", () => {
      this.#heard = true;
    });
    socket.on("error", (error) => {
      reason ??= explain(error);
    });
    socket.on("close", (code, text) => {
      if (this.#socket !== socket) return;
      const words = text.toString("utf8");
      this.#lost(reason ?? closeReason(code, words), toldWait(words));
    });
  }

  /** Passes on changes that were just applied and are durable; every one of them, in order, wherever it came from. */
  push(group: Uint8Array, indexes: readonly number[]): void {
    this.#session?.push(group, indexes);
  }

  /** Ends the connection for good, after what was already given to it has been sent. */
  close(): Promise<void> {
    const socket = this.#socket;
    this.#stopTimers();
    this.#state = "closed";
    this.#session?.close();
    this.#session = null;
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
    this.#handshake = setTimeout(() => {
      this.#drop(socket, "it did not let us into the room in time");
    }, HANDSHAKE_MS);
    socket.send(JSON.stringify({ type: "join", room: this.#host.room }));
    this.#heard = true;
    this.#asked = false;
    this.#nextRefresh = performance.now() + REFRESH_MS;
    this.#watch = setInterval(() => {
      this.#checkSilence(socket);
    }, SILENCE_MS);
  }

  #receive(socket: WebSocket, frame: string | Uint8Array): void {
    if (this.#session !== null) {
      this.#session.receive(frame);
      return;
    }
    const answer = typeof frame === "string" ? readJoinAnswer(frame) : null;
    if (answer === null) return;
    if (answer.kind === "error") {
      this.#drop(socket, `it does not let us in: ${answer.detail}`);
      return;
    }
    if (answer.document !== Buffer.from(this.#host.history.document).toString("hex")) {
      this.#drop(socket, `its room "${this.#host.room}" holds another document`);
      return;
    }
    if (this.#handshake !== null) clearTimeout(this.#handshake);
    this.#handshake = null;
    this.#joinedAt = performance.now();
    this.#startSession(socket);
  }

  #startSession(socket: WebSocket): void {
    this.#stalled = false;
    const session = new SyncSession({
      history: this.#host.history,
      peer: this.url,
      send: (frame) => this.#send(socket, frame),
      budget: new ResendBudget(this.#host.history, {
        resentBytes: this.#budgets.resendBytes,
      }),
      receiveGroup: (group) => this.#host.receive(group, this),
      outboxBytes: () => this.#budgets.sendBytes,
      durable: () => this.#host.durable,
      onAck: (ids) => {
        this.#host.acknowledged(ids);
      },
      onSynced: () => {
        this.#setState("synced", null);
      },
      onError: (code, detail) => {
        this.#host.linkReported(this, code, detail);
      },
    });
    this.#session = session;
    this.#setState("syncing", null);
    session.open();
  }

  #send(socket: WebSocket, frame: string | Uint8Array): boolean {
    // A closing socket takes nothing any more, and its session ends with it.
    if (socket.readyState !== WebSocket.OPEN) return false;
    const { sendBytes } = this.#budgets;
    socket.send(frame, () => {
      if (!this.#stalled || this.#socket !== socket || socket.bufferedAmount > sendBytes / 4)
        return;
      this.#stalled = false;
      this.#session?.resume();
    });
    if (socket.bufferedAmount > sendBytes) this.#stalled = true;
    return !this.#stalled;
  }

  #checkSilence(socket: WebSocket): void {
    if (!this.#heard && this.#asked) {
      this.#drop(socket, "it has gone silent");
      return;
    }
    this.#asked = !this.#heard;
    if (this.#asked) socket.ping();
    this.#heard = false;
    if (this.#session !== null && performance.now() >= this.#nextRefresh) {
      this.#nextRefresh = performance.now() + REFRESH_MS;
      this.#session.refresh();
    }
  }

  #drop(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return;
    socket.terminate();
    this.#lost(reason);
  }

  /** `told` is how many milliseconds the relay asked us to stay away. */
  #lost(reason: string, told = 0): void {
    this.#stopTimers();
    this.#socket = null;
    this.#session?.close();
    this.#session = null;
    // A relay that lets us in only to hang up at once is not tried more often than one that is not there.
    if (performance.now() - this.#joinedAt >= LONGEST_WAIT_MS) this.#attempt = 0;
    this.#joinedAt = Infinity;
    this.#setState("waiting", reason);
    this.#retry = setTimeout(
      () => {
        this.open();
      },
      told + waitBefore(this.#attempt),
    );
    this.#attempt++;
  }

  #stopTimers(): void {
    for (const timer of [this.#retry, this.#handshake, this.#watch]) {
      if (timer !== null) clearTimeout(timer);
    }
    this.#retry = null;
    this.#handshake = null;
    this.#watch = null;
  }

  #setState(state: LinkState, reason: string | null): void {
    if (this.#state === "closed" || (this.#state === state && reason === null)) return;
    this.#state = state;
    this.#host.linkChanged(this, reason);
  }
}

type JoinAnswer =
  | { readonly kind: "joined"; readonly document: string }
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
  if (message["type"] === "joined" && typeof message["document"] === "string") {
    return { kind: "joined", document: message["document"] };
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

function explain(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const status = /Unexpected server response: (\d+)/u.exec(error.message)?.[1];
  if (status !== undefined) return `it answered with HTTP status ${status}, not as a relay`;
  return CONNECT_REASONS[code] ?? (error.message === "" ? code : error.message);
}

function closeReason(code: number, text: string): string {
  if (text !== "") return `it closed the connection: ${text} (${code})`;
  // 1005 and 1006 are never sent: they stand for a close without a code, and for a connection that just ended.
  return code === 1005 || code === 1006
    ? "the connection ended"
    : `it closed the connection (${code})`;
}
