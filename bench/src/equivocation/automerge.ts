/** Automerge: the same actor id in both copies of the liar's. */
import * as Automerge from "@automerge/automerge";
import type { Accusation, Attempt, Content, Edit, Person, Replica, Subject } from "./subject.ts";
import { versionOf } from "./versions.ts";

/** A type, not an interface: Automerge asks for an index signature. */
type Root = { text: string; map: Record<string, string>; list: string[] };

const actors: Readonly<Record<Person, string>> = {
  alice: "aa".repeat(16),
  bob: "bb".repeat(16),
  mallory: "66".repeat(16),
};

class AutomergeReplica implements Replica {
  doc: Automerge.Doc<Root>;
  readonly #person: Person;

  constructor(person: Person, doc = Automerge.init<Root>({ actor: actors[person] })) {
    this.#person = person;
    this.doc = doc;
  }

  edit(edits: readonly Edit[]): Uint8Array {
    this.doc = Automerge.change(this.doc, { time: 0 }, (doc) => {
      // Only the first change of all finds none.
      doc.text ??= "";
      doc.map ??= {};
      doc.list ??= [];
      for (const edit of edits) {
        if (edit.kind === "map") doc.map[edit.key] = edit.value;
        else if (edit.kind === "list") doc.list.splice(edit.at, 0, edit.insert);
        else Automerge.splice(doc, ["text"], edit.at, edit.remove, edit.insert);
      }
    });
    return Automerge.getLastLocalChange(this.doc)!;
  }

  receive(change: Uint8Array): void {
    this.apply([change]);
  }

  apply(changes: Uint8Array[]): void {
    [this.doc] = Automerge.applyChanges(this.doc, changes);
  }

  twin(): AutomergeReplica {
    const { doc } = this;
    return new AutomergeReplica(
      this.#person,
      Automerge.clone(doc, { actor: actors[this.#person] }),
    );
  }

  content(): Content {
    const { text, map, list } = Automerge.toJS(this.doc);
    return { text, map, list };
  }

  version(): string {
    return Automerge.getHeads(this.doc).toSorted().join(" ");
  }

  /** There is no interface for it. */
  accusations(): Accusation[] {
    return [];
  }
}

/** Connections one after the other, each with a new sync state, as after a network failure; each ends at an error. */
const CONNECTIONS = 4;

function exchange(a: AutomergeReplica, b: AutomergeReplica, attempt: Attempt): void {
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const ends = [a, b].map((replica) => ({ replica, state: Automerge.initSyncState() }));
    // Each speaks first in turn.
    if (connection % 2 === 1) ends.reverse();
    let isOpen = true;
    let isQuiet = false;
    while (isOpen && !isQuiet) {
      isQuiet = true;
      for (const [at, from] of ends.entries()) {
        const [state, message] = Automerge.generateSyncMessage(from.replica.doc, from.state);
        from.state = state;
        if (message === null) continue;
        isQuiet = false;
        const to = ends[1 - at]!;
        isOpen = attempt(() => {
          const [doc, next] = Automerge.receiveSyncMessage(to.replica.doc, to.state, message);
          to.replica.doc = doc;
          to.state = next;
        });
        if (!isOpen) break;
      }
    }
  }
}

/** Automerge. */
export const automerge: Subject<AutomergeReplica> = {
  library: "Automerge",
  version: versionOf("@automerge/automerge"),
  ways: [
    { name: "sync messages", sync: exchange },
    {
      name: "merge",
      sync: (a, b, attempt) => {
        attempt(() => void (a.doc = Automerge.merge(a.doc, b.doc)));
        attempt(() => void (b.doc = Automerge.merge(b.doc, a.doc)));
      },
    },
    {
      name: "applyChanges",
      sync: (a, b, attempt) => {
        attempt(() => a.apply(Automerge.getAllChanges(b.doc)));
        attempt(() => b.apply(Automerge.getAllChanges(a.doc)));
      },
    },
  ],
  open: (person) => new AutomergeReplica(person),
  identity: (person) => actors[person],
};
