/**
 * Signatures that are broken on the way, left out, or vouch for what they should not: an id is never poisoned by a bad
 * copy of it, and an unsigned change gets in only together with a cover that links back to it.
 */
import { describe, expect, it } from "vitest";
import { Document, encodeGroup, toHex } from "../../src/index.ts";
import { coveredGroup, entryOf, flipped, forge, groupOf, ops } from "../forge.ts";
import type { Forged } from "../forge.ts";
import { ALICE, BOB, converge, Everything, groupsOf, ID, mallory, replica } from "./scene.ts";

/** A line of Mallory's that inserts one word each. */
function lineOf(count: number, prev: Forged | null = null): Forged[] {
  const line: Forged[] = [];
  for (let at = 0; at < count; at++)
    line.push(
      mallory({ prev: line.at(-1) ?? prev, time: at, ops: [ops.insert(["words"], `${at}`)] }),
    );
  return line;
}

/** All replicas have the same history and view. */
function expectEqual(...documents: Document<typeof Everything>[]): void {
  const [first] = documents as [Document<typeof Everything>];
  for (const document of documents) {
    expect(document.frontier().map(toHex)).toEqual(first.frontier().map(toHex));
    expect(document.viewJson()).toBe(first.viewJson());
    expect(document.history.pending.count).toBe(0);
  }
}

describe("one bit of a signature flipped on the way to half the replicas", () => {
  it("is bad_signature there and says nothing about the id: whoever gets a good copy has what the others have", () => {
    const alice = replica(ALICE);
    const change = alice.change((doc) => doc.words.push("a"));
    const child = alice.change((doc) => doc.words.push("b"));
    const signature = alice.history.signatureAt(0)!;
    const body = alice.history.bodyAt(0);
    const replicas = Array.from({ length: 4 }, () => replica(BOB));
    for (let bit = 0; bit < 512; bit++) {
      const broken = encodeGroup([{ body, signature: flipped(signature, bit) }]);
      const received = replicas[bit % 2]!.receive(broken);
      expect([received.code, received.results[0]?.scope]).toEqual(["bad_signature", "copy"]);
    }
    for (const document of replicas.slice(2)) document.receive(change.bytes);
    // To the unlucky half the child comes first, and waits; then a good copy from whoever has one.
    for (const document of replicas) document.receive(child.bytes);
    expect(replicas.map(({ history }) => history.length)).toEqual([0, 0, 2, 2]);
    for (const document of replicas.slice(0, 2))
      expect(document.receive(replicas[2]!.history.groupOf(0)).applied).toHaveLength(2);
    expectEqual(alice, ...replicas);
  });
});

describe("a covering signature", () => {
  it("over a chain with an equivocating predecessor vouches for the branch it links to, and the rival without one is refused as missing_signature", () => {
    const [a, b, c] = lineOf(3) as [Forged, Forged, Forged];
    const rival = mallory({ prev: a, time: 77, ops: [ops.insert(["words"], "rival")] });
    const bare = groupOf([a, rival, b, c], (change) => change !== c);
    const documents = [0, 1].map(() => replica(BOB));
    for (const document of documents) {
      const { results } = document.receive(bare);
      expect(results.find(({ id }) => toHex(id) === rival.hex)).toMatchObject({
        code: "missing_signature",
        scope: "copy",
      });
      expect(document.view().words).toHaveLength(3);
      expect(document.history.forks()).toEqual([]);
    }
    // With its author's signature it is a change like any other, and the proof against him.
    for (const document of documents) document.receive(rival.group);
    expectEqual(...documents);
    expect(documents[0]!.history.forks()[0]!.ids.map(toHex)).toEqual([b.hex, rival.hex].toSorted());
    expectEqual(documents[0]!, converge([coveredGroup([a, b, c]), rival.group, a.group]));
  });

  it("over a chain with a hole or a wrong link vouches for nothing before it, on every replica", () => {
    const line = lineOf(4);
    const [a, b, c, d] = line as [Forged, Forged, Forged, Forged];
    const crooked = mallory({ prev: b, lies: { seq: 4 } });
    const attempts = [
      groupOf([a, c, d], (change) => change !== d),
      groupOf([a, b, crooked], (change) => change !== crooked),
      groupOf([d, c, b, a], (change) => change !== d),
    ];
    for (const order of [attempts, attempts.toReversed()]) {
      const document = replica(BOB);
      for (const group of order) {
        const { results, applied } = document.receive(group);
        expect(applied).toEqual([]);
        for (const { id, code } of results)
          if (toHex(id) === a.hex) expect(code).toBe("missing_signature");
      }
      expect(document.history.length).toBe(0);
      document.receive(coveredGroup(line));
      expect(document.view().words).toHaveLength(4);
      expectEqual(document, converge([coveredGroup(line)]));
    }
  });

  it("that comes in another frame vouches for nothing: what it should cover is discarded, and asked for again with it", () => {
    const line = lineOf(3);
    const last = line[2]!;
    const bare = groupOf(line.slice(0, 2), () => true);
    for (const order of [
      [bare, last.group],
      [last.group, bare],
    ]) {
      const document = replica(BOB);
      const outcomes = order.map((group) => document.receive(group));
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["pending", "rejected"]);
      expect(outcomes.map(({ code }) => code)).toContain("missing_signature");
      expect(outcomes.find(({ status }) => status === "pending")!.missing).toEqual([line[1]!.id]);
      expect([document.history.length, document.history.pending.count]).toEqual([0, 1]);
      expect(document.receive(coveredGroup(line)).status).toBe("applied");
      expectEqual(document, converge([coveredGroup(line)]));
    }
  });

  it("that is evicted from the queue leaves nothing half applied: the closed group applies when it comes again", () => {
    const waited = forge({ document: ID, author: ALICE, ops: [ops.insert(["words"], "first")] });
    const [a, b] = lineOf(2) as [Forged, Forged];
    const cover = mallory({ prev: b, parents: [waited], ops: [ops.insert(["words"], "cover")] });
    const closed = coveredGroup([a, b, cover]);
    const documents = [0, 30].map((orphans) => {
      const limits = { pendingBytes: 12_000, pendingBytesPerPeer: 9_000 };
      const document = new Document({ schema: Everything, id: ID, keyPair: BOB, limits });
      // The cover waits; what it covers is discarded with it.
      expect(document.receive(closed, "liar").results.map(({ code }) => code)).toContain(
        "missing_signature",
      );
      expect([document.history.length, document.history.pending.count]).toEqual([0, 1]);
      const ghost = mallory({ chain: 99n });
      for (let n = 0; n < orphans; n++)
        document.receive(mallory({ chain: 99n, prev: ghost, time: n }).group, "liar");
      document.receive(waited.group);
      expect(document.view().words).toEqual(["first"]);
      expect(document.history.indexOf(cover.id)).toBe(-1);
      expect(document.receive(closed).applied).toHaveLength(3);
      return document;
    });
    expect(documents[1]!.viewJson()).toBe(documents[0]!.viewJson());
    expect(documents[1]!.frontier()).toEqual(documents[0]!.frontier());
    expectEqual(converge([waited.group, ...groupsOf([a, b, cover])]), documents[0]!);
  });

  it("that descends from a rejected change is refused as rejected_dependency, and so is what only it covered", () => {
    const [a, b] = lineOf(2) as [Forged, Forged];
    const wrong = mallory({ chain: 5n, lies: { lamport: 40 } });
    const cover = mallory({ prev: b, parents: [wrong] });
    const group = groupOf([a, b, wrong, cover], (change) => change === a || change === b);
    const codesOf = (document: Document<typeof Everything>): (string | undefined)[] =>
      [a, b, wrong, cover].map(
        (change) =>
          document
            .receive(groupOf([change], (one) => one === a || one === b))
            .results.find(({ id }) => toHex(id) === change.hex)?.code,
      );
    const expected = [
      "missing_signature",
      "missing_signature",
      "wrong_lamport",
      "rejected_dependency",
    ];
    for (const order of [[group], [cover.group, wrong.group, group], [wrong.group, group]]) {
      const document = replica(BOB);
      for (const each of order) document.receive(each);
      expect(document.history.length).toBe(0);
      expect(codesOf(document)).toEqual(expected);
      // Signed by themselves the covered ones are honest changes.
      for (const change of [b, a]) document.receive(change.group);
      expectEqual(document, converge(groupsOf([a, b])));
      expect(entryOf(a, true).signature).toBeNull();
    }
  });

  it("of each of two authors who answer one another, the only one on each line, brings in both lines at once or neither", () => {
    const changes: Forged[] = [];
    for (let at = 0; at < 40; at++)
      changes.push(
        forge({
          document: ID,
          author: at % 2 === 0 ? ALICE : BOB,
          prev: changes.at(-2) ?? null,
          parents: changes.slice(-1),
          ops: [ops.insert(["words"], `${at}`)],
        }),
      );
    const whole = coveredGroup(changes);
    // Without the last signature of the one, his changes since are no more covered, nor what answers them.
    const half = groupOf(changes, (change) => change !== changes[38]);
    const document = replica(BOB);
    expect(document.receive(half).applied).toEqual([]);
    expect(document.receive(whole).applied).toHaveLength(40);
    expectEqual(document, converge([whole]), converge(groupsOf(changes)));
  });
});
