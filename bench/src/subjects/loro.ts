/** Loro: Rust in WebAssembly. One change is one commit. */
import { LoroDoc } from "loro-crdt";
import type { LoroText } from "loro-crdt";
import type {
  Library,
  ListDocument,
  ListEdit,
  MapReplica,
  Replica,
  TextDocument,
} from "./library.ts";
import type { Edit } from "../trace.ts";

class LoroTextDocument implements TextDocument {
  readonly #doc: LoroDoc;

  constructor(doc: LoroDoc) {
    this.#doc = doc;
  }

  text(): string {
    return this.#doc.getText("text").toString();
  }

  save(): Uint8Array {
    return this.#doc.export({ mode: "snapshot" });
  }

  free(): void {
    this.#doc.free();
  }
}

class LoroListDocument implements ListDocument {
  readonly #doc = new LoroDoc();
  readonly #list = this.#doc.getList("list");

  edit(edits: readonly ListEdit[]): void {
    for (const [index, value] of edits) {
      if (value === null) this.#list.delete(index, 1);
      else this.#list.insert(index, value);
    }
    this.#doc.commit();
  }

  append(values: readonly number[]): void {
    for (const value of values) this.#list.push(value);
    this.#doc.commit();
  }

  get length(): number {
    return this.#list.length;
  }

  get(index: number): number {
    return this.#list.get(index) as number;
  }

  toArray(): number[] {
    return this.#list.toJSON() as number[];
  }
}

function apply(text: LoroText, edits: readonly Edit[]): void {
  for (const [position, deleted, inserted] of edits) {
    if (deleted > 0) text.delete(position, deleted);
    if (inserted !== "") text.insert(position, inserted);
  }
}

/** The document of an author. */
function open(author: number): LoroDoc {
  const doc = new LoroDoc();
  doc.setPeerId(BigInt(author + 1));
  return doc;
}

function replica(author: number): Replica {
  const doc = open(author);
  const text = doc.getText("text");
  return {
    turn(changes) {
      const from = doc.oplogVersion();
      for (const edits of changes) {
        apply(text, edits);
        doc.commit();
      }
      return doc.export({ mode: "update", from });
    },
    receive: (message) => void doc.import(message as Uint8Array),
    text: () => text.toString(),
  };
}

function mapReplica(author: number): MapReplica {
  const doc = open(author);
  const map = doc.getMap("map");
  const fields = doc.getMap("fields");
  const counter = doc.getCounter("counter");
  const change = (edit: () => void): Uint8Array => {
    const from = doc.oplogVersion();
    edit();
    doc.commit();
    return doc.export({ mode: "update", from });
  };
  return {
    assign: (assignments) =>
      change(() => {
        for (const [key, value] of assignments) map.set(key, value);
      }),
    assignRegister: (values) =>
      change(() => {
        for (const value of values) fields.set("register", value);
      }),
    increment: (times) =>
      change(() => {
        for (let i = 0; i < times; i++) counter.increment(1);
      }),
    receive: (message) => void doc.import(message as Uint8Array),
    receiveAll: (messages) => void doc.importBatch(messages as Uint8Array[]),
    entries: () => map.toJSON() as Record<string, number>,
    register: () => fields.get("register") as number,
    counter: () => counter.value,
  };
}

/** Loro. */
export const loro: Library = {
  type(edits) {
    const doc = new LoroDoc();
    apply(doc.getText("text"), edits);
    doc.commit();
    return new LoroTextDocument(doc);
  },
  load(bytes) {
    const doc = new LoroDoc();
    doc.import(bytes);
    return new LoroTextDocument(doc);
  },
  list: () => new LoroListDocument(),
  replicas: { "a message per turn": () => replica },
  maps: (count) => Array.from({ length: count }, (_, author) => mapReplica(author)),
};
