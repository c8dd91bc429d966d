/**
 * The prototype's three benchmarks (insert at the root, insert linearly, many agents in conflict) at growing sizes:
 * if the time per operation stays flat, no operation depends on how much there is already.
 */
import { Document, documentId, generateKeyPair, integer, list, struct } from "bft-json-crdt";
import { expectEqual, timed } from "./measure.ts";
import type { Row } from "./measure.ts";
import { seeded, shuffle } from "./random.ts";

const schema = struct({ items: list(integer()) });
const id = documentId("bench");

/** Every item at the start of the list, in one change or in a signed change each. */
export function insertAtRoot(size: number, each: boolean): Row {
  return insert("insert at root", size, each, () => 0);
}

/** Every item behind the one before. */
export function insertLinearly(size: number, each: boolean): Row {
  return insert("insert linearly", size, each, (length) => length);
}

/** Agents insert at the root without seeing each other; a replica receives all their signed changes, shuffled. */
export function insertInConflict(size: number, agents: number): Row {
  const perAgent = Math.ceil(size / agents);
  const groups: Uint8Array[] = [];
  const all = Array.from({ length: agents }, (_, agent) => {
    const document = open();
    for (let i = 0; i < perAgent; i++) {
      const change = document.change((doc) => doc.items.insert(0, agent * perAgent + i), {
        time: null,
      });
      groups.push(change.bytes);
    }
    return document;
  });
  shuffle(groups, seeded(size + agents));
  // Shuffled, most changes wait in the causal queue, which is allowed to hold them all here.
  const limits = { pendingBytes: 1e9, pendingBytesPerPeer: 1e9, pendingBytesPerAuthor: 1e9 };
  const receiver = open(limits);
  const milliseconds = timed(() => {
    for (const group of groups) receiver.receive(group, "bench");
  });
  expectEqual(receiver.history.length, groups.length, "applied changes");
  expectEqual(receiver.root.items.length, groups.length, "items");
  if (size <= 1_000) {
    // Convergence itself, the other way round: an agent that receives everything shows the same.
    const agent = all[0]!;
    for (const group of groups) agent.receive(group, "bench");
    expectEqual(agent.viewDigest(), receiver.viewDigest(), "digests");
  }
  return row(`${agents} agents in conflict, shuffled`, groups.length, milliseconds);
}

function insert(name: string, size: number, each: boolean, place: (length: number) => number): Row {
  const document = open();
  const milliseconds = timed(() => {
    if (each) {
      for (let i = 0; i < size; i++) {
        document.change((doc) => doc.items.insert(place(i), i), { time: null });
      }
      return;
    }
    document.change((doc) => {
      const { items } = doc;
      for (let i = 0; i < size; i++) items.insert(place(i), i);
    });
  });
  expectEqual(document.root.items.length, size, "items");
  expectEqual(document.root.items.get(0), place(1) === 0 ? size - 1 : 0, "the first item");
  return row(`${name}, ${each ? "a signed change each" : "one change"}`, size, milliseconds);
}

function open(limits = {}): Document<typeof schema> {
  return new Document({ schema, id, keyPair: generateKeyPair(), limits });
}

function row(name: string, size: number, milliseconds: number): Row {
  return { name, size, milliseconds, microsecondsPerOp: (milliseconds * 1_000) / size };
}
