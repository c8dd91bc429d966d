/**
 * What a change says about what came before it: old, redundant, missing or circular links, claimed times, ids ground to
 * win ties. Honest replicas apply what is correctly linked, in an order that no author may choose.
 */
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/index.ts";
import { encodeMessage, SyncSession } from "../../src/sync/index.ts";
import { forge, groupOf, ops, person } from "../forge.ts";
import type { Forged } from "../forge.ts";
import {
  ALICE,
  BOB,
  converge,
  expectNoEffect,
  ground,
  groupsOf,
  ID,
  known,
  mallory,
  MALLORY,
  replica,
} from "./scene.ts";

describe("a change backdated behind old parents", () => {
  it("is applied and sorts as early as its lamport: it overrides nothing that was seen since, on any replica", () => {
    const { document, last } = ground();
    const later = document.change((doc) => doc.reg.set("newer"));
    const old = mallory({
      parents: [last],
      time: 0,
      ops: [ops.assign(["opt"], "backdated"), ops.insertBy(1, [2, 0, 1], "early")],
    });
    const claims = mallory({
      chain: 1n,
      parents: [last],
      // It lies twice: what it pretends to replace was replaced long ago, by one who came after.
      ops: [ops.assign(["reg"], "back again", [2, 0, 0, 1])],
    });
    const result = converge([last.group, later.bytes, old.group, claims.group]);
    expect(result.view()).toMatchObject({ opt: "backdated", words: ["a", "early", "b", "c"] });
    // Both stand, and the tie at equal lamports is decided by the ids alone, the same way everywhere.
    expect(result.root.reg.conflicts()).toHaveLength(2);
    const greatest = [toHex(later.id), claims.hex].toSorted()[1];
    expect(result.view().reg).toBe(greatest === claims.hex ? "back again" : "newer");
    // Who has seen it decides.
    const next = document.change((doc) => doc.reg.set("newest"));
    const all = [last.group, later.bytes, old.group, claims.group, next.bytes];
    expect(converge(all).view().reg).toBe("newest");
  });

  it("with a lamport lower or higher than its parents give is refused as wrong_lamport, whoever knows them", () => {
    const { last } = ground();
    for (const lamport of [1, 3, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const lie = mallory({ parents: [last], lies: { lamport } });
      for (const order of [
        [last, lie],
        [lie, last],
      ]) {
        const document = replica(BOB);
        for (const { group } of order) document.receive(group);
        expect(document.receive(lie.group)).toMatchObject({
          status: "rejected",
          code: "wrong_lamport",
        });
        expect(document.history.length).toBe(1);
      }
    }
  });
});

describe("a claimed time", () => {
  it("in the far past or the far future decides nothing: lamports order, and beyond 2^53 − 1 it is malformed", () => {
    for (const [first, second] of [
      [0, Number.MAX_SAFE_INTEGER],
      [Number.MAX_SAFE_INTEGER, 0],
      [null, 1],
    ] as const) {
      const early = mallory({
        time: first,
        ops: [ops.assign(["reg"], "early"), ops.insert(["words"], "early")],
      });
      const late = forge({
        document: ID,
        author: ALICE,
        parents: [early],
        time: second,
        ops: [ops.assign(["reg"], "late"), ops.insert(["words"], "late")],
      });
      const result = converge(groupsOf([early, late]));
      expect(result.view()).toMatchObject({ reg: "late", words: ["late", "early"] });
      expect([0, 1].map((index) => result.history.timeAt(index))).toEqual([first, second]);
    }
    for (const time of [-1, 2 ** 53]) {
      // Neither has an encoding as a time.
      expect(() => mallory({ time })).toThrow();
    }
  });
});

describe("ids ground for a tie", () => {
  it("win it on every replica alike, and no more: the loser stays a readable conflict, and one edit decides", () => {
    const alice = replica(ALICE);
    const honest = alice.change((doc) => {
      doc.reg.set("honest");
      doc.words.push("honest");
    });
    const tries = Array.from({ length: 64 }, (_, time) =>
      mallory({ time, ops: [ops.assign(["reg"], "ground"), ops.insert(["words"], "ground")] }),
    );
    const ground = tries.toSorted((a, b) => (a.hex < b.hex ? 1 : -1))[0]!;
    expect(ground.hex > toHex(honest.id)).toBe(true);
    const result = converge([honest.bytes, ground.group]);
    expect(result.view()).toMatchObject({ reg: "ground", words: ["ground", "honest"] });
    expect(
      result.root.reg
        .conflicts()
        .map(({ value }) => value)
        .toSorted(),
    ).toEqual(["ground", "honest"]);
    alice.receive(ground.group);
    const decided = alice.change((doc) => doc.reg.set("decided"));
    expect(converge([honest.bytes, ground.group, decided.bytes]).view().reg).toBe("decided");
  });
});

describe("a parent that is an ancestor of another parent", () => {
  it("is legal and changes nothing: one head, the greatest lamport, the same view as without it", () => {
    const line: Forged[] = [];
    for (let at = 0; at < 5; at++)
      line.push(mallory({ prev: line.at(-1) ?? null, ops: [ops.insert(["words"], `${at}`)] }));
    const edit = [ops.assign(["reg"], "x")];
    const plain = forge({ document: ID, author: ALICE, parents: [line[4]!], ops: edit });
    const redundant = forge({ document: ID, author: ALICE, parents: line, refs: line, ops: edit });
    const results = [plain, redundant].map((change) => converge(groupsOf([...line, change])));
    expect(results[1]!.viewJson()).toBe(results[0]!.viewJson());
    for (const result of results) {
      expect(result.frontier()).toHaveLength(1);
      expect(result.history.lamportAt(5)).toBe(6);
    }
    // As a dependency of its own chain, too.
    const own = mallory({ prev: line[4]!, parents: [line[0]!, line[2]!] });
    expect(converge(groupsOf([...line, own])).frontier()).toEqual([own.id]);
  });
});

describe("a parent that never comes", () => {
  it("keeps its change pending and named as missing, on every replica, while honest changes go on", () => {
    const { document, last } = ground();
    const never = mallory();
    const waiting = mallory({ prev: never, parents: [last], ops: [ops.assign(["reg"], "never")] });
    const behind = forge({ document: ID, author: BOB, parents: [waiting] });
    const honest = document.change((doc) => doc.words.push("goes on"));
    const groups = [last.group, waiting.group, behind.group, honest.bytes];
    const replicas = [groups, groups.toReversed()].map((order) => {
      const other = replica(BOB);
      for (const group of order) other.receive(group);
      expect(other.receive(waiting.group)).toMatchObject({
        status: "pending",
        missing: [never.id],
      });
      expect(other.history.pending.count).toBe(2);
      expect(other.history.pendingMissing()).toEqual([never.id]);
      expect(other.viewJson()).toBe(document.viewJson());
      return other;
    });
    // If it does come after all, everything behind it applies.
    for (const other of replicas) expect(other.receive(never.group).applied).toHaveLength(3);
    expect(replicas[0]!.view().reg).toBe("never");
    expect(replicas[1]!.viewJson()).toBe(replicas[0]!.viewJson());
    expect(replicas[1]!.frontier()).toEqual(replicas[0]!.frontier());
  });
});

describe("a cycle that somebody claims", () => {
  it("by author and number is two changes with one number: both are applied, and the author is exposed", () => {
    // By their names, Mallory's first change builds on Alice's, which builds on Mallory's first.
    const first = mallory({ ops: [ops.insert(["words"], "m")] });
    const answer = forge({ document: ID, author: ALICE, parents: [first], ops: [] });
    const again = mallory({ parents: [answer], ops: [ops.insert(["words"], "again")] });
    const result = converge(groupsOf([first, answer, again]));
    expect(result.history.length).toBe(3);
    expect(result.history.forks()).toMatchObject([{ author: MALLORY.publicKey, seq: 1 }]);
  });

  it("by ids waits for ever, because nobody finds a change that names itself; no time or stack goes into it", () => {
    const guess = { ...mallory(), id: new Uint8Array(32).fill(1), hex: "01".repeat(32) };
    const self = mallory({ parents: [guess] });
    const other = mallory({ chain: 1n, parents: [self, guess] });
    for (const order of [
      [self, other],
      [other, self],
    ]) {
      const document = replica(BOB);
      for (const { group } of order) expect(document.receive(group).status).toBe("pending");
      expect(document.history.pendingMissing()).toEqual([guess.id]);
      expect(document.history.pending.count).toBe(2);
    }
  });

  it("among elements of one change has no effect", () => {
    expectNoEffect(
      [ops.insertBy(1, [0, 0, 1], "x"), ops.insertBy(0, [0, 0, 0], "y")],
      [ops.insert([0, 0, 0, "log"], "inside itself")],
      [ops.assign([0, 0, 0, "name"], "named by itself"), ops.remove([0, 0, 0, 1])],
    );
  });

  it("in answers of the sync protocol ends: a session asks a bounded number of times and serves on", () => {
    const { document } = ground();
    const sent: string[] = [];
    const session = new SyncSession({
      history: document.history,
      peer: "liar",
      send: (frame) => {
        sent.push(typeof frame === "string" ? frame : "group");
        return true;
      },
      receiveGroup: (group) => document.receive(group),
    });
    const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    session.open();
    for (let round = 0; round < 200; round++) {
      session.receive(encodeMessage({ type: "have", frontier: { heads: [a, b] }, again: true }));
      session.receive(encodeMessage({ type: "known", ids: [] }));
      session.receive(encodeMessage({ type: "lacks", of: round, at: [0], tips: [a, b] }));
      for (const [of, id] of [
        [a, b],
        [b, a],
      ] as const)
        session.receive(encodeMessage({ type: "samples", of, ids: [{ seq: 1, id }] }));
      session.receive(encodeMessage({ type: "done", frontier: { heads: [a, b] } }));
    }
    // One reply at most for each of the liar's frames, and it never asks on its own account.
    expect(sent.length).toBeLessThan(6 * 200);
    expect(document.history.length).toBe(1);
    expect(document.change((doc) => doc.words.push("on")).indexes).toEqual([1]);
  });
});

describe("references to a change that is not among the ancestors", () => {
  it("cannot be made: a ref beyond the table has no effect, also where the change that is meant is known", () => {
    const { document, last, view } = ground();
    const stranger = forge({
      document: ID,
      author: person(70),
      ops: [ops.insert(["words"], "stranger")],
    });
    // Without a ref to the stranger's change: the numbers after the table mean nothing.
    const lies = [1, 2, 3, 4, 9].map((ref, chain) =>
      mallory({
        chain: BigInt(chain),
        parents: ref === 2 ? [] : [last],
        ops: [
          ops.remove([ref === 1 ? 1 : ref + 1, 0, 0, 1]),
          ops.textBy(1, [ref + 2, 0, 4], "x"),
          ops.assign(["reg"], "x", [ref + 2, 0, 0, 1]),
        ],
      }),
    );
    const result = converge([last.group, stranger.group, ...groupsOf(lies)]);
    const { words, ...rest } = JSON.parse(result.viewJson()) as { words: string[] };
    expect(words.toSorted()).toEqual(["a", "b", "c", "stranger"]);
    expect({ ...rest, words: ["a", "b", "c"] }).toEqual(view);
    // With one it is an ancestor, and whoever has not seen it waits for it.
    const honest = mallory({ refs: [stranger], ops: [ops.remove([1, 0, 0, 1])] });
    document.receive(groupOf([honest]));
    expect(document.history.pendingMissing()).toEqual([stranger.id]);
    document.receive(stranger.group);
    expect(known(document)).toHaveLength(3);
    expect(document.history.pending.count).toBe(0);
  });
});
