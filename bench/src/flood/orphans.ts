/** Changes whose dependencies never come: each is signed and valid as far as anyone can tell, and waits. */
import { counter, Document, generateKeyPair, struct } from "bft-json-crdt";

/** Changes of one author: more authors, shorter chains, and none is over an author's quota by itself. */
const CHAIN_LENGTH = 500;

const schema = struct({ n: counter() });

/** Makes orphans for a document, one after the other: chains of many authors, each without its first change. */
export function* orphans(id: Uint8Array, count: number): Generator<Uint8Array> {
  for (let made = 0; made < count;) {
    const author = new Document({ schema, id, keyPair: generateKeyPair() });
    author.change(({ n }) => n.increment(1));
    for (let i = 0; i < CHAIN_LENGTH && made < count; i++, made++) {
      yield author.change(({ n }) => n.increment(1), { time: null }).bytes;
    }
  }
}
