/**
 * Relays that hide, reorder or show different peers different histories: all that they can do is withhold. Those who have
 * only such a relay see a part of the truth, and the same part the same way; any other path heals it.
 */
import { describe, expect, it } from "vitest";
import {
  decodeBody,
  decodeGroup,
  Document,
  encodeGroup,
  liveGroups,
  SyncSession,
  toHex,
} from "../../src/index.ts";
import type { KeyPair } from "../../src/index.ts";
import { person } from "../forge.ts";
import { ALICE, BOB, Everything, ID, MALLORY, random } from "./scene.ts";

type Frame = string | Uint8Array;

/** What a dishonest hand makes of a frame on its way to somebody: the frames that go out instead. */
type Tamper = (frame: Frame, to: string) => Frame[];

const honest: Tamper = (frame) => [frame];

/** Somebody with a document and sessions to others. */
class Host {
  readonly name: string;
  readonly document: Document<typeof Everything>;
  readonly sessions = new Set<SyncSession>();

  constructor(name: string, keyPair?: KeyPair) {
    this.name = name;
    const keys = keyPair === undefined ? {} : { keyPair };
    this.document = new Document({ schema: Everything, id: ID, ...keys });
  }

  write(word: string): void {
    const { bytes, indexes } = this.document.change((doc) => doc.words.push(word));
    for (const session of this.sessions) session.push(bytes, indexes);
  }

  words(): string[] {
    return this.document.view().words.toSorted();
  }
}

/** Frames on their way, delivered one by one. */
const wires: { readonly queue: Frame[]; readonly session: SyncSession }[] = [];

/** Connects two hosts; `tamper` sits at the second one and sees what it sends. Returns how to cut the connection. */
function connect(a: Host, b: Host, tamper: Tamper = honest): () => void {
  const ends = [a, b].map((host, side) => {
    const other = side === 0 ? b : a;
    const queue: Frame[] = [];
    const session: SyncSession = new SyncSession({
      history: host.document.history,
      peer: other.name,
      send: (frame) => {
        const peer = ends[1 - side]!;
        peer.queue.push(...(side === 1 ? tamper(frame, a.name) : [frame]));
        return true;
      },
      receiveGroup: (group) => {
        const received = host.document.receive(group, other.name);
        for (const live of liveGroups(host.document.history, group, received))
          for (const each of host.sessions) each.push(live.group, live.indexes);
        return received;
      },
    });
    host.sessions.add(session);
    return { queue, session, host };
  });
  wires.push(...ends);
  for (const { session } of ends) session.open();
  return () => {
    for (const end of ends) {
      end.session.close();
      end.host.sessions.delete(end.session);
      end.queue.length = 0;
    }
  };
}

/** Delivers everything, and compares frontiers once more, as hosts do now and then. */
function settle(): void {
  for (let round = 0; round < 3; round++) {
    for (let steps = 0; wires.some(({ queue }) => queue.length > 0); steps++) {
      if (steps > 5_000) throw new Error("the sessions never come to rest");
      for (const { queue, session } of wires) {
        const frame = queue.shift();
        if (frame !== undefined) session.receive(frame);
      }
    }
    for (const { session } of wires) session.refresh();
  }
}

/** Leaves the changes of one author out of what is sent to some. */
function hiding(author: KeyPair, from: (name: string) => boolean = () => true): Tamper {
  return (frame, to) => {
    if (typeof frame === "string" || !from(to)) return [frame];
    const entries = decodeGroup(frame);
    if (!entries.ok) return [];
    const rest = entries.value.filter(({ body }) => {
      const header = decodeBody(body);
      return header.ok && toHex(header.value.author) !== toHex(author.publicKey);
    });
    return rest.length === 0 ? [] : [encodeGroup(rest)];
  };
}

function expectEqual(...hosts: Host[]): void {
  const [first] = hosts as [Host];
  for (const { document } of hosts) {
    expect(document.frontier().map(toHex)).toEqual(first.document.frontier().map(toHex));
    expect(document.viewDigest()).toBe(first.document.viewDigest());
    expect(document.history.pending.count).toBe(0);
  }
}

function people(): [Host, Host, Host, Host] {
  wires.length = 0;
  return [
    new Host("relay"),
    new Host("alice", ALICE),
    new Host("bob", BOB),
    new Host("carol", person(63)),
  ];
}

describe("an eclipse", () => {
  it("by a relay that hides an author leaves its victims with a prefix that they agree on, and one honest path heals it", () => {
    const [relay, alice, bob, carol] = people();
    for (const host of [alice, bob, carol]) connect(host, relay, hiding(ALICE));
    alice.write("a1");
    bob.write("b1");
    settle();
    alice.write("a2");
    settle();
    // What Alice wrote reaches nobody, and what she saw she builds on.
    expect([bob.words(), carol.words()]).toEqual([["b1"], ["b1"]]);
    expectEqual(bob, carol);
    // It waits for no part of it, and no signature was broken: nothing is rejected or pending.
    expect(alice.words()).toEqual(["a1", "a2", "b1"]);
    // They know that they are not in step: the relay names heads that it does not give.
    expect([...bob.sessions].some(({ synced }) => synced)).toBe(false);
    connect(alice, bob);
    settle();
    expectEqual(alice, bob, relay);
    // The hidden author's changes are passed on by whoever has them, except through those hands.
    connect(carol, bob);
    settle();
    expectEqual(alice, bob, carol, relay);
  });

  it("by a relay that reorders, repeats and loses frames delays, and no more: all end equal when it tires", () => {
    const [relay, alice, bob, carol] = people();
    const draw = random(11);
    const held: Frame[] = [];
    let isTired = false;
    const shuffle: Tamper = (frame) => {
      if (isTired) return [frame];
      const out: Frame[] = [];
      held.push(frame);
      while (held.length > 3) {
        const [one] = held.splice(draw(held.length), 1) as [Frame];
        const what = draw(6);
        if (what === 0) continue;
        out.push(one);
        if (what === 1) out.push(one);
      }
      return out;
    };
    for (const host of [alice, bob, carol]) connect(host, relay, shuffle);
    for (let round = 0; round < 20; round++) {
      for (const host of [alice, bob, carol]) host.write(`${host.name} ${round}`);
      settle();
    }
    isTired = true;
    settle();
    expectEqual(alice, bob, carol, relay);
    expect(alice.words()).toHaveLength(60);
  });

  it("by a relay that shows two peers two histories splits what they see, never what they make of it, until they meet", () => {
    const [one, alice, bob, carol] = people();
    const two = new Host("relay");
    // Two faces behind one name: each peer is shown its own.
    connect(alice, one);
    connect(bob, two);
    const cut = [connect(carol, one)];
    carol.write("carol to the one");
    alice.write("alice");
    bob.write("bob");
    settle();
    expect(alice.words()).toEqual(["alice", "carol to the one"]);
    expect(bob.words()).toEqual(["bob"]);
    // Each side is in step with itself, and frontiers commit to what that is.
    expectEqual(alice, carol, one);
    expectEqual(bob, two);
    expect(alice.document.frontier()).not.toEqual(bob.document.frontier());
    for (const end of cut) end();
    connect(carol, two);
    settle();
    // One client that comes by the other face carries everything over.
    expectEqual(bob, carol, two);
    expect(bob.words()).toEqual(["alice", "bob", "carol to the one"]);
    connect(alice, bob);
    settle();
    expectEqual(alice, bob, carol, one, two);
  });

  it("of an equivocator's other branch hides the fork until any path brings it: then everyone has both, and the proof", () => {
    const [relay, alice, bob] = people();
    connect(alice, relay);
    connect(bob, relay);
    const branches = [0, 1].map((time) => {
      const mallory = new Document({ schema: Everything, id: ID, keyPair: MALLORY, chain: 0n });
      return mallory.change((doc) => doc.words.push(`branch ${time}`), { time });
    });
    alice.document.receive(branches[0]!.bytes, "mallory");
    bob.document.receive(branches[1]!.bytes, "mallory");
    expect([alice, bob].map(({ document }) => document.history.forks().length)).toEqual([0, 0]);
    for (const { session } of wires) session.refresh();
    settle();
    expectEqual(alice, bob, relay);
    for (const { document } of [alice, bob, relay])
      expect(document.history.forks()).toMatchObject([{ author: MALLORY.publicKey, seq: 1 }]);
  });
});

describe("an author whom one relay refuses", () => {
  it("is delivered by another path: whoever may deliver a change may deliver what it builds on, whoever wrote it", () => {
    const [strict, alice, bob, carol] = people();
    const open = new Host("open relay");
    // The strict relay has no connection for Alice. Bob is at both.
    connect(alice, open);
    connect(bob, open);
    connect(bob, strict);
    connect(carol, strict);
    alice.write("a1");
    settle();
    bob.write("answer");
    settle();
    carol.write("answer to the answer");
    settle();
    expectEqual(alice, bob, carol, strict, open);
    const { history } = strict.document;
    expect(toHex(history.authorAt(0))).toBe(toHex(ALICE.publicKey));
    expect(carol.words()).toEqual(["a1", "answer", "answer to the answer"]);
  });
});
