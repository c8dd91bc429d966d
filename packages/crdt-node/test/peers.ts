/**
 * Nodes in this process that talk to each other over real sockets on the loopback interface, with real stores in a
 * temporary folder, and a tap that sees each frame between two of them.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeGroup,
  changeId,
  Document,
  documentId,
  encodeGroup,
  generateKeyPair,
  type KeyPair,
  toHex,
} from "bft-json-crdt";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { openToRun } from "../src/access.ts";
import { existingHome, nodeHome } from "../src/home.ts";
import { ledger } from "../src/ledger.ts";
import { type Budgets, DEFAULT_PEER_BOUNDS, type PeerBounds } from "../src/limits.ts";
import type { Node } from "../src/node.ts";
import { loadSettings } from "../src/settings.ts";
import { crdtNode, useHome } from "./in-process.ts";

/** The room of all tests. */
export const ROOM = "main";

/** Milliseconds after which a wait gives up; far above what a loaded machine needs. */
const PATIENCE_MS = 60_000;

/** A node that is open. */
export interface Replica {
  readonly name: string;
  readonly node: Node;
  /** How many guests it told of, in turn. */
  readonly guests: number[];
  /** What it reported of others. */
  readonly reports: string[];
}

/** A folder with nodes, and all that runs in it. */
export class Village {
  readonly home = mkdtempSync(join(tmpdir(), "side-peers-"));
  readonly #replicas = new Set<Replica>();
  readonly #taps: Tap[] = [];
  readonly #onEvent = new Set<() => void>();

  constructor() {
    useHome(this.home);
  }

  /** Opens a node, and makes it before if there is none of that name. */
  async open(name: string, budgets: Partial<Budgets> = {}): Promise<Replica> {
    const made = await crdtNode(["init", name]);
    if (made.code !== 0 && made.code !== 4) throw new Error(made.stderr);
    const home = existingHome(name, process.env);
    const wake = (): void => {
      for (const look of this.#onEvent) look();
    };
    const guests: number[] = [];
    const reports: string[] = [];
    const settings = loadSettings(nodeHome(name, process.env).config, { budgets }, {});
    const node = await openToRun(home, settings, {
      applied: wake,
      link: wake,
      forked: wake,
      guests: (count) => {
        guests.push(count);
        wake();
      },
      report: (from, code, detail) => {
        reports.push(`${from.kind} ${code}: ${detail}`);
        wake();
      },
    });
    const replica = { name, node, guests, reports };
    this.#replicas.add(replica);
    return replica;
  }

  /** Opens a node that others can connect to. */
  async listening(
    name: string,
    bounds: Partial<PeerBounds> = {},
    budgets: Partial<Budgets> = {},
  ): Promise<Replica & { readonly url: string }> {
    const replica = await this.open(name, budgets);
    const url = await replica.node.listen(
      { host: "127.0.0.1", port: 0 },
      { ...DEFAULT_PEER_BOUNDS, ...bounds },
    );
    return { ...replica, url };
  }

  async close({ node }: Replica): Promise<void> {
    for (const replica of this.#replicas) {
      if (replica.node === node) this.#replicas.delete(replica);
    }
    await node.close();
  }

  /** A proxy that sees what passes. */
  async tap(url: string): Promise<Tap> {
    const tap = await Tap.to(url);
    this.#taps.push(tap);
    return tap;
  }

  /** Resolves when the condition holds; it is looked at whenever a node has told something. */
  until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEvent = this.#onEvent;
      const late = setTimeout(() => {
        onEvent.delete(look);
        reject(new Error(`it never came to: ${what}`));
      }, PATIENCE_MS);
      function look(): void {
        if (!condition()) return;
        clearTimeout(late);
        onEvent.delete(look);
        resolve();
      }
      onEvent.add(look);
      look();
    });
  }

  /** Resolves when all of them have stored so many changes, and the same. */
  async equal(replicas: readonly Replica[], changes: number): Promise<void> {
    await this.until(`${changes} changes at ${replicas.map(({ name }) => name).join()}`, () =>
      replicas.every(({ node }) => node.durable >= changes),
    );
    const states = replicas.map(({ node }) => {
      const { changes, heads, digest } = node.status();
      return JSON.stringify({ changes, heads, digest });
    });
    if (new Set(states).size !== 1) throw new Error(`they differ: ${states.join("\n")}`);
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#replicas].map((replica) => this.close(replica)));
    for (const tap of this.#taps) tap.close();
    this.#taps.length = 0;
  }

  /** Removes the folder too. */
  async remove(): Promise<void> {
    await this.clear();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Writes so many transactions; resolves to the ids of their changes when they are durable. */
export function write({ name, node }: Replica, count: number, memo = ""): Promise<string[]> {
  return node.append(
    Array.from({ length: count }, (_, i) => ({ from: name, to: "all", amount: i + 1, memo })),
  );
}

/** A key, and documents that its owner writes: two of them with one key are an equivocation. */
export function stranger(keyPair: KeyPair = generateKeyPair()): {
  readonly author: string;
  readonly document: () => Document<typeof ledger>;
  readonly write: (memo: string) => Uint8Array;
} {
  const document = (): Document<typeof ledger> =>
    new Document({ schema: ledger, id: documentId(ROOM), keyPair, chain: 0n });
  return {
    author: toHex(keyPair.publicKey),
    document,
    write: (memo) =>
      document().change((doc) =>
        doc.transactions.push({ from: "liar", to: "all", amount: 1, memo }),
      ).bytes,
  };
}

/** A group of changes with signatures that are wrong, each by another key. */
export function badlySigned(changes: number): Uint8Array {
  const entries = Array.from({ length: changes }, () => {
    const document = new Document({
      schema: ledger,
      id: documentId(ROOM),
      keyPair: generateKeyPair(),
      chain: 0n,
    });
    const { bytes } = document.change((doc) =>
      doc.transactions.push({ from: "a", to: "b", amount: 1 }),
    );
    const decoded = decodeGroup(bytes);
    if (!decoded.ok) throw new Error("a change is not a group");
    const [{ body, signature }] = decoded.value as [(typeof decoded.value)[number]];
    return { body, signature: signature!.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) };
  });
  return encodeGroup(entries);
}

/** A connection that says only what a test wants. */
export async function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}

/** The same, in the room. */
export async function joined(url: string): Promise<WebSocket> {
  const socket = await connected(url);
  const answered = once(socket, "message");
  socket.send(JSON.stringify({ type: "join", room: ROOM }));
  await answered;
  return socket;
}

/** How a connection ended: its code and reason. */
export async function ended(socket: WebSocket): Promise<string> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return `${code} ${reason.toString("utf8")}`.trim();
}

/** One connection that went through a tap: the ids of the changes in each frame, by the way they went. */
export interface Tapped {
  readonly up: string[];
  readonly down: string[];
  texts: number;
}

/** Passes frames on and remembers which changes were in them. */
export class Tap {
  readonly url: string;
  readonly connections: Tapped[] = [];
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<WebSocket>();

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/websocket`;
  }

  static async to(url: string): Promise<Tap> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    await once(server, "listening");
    const tap = new Tap(server);
    server.on("connection", (near) => {
      tap.#pass(near, url);
    });
    return tap;
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.close();
  }

  #pass(near: WebSocket, url: string): void {
    const far = new WebSocket(url, { perMessageDeflate: false });
    const tapped: Tapped = { up: [], down: [], texts: 0 };
    this.connections.push(tapped);
    const waiting: (() => void)[] = [];
    far.on("open", () => {
      for (const pass of waiting.splice(0)) pass();
    });
    for (const [from, to, ids] of [
      [near, far, tapped.up],
      [far, near, tapped.down],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.terminate();
      });
      from.on("message", (data: RawData, isBinary) => {
        if (isBinary) ids.push(...idsIn(data as Buffer));
        else tapped.texts++;
        const pass = (): void => {
          to.send(data as Buffer, { binary: isBinary });
        };
        if (to.readyState === WebSocket.CONNECTING) waiting.push(pass);
        else pass();
      });
    }
  }
}

function idsIn(group: Uint8Array): string[] {
  const entries = decodeGroup(group);
  if (!entries.ok) throw new Error("a frame is not a group");
  return entries.value.map(({ body }) => toHex(changeId(body)));
}
