/**
 * Someone in a room who never gives up: a document, a socket, the sync protocol between them, and a new socket whenever
 * one breaks, after the waits that a node takes. Counts what goes each way, and remembers what was acknowledged.
 */
import {
  type Cursor,
  generateKeyPair,
  liveGroups,
  MAX_GROUP_BYTES,
  ResendBudget,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import { WebSocket } from "ws";
import { LONGEST_WAIT_MS, waitBefore } from "../../packages/crdt-node/src/backoff.ts";
import { type Lines, openLines } from "../../packages/crdt-relayer/test/participant.ts";

/** Milliseconds after which a wait gives up; far above what a loaded machine needs. */
export const PATIENCE_MS = 120_000;

/** Milliseconds for a connection to be made. */
const HANDSHAKE_MS = 30_000;

/** How to take part. */
export interface ClientOptions {
  /** Looked up for each attempt: a relay may come back elsewhere. */
  readonly url: () => string;
  readonly room: string;
  /** A new one by default. */
  readonly document?: Lines;
  /** Where it was in the relay's log, or null if it wants to be told; left out, it does not speak of that. */
  readonly cursor?: Cursor | null;
  /** The address that it connects from; chosen by the system by default. */
  readonly localAddress?: string;
  /** Gives [0, 1), for the waits. */
  readonly random?: () => number;
  /** A change that was written here is acknowledged; `line` is what it wrote. */
  readonly onAcknowledged?: (line: string) => void;
  /** An attempt to connect begins, or has led into the room. */
  readonly onAttempt?: (what: "tried" | "joined") => void;
}

/** What has gone over the sockets of a client. */
export interface Traffic {
  framesOut: number;
  framesIn: number;
  bytesOut: number;
  bytesIn: number;
  /** How often this end spoke after the other one had. */
  turns: number;
}

/** One client. */
export class Client {
  readonly room: string;
  readonly document: Lines;
  readonly traffic: Traffic = { framesOut: 0, framesIn: 0, bytesOut: 0, bytesIn: 0, turns: 0 };
  /** Where it is in the relay's log, as far as it was told. */
  cursor: Cursor | null | undefined;
  /** What the relay said to its cursor. */
  recovered: boolean | null = null;
  /** What the relay or the protocol complained about. */
  readonly errors: string[] = [];
  readonly #options: ClientOptions;
  /** What each change that is not acknowledged wrote, by local index. */
  readonly #written = new Map<number, string>();
  /** Local indexes that are acknowledged, for those above a frontier that is walked only once. */
  readonly #acknowledged = new Set<number>();
  #socket: WebSocket | null = null;
  #session: SyncSession | null = null;
  #attempt = 0;
  #joinedAt = Infinity;
  #retry: NodeJS.Timeout | null = null;
  #isHeld = true;
  #heardLast = true;
  #watching: (() => void)[] = [];

  constructor(options: ClientOptions) {
    this.room = options.room;
    this.document = options.document ?? openLines(options.room, generateKeyPair());
    this.cursor = options.cursor;
    this.#options = options;
  }

  /** Nothing is known to be missing on either side. */
  get isSynced(): boolean {
    return this.#session?.synced ?? false;
  }

  /** True when everything written here is acknowledged. */
  get isAcknowledged(): boolean {
    return this.#written.size === 0;
  }

  /** Changes that the relay has said are durable there, whoever wrote them. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Begins to connect, or goes on after {@link hold}. */
  open(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#attempt = 0;
    this.#connect();
  }

  /** Cuts the connection at once and makes no other; what is written meanwhile is sent later. */
  hold(): void {
    this.#isHeld = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#socket?.terminate();
    this.#end();
  }

  /** Leaves as one should. */
  async leave(): Promise<void> {
    const socket = this.#socket;
    this.#isHeld = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (socket !== null) {
      const closed = new Promise<void>((resolve) => {
        socket.once("close", () => {
          resolve();
        });
      });
      socket.close(1000);
      await within(closed, "the relay to say goodbye");
    }
    this.#end();
  }

  /** Does not read its socket any more until it is told to. */
  stall(isStalled: boolean): void {
    if (isStalled) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Adds a line in a change of its own, and sends it as soon as there is a connection. */
  write(line: string): void {
    const { groups, indexes } = this.document.change((doc) => doc.lines.push(line));
    for (const index of indexes) this.#written.set(index, line);
    groups.forEach((group, part) => {
      this.#session?.push(group, [indexes[part]!]);
    });
  }

  /** Resolves when the condition holds, which is looked at after each frame; rejects after two minutes. */
  until(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    const found = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#watching = this.#watching.filter((other) => other !== look);
        resolve();
      };
      this.#watching.push(look);
    });
    return within(found, what);
  }

  /** The heads of what is applied here, as one text. */
  frontier(): string {
    return this.document.history.frontier().map(toHex).join(" ");
  }

  #connect(): void {
    this.#retry = null;
    this.#options.onAttempt?.("tried");
    const { localAddress } = this.#options;
    const socket = new WebSocket(this.#options.url(), {
      ...(localAddress === undefined ? {} : { localAddress }),
      perMessageDeflate: false,
      maxPayload: 2 * MAX_GROUP_BYTES,
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#socket = socket;
    socket.on("open", () => {
      const { room, cursor } = this;
      this.#send(socket, JSON.stringify({ type: "join", room, cursor }));
    });
    socket.on("message", (data: Buffer, isBinary) => {
      if (this.#socket !== socket) return;
      this.traffic.framesIn++;
      this.traffic.bytesIn += data.length;
      this.#heardLast = true;
      this.#receive(socket, isBinary ? data : data.toString("utf8"));
      for (const look of [...this.#watching]) look();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #receive(socket: WebSocket, frame: string | Uint8Array): void {
    if (this.#session !== null) {
      this.#session.receive(frame);
      return;
    }
    if (typeof frame !== "string") return;
    const { type, recovered } = JSON.parse(frame) as {
      readonly type?: unknown;
      readonly recovered?: unknown;
    };
    if (type !== "joined") {
      this.errors.push(frame);
      return;
    }
    this.#joinedAt = performance.now();
    this.#options.onAttempt?.("joined");
    const { history } = this.document;
    this.#session = new SyncSession({
      history,
      peer: "relay",
      send: (message) => this.#send(socket, message),
      budget: new ResendBudget(history),
      receiveGroup: (group) => {
        const received = this.document.receive(group, "relay");
        for (const live of liveGroups(history, group, received))
          this.#session?.push(live.group, live.indexes);
        return received;
      },
      onAck: (ids) => {
        this.#acknowledge(ids);
      },
      onCursor: (cursor) => {
        this.cursor = cursor;
      },
      onError: (code, detail) => this.errors.push(`${code}: ${detail}`),
    });
    this.recovered = recovered === undefined ? null : recovered === true;
    if (this.recovered === true) this.#session.awaitRecovery();
    else this.#session.open();
  }

  #send(socket: WebSocket, frame: string | Uint8Array): boolean {
    if (this.#socket !== socket || socket.readyState !== WebSocket.OPEN) return false;
    const { traffic } = this;
    traffic.framesOut++;
    traffic.bytesOut += typeof frame === "string" ? Buffer.byteLength(frame) : frame.length;
    if (this.#heardLast) traffic.turns++;
    this.#heardLast = false;
    socket.send(frame);
    return true;
  }

  #lost(): void {
    this.#end();
    if (this.#isHeld) return;
    if (performance.now() - this.#joinedAt >= LONGEST_WAIT_MS) this.#attempt = 0;
    this.#joinedAt = Infinity;
    this.#retry = setTimeout(
      () => {
        this.#connect();
      },
      waitBefore(this.#attempt, this.#options.random),
    );
    this.#attempt++;
  }

  #end(): void {
    this.#session?.close();
    this.#session = null;
    this.#socket = null;
    this.#heardLast = true;
  }

  /** An acknowledgement covers all that a change builds on. */
  #acknowledge(ids: readonly Uint8Array[]): void {
    const { history } = this.document;
    const stack = ids.map((id) => history.indexOf(id));
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (index < 0 || this.#acknowledged.has(index)) continue;
      this.#acknowledged.add(index);
      const line = this.#written.get(index);
      if (line !== undefined) {
        this.#written.delete(index);
        this.#options.onAcknowledged?.(line);
      }
      stack.push(...history.dependencies(index));
    }
  }
}

/** Resolves when all of these clients have the same and everything they wrote is acknowledged. */
export async function agree(clients: readonly Client[]): Promise<void> {
  for (const client of clients) {
    await client.until(
      "its own lines to be acknowledged",
      () => client.isSynced && client.isAcknowledged,
    );
  }
  const [first] = clients;
  if (first === undefined) return;
  // Each of them may be the last one to get something.
  await poll("all in a room to have the same", () =>
    clients.every((client) => client.frontier() === first.frontier()),
  );
}

/** The same promise, but it rejects after two minutes. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${PATIENCE_MS / 1_000} s in vain for ${what}`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the condition holds, which is looked at every few milliseconds; rejects after two minutes. */
export async function poll(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline)
      throw new Error(`waited ${PATIENCE_MS / 1_000} s in vain for ${what}`);
    await pause(2);
  }
}

/** Resolves when so many milliseconds are over, or at once when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
