/** Replicas in one process, and links between them whose frames are delivered one at a time: what tests of sync are made of. */
import { expect } from "vitest";
import {
  changeId,
  decodeGroup,
  documentId,
  OP_INSERT_TEXT,
  RIGHT,
  signedMessage,
  writeBodyHead,
} from "../src/change/index.ts";
import { generateKeyPair, sha256, sign } from "../src/crypto/index.ts";
import type { KeyPair } from "../src/crypto/index.ts";
import { toHex } from "../src/encoding/bytes.ts";
import { ByteWriter } from "../src/encoding/writer.ts";
import { History } from "../src/history/index.ts";
import type { ReceivedGroup } from "../src/history/index.ts";
import { liveGroups } from "../src/sync/fan-out.ts";
import { parseMessage } from "../src/sync/messages.ts";
import type { SyncMessage } from "../src/sync/messages.ts";
import { SyncSession } from "../src/sync/session.ts";
import type { SyncErrorCode } from "../src/sync/session.ts";
import { writeOp } from "./write-op.ts";

export const DOCUMENT = documentId("sync test");
const authors = new Map<number, KeyPair>();
let clock = 0;

export function author(number: number): KeyPair {
  let keys = authors.get(number);
  if (keys === undefined) authors.set(number, (keys = generateKeyPair(junk(number))));
  return keys;
}

export function junk(number: number): Uint8Array {
  return sha256(new Uint8Array([number, number >> 8, number >> 16]));
}

/** A history and the sessions that pass on what is applied to it. */
export class Replica {
  readonly name: string;
  readonly history = new History({ document: DOCUMENT });
  readonly sessions = new Set<SyncSession>();
  durable = Infinity;

  constructor(name: string) {
    this.name = name;
  }

  ids(): Uint8Array[] {
    return Array.from({ length: this.history.length }, (_, index) => this.history.idAt(index));
  }

  /** Another replica with the same history. */
  copy(name: string): Replica {
    const copy = new Replica(name);
    copy.take(
      this,
      Array.from({ length: this.history.length }, (_, index) => index),
    );
    return copy;
  }

  /** Takes over signed changes without verifying them again. */
  take({ history }: Replica, indexes: readonly number[]): void {
    for (const index of indexes) {
      const signature = history.signatureAt(index);
      if (signature === null) throw new Error("only signed changes can be taken over");
      this.history.append(history.bodyAt(index), history.idAt(index), signature);
    }
  }

  /** Writes a change on an author's chain 0, after `prev`, on top of `parents`: by default its tip and all heads. */
  write(
    { publicKey, secretKey }: KeyPair,
    options: { prev?: number; parents?: readonly number[]; size?: number } = {},
  ): { replica: Replica; index: number } {
    const { history } = this;
    const tips = history.tipsOf(publicKey, 0n).toSorted((x, y) => y.seq - x.seq);
    const prev = options.prev ?? tips[0]?.index ?? -1;
    const parents = (options.parents ?? history.heads())
      .filter((index) => index !== prev)
      .slice(0, 16);
    const below = [...parents, ...(prev < 0 ? [] : [prev])];
    const writer = new ByteWriter();
    const header = {
      document: DOCUMENT,
      author: publicKey,
      chain: 0n,
      seq: prev < 0 ? 1 : history.seqAt(prev) + 1,
      prev: prev < 0 ? null : history.idAt(prev),
      parents: parents.map((index) => history.idAt(index)).toSorted(compareIds),
      lamport: 1 + Math.max(0, ...below.map((index) => history.lamportAt(index))),
      time: ++clock,
      refs: [],
    };
    writeBodyHead(writer, header, options.size === undefined ? 0 : 1);
    if (options.size !== undefined) writeText(writer, options.size);
    const body = writer.take();
    const id = changeId(body);
    const index = history.append(body, id, sign(signedMessage(id), secretKey));
    if (index < this.durable) this.push([index]);
    return { replica: this, index };
  }

  groups(start: number, end: number): Uint8Array {
    const indexes = Array.from({ length: end - start }, (_, i) => start + i);
    const groups = this.history.groupsFor(indexes);
    if (groups.length !== 1) throw new Error("meant for one group");
    return groups[0]!;
  }

  push(indexes: readonly number[]): void {
    for (const group of this.history.groupsFor(indexes)) {
      for (const session of this.sessions) session.push(group, indexes);
    }
  }

  receive(group: Uint8Array, peer: string): ReceivedGroup {
    const received = this.history.receive(group, peer);
    for (const live of liveGroups(this.history, group, received)) {
      for (const session of this.sessions) session.push(live.group, live.indexes);
    }
    return received;
  }
}

/** Writes an op that holds a text of so many characters. */
export function writeText(writer: ByteWriter, size: number): void {
  const place = { owner: null, path: [] };
  const content = "x".repeat(size);
  writeOp(writer, { kind: OP_INSERT_TEXT, made: size, parent: null, side: RIGHT, place, content });
}

export function compareIds(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Continues (or begins) an author's chain; with `parents` nothing else is merged. */
export function writeChain(
  replica: Replica,
  keys: KeyPair,
  count: number,
  parents?: readonly number[],
): void {
  for (let i = 0; i < count; i++) replica.write(keys, parents === undefined ? {} : { parents });
}

export function randomPair(next: (bound: number) => number): [Replica, Replica] {
  const a = new Replica("a");
  const b = new Replica("b");
  const grow = (replica: Replica, steps: number): void => {
    for (let i = 0; i < steps; i++) {
      const { history } = replica;
      const keys = author(next(6));
      const own = history.tipsOf(keys.publicKey, 0n);
      // Now and then an author forks, from anywhere on its chain.
      const tip = own.length > 0 ? own[next(own.length)] : undefined;
      const back = tip === undefined || next(12) > 0 ? 0 : next(tip.seq);
      const prev = tip === undefined ? -1 : history.ancestorOnChain(tip.index, back);
      const heads = history.heads();
      const parents = next(3) === 0 ? heads : heads.filter(() => next(3) === 0);
      replica.write(keys, prev < 0 ? { parents } : { prev, parents });
    }
  };
  grow(a, next(60));
  const cut = next(a.history.length + 1);
  b.take(
    a,
    Array.from({ length: cut }, (_, index) => index),
  );
  grow(a, next(30));
  grow(b, next(40));
  return [next(2) === 0 ? a : relayed(a, next), b];
}

/** A replica with the same history that got it in groups of random size, where few changes keep a signature. */
function relayed(replica: Replica, next: (bound: number) => number): Replica {
  const copy = new Replica(replica.name);
  for (let start = 0; start < replica.history.length;) {
    const end = Math.min(replica.history.length, start + 1 + next(20));
    copy.receive(replica.groups(start, end), "setup");
    start = end;
  }
  return copy;
}

export function isEqual(a: Replica, b: Replica): boolean {
  return a.history.frontier().map(toHex).join() === b.history.frontier().map(toHex).join();
}

export function expectEqual(a: Replica, b: Replica): void {
  expect(b.history.frontier().map(toHex)).toEqual(a.history.frontier().map(toHex));
  expect(b.history.length).toBe(a.history.length);
}

/** One end of a link: its session, and the frames on their way to it. */
interface End {
  readonly replica: Replica;
  readonly session: SyncSession;
  readonly queue: (string | Uint8Array)[];
  readonly errors: [SyncErrorCode, string][];
  readonly acks: string[];
  /** Groups of which something had to wait for a dependency. */
  waits: number;
  isFull: boolean;
}

/** Two sessions and the frames between them, delivered one at a time. */
export class Link {
  readonly ends: readonly [End, End];
  groups = 0;
  changes = 0;
  redundant = 0;
  textLength = 0;
  #messages: SyncMessage[] = [];
  readonly #capacity: number;

  constructor(a: Replica, b: Replica, options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? Infinity;
    this.ends = [this.#end(a, b, 1), this.#end(b, a, 0)];
  }

  get isSynced(): boolean {
    return this.ends.every((end) => end.session.synced);
  }

  get isQuiet(): boolean {
    return this.ends.every((end) => end.queue.length === 0);
  }

  /** Types of the control messages so far. */
  types(): string[] {
    return this.#messages.map(({ type }) => type);
  }

  open(): this {
    for (const end of this.ends) end.session.open();
    return this;
  }

  close(): void {
    for (const { replica, session, queue } of this.ends) {
      replica.sessions.delete(session);
      session.close();
      queue.length = 0;
    }
  }

  reset(): void {
    this.groups = this.changes = this.redundant = this.textLength = 0;
    this.#messages = [];
  }

  drop(): void {
    for (const end of this.ends) end.queue.length = 0;
  }

  /** Delivers one frame each way. */
  step(): void {
    for (const [i, end] of this.ends.entries()) {
      const frame = end.queue.shift();
      if (frame !== undefined) this.#deliver(end, frame);
      const from = this.ends[1 - i]!;
      if (from.isFull && end.queue.length < this.#capacity) {
        from.isFull = false;
        from.session.resume();
      }
    }
  }

  run(): this {
    for (let steps = 0; !this.isQuiet; steps++) {
      if (steps > 20_000) throw new Error("the sessions never come to rest");
      this.step();
    }
    return this;
  }

  /** Swaps, repeats or loses one frame. */
  disturb(next: (bound: number) => number): void {
    const { queue } = this.ends[next(2)]!;
    if (queue.length === 0) return;
    const at = next(queue.length);
    const what = next(6);
    if (what === 0) queue.splice(at, 1);
    if (what === 1) queue.push(queue[at]!);
    if (what === 2) queue.unshift(...queue.splice(at, 1));
  }

  #end(replica: Replica, peer: Replica, other: 0 | 1): End {
    const end: End = {
      replica,
      queue: [],
      errors: [],
      acks: [],
      waits: 0,
      isFull: false,
      session: new SyncSession({
        history: replica.history,
        peer: peer.name,
        send: (frame) => {
          if (end.isFull) throw new Error("sent to a transport that is full");
          const { queue } = this.ends[other];
          queue.push(frame);
          end.isFull = queue.length >= this.#capacity;
          return !end.isFull;
        },
        receiveGroup: (group) => {
          const received = replica.receive(group, peer.name);
          if (received.missing.length > 0) end.waits++;
          return received;
        },
        durable: () => replica.durable,
        onAck: (ids) => end.acks.push(...ids.map(toHex)),
        onError: (code, detail) => end.errors.push([code, detail]),
      }),
    };
    replica.sessions.add(end.session);
    return end;
  }

  #deliver(end: End, frame: string | Uint8Array): void {
    if (typeof frame === "string") {
      const message = parseMessage(frame);
      if (!message.ok) throw new Error(`a session sent what it would refuse: ${frame}`);
      this.#messages.push(message.value);
      this.textLength += frame.length;
    } else {
      const entries = decodeGroup(frame);
      if (!entries.ok) throw new Error("a session sent what is no group");
      this.groups++;
      this.changes += entries.value.length;
      const known = entries.value.filter(
        ({ body }) => end.replica.history.indexOf(changeId(body)) >= 0,
      );
      this.redundant += known.length;
    }
    end.session.receive(frame);
  }
}

export function runAll(links: readonly Link[]): void {
  for (let steps = 0; links.some((link) => !link.isQuiet); steps++) {
    if (steps > 20_000) throw new Error("the sessions never come to rest");
    for (const link of links) link.step();
  }
}

/** A session with a history of `length` changes, whose peer is the test. */
export function scripted(length: number) {
  const replica = new Replica("scripted");
  writeChain(replica, author(0), length);
  const sent: string[] = [];
  const port = { isFull: false, unasked: 0, errors: [] as [SyncErrorCode, string][] };
  const session = new SyncSession({
    history: replica.history,
    peer: "liar",
    send: (frame) => {
      if (typeof frame === "string") {
        const message = parseMessage(frame);
        sent.push(message.ok ? message.value.type : "unreadable");
      } else {
        const entries = decodeGroup(frame);
        sent.push(`group of ${entries.ok ? entries.value.length : "?"}`);
      }
      return !port.isFull;
    },
    receiveGroup: (group) => replica.receive(group, "liar"),
    onUnasked: () => {
      port.unasked++;
    },
    onError: (code, detail) => port.errors.push([code, detail]),
  });
  replica.sessions.add(session);
  return { replica, session, port, take: () => sent.splice(0) };
}
