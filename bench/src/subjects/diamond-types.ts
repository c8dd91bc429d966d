/** diamond-types-node: Rust in WebAssembly, texts only. Its positions count characters; the traces are ASCII. */
import { Doc } from "diamond-types-node";
import type { Library, Replica, TextDocument } from "./library.ts";

class DiamondText implements TextDocument {
  readonly #doc: Doc;

  constructor(doc: Doc) {
    this.#doc = doc;
  }

  text(): string {
    return this.#doc.get();
  }

  save(): Uint8Array {
    return this.#doc.toBytes();
  }

  free(): void {
    this.#doc.free();
  }
}

/** The authors' names decide between insertions at one place. */
const AUTHORS = ["a", "b"];

function replica(author: number): Replica {
  const doc = new Doc(AUTHORS[author]);
  return {
    turn(changes) {
      const before = doc.getLocalVersion();
      for (const edits of changes) {
        for (const [position, deleted, inserted] of edits) {
          if (deleted > 0) doc.del(position, deleted);
          if (inserted !== "") doc.ins(position, inserted);
        }
      }
      return doc.getPatchSince(before);
    },
    receive: (message) => void doc.mergeBytes(message as Uint8Array),
    text: () => doc.get(),
  };
}

/** diamond-types-node. */
export const diamondTypes: Library = {
  type(edits) {
    const doc = new Doc("a");
    for (const [position, deleted, inserted] of edits) {
      if (deleted > 0) doc.del(position, deleted);
      if (inserted !== "") doc.ins(position, inserted);
    }
    return new DiamondText(doc);
  },
  load: (bytes) => new DiamondText(Doc.fromBytes(bytes, "a")),
  replicas: { "a message per turn": () => replica },
};
