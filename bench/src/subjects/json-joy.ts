/** json-joy: JavaScript. One change is one patch. */
import { Model, Patch } from "json-joy/lib/json-crdt/index.js";
import type {
  Library,
  ListDocument,
  ListEdit,
  MapReplica,
  Replica,
  TextDocument,
} from "./library.ts";
import type { Edit } from "../trace.ts";

/** Session ids from here on are free to use. */
const SESSIONS = 100_000;

class JsonJoyText implements TextDocument {
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  text(): string {
    return this.#model.api.str([]).view();
  }

  save(): Uint8Array {
    return this.#model.toBinary();
  }
}

class JsonJoyList implements ListDocument {
  readonly #model = withRoot([]);
  readonly #list = this.#model.api.arr([]);

  edit(edits: readonly ListEdit[]): void {
    for (const [index, value] of edits) {
      if (value === null) this.#list.del(index, 1);
      else this.#list.ins(index, [value]);
    }
    this.#model.api.flush();
  }

  append(values: readonly number[]): void {
    this.#list.ins(this.length, [...values]);
    this.#model.api.flush();
  }

  get length(): number {
    return this.#list.length();
  }

  get(index: number): number {
    return this.#list.node.getNode(index)!.view() as number;
  }

  toArray(): number[] {
    return this.#list.view() as number[];
  }
}

/** A model with this content, the same in every replica. */
function withRoot(content: unknown, author?: number): Model {
  const model = Model.create(undefined, SESSIONS);
  model.api.root(content);
  model.api.flush();
  return author === undefined ? model : model.fork(SESSIONS + 1 + author);
}

function apply(model: Model, text: ReturnType<Model["api"]["str"]>, edits: readonly Edit[]): Patch {
  for (const [position, deleted, inserted] of edits) {
    if (deleted > 0) text.del(position, deleted);
    if (inserted !== "") text.ins(position, inserted);
  }
  return model.api.flush();
}

function replica(author: number): Replica {
  const model = withRoot("", author);
  const text = model.api.str([]);
  return {
    turn: (changes) => changes.map((edits) => apply(model, text, edits).toBinary()),
    receive(message) {
      for (const patch of message as Uint8Array[]) model.applyPatch(Patch.fromBinary(patch));
    },
    text: () => text.view(),
  };
}

function mapReplica(author: number): MapReplica {
  const model = withRoot({ map: {}, register: 0 }, author);
  const map = model.api.obj(["map"]);
  const root = model.api.obj([]);
  return {
    assign(assignments) {
      for (const [key, value] of assignments) map.set({ [key]: value });
      return model.api.flush().toBinary();
    },
    assignRegister(values) {
      for (const value of values) root.set({ register: value });
      return model.api.flush().toBinary();
    },
    receive: (message) => model.applyPatch(Patch.fromBinary(message as Uint8Array)),
    entries: () => map.view() as Record<string, number>,
    register: () => (root.view() as { register: number }).register,
  };
}

/** json-joy. */
export const jsonJoy: Library = {
  type(edits) {
    const model = withRoot("");
    apply(model, model.api.str([]), edits);
    return new JsonJoyText(model);
  },
  load: (bytes) => new JsonJoyText(Model.fromBinary(bytes)),
  list: () => new JsonJoyList(),
  replicas: { "a message per turn": () => replica },
  maps: (count) => Array.from({ length: count }, (_, author) => mapReplica(author)),
};
