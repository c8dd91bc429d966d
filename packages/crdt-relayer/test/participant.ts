/** A real participant for tests: a document, a socket, and the sync protocol between them. */
import {
  Document,
  documentId,
  generateKeyPair,
  type KeyPair,
  list,
  liveGroups,
  type Schema,
  string,
  struct,
  SyncSession,
  toHex,
} from "bft-json-crdt";
import { type ClientOptions, WebSocket } from "ws";

const schema = struct({ lines: list(string()) });

/** A document of lines. */
export type Lines = Document<typeof schema>;

/** Opens a document of lines for a room. */
export function openLines(room: string, keyPair: KeyPair = generateKeyPair()): Lines {
  return new Document({ schema, id: documentId(room), keyPair });
}

/** The bytes of one change that adds a line. */
export function writeLine(document: Lines, line: string): Uint8Array {
  return document.change((doc) => doc.lines.push(line)).bytes;
}

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A socket whose frames are read one by one. */
export class Client {
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  readonly closed: Promise<Ending>;
  readonly #frames: (string | Uint8Array)[] = [];
  readonly #readers: ((frame: string | Uint8Array) => void)[] = [];

  constructor(url: string, options: ClientOptions & { readonly autoPong?: boolean } = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.on("error", reject);
    });
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
    this.socket.on("message", (data: Buffer, isBinary) => {
      const frame = isBinary ? new Uint8Array(data) : data.toString();
      const reader = this.#readers.shift();
      if (reader === undefined) this.#frames.push(frame);
      else reader(frame);
    });
  }

  static async open(url: string): Promise<Client> {
    const client = new Client(url);
    await client.opened;
    return client;
  }

  send(frame: string | Uint8Array): void {
    this.socket.send(frame);
  }

  /** The next frame that comes. */
  next(): Promise<string | Uint8Array> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** The next frame, which must be text. */
  async text(): Promise<string> {
    const frame = await this.next();
    if (typeof frame !== "string") throw new Error("expected text and got bytes");
    return frame;
  }

  /** The next frame as JSON. */
  async message(): Promise<{ readonly [key: string]: unknown }> {
    return JSON.parse(await this.text()) as { readonly [key: string]: unknown };
  }

  async ask(frame: string | Uint8Array): Promise<string> {
    this.send(frame);
    return this.text();
  }

  async leave(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

/** A socket that has joined; rejects with the relay's answer, or how it was shown out, when it is not let in. */
export async function joined(url: string, join: object): Promise<Client> {
  const client = await Client.open(url);
  client.send(JSON.stringify({ type: "join", ...join }));
  const shownOut = client.closed.then(({ code, reason }) => {
    throw new Error(`closed with ${code}: ${reason}`);
  });
  const answer = await Promise.race([client.message(), shownOut]);
  if (answer["type"] !== "joined") throw new Error(JSON.stringify(answer));
  return client;
}

/** What somebody waits for. */
interface Waiting {
  readonly condition: () => boolean;
  readonly resolve: () => void;
  readonly reject: (ending: Error) => void;
}

/** Someone whose document, of any schema, is kept in step by a relay. */
export class Peer<S extends Schema> {
  readonly document: Document<S>;
  readonly client: Client;
  readonly acknowledged = new Set<string>();
  readonly errors: string[] = [];
  /** Binary frames received. */
  groups: Uint8Array[] = [];
  readonly #session: SyncSession;
  #waiting: Waiting[] = [];
  /** How the connection ended, and what was known by then. */
  #ending: Error | null = null;

  /** Takes part with a socket that has joined already. */
  constructor(client: Client, document: Document<S>) {
    this.client = client;
    this.document = document;
    this.#session = new SyncSession({
      history: document.history,
      peer: "relay",
      send: (frame) => {
        client.send(frame);
        return true;
      },
      receiveGroup: (group) => {
        const received = document.receive(group, "relay");
        for (const live of liveGroups(document.history, group, received))
          this.#session.push(live.group, live.indexes);
        return received;
      },
      onAck: (ids) => {
        for (const id of ids) this.#acknowledge(id);
      },
      onError: (code, detail) => this.errors.push(`${code}: ${detail}`),
    });
    void this.#read();
    this.#session.open();
    void client.closed.then(({ code, reason }) => {
      const known = `${this.acknowledged.size} of ${document.history.length} changes acknowledged`;
      this.#ending = new Error(
        `closed with ${code}: ${reason}; ${known}; ${this.errors.join("; ")}`,
      );
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ending);
    });
  }

  /** Sends a change of one's own. */
  push(change: {
    readonly groups: readonly Uint8Array[];
    readonly indexes: readonly number[];
  }): void {
    change.groups.forEach((group, part) => {
      this.#session.push(group, [change.indexes[part]!]);
    });
  }

  /** Compares frontiers with the relay again. */
  refresh(): void {
    this.#session.refresh();
  }

  /** Resolves when the condition holds; it is looked at after each frame. Rejects when the connection ends before. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    if (this.#ending !== null) return Promise.reject(this.#ending);
    return new Promise((resolve, reject) => this.#waiting.push({ condition, resolve, reject }));
  }

  /** Resolves when the relay has said that a change is durable. */
  untilDurable(id: string): Promise<void> {
    return this.until(() => this.acknowledged.has(id));
  }

  leave(): Promise<void> {
    return this.client.leave();
  }

  /** An acknowledgement covers all that a change builds on. */
  #acknowledge(id: Uint8Array): void {
    const { history } = this.document;
    const stack = [history.indexOf(id)];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (index < 0) continue;
      const key = toHex(history.idAt(index));
      if (this.acknowledged.has(key)) continue;
      this.acknowledged.add(key);
      stack.push(...history.dependencies(index));
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const frame = await this.client.next();
      if (typeof frame !== "string") this.groups.push(frame);
      this.#session.receive(frame);
      this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
        if (!condition()) return true;
        resolve();
        return false;
      });
    }
  }
}

/** Someone who edits lines in a room. */
export class Participant extends Peer<typeof schema> {
  /** Joins a room by name with a document of one's own. */
  static async join(url: string, room: string, document = openLines(room)): Promise<Participant> {
    return Participant.joinBy(url, { room }, document);
  }

  /** Joins with any join message. */
  static async joinBy(url: string, join: object, document: Lines): Promise<Participant> {
    return new Participant(await joined(url, join), document);
  }

  /** Adds a line and sends it; returns the id of the change in hex. */
  write(line: string): string {
    const change = this.document.change((doc) => doc.lines.push(line));
    this.push(change);
    return toHex(change.id);
  }

  /** The lines that this participant sees, sorted. */
  lines(): string[] {
    return [...this.document.view().lines].sort();
  }

  /** Resolves when so many lines are there. */
  untilLines(count: number): Promise<void> {
    return this.until(() => this.document.view().lines.length === count);
  }
}
