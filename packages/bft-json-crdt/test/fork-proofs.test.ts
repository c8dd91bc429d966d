/** Fork proofs from end to end: every route by which the second branch can come, what exposure does, and what it must not. */
import { describe, expect, it } from "vitest";
import {
  decodeForkProof,
  Document,
  documentId,
  History,
  list,
  liveGroups,
  string,
  struct,
  SyncSession,
  text,
  toHex,
} from "../src/index.ts";
import type { ForkProof, ReceivedGroup } from "../src/index.ts";
import { coveredGroup, flipped, forge, groupOf, ops, person } from "./forge.ts";
import type { Forged } from "./forge.ts";
import { permutations } from "./trial.ts";

const ID = documentId("fork proofs");
const [ALICE, BOB, MALLORY] = [person(20), person(21), person(22)];
const schema = struct({ words: list(string()), title: text() });
type Words = Document<typeof schema>;

function replica(keyPair = ALICE): Words {
  return new Document({ schema, id: ID, keyPair, chain: 0n });
}

/** Mallory's change that adds a word after `prev`. */
function says(word: string, prev: Forged | null = null, parents: readonly Forged[] = []): Forged {
  return forge({
    document: ID,
    author: MALLORY,
    prev,
    parents,
    ops: [ops.insert(["words"], word)],
  });
}

/** A first change, two branches, and what is built on each of them. */
const root = says("root");
const [left, right] = [says("left", root), says("right", root)];
const [leftTip, rightTip] = [says("left tip", left), says("right tip", right)];
const base = forge({ document: ID, author: BOB });
const ids = [left, right].map(({ hex }) => hex).toSorted();

function expectExposed({ document, author, chain, seq, ids: proven, bytes }: ForkProof): void {
  expect([document, author, chain, seq]).toEqual([ID, MALLORY.publicKey, 0n, 2]);
  expect(proven.map(toHex)).toEqual(ids);
  // From its bytes alone, on a machine that knows nothing else.
  const decoded = decodeForkProof(bytes.slice());
  expect(decoded.ok && decoded.value).toMatchObject({ document, author, chain, seq, ids: proven });
}

/** Brings two documents to one history; returns how many frames that took. */
function meet(a: Words, b: Words): void {
  const queue: (() => void)[] = [];
  const sides = [a, b].map((document, side) => {
    const session: SyncSession = new SyncSession({
      history: document.history,
      peer: `peer ${side}`,
      send: (frame) => {
        queue.push(() => {
          sides[1 - side]!.receive(frame);
        });
        return true;
      },
      receiveGroup: (group): ReceivedGroup => {
        const received = document.receive(group, `peer ${side}`);
        for (const live of liveGroups(document.history, group, received))
          session.push(live.group, live.indexes);
        return received;
      },
    });
    return session;
  });
  for (const session of sides) session.open();
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) step();
  expect(sides.map(({ synced }) => synced)).toEqual([true, true]);
}

function holding(...groups: readonly Uint8Array[]): Words {
  const document = replica();
  for (const group of groups) document.receive(group);
  return document;
}

/** Routes by which a second branch comes to a document that has the first. */
const routes: { readonly [name: string]: (to: Words, first: Forged, second: Forged) => void } = {
  "as a live change": (to, _first, second) => {
    to.receive(second.group);
  },
  "in one group with the first": (to, first, second) => {
    to.receive(groupOf([root, first, second]));
  },
  "under a cover": (to, _first, second) => {
    const tip = second === left ? leftTip : rightTip;
    to.receive(coveredGroup([second, tip]));
  },
  "pending, and then drained": (to, _first, second) => {
    const waiting = forge({
      document: ID,
      author: MALLORY,
      prev: root,
      parents: [base],
      time: 7,
      ops: [ops.insert(["words"], "late")],
    });
    expect(to.receive(waiting.group).status).toBe("pending");
    expect(to.history.forks()).toEqual([]);
    to.receive(base.group);
    to.receive(second.group);
  },
  "by catching up with a peer": (to, _first, second) => {
    meet(to, holding(root.group, second.group));
  },
  "from a file": (to, _first, second) => {
    expect(to.merge(holding(root.group, second.group).save()).ok).toBe(true);
  },
};

describe("an equivocation is proven and told once", () => {
  for (const [name, come] of Object.entries(routes)) {
    for (const [which, first, second] of [
      ["the left branch first", left, right],
      ["the right branch first", right, left],
    ] as const) {
      it(`when the second branch comes ${name}, ${which}`, () => {
        const document = holding(root.group, first.group);
        const told: ForkProof[] = [];
        document.onFork((proof) => told.push(proof));
        come(document, first, second);
        expect(told).toHaveLength(1);
        const [proof] = document.history.forks();
        expect(proof!.author).toEqual(MALLORY.publicKey);
        if (name !== "pending, and then drained") {
          expectExposed(proof!);
          expect(told).toEqual([proof]);
        }
        // Whatever comes again, or later on that chain, is no news.
        for (const change of [left, right, leftTip, rightTip]) document.receive(change.group);
        expect(told).toHaveLength(1);
        // Stored: it is there again when the document is opened from what was saved.
        const loaded = Document.load(document.save(), { schema, id: ID });
        expect(loaded.ok && loaded.value.history.forks().map(({ seq }) => seq)).toEqual([2]);
      });
    }
  }

  it("with the same bytes everywhere, in whatever order the branches and their tips come", () => {
    const expected = holding(...[root, left, right].map(({ group }) => group)).history.forks();
    expectExposed(expected[0]!);
    let orders = 0;
    for (const order of permutations([root, left, right, leftTip, rightTip])) {
      const document = holding(...order.map(({ group }) => group));
      expect(document.history.length).toBe(5);
      expect(document.history.forks()).toEqual(expected);
      orders++;
    }
    expect(orders).toBe(120);
  });

  it("with the same verdict where one branch came under a cover: another proof of the same two changes", () => {
    const live = holding(root.group, left.group, right.group);
    const covered = holding(root.group, left.group, coveredGroup([right, rightTip]));
    const [a, b] = [live, covered].map(({ history }) => history.forks()[0]!);
    expectExposed(a!);
    expectExposed(b!);
  });

  it("to a third replica that talks to only one of those who were shown different things", () => {
    const [a, b, c] = [
      holding(root.group, left.group),
      holding(root.group, right.group),
      replica(BOB),
    ];
    expect([a, b].map(({ history }) => history.forks())).toEqual([[], []]);
    const told: string[] = [];
    c.onFork(({ author }) => told.push(toHex(author)));
    meet(a, b);
    meet(b, c);
    expect(told).toEqual([toHex(MALLORY.publicKey)]);
    expect(c.history.forks()).toEqual(a.history.forks());
    expectExposed(c.history.forks()[0]!);
  });

  it("for each chain, in the order in which they came out", () => {
    const chains = [3n, 1n, 2n].map((chain) =>
      [1, 2].map((time) => forge({ document: ID, author: MALLORY, chain, time })),
    );
    const document = holding(...chains.map(([first]) => first!.group));
    const told: bigint[] = [];
    document.onFork(({ chain }) => told.push(chain));
    for (const [, second] of chains) document.receive(second!.group);
    expect(told).toEqual([3n, 1n, 2n]);
    const all = replica(BOB);
    const toldAtOnce: bigint[] = [];
    all.onFork(({ chain }) => toldAtOnce.push(chain));
    all.receive(groupOf(chains.flat()));
    expect(toldAtOnce).toEqual([3n, 1n, 2n]);
  });
});

describe("a proof that was tampered with", () => {
  const { bytes } = holding(root.group, left.group, right.group).history.forks()[0]!;

  it("is refused with a code, whichever bit is flipped", () => {
    const codes = new Set<string>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const decoded = decodeForkProof(flipped(bytes, bit));
      expect(decoded.ok).toBe(false);
      if (!decoded.ok) codes.add(decoded.error.code);
    }
    expect([...codes].toSorted()).toEqual(["bad_signature", "malformed", "unsupported_version"]);
  });
});

describe("exposure", () => {
  it("makes nothing undeletable: what the liar wrote can be removed and built upon, in every order", () => {
    const views = new Set<string>();
    for (const order of permutations([left, right, leftTip, rightTip])) {
      const alice = replica(ALICE);
      const bob = replica(BOB);
      alice.receive(root.group);
      for (const change of order) {
        bob.receive(root.group);
        bob.receive(change.group);
        alice.receive(change.group);
      }
      // Both know that Mallory lies. One removes all of it, the other writes in the midst of it.
      expect([alice, bob].map(({ history }) => history.forks().length)).toEqual([1, 1]);
      const remove = alice.change(({ words }) => words.delete(0, words.length), { time: 1 });
      const write = bob.change(({ words }) => words.insert(1, "mine"), { time: 1 });
      expect(alice.receive(write.bytes).status).toBe("applied");
      expect(bob.receive(remove.bytes).status).toBe("applied");
      expect(alice.view().words).toEqual(["mine"]);
      expect(bob.viewDigest()).toBe(alice.viewDigest());
      views.add(alice.viewJson());
      // And the liar may go on; that can be removed as well.
      const more = says("more", rightTip);
      for (const document of [alice, bob])
        expect(document.receive(more.group).status).toBe("applied");
      bob.receive(alice.change(({ words }) => words.delete(words.length - 1)).bytes);
      expect(bob.viewDigest()).toBe(alice.viewDigest());
    }
    expect(views.size).toBe(1);
  });

  it("on one replica and not yet on another makes no difference to what either accepts or shows", () => {
    const exposed = holding(root.group, left.group, right.group);
    const unaware = holding(root.group, left.group);
    const later = [leftTip, says("further", leftTip)];
    for (const change of later) {
      expect(exposed.receive(change.group).status).toBe("applied");
      expect(unaware.receive(change.group).status).toBe("applied");
    }
    expect(exposed.history.forks()).toHaveLength(1);
    expect(unaware.history.forks()).toEqual([]);
    const honest = unaware.change(({ words }) => words.delete(0));
    expect(exposed.receive(honest.bytes).status).toBe("applied");
    unaware.receive(right.group);
    expect(unaware.viewDigest()).toBe(exposed.viewDigest());
    expect(unaware.history.forks()).toEqual(exposed.history.forks());
  });

  it("lowers the author's quota in the causal queue, and nobody else's; what is dropped still gets in", () => {
    const limits = { pendingBytesPerAuthor: 24_000, pendingBytesPerExposedAuthor: 3_000 };
    const chain = (author: typeof ALICE): Forged[] => {
      const line = [forge({ document: ID, author, chain: 9n })];
      for (let i = 0; i < 12; i++)
        line.push(forge({ document: ID, author, chain: 9n, prev: line.at(-1)! }));
      return line;
    };
    const [honest, lying] = [chain(BOB), chain(MALLORY)];
    const history = new History({ document: ID, limits });
    for (const change of [...honest.slice(1), ...lying.slice(1)]) {
      expect(history.receive(change.group, "peer").status).toBe("pending");
    }
    expect(history.pending.count).toBe(24);
    for (const { group } of [root, left, right]) history.receive(group, "peer");
    // Two entries of some 1,200 bytes fit into what is left to Mallory; Bob keeps all of his.
    expect(history.forks()).toHaveLength(1);
    expect(history.pending.count).toBe(12 + 2);
    history.receive(lying[3]!.group, "peer");
    expect(history.pending.count).toBe(12 + 2);
    history.receive(honest[0]!.group, "peer");
    expect(history.indexOf(honest.at(-1)!.id)).toBeGreaterThan(0);
    // Nothing is refused for good: in causal order all of it is applied, as it is without any limit.
    for (const { group } of lying) history.receive(group, "peer");
    const unbounded = new History({ document: ID });
    for (const change of [root, left, right, ...honest, ...lying]) unbounded.receive(change.group);
    expect(history.frontier()).toEqual(unbounded.frontier());
    expect(history.pending).toEqual({ count: 0, bytes: 0 });
  });
});
