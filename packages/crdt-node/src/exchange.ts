/**
 * What is said on one open socket, whoever opened it: a SyncSession once the room is joined, acknowledgements when what
 * came is durable, and a look now and then at whether the other end still listens. It only moves bytes; links (link.ts)
 * and guests (guest.ts) decide when it begins and what its end means.
 */
import {
  type Cursor,
  type History,
  MAX_GROUP_BYTES,
  type ReceivedGroup,
  type RejectionCode,
  ResendBudget,
  SyncSession,
} from "bft-json-crdt";
import { WebSocket } from "ws";
import { type Budgets, DEFAULT_BUDGETS, MAX_FAULTS } from "./limits.ts";
import { NO_RULES, type RoomRules } from "./room-rules.ts";

/** What a connection is doing. "synced" means that nothing is known to be missing on either side. */
export type LinkState = "connecting" | "joining" | "syncing" | "synced" | "waiting" | "closed";

/** One connection to another replica, as the node sees it. */
export interface Connection {
  /** Where it goes, or comes from. */
  readonly url: string;
  /** A relay or a peer that this node connects to, or a guest: a peer that connected to it. */
  readonly kind: "relay" | "peer" | "guest";
  /** Who pays in the causal queue for what it brings and has to wait. */
  readonly payer: string;
  readonly state: LinkState;
  /** Passes on changes that were just applied and are durable; every one of them, in order, wherever it came from. */
  push(group: Uint8Array, indexes: readonly number[]): void;
  /** Ends it for good, after what was already given to it has been sent. */
  close(): Promise<void>;
}

/** What a connection needs from the node that it belongs to. */
export interface ExchangeHost {
  readonly history: History;
  readonly room: string;
  /** Local indexes below this are durable here, and only those may be sent. */
  readonly durable: number;
  /** The default ones when left out. */
  readonly budgets?: Budgets;
  /** Takes in a group from the other end. */
  receive(group: Uint8Array, from: Connection): ReceivedGroup;
  /** Resolves when all that was received so far is durable; rejects when it cannot be any more. */
  stored(): Promise<void>;
  acknowledged(ids: readonly Uint8Array[]): void;
  /** The other end reported something that a person may want to know. */
  linkReported(from: Connection, code: string, detail: string): void;
}

/** Why nothing more is to be had from the other end: it does not answer, or does not read. */
export type Deafness = "silent" | "slow";

/** Who takes part in an exchange, and who is told of it. */
export interface ExchangeOptions {
  readonly host: ExchangeHost;
  readonly from: Connection;
  /** Milliseconds between two looks at whether the other end is there. */
  readonly silenceMs?: number;
  /** Nothing is known to be missing on either side. */
  readonly onSynced: () => void;
  readonly onDeaf: (deafness: Deafness) => void;
  /** All of the other end's log before this place is durable here. */
  readonly onCursor?: (cursor: Cursor) => void;
  /** The other end sent more than {@link MAX_FAULTS} things that nobody sends who is honest. */
  readonly onFaulty: () => void;
}

/** A frame is a group or a control message; both fit. */
export const MAX_FRAME_BYTES = 2 * MAX_GROUP_BYTES;

/**
 * Whether several frames of one socket may be taken in one pass of the event loop. If they might, whoever sends many would
 * keep the local API and all other connections waiting: 64 KiB are read at once, which may be thousands of questions.
 */
export const MANY_FRAMES_AT_ONCE = false;

/** Milliseconds of silence after which the other end is asked whether it is there; after as many again it is taken as gone. */
export const SILENCE_MS = 30_000;

/** Milliseconds that closing may take before the connection is cut. */
export const CLOSE_MS = 1_000;

/**
 * Milliseconds between comparisons of the frontiers, in case something got lost that neither side noticed: on average.
 * A relay hears from many, and there is more than one way around a peer that withholds.
 */
const REFRESH_MS = { relay: 60_000, peer: 30_000, guest: 30_000 } as const;

/** By how much of that time one comparison comes earlier or later: nodes that started together drift apart. */
const REFRESH_JITTER = 0.25;

/** Bytes of groups that are not stored yet, above which the socket is not read: a disk may be slower than a network. */
export const UNSTORED_BYTES = 4 * MAX_GROUP_BYTES;

/**
 * Why a change is refused that nobody passes on who has applied it. Not among them, since an honest end may send it: a copy
 * without a signature, which may have come before what it needs; what there is no room for here; what builds on something
 * refused; what a later version says.
 */
const FAULTS: ReadonlySet<RejectionCode> = new Set([
  "malformed",
  "too_large",
  "wrong_document",
  "bad_signature",
  "wrong_prev",
  "wrong_lamport",
] as const);

/** What each id takes in memory while its acknowledgement waits for the disk. */
const AWAITED_HEAD_BYTES = 256;

/** The exchange with one other replica on one socket. */
export class Exchange {
  readonly #socket: WebSocket;
  readonly #options: ExchangeOptions;
  readonly #budgets: Budgets;
  readonly #watch: NodeJS.Timeout;
  #session: SyncSession | null = null;
  #rules = NO_RULES;
  #refresh: NodeJS.Timeout | null = null;
  #heard = true;
  #asked = false;
  /** The socket takes no more until most of what it has is read. */
  #isStalled = false;
  /** Bytes that were not read at the last look, while it was stalled. */
  #unread = Infinity;
  #unstored = 0;
  #faults = 0;
  /** The last that was told, while what is before it is not known to be durable. */
  #cursor: Cursor | null = null;
  #isKeeping = false;

  /** Begins to watch the socket, which is open. */
  constructor(socket: WebSocket, options: ExchangeOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#budgets = options.host.budgets ?? DEFAULT_BUDGETS;
    for (const sign of ["message", "ping", "pong"]) {
      socket.on(sign, () => {
        this.#heard = true;
      });
    }
    this.#watch = setInterval(() => {
      this.#look();
    }, options.silenceMs ?? SILENCE_MS);
  }

  /** True once the room is joined: frames are for {@link receive} then. */
  get hasBegun(): boolean {
    return this.#session !== null;
  }

  /**
   * The room is joined: both ends tell what they have; when the other end goes on from a cursor, it does so once it has
   * sent what is behind that. What the rules there refuse is not sent.
   */
  begin(recovered = false, rules: RoomRules = NO_RULES): void {
    const { host, from } = this.#options;
    this.#rules = rules;
    this.#session = new SyncSession({
      history: host.history,
      peer: from.url,
      send: (frame) => this.#send(frame),
      budget: new ResendBudget(host.history, { resentBytes: this.#budgets.resendBytes }),
      receiveGroup: (group) => this.#receiveGroup(group),
      outboxBytes: () => this.#budgets.sendBytes,
      durable: () => host.durable,
      onAck: (ids) => {
        host.acknowledged(ids);
      },
      onHeads: (ids) => {
        this.#whenStored(ids, ids.length * AWAITED_HEAD_BYTES);
      },
      onSynced: () => {
        this.#options.onSynced();
      },
      onCursor: (cursor) => {
        this.#cursor = cursor;
        if (!this.#isKeeping) void this.#keepCursors();
      },
      onError: (code, detail) => {
        host.linkReported(from, code, detail);
        // Also what is no group at all.
        if (code === "malformed" || code === "too_large") this.#blame(1);
      },
    });
    if (recovered) this.#session.awaitRecovery();
    else this.#session.open();
    this.#refreshLater();
  }

  /** Takes one frame; nothing that it holds can throw. */
  receive(frame: string | Uint8Array): void {
    this.#session?.receive(frame);
  }

  push(group: Uint8Array, indexes: readonly number[]): void {
    this.#session?.push(group, indexes);
  }

  /** Says and hears nothing any more; the socket is for the owner to close. */
  close(): void {
    clearInterval(this.#watch);
    if (this.#refresh !== null) clearTimeout(this.#refresh);
    this.#session?.close();
    this.#session = null;
    // The answer to a close frame must be read.
    if (this.#socket.isPaused) this.#socket.resume();
  }

  #receiveGroup(group: Uint8Array): ReceivedGroup {
    const { host, from } = this.#options;
    const received = host.receive(group, from);
    const { results, applied } = received;
    const known = results.filter(({ status }) => status === "duplicate").map(({ id }) => id);
    const news = applied.map((index) => host.history.idAt(index));
    this.#whenStored([...known, ...news], group.length);
    this.#blame(faultsIn(received));
    return received;
  }

  /** Counts what nobody sends who is honest; beyond some of it the owner is told. */
  #blame(faults: number): void {
    this.#faults += faults;
    if (faults > 0 && this.#faults > MAX_FAULTS) this.#options.onFaulty();
  }

  /** Acknowledges those of these that are here once they are durable; until then `bytes` of them count as waiting for the disk. */
  #whenStored(ids: readonly Uint8Array[], bytes: number): void {
    if (ids.length === 0) return;
    this.#unstored += bytes;
    if (this.#unstored > UNSTORED_BYTES && !this.#socket.isPaused) this.#socket.pause();
    this.#options.host.stored().then(
      () => {
        this.#unstored -= bytes;
        if (this.#unstored <= UNSTORED_BYTES / 2 && this.#socket.isPaused) this.#socket.resume();
        // A relay has no use for it.
        if (this.#options.from.kind !== "relay") this.#session?.acknowledge(ids);
      },
      () => {
        // The node ends, and the failure is told by the append that it belongs to.
      },
    );
  }

  /** Hands on the newest cursor each time that what is before it is durable. */
  async #keepCursors(): Promise<void> {
    this.#isKeeping = true;
    try {
      while (this.#cursor !== null) {
        const cursor = this.#cursor;
        this.#cursor = null;
        await this.#options.host.stored();
        this.#options.onCursor?.(cursor);
      }
    } catch {
      // The node ends, and the failure is told by the append that it belongs to.
    }
    this.#isKeeping = false;
  }

  #send(given: string | Uint8Array): boolean {
    const socket = this.#socket;
    const frame = typeof given === "string" ? given : this.#rules.taken(given);
    if (frame === null) return !this.#isStalled;
    // A closing socket takes nothing any more, and its session ends with it.
    if (socket.readyState !== WebSocket.OPEN) return false;
    const { sendBytes } = this.#budgets;
    socket.send(frame, () => {
      if (!this.#isStalled || socket.bufferedAmount > sendBytes / 4) return;
      this.#isStalled = false;
      this.#unread = Infinity;
      this.#session?.resume();
    });
    if (socket.bufferedAmount > sendBytes) this.#isStalled = true;
    return !this.#isStalled;
  }

  #refreshLater(): void {
    const factor = 1 + REFRESH_JITTER * (2 * Math.random() - 1);
    this.#refresh = setTimeout(() => {
      this.#refreshLater();
      this.#session?.refresh();
    }, REFRESH_MS[this.#options.from.kind] * factor);
  }

  #look(): void {
    const socket = this.#socket;
    if (this.#isStalled) {
      const unread = socket.bufferedAmount;
      if (unread >= this.#unread) {
        this.#options.onDeaf("slow");
        return;
      }
      // Our ping waits behind what is being read: that it is read is sign enough.
      this.#unread = unread;
      this.#heard = true;
    }
    // While the socket is not read, no answer can come.
    if (socket.isPaused) this.#heard = true;
    if (!this.#heard && this.#asked) {
      this.#options.onDeaf("silent");
      return;
    }
    this.#asked = !this.#heard;
    if (this.#asked) socket.ping();
    this.#heard = false;
  }
}

/** How many changes of a group nobody sends who passes on only what it has applied itself. */
function faultsIn({ results }: ReceivedGroup): number {
  const faults = results.filter(
    ({ status, code }) => status === "rejected" && code !== undefined && FAULTS.has(code),
  );
  return faults.length;
}
