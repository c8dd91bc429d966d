/** Automerge: Rust in WebAssembly. */
import * as Automerge from "@automerge/automerge";
import type { Library, Replica, TextDocument } from "./library.ts";
import type { Edit } from "../trace.ts";

/** A type, not an interface: Automerge asks for an index signature. */
type TextRoot = { text: string };

const actor = (author: number): string => (author + 1).toString(16).padStart(2, "0").repeat(16);

/**
 * Makes the fields of a document, the same in every replica: without a time, or two that are opened in different seconds
 * have different first changes, and neither ever applies what the other made.
 */
function opened<T>(author: number, first: T): Automerge.Doc<T> {
  const base = Automerge.change(
    Automerge.init<T>({ actor: "00".repeat(16) }),
    { time: 0 },
    (root) => Object.assign(root as object, first),
  );
  const [doc] = Automerge.applyChanges(
    Automerge.init<T>({ actor: actor(author) }),
    Automerge.getAllChanges(base),
  );
  return doc;
}

class AutomergeText implements TextDocument {
  readonly #doc: Automerge.Doc<TextRoot>;

  constructor(doc: Automerge.Doc<TextRoot>) {
    this.#doc = doc;
  }

  text(): string {
    return this.#doc.text;
  }

  save(): Uint8Array {
    return Automerge.save(this.#doc);
  }

  free(): void {
    Automerge.free(this.#doc);
  }
}

function apply(doc: TextRoot, edits: readonly Edit[]): void {
  for (const [position, deleted, inserted] of edits) {
    Automerge.splice(doc, ["text"], position, deleted, inserted);
  }
}

function replica(author: number): Replica {
  let doc = opened<TextRoot>(author, { text: "" });
  return {
    turn: (changes) =>
      changes.map((edits) => {
        doc = Automerge.change(doc, { time: 0 }, (root) => apply(root, edits));
        return Automerge.getLastLocalChange(doc)!;
      }),
    receive(message) {
      [doc] = Automerge.applyChanges(doc, message as Uint8Array[]);
    },
    text: () => doc.text,
  };
}

/** Automerge. */
export const automerge: Library = {
  type(edits) {
    const doc = Automerge.change(Automerge.from<TextRoot>({ text: "" }), (root) =>
      apply(root, edits),
    );
    return new AutomergeText(doc);
  },
  load: (bytes) => new AutomergeText(Automerge.load<TextRoot>(bytes)),
  replicas: { "a message per turn": () => replica },
};
