/** This library, as it is published: the built JavaScript (see build.ts). */
import {
  counter,
  Document,
  documentId,
  generateKeyPair,
  integer,
  list,
  map,
  publicKeyOf,
  sign,
  struct,
  SyncSession,
  text,
  verify,
} from "bft-json-crdt";
import type { Handle, KeyPair } from "bft-json-crdt";
import type { Edit } from "../trace.ts";
import type {
  Library,
  ListDocument,
  ListEdit,
  MapReplica,
  Replica,
  TextDocument,
} from "./library.ts";

const id = documentId("bench");
const textSchema = struct({ text: text() });
const listSchema = struct({ list: list(integer()) });
const mapSchema = struct({ map: map(integer()), register: integer(), counter: counter() });

/** Keys of strangers, and a signature by each. */
const strangers: { readonly key: Uint8Array; readonly signature: Uint8Array }[] = [];

/** Checks signatures of so many strangers: keys that were checked before are forgotten then. */
export function forgetKeys(count: number): void {
  const message = new Uint8Array(1);
  for (let i = strangers.length; i < count; i++) {
    const seed = new Uint8Array(32).fill(0x73);
    new DataView(seed.buffer).setUint32(0, i);
    strangers.push({ key: publicKeyOf(seed), signature: sign(message, seed) });
  }
  for (let i = 0; i < count; i++) {
    const { key, signature } = strangers[i]!;
    if (!verify(signature, message, key)) throw new Error("a stranger's signature is refused");
  }
}

/** A text of ours. */
export type OurText = Document<typeof textSchema>;

/** A list of ours. */
export type OurList = Document<typeof listSchema>;

/** The same key for the same author in every run. */
export function author(number: number): KeyPair {
  const seed = new Uint8Array(32).fill(0x62);
  new DataView(seed.buffer).setUint32(0, number);
  return generateKeyPair(seed);
}

/** Opens an empty text. */
export function openText(by = 0): OurText {
  return new Document({ schema: textSchema, id, keyPair: author(by) });
}

/** Opens an empty list, in whose queue anything may wait. */
export function openList(by = 0): OurList {
  return new Document({ schema: listSchema, id, keyPair: author(by), limits: ROOM });
}

/**
 * Opens a text from saved bytes: by its author, who has sealed it and believes the seal; or by a stranger (null), who
 * verifies everything.
 */
export function loadText(bytes: Uint8Array, by: number | null): OurText {
  const keyPair = by === null ? {} : { keyPair: author(by) };
  const loaded = Document.load(bytes, { schema: textSchema, id, ...keyPair });
  if (!loaded.ok) throw new Error(`not loaded: ${loaded.error.detail}`);
  return loaded.value;
}

/** What comes out of order has to wait, and to fit. */
const ROOM = { pendingBytes: 1e9, pendingBytesPerPeer: 1e9, pendingBytesPerAuthor: 1e9 };

/** Changes have no claimed time: one less thing that differs between runs. */
const UNTIMED = { time: null };

/** Brings two documents to the same changes through sync sessions; returns the bytes of all frames. */
export function syncBytes(one: OurText, other: OurText): number {
  let bytes = 0;
  const frames: [to: 0 | 1, frame: string | Uint8Array][] = [];
  const sessions = [one, other].map(
    (document, from) =>
      new SyncSession({
        history: document.history,
        peer: "bench",
        receiveGroup: (group) => document.receive(group, "bench"),
        send: (frame) => {
          bytes += frame.length;
          frames.push([from === 0 ? 1 : 0, frame]);
          return true;
        },
      }),
  );
  for (const session of sessions) session.open();
  for (let at = 0; at < frames.length; at++) {
    const [to, frame] = frames[at]!;
    frames[at] = [to, ""];
    sessions[to]!.receive(frame);
  }
  if (!sessions.every(({ synced }) => synced)) throw new Error("the sessions ended apart");
  return bytes;
}

/** Makes one edit. */
export function apply(doc: Handle<typeof textSchema>, edit: Edit): void {
  const [position, deleted, inserted] = edit;
  if (deleted > 0) doc.text.delete(position, deleted);
  if (inserted !== "") doc.text.insert(position, inserted);
}

/** Types each edit as a change of its own, so many under each covering signature. */
export function typeInBatches(edits: readonly Edit[], perSignature: number): OurText {
  const document = openText();
  for (let at = 0; at < edits.length; at += perSignature) {
    typeBatch(document, edits, at, Math.min(at + perSignature, edits.length));
  }
  return document;
}

/** Types some of the edits, each as a change of its own, under one signature. */
export function typeBatch(
  document: OurText,
  edits: readonly Edit[],
  from: number,
  to: number,
): void {
  document.batch((change) => {
    for (let i = from; i < to; i++) change((doc) => apply(doc, edits[i]!), UNTIMED);
  });
}

/** Types an edit as a change of its own, which is signed; returns what to send. */
export function typeSigned(document: OurText, edit: Edit): Uint8Array {
  return document.change((doc) => apply(doc, edit), UNTIMED).bytes;
}

class Text implements TextDocument {
  readonly #document: OurText;

  constructor(document: OurText) {
    this.#document = document;
  }

  text(): string {
    return this.#document.view().text;
  }

  save(): Uint8Array {
    return this.#document.save();
  }
}

class List implements ListDocument {
  readonly #document = openList();
  readonly #list = this.#document.root.list;

  edit(edits: readonly ListEdit[]): void {
    this.#document.change(({ list: target }) => {
      for (const [index, value] of edits) {
        if (value === null) target.delete(index);
        else target.insert(index, value);
      }
    }, UNTIMED);
  }

  append(values: readonly number[]): void {
    this.#document.change(({ list: target }) => target.push(...values), UNTIMED);
  }

  get length(): number {
    return this.#list.length;
  }

  get(index: number): number {
    return this.#list.get(index)!;
  }

  toArray(): number[] {
    return this.#list.toArray();
  }

  finder(indexes: readonly number[]): (n: number) => number {
    const ids = indexes.map((index) => this.#list.idAt(index));
    return (n) => this.#list.indexOf(ids[n]!);
  }
}

function replica(by: number, changesFor: "turn" | "edit", isSigned: boolean): Replica {
  const document = openText(by);
  return {
    turn(changes) {
      if (changesFor === "turn") {
        return document.change(
          (doc) => changes.forEach((edits) => edits.forEach((one) => apply(doc, one))),
          UNTIMED,
        ).groups;
      }
      if (isSigned) {
        return changes.map(
          (edits) =>
            document.change((doc) => edits.forEach((one) => apply(doc, one)), UNTIMED).bytes,
        );
      }
      return document.batch((change) => {
        for (const edits of changes)
          change((doc) => edits.forEach((one) => apply(doc, one)), UNTIMED);
      }).groups;
    },
    receive(message) {
      for (const group of message as readonly Uint8Array[]) document.receive(group, "bench");
    },
    text: () => document.root.text.toString(),
  };
}

function mapReplica(by: number): MapReplica {
  const document = new Document({ schema: mapSchema, id, keyPair: author(by), limits: ROOM });
  const { root } = document;
  return {
    assign: (assignments) =>
      document.change(({ map: target }) => {
        for (const [key, value] of assignments) target.set(key, value);
      }, UNTIMED).groups,
    assignRegister: (values) =>
      document.change(({ register }) => {
        for (const value of values) register.set(value);
      }, UNTIMED).groups,
    increment: (times) =>
      document.change(({ counter: target }) => {
        for (let i = 0; i < times; i++) target.increment();
      }, UNTIMED).groups,
    receive(message) {
      for (const group of message as readonly Uint8Array[]) document.receive(group, "bench");
    },
    receiveAll: (messages) =>
      document.receiveAll((messages as readonly Uint8Array[][]).flat(), "bench"),
    entries: () => document.view().map,
    register: () => root.register.get(),
    counter: () => Number(root.counter.value),
  };
}

/** This library. */
export const ours: Library = {
  type(edits) {
    const document = openText();
    document.change((doc) => {
      const { text: target } = doc;
      for (const [position, deleted, inserted] of edits) {
        if (deleted > 0) target.delete(position, deleted);
        if (inserted !== "") target.insert(position, inserted);
      }
    });
    return new Text(document);
  },
  load: (bytes) => new Text(loadText(bytes, 0)),
  loadAsStranger: (bytes) => new Text(loadText(bytes, null)),
  list: () => new List(),
  replicas: {
    "a change per turn": () => (by) => replica(by, "turn", true),
    "a covering signature per turn": () => (by) => replica(by, "edit", false),
    "each change signed": () => (by) => replica(by, "edit", true),
  },
  maps: (count) => Array.from({ length: count }, (_, by) => mapReplica(by)),
};
