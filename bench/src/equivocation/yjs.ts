/** Yjs: the same clientID in both copies of the liar's. */
import * as Y from "yjs";
import type { Accusation, Content, Edit, Person, Replica, Subject } from "./subject.ts";
import { versionOf } from "./versions.ts";

const clientIds: Readonly<Record<Person, number>> = { alice: 1001, bob: 1002, mallory: 6_660_666 };

class YjsReplica implements Replica {
  readonly doc = new Y.Doc();
  readonly #person: Person;

  /** Yjs takes another clientID when it receives changes under its own: so it is set once `state` is there. */
  constructor(person: Person, state?: Uint8Array) {
    this.#person = person;
    if (state !== undefined) Y.applyUpdate(this.doc, state);
    this.doc.clientID = clientIds[person];
  }

  edit(edits: readonly Edit[]): Uint8Array {
    const updates: Uint8Array[] = [];
    const listen = (update: Uint8Array): void => void updates.push(update);
    this.doc.on("update", listen);
    this.doc.transact(() => {
      for (const edit of edits) {
        if (edit.kind === "map") this.doc.getMap("map").set(edit.key, edit.value);
        else if (edit.kind === "list") this.doc.getArray("list").insert(edit.at, [edit.insert]);
        else {
          const text = this.doc.getText("text");
          if (edit.remove > 0) text.delete(edit.at, edit.remove);
          text.insert(edit.at, edit.insert);
        }
      }
    });
    this.doc.off("update", listen);
    return Y.mergeUpdates(updates);
  }

  receive(change: Uint8Array): void {
    Y.applyUpdate(this.doc, change);
  }

  twin(): YjsReplica {
    return new YjsReplica(this.#person, Y.encodeStateAsUpdate(this.doc));
  }

  content(): Content {
    return {
      text: this.doc.getText("text").toJSON(),
      map: this.doc.getMap<string>("map").toJSON(),
      list: this.doc.getArray<string>("list").toArray(),
    };
  }

  version(): string {
    const vector = [...Y.decodeStateVector(Y.encodeStateVector(this.doc))];
    return vector
      .toSorted(([a], [b]) => a - b)
      .map(([client, clock]) => `${client}:${clock}`)
      .join(" ");
  }

  /** There is no interface for it. */
  accusations(): Accusation[] {
    return [];
  }
}

/** Each way runs several times: a second round has nothing to send when the first was enough. */
const ROUNDS = 3;

/** Yjs. */
export const yjs: Subject<YjsReplica> = {
  library: "Yjs",
  version: versionOf("yjs"),
  ways: [
    {
      name: "state vectors",
      sync: (a, b, attempt) => {
        for (let round = 0; round < ROUNDS; round++) {
          for (const [from, to] of [
            [b, a],
            [a, b],
          ] as const) {
            const lacks = Y.encodeStateVector(to.doc);
            attempt(() => to.receive(Y.encodeStateAsUpdate(from.doc, lacks)));
          }
        }
      },
    },
    {
      name: "whole state",
      sync: (a, b, attempt) => {
        for (let round = 0; round < ROUNDS; round++) {
          attempt(() => a.receive(Y.encodeStateAsUpdate(b.doc)));
          attempt(() => b.receive(Y.encodeStateAsUpdate(a.doc)));
        }
      },
    },
  ],
  open: (person) => new YjsReplica(person),
  identity: (person) => String(clientIds[person]),
};
