/** Rounds of a few people with keys of their own: what the tests of rounds begin with. */
import { documentId } from "../src/change/index.ts";
import { generateKeyPair } from "../src/crypto/index.ts";
import type { KeyPair } from "../src/crypto/index.ts";
import { Document } from "../src/document/index.ts";
import type { ChangeOptions } from "../src/document/index.ts";
import { toHex } from "../src/encoding/index.ts";
import type { Value } from "../src/encoding/index.ts";
import { integer, log, struct } from "../src/schema/index.ts";
import {
  closeRecord,
  commitRecord,
  commitRevealLog,
  commitTo,
  endRecord,
  readRound,
  revealRecord,
} from "../src/commit-reveal/index.ts";
import type { Opening, Round, RoundRecord, RoundView } from "../src/commit-reveal/index.ts";

export const ID = documentId("round");
export const TOPIC = "lot 7";
export const schema = struct({ bids: commitRevealLog(), steps: log(integer()) });
export type Replica = Document<typeof schema>;

export function keyOf(who: number): KeyPair {
  return generateKeyPair(new Uint8Array(32).fill(who));
}

export function open(who: number, chain = 0n): Replica {
  return new Document({ schema, id: ID, keyPair: keyOf(who), chain });
}

/** All that the documents have, each gets. */
export function exchange(...documents: readonly Replica[]): void {
  for (const from of documents) {
    for (const to of documents) if (from !== to) deliver(from, to);
  }
}

export function deliver(from: Replica, to: Replica): void {
  const { history } = from;
  const known = to.frontier().map((id) => history.indexOf(id));
  const missing = history.missingFor(known.filter((index) => index >= 0));
  for (const group of history.groupsFor(missing)) to.receive(group);
}

/** The same author once more, with all that this one has. */
export function twin(of: Replica, who: number, chain = 0n): Replica {
  const other = open(who, chain);
  deliver(of, other);
  return other;
}

export function write(document: Replica, record: RoundRecord, options: ChangeOptions = {}): void {
  document.change(({ bids }) => bids.append(record), { requires: document.frontier(), ...options });
}

export function contextOf(document: Replica, topic = TOPIC) {
  return { document: document.id, author: document.author!, topic };
}

export function commit(document: Replica, value: Value, salt = 1): Opening {
  const { commitment, opening } = commitTo(
    contextOf(document),
    value,
    new Uint8Array(32).fill(salt),
  );
  write(document, commitRecord(TOPIC, commitment));
  return opening;
}

export const close = (document: Replica): void => write(document, closeRecord(TOPIC));
export const end = (document: Replica): void => write(document, endRecord(TOPIC));

export function reveal(document: Replica, round: Round, opening: Opening): void {
  write(document, revealRecord(read(document, round), document.author!, opening));
}

/** Without asking whether it should. */
export function revealAnyway(document: Replica, { value, salt }: Opening): void {
  write(document, { kind: "reveal", topic: TOPIC, value, salt });
}

export function read(document: Replica, round: Round): RoundView {
  return readRound(document, document.root.bids, round);
}

export function roundOf(threshold: number, ...closers: readonly Replica[]): Round {
  return { topic: TOPIC, closers: closers.map(({ author }) => author!), threshold };
}

/** State of the one commitment, or of those of an author. */
export function statesOf(view: RoundView, document?: Replica): string[] {
  return view.commitments
    .filter(({ author }) => document === undefined || author === toHex(document.author!))
    .map(({ state }) => state);
}

export function valuesIn({ commitments }: RoundView): Value[] {
  return commitments.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

export const reasonsIn = ({ ignored }: RoundView): string[] => ignored.map(({ reason }) => reason);

/** Two bidders and a closer who know of each other's commitments. */
export function begun() {
  const [ann, ben, cem] = [open(1), open(2), open(3)];
  const round = roundOf(1, cem);
  const openings = [commit(ann, 10), commit(ben, { bid: 20n })] as const;
  exchange(ann, ben, cem);
  return { ann, ben, cem, round, openings };
}
