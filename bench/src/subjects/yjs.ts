/** Yjs: JavaScript. One change is one transaction. */
import * as Y from "yjs";
import type {
  Library,
  ListDocument,
  ListEdit,
  MapReplica,
  Replica,
  TextDocument,
} from "./library.ts";
import type { Edit } from "../trace.ts";

class YjsText implements TextDocument {
  readonly #doc: Y.Doc;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  text(): string {
    // oxlint-disable-next-line typescript/no-base-to-string -- it is the text
    return this.#doc.getText("text").toString();
  }

  save(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc);
  }
}

class YjsList implements ListDocument {
  readonly #doc = new Y.Doc();
  readonly #list = this.#doc.getArray<number>("list");

  edit(edits: readonly ListEdit[]): void {
    this.#doc.transact(() => {
      for (const [index, value] of edits) {
        if (value === null) this.#list.delete(index, 1);
        else this.#list.insert(index, [value]);
      }
    });
  }

  append(values: readonly number[]): void {
    this.#list.push([...values]);
  }

  get length(): number {
    return this.#list.length;
  }

  get(index: number): number {
    return this.#list.get(index);
  }

  toArray(): number[] {
    return this.#list.toArray();
  }
}

/** Makes transactions, and collects the updates that others need. */
class Sender {
  readonly doc = new Y.Doc();
  #updates: Uint8Array[] = [];

  constructor(clientId: number) {
    this.doc.clientID = clientId;
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== REMOTE) this.#updates.push(update);
    });
  }

  take(): Uint8Array[] {
    const updates = this.#updates;
    this.#updates = [];
    return updates;
  }

  receive(updates: unknown): void {
    for (const update of updates as Uint8Array[]) Y.applyUpdate(this.doc, update, REMOTE);
  }
}

/** The origin of what came from others. */
const REMOTE = "remote";

function apply(text: Y.Text, edits: readonly Edit[]): void {
  for (const [position, deleted, inserted] of edits) {
    if (deleted > 0) text.delete(position, deleted);
    if (inserted !== "") text.insert(position, inserted);
  }
}

function replica(author: number, isTurn: boolean): Replica {
  const sender = new Sender(author + 1);
  const { doc } = sender;
  const text = doc.getText("text");
  return {
    turn(changes) {
      if (isTurn) doc.transact(() => changes.forEach((edits) => apply(text, edits)));
      else for (const edits of changes) doc.transact(() => apply(text, edits));
      return sender.take();
    },
    receive: (message) => sender.receive(message),
    // oxlint-disable-next-line typescript/no-base-to-string -- it is the text
    text: () => text.toString(),
  };
}

function mapReplica(author: number): MapReplica {
  const sender = new Sender(author + 1);
  const { doc } = sender;
  const map = doc.getMap<number>("map");
  const fields = doc.getMap<number>("fields");
  return {
    assign(assignments) {
      doc.transact(() => {
        for (const [key, value] of assignments) map.set(key, value);
      });
      return sender.take();
    },
    assignRegister(values) {
      doc.transact(() => {
        for (const value of values) fields.set("register", value);
      });
      return sender.take();
    },
    receive: (message) => sender.receive(message),
    receiveAll: (messages) =>
      doc.transact(() => messages.forEach((message) => sender.receive(message)), REMOTE),
    entries: () => map.toJSON(),
    register: () => fields.get("register")!,
  };
}

/** Yjs. */
export const yjs: Library = {
  type(edits) {
    const doc = new Y.Doc();
    const text = doc.getText("text");
    doc.transact(() => apply(text, edits));
    return new YjsText(doc);
  },
  load(bytes) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, bytes);
    return new YjsText(doc);
  },
  list: () => new YjsList(),
  replicas: {
    "a message per change": () => (author) => replica(author, false),
    "a message per turn": () => (author) => replica(author, true),
  },
  maps: (count) => Array.from({ length: count }, (_, author) => mapReplica(author)),
};
