/** Loro: the same peer id in both copies of the liar's. */
import { LoroDoc } from "loro-crdt";
import type { Accusation, Content, Edit, Person, Replica, Subject } from "./subject.ts";
import { versionOf } from "./versions.ts";

const peerIds: Readonly<Record<Person, `${number}`>> = {
  alice: "1001",
  bob: "1002",
  mallory: "6660666",
};

class LoroReplica implements Replica {
  readonly doc: LoroDoc;
  readonly #person: Person;

  constructor(person: Person, doc = new LoroDoc()) {
    this.#person = person;
    this.doc = doc;
    this.doc.setPeerId(peerIds[person]);
  }

  edit(edits: readonly Edit[]): Uint8Array {
    const before = this.doc.oplogVersion();
    for (const edit of edits) {
      if (edit.kind === "map") this.doc.getMap("map").set(edit.key, edit.value);
      else if (edit.kind === "list") this.doc.getList("list").insert(edit.at, edit.insert);
      else {
        const text = this.doc.getText("text");
        if (edit.remove > 0) text.delete(edit.at, edit.remove);
        text.insert(edit.at, edit.insert);
      }
    }
    this.doc.commit();
    return this.doc.export({ mode: "update", from: before });
  }

  receive(change: Uint8Array): void {
    this.doc.import(change);
  }

  twin(): LoroReplica {
    return new LoroReplica(this.#person, this.doc.fork());
  }

  content(): Content {
    return {
      text: this.doc.getText("text").toString(),
      map: this.doc.getMap("map").toJSON() as Record<string, string>,
      list: this.doc.getList("list").toJSON() as string[],
    };
  }

  version(): string {
    return [...this.doc.oplogVersion().toJSON()]
      .map(([peer, counter]) => `${peer}:${counter}`)
      .toSorted()
      .join(" ");
  }

  /** There is no interface for it. */
  accusations(): Accusation[] {
    return [];
  }
}

/** Each way runs several times: a second round has nothing to send when the first was enough. */
const ROUNDS = 3;

/** Loro. */
export const loro: Subject<LoroReplica> = {
  library: "Loro",
  version: versionOf("loro-crdt"),
  ways: [
    {
      name: "updates",
      sync: (a, b, attempt) => {
        for (let round = 0; round < ROUNDS; round++) {
          for (const [from, to] of [
            [b, a],
            [a, b],
          ] as const) {
            const has = to.doc.oplogVersion();
            attempt(() => to.receive(from.doc.export({ mode: "update", from: has })));
          }
        }
      },
    },
    {
      name: "snapshots",
      sync: (a, b, attempt) => {
        for (let round = 0; round < ROUNDS; round++) {
          attempt(() => a.receive(b.doc.export({ mode: "snapshot" })));
          attempt(() => b.receive(a.doc.export({ mode: "snapshot" })));
        }
      },
    },
  ],
  open: (person) => new LoroReplica(person),
  identity: (person) => peerIds[person],
};
