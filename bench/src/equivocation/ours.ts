/** bft-json-crdt: the same key and the same chain in both copies of the liar's. */
import {
  decodeForkProof,
  Document,
  documentId,
  generateKeyPair,
  list,
  liveGroups,
  map,
  string,
  struct,
  SyncSession,
  text,
  toHex,
} from "bft-json-crdt";
import type { KeyPair } from "bft-json-crdt";
import type { Accusation, Content, Edit, Person, Replica, Subject } from "./subject.ts";
import { versionOf } from "./versions.ts";

const schema = struct({ text: text(), map: map(string()), list: list(string()) });

/** The document that all of them share. */
export const id: Uint8Array = documentId("equivocation");

const keyPairs: Readonly<Record<Person, KeyPair>> = {
  alice: generateKeyPair(new Uint8Array(32).fill(1)),
  bob: generateKeyPair(new Uint8Array(32).fill(2)),
  mallory: generateKeyPair(new Uint8Array(32).fill(3)),
};

class OurReplica implements Replica {
  readonly document: Document<typeof schema>;
  readonly #person: Person;

  constructor(person: Person) {
    this.#person = person;
    this.document = new Document({ schema, id, keyPair: keyPairs[person], chain: 0n });
  }

  edit(edits: readonly Edit[]): Uint8Array {
    const change = this.document.change(
      (doc) => {
        for (const edit of edits) {
          if (edit.kind === "map") doc.map.set(edit.key, edit.value);
          else if (edit.kind === "list") doc.list.insert(edit.at, edit.insert);
          else {
            if (edit.remove > 0) doc.text.delete(edit.at, edit.remove);
            doc.text.insert(edit.at, edit.insert);
          }
        }
      },
      { time: null },
    );
    return change.bytes;
  }

  receive(change: Uint8Array): void {
    const { status, code } = this.document.receive(change);
    if (status === "rejected") throw new Error(`rejected: ${code}`);
  }

  twin(): OurReplica {
    const twin = new OurReplica(this.#person);
    twin.merge(this);
    return twin;
  }

  merge(other: OurReplica): void {
    const merged = this.document.merge(other.document.save());
    if (!merged.ok) throw new Error(`refused: ${merged.error.code}`);
  }

  content(): Content {
    return this.document.view();
  }

  version(): string {
    return this.document.frontier().map(toHex).join(" ");
  }

  /** The author is read from the proof, which is verified once more, from its bytes alone. */
  accusations(): Accusation[] {
    return this.document.history.forks().flatMap(({ bytes: proof }) => {
      const verified = decodeForkProof(proof);
      return verified.ok ? [{ author: toHex(verified.value.author), proof }] : [];
    });
  }
}

function converse(a: OurReplica, b: OurReplica): void {
  const frames: { to: SyncSession; frame: string | Uint8Array }[] = [];
  const session = ({ document }: OurReplica, peer: string, other: () => SyncSession): SyncSession =>
    new SyncSession({
      history: document.history,
      peer,
      send: (frame) => frames.push({ to: other(), frame }) > 0,
      receiveGroup: (group) => {
        const received = document.receive(group, peer);
        for (const live of liveGroups(document.history, group, received)) {
          ends[peer === "a" ? 1 : 0].push(live.group, live.indexes);
        }
        return received;
      },
    });
  const ends: [SyncSession, SyncSession] = [
    session(a, "b", () => ends[1]),
    session(b, "a", () => ends[0]),
  ];
  for (const end of ends) end.open();
  for (let next = frames.shift(); next !== undefined; next = frames.shift()) {
    next.to.receive(next.frame);
  }
  if (!ends.every((end) => end.synced)) throw new Error("the sessions do not end");
}

/** This library. */
export const ours: Subject<OurReplica> = {
  library: "bft-json-crdt",
  version: versionOf("bft-json-crdt"),
  ways: [
    { name: "SyncSession", sync: (a, b, attempt) => void attempt(() => converse(a, b)) },
    {
      name: "save, merge",
      sync: (a, b, attempt) => {
        attempt(() => a.merge(b));
        attempt(() => b.merge(a));
      },
    },
  ],
  open: (person) => new OurReplica(person),
  identity: (person) => toHex(keyPairs[person].publicKey),
};
