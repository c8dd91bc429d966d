import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  coveredGroup,
  entryOf,
  flipped,
  forge,
  groupOf,
  person,
  signed,
} from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { anyWorld, validOf } from "../../test/history-model.ts";
import {
  ALICE,
  alice,
  appliedIds,
  BOB,
  bob,
  chainOfLength,
  deliver,
  DOCUMENT,
  entriesOf,
  expectModel,
  MALLORY,
  newHistory,
  tooManyElements,
  verdicts,
} from "../../test/receiving.ts";
import { documentId, encodeGroup } from "../change/index.ts";
import { encodeValue, toHex } from "../encoding/index.ts";
import { History } from "./history.ts";

describe("a covering signature", () => {
  it("vouches for the changes of its chain before it", () => {
    const line = chainOfLength(4);
    const history = newHistory();
    expect(verdicts(deliver(history, coveredGroup(line)))).toEqual(Array(4).fill("applied"));
    expect([0, 1, 2, 3].map((index) => history.signatureAt(index) !== null)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(history.groupRange(2)).toEqual([0, 4]);
    expectModel(history, line);
  });

  it("does not vouch for what is not there: with a hole in the chain nothing before the hole is applied", () => {
    const [a, b, c, d] = chainOfLength(4) as [Forged, Forged, Forged, Forged];
    const history = newHistory();
    const received = deliver(
      history,
      groupOf([a, b, d], (change) => change !== d),
    );
    expect(verdicts(received)).toEqual([
      "rejected missing_signature copy",
      "rejected missing_signature copy",
      "pending",
    ]);
    expect(received.missing).toEqual([c.id]);
    expect(history.pending.count).toBe(1);
    // The hole alone is not enough: what was discarded was not kept.
    deliver(history, c.group);
    expect(history.length).toBe(0);
    expect(history.pendingMissing()).toEqual([b.id]);
    deliver(
      history,
      groupOf([a, b, c], (change) => change !== c),
    );
    expectModel(history, [a, b, c, d]);
  });

  it("does not vouch for another author's change, nor for another chain, nor for a parent", () => {
    const a = alice(null);
    const covers: Forged[] = [
      bob(null, a),
      forge({ document: DOCUMENT, author: BOB, prev: a }),
      forge({ document: DOCUMENT, author: ALICE, chain: 1n, prev: a }),
      forge({ document: DOCUMENT, author: ALICE, chain: 1n, parents: [a] }),
      forge({ document: DOCUMENT, author: ALICE, chain: 1n, refs: [a] }),
    ];
    for (const cover of covers) {
      const history = newHistory();
      const received = deliver(
        history,
        groupOf([a, cover], (change) => change === a),
      );
      expect(verdicts(received)[0]).toContain("rejected");
      expect(history.length).toBe(0);
      expect(history.pending.count).toBeLessThanOrEqual(1);
      deliver(history, a.group);
      expect(history.indexOf(a.id)).toBe(0);
    }
  });

  it("that links wrongly vouches for nothing", () => {
    const a = alice(null);
    const wrong: Forged[] = [
      forge({ document: DOCUMENT, author: ALICE, prev: a, lies: { seq: 3 } }),
      forge({ document: DOCUMENT, author: ALICE, prev: a, lies: { lamport: 3 } }),
      forge({
        document: DOCUMENT,
        author: ALICE,
        prev: a,
        lies: { document: documentId("other") },
      }),
    ];
    const codes = wrong.map((cover) => {
      const history = newHistory();
      const received = deliver(
        history,
        groupOf([a, cover], (change) => change === a),
      );
      expect(history.length).toBe(0);
      expect(received.results.find(({ id }) => toHex(id) === a.hex)!.scope).toBe("copy");
      deliver(history, a.group);
      expect(appliedIds(history)).toEqual([a.hex]);
      return received.results.find(({ id }) => toHex(id) === cover.hex)!.code;
    });
    expect(codes).toEqual(["wrong_prev", "wrong_lamport", "wrong_document"]);
  });

  it("that builds on a rejected change vouches for nothing, and neither does any later one", () => {
    const a = alice(null);
    const lie = forge({ document: DOCUMENT, author: MALLORY, lies: { lamport: 9 } });
    const b = alice(a, lie);
    const c = alice(b);
    const history = newHistory();
    const received = deliver(
      history,
      groupOf([lie, a, b, c], (change) => change === a || change === b),
    );
    expect(verdicts(received).toSorted()).toEqual([
      "rejected missing_signature copy",
      "rejected rejected_dependency change",
      "rejected rejected_dependency change",
      "rejected wrong_lamport change",
    ]);
    expect(history.length).toBe(0);
    deliver(history, a.group);
    deliver(history, groupOf([b, c]));
    expectModel(history, [a, b, c, lie]);
    expect(history.length).toBe(1);
  });

  it("that is itself bad vouches for nothing, and the good one does afterwards", () => {
    const line = chainOfLength(3);
    const last = line[2]!;
    const entries = line.map((change) => entryOf(change, change !== last));
    entries[2] = { body: last.body, signature: flipped(last.signature, 77) };
    const history = newHistory();
    const received = deliver(history, encodeGroup(entries));
    expect(verdicts(received).toSorted()).toEqual([
      "rejected bad_signature copy",
      "rejected missing_signature copy",
      "rejected missing_signature copy",
    ]);
    expect(history.length).toBe(0);
    expect(history.pending.count).toBe(0);
    deliver(history, coveredGroup(line));
    expectModel(history, line);
  });

  it("by somebody else's key vouches for nothing", () => {
    const a = alice(null);
    const b = alice(a);
    const forged = signed(b.body, b.header, MALLORY);
    const history = newHistory();
    const received = deliver(
      history,
      groupOf([a, forged], (change) => change === a),
    );
    expect(verdicts(received).toSorted()).toEqual([
      "rejected bad_signature copy",
      "rejected missing_signature copy",
    ]);
    expect(history.length).toBe(0);
  });

  it("that has to wait lets what it covers be asked for again, never be queued", () => {
    const elsewhere = bob(null);
    const a = alice(null);
    const b = alice(a, elsewhere);
    const history = newHistory();
    const received = deliver(history, coveredGroup([a, b]));
    expect(verdicts(received).toSorted()).toEqual(["pending", "rejected missing_signature copy"]);
    expect(received.missing.map(toHex).toSorted()).toEqual([a.hex, elsewhere.hex].toSorted());
    expect(history.pending.count).toBe(1);
    // Sent again before anything else has come, the same is asked for again.
    const again = deliver(history, coveredGroup([a, b]));
    expect(again.missing.map(toHex).toSorted()).toEqual([a.hex, elsewhere.hex].toSorted());
    deliver(history, elsewhere.group);
    deliver(history, coveredGroup([a, b]));
    expectModel(history, [a, b, elsewhere]);
  });

  it("holds for two authors who answer one another, each signed once at the end", () => {
    const changes: Forged[] = [alice(null), bob(null)];
    for (let round = 1; round < 20; round++) {
      const [a, b] = changes.slice(-2) as [Forged, Forged];
      changes.push(alice(a, b));
      changes.push(bob(b, changes.at(-1)!));
    }
    const history = newHistory();
    const received = deliver(history, coveredGroup(changes));
    expect(received.status).toBe("applied");
    expectModel(history, changes);
    const [group, ...others] = history.groupsFor(history.missingFor([]));
    expect(others).toEqual([]);
    expect(entriesOf(group!).filter(({ signature }) => signature !== null)).toHaveLength(2);
    // Without the other author's cover neither half stands, because each needs the other.
    const half = newHistory();
    expect(
      deliver(
        half,
        groupOf(changes, (change) => change !== changes.at(-1)),
      ).status,
    ).toBe("rejected");
    expect(half.length).toBe(0);
    expect(deliver(half, group!).status).toBe("applied");
    expectModel(half, changes);
  });

  it("holds on each branch of a fork for that branch and what both have in common", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const left = alice(b);
    const right = forge({ document: DOCUMENT, author: ALICE, prev: b, time: 1 });
    const history = newHistory();
    deliver(history, coveredGroup([a, b, left, right]));
    expectModel(history, [a, b, left, right]);
    const other = newHistory();
    const received = deliver(
      other,
      groupOf([a, b, left, right], (change) => change !== right),
    );
    expect(verdicts(received).filter((verdict) => verdict !== "applied")).toEqual([
      "rejected missing_signature copy",
    ]);
    expect(appliedIds(other)).toEqual([a.hex, b.hex, right.hex]);
  });

  it("in the wrong order, before what it covers, vouches for nothing", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    const received = deliver(
      history,
      groupOf([b, a], (change) => change === a),
    );
    expect(verdicts(received).toSorted()).toEqual(["pending", "rejected missing_signature copy"]);
    expect(received.missing).toEqual([a.id]);
  });
});

describe("a change without any signature", () => {
  it("is discarded and never queued, even when its dependencies are missing", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    for (const change of [a, b]) {
      const received = deliver(
        history,
        groupOf([change], () => true),
      );
      expect(verdicts(received)).toEqual(["rejected missing_signature copy"]);
      expect(history.pending.count).toBe(0);
    }
    deliver(history, groupOf([a, b]));
    expectModel(history, [a, b]);
  });
});

describe("a copy with a fault of its own", () => {
  it("says nothing about the id: any bit of the signature flipped, and a good copy applies", () => {
    const change = alice(null);
    const history = newHistory();
    for (let bit = 0; bit < 512; bit += 7) {
      const group = encodeGroup([{ body: change.body, signature: flipped(change.signature, bit) }]);
      expect(verdicts(deliver(history, group))).toEqual(["rejected bad_signature copy"]);
    }
    expect(verdicts(deliver(history, change.group))).toEqual(["applied"]);
    // What is applied is known, whatever the signature of a further copy.
    const group = encodeGroup([{ body: change.body, signature: flipped(change.signature, 0) }]);
    expect(verdicts(deliver(history, group))).toEqual(["duplicate"]);
    expect(history.signatureAt(0)).toEqual(change.signature);
  });

  it("does not stand in the way of a good copy in the same group", () => {
    const change = alice(null);
    const history = newHistory();
    const bad = { body: change.body, signature: flipped(change.signature, 5) };
    const received = deliver(history, encodeGroup([bad, entryOf(change), bad]));
    expect(verdicts(received).toSorted()).toEqual([
      "applied",
      "duplicate",
      "rejected bad_signature copy",
    ]);
  });

  it("does not disturb the good copy that waits in the queue", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    deliver(history, b.group);
    const group = encodeGroup([{ body: b.body, signature: flipped(b.signature, 5) }]);
    expect(verdicts(deliver(history, group))).toEqual(["rejected bad_signature copy"]);
    expect(history.pending.count).toBe(1);
    deliver(history, a.group);
    expectModel(history, [a, b]);
  });

  it("in any bit of a group changes nothing here, and the good group applies afterwards", () => {
    const line = chainOfLength(2);
    const group = coveredGroup(line);
    const history = newHistory();
    const codes = new Set<string | undefined>();
    for (let bit = 0; bit < group.length * 8; bit++) {
      const received = history.receive(flipped(group, bit));
      expect(received.applied).toEqual([]);
      expect(["rejected", "unsupported", "pending"]).toContain(received.status);
      if (received.status !== "pending") codes.add(received.code);
    }
    expect(history.length).toBe(0);
    expect([...codes].toSorted()).toEqual([
      "bad_signature",
      "malformed",
      "missing_signature",
      "unsupported_version",
      "wrong_document",
      "wrong_lamport",
    ]);
    expect(deliver(history, group).status).toBe("applied");
    expect(appliedIds(history)).toEqual(line.map(({ hex }) => hex));
  });
});

describe("a rejected change", () => {
  it("is refused for ever by its id, with the same code, and so is all that builds on it", () => {
    const a = alice(null);
    const lies: [string, Forged][] = [
      ["wrong_lamport", forge({ document: DOCUMENT, author: BOB, lies: { lamport: 2 } })],
      ["wrong_prev", forge({ document: DOCUMENT, author: BOB, prev: a })],
      ["wrong_prev", forge({ document: DOCUMENT, author: ALICE, chain: 1n, prev: a })],
      ["wrong_prev", forge({ document: DOCUMENT, author: ALICE, prev: a, lies: { seq: 3 } })],
      ["wrong_document", forge({ document: documentId("other"), author: BOB })],
      ["malformed", forge({ document: DOCUMENT, author: BOB, ops: [encodeValue(7)] })],
      ["too_large", forge({ document: DOCUMENT, author: BOB, ops: tooManyElements() })],
    ];
    for (const [code, lie] of lies) {
      const history = newHistory();
      deliver(history, a.group);
      const child = alice(a, lie);
      const grandchild = bob(null, child);
      deliver(history, grandchild.group);
      deliver(history, child.group);
      expect(history.pending.count).toBe(2);
      for (let round = 0; round < 2; round++) {
        expect(verdicts(deliver(history, lie.group))).toEqual([`rejected ${code} change`]);
        expect(history.pending).toEqual({ count: 0, bytes: 0 });
      }
      for (const change of [child, grandchild]) {
        expect(verdicts(deliver(history, change.group))).toEqual([
          "rejected rejected_dependency change",
        ]);
      }
      expectModel(history, [a]);
    }
  });

  it("is found again when the cache has forgotten it", () => {
    const lie = forge({ document: DOCUMENT, author: BOB, lies: { lamport: 2 } });
    const other = forge({ document: DOCUMENT, author: BOB, lies: { lamport: 3 } });
    const history = new History({ document: DOCUMENT, limits: { rejectedIds: 1 } });
    for (const change of [lie, other, lie]) {
      expect(verdicts(deliver(history, change.group))).toEqual(["rejected wrong_lamport change"]);
    }
    // Forgotten is not applied: what builds on it waits, and goes when it is known again.
    const child = alice(null, other);
    expect(deliver(history, child.group)).toMatchObject({ status: "pending", missing: [other.id] });
    deliver(history, other.group);
    expect(history.pending.count).toBe(0);
    expect(history.length).toBe(0);
  });

  it("of an unknown version is neither rejected nor applied, and what builds on it waits", () => {
    const a = alice(null);
    const body = encodeValue([2, "from the future"]);
    const future = signed(body, a.header, ALICE);
    const child = bob(null, future);
    const history = newHistory();
    const received = deliver(history, groupOf([future, a]));
    expect(verdicts(received).toSorted()).toEqual(["applied", "unsupported unsupported_version"]);
    expect(received).toMatchObject({ status: "unsupported", code: "unsupported_version" });
    expect(verdicts(deliver(history, child.group))).toEqual(["pending"]);
    expect(verdicts(deliver(history, future.group))).toEqual(["unsupported unsupported_version"]);
    expect(history.pending.count).toBe(1);
  });
});

describe("a change is applied once", () => {
  it("also when a copy waits in the queue and another comes in a group that makes both ready", () => {
    const [a, b, c] = chainOfLength(3) as [Forged, Forged, Forged];
    const history = newHistory();
    deliver(history, c.group);
    // b before a: it becomes ready while the group is being settled, and c with it.
    expect(verdicts(deliver(history, groupOf([b, a, c])))).toEqual([
      "applied",
      "applied",
      "applied",
    ]);
    expectModel(history, [a, b, c]);
  });

  it("also when it stands several times in one group", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    deliver(history, groupOf([b, b, a, b, a]));
    expectModel(history, [a, b]);
  });
});

describe("a causal queue that is full", () => {
  const COST = 1_024;

  /** Changes of different authors that all wait for something of their own. */
  function waiting(count: number, first: number): { base: Forged; change: Forged }[] {
    return Array.from({ length: count }, (_, i) => {
      const author = person(1_000 + first + i);
      const base = forge({ document: DOCUMENT, author });
      return { base, change: forge({ document: DOCUMENT, author, prev: base }) };
    });
  }

  it("keeps its bounds in total, and whoever has most in it loses the oldest", () => {
    const history = new History({
      document: DOCUMENT,
      limits: { pendingBytes: 10 * (COST + 300) },
    });
    const honest = waiting(2, 0);
    const flood = waiting(30, 2);
    for (const { change } of honest) deliver(history, change.group, "honest");
    for (const { change } of flood) {
      expect(deliver(history, change.group, "flood").status).toBe("pending");
      expect(history.pending.bytes).toBeLessThanOrEqual(10 * (COST + 300));
    }
    const missing = history.pendingMissing().map(toHex);
    for (const { base } of honest) expect(missing).toContain(base.hex);
    // What was dropped is not asked for by those that remain, but takes its place when it comes again.
    expect(missing).not.toContain(flood[0]!.base.hex);
    for (const { base, change } of [...honest, ...flood]) {
      deliver(history, change.group, "honest");
      deliver(history, base.group, "honest");
    }
    expect(history.length).toBe(64);
    expect(history.pending).toEqual({ count: 0, bytes: 0 });
  });

  it("keeps its bounds for each peer, so that nobody fills another's", () => {
    const limits = { pendingBytesPerPeer: 4 * (COST + 300) };
    const history = new History({ document: DOCUMENT, limits });
    const [first, ...others] = waiting(12, 40);
    deliver(history, first!.change.group, "quiet");
    for (const { change } of others) deliver(history, change.group, "loud");
    expect(history.pending.count).toBeGreaterThan(1);
    expect(history.pending.count).toBeLessThanOrEqual(6);
    deliver(history, first!.base.group, "quiet");
    expect(history.indexOf(first!.change.id)).toBe(1);
  });

  it("keeps its bounds for each author, whoever delivers, and only verified signatures count", () => {
    const limits = { pendingBytesPerAuthor: 4 * (COST + 300) };
    const history = new History({ document: DOCUMENT, limits });
    const line = chainOfLength(13);
    for (const [i, change] of line.slice(1).entries()) deliver(history, change.group, `peer ${i}`);
    expect(history.pending.count).toBeLessThanOrEqual(5);
    const before = history.pending;
    // Made in the victim's name by somebody else: it takes no room.
    for (const change of line) {
      const fake = signed(change.body, change.header, MALLORY);
      expect(deliver(history, fake.group, "mallory").code).toBe("bad_signature");
    }
    expect(history.pending).toEqual(before);
    const other = waiting(1, 90)[0]!;
    expect(deliver(history, other.change.group, "peer 0").status).toBe("pending");
  });

  it("says that something else has to be sent again, and asks again for what others wait for", () => {
    const line = chainOfLength(9);
    const limits = { pendingBytesPerPeer: 4 * (COST + 300) };
    const history = new History({ document: DOCUMENT, limits });
    const turned = line.slice(1).toReversed();
    let dropped: Uint8Array[] = [];
    for (const change of turned) {
      const { missing, status } = deliver(history, change.group, "peer");
      expect(status).toBe("pending");
      // The change before it, as ever; what fell out of the queue nobody else in it waits for.
      expect(missing).toEqual([change.header.prev]);
    }
    expect(history.pending.count).toBe(4);
    // One group with all of them: the first of them are dropped for the last, and it is said so.
    const received = deliver(new History({ document: DOCUMENT, limits }), groupOf(turned), "peer");
    expect(verdicts(received).toSorted()).toEqual([
      ...Array<string>(4).fill("pending"),
      ...Array<string>(4).fill("rejected over_quota copy"),
    ]);
    dropped = received.results.filter(({ code }) => code === "over_quota").map(({ id }) => id);
    expect(dropped.map(toHex)).toEqual(turned.slice(0, 4).map(({ hex }) => hex));
    // Asked for by id and answered, backwards, the whole chain arrives through a queue of four.
    const queue = [line[8]!];
    for (let i = 0; i < queue.length && i < 100; i++) {
      const { missing } = deliver(history, queue[i]!.group, "peer");
      for (const id of missing) queue.push(line.find(({ hex }) => hex === toHex(id))!);
      if (i === queue.length - 1 && history.length < line.length) queue.push(line[history.length]!);
    }
    expectModel(history, line);
  });

  it("asks again for a dependency that was dropped", () => {
    const limits = { pendingBytesPerPeer: 2 * (COST + 300) };
    const history = new History({ document: DOCUMENT, limits });
    const [a, b, c] = chainOfLength(3) as [Forged, Forged, Forged];
    const other = waiting(1, 95)[0]!;
    deliver(history, b.group, "peer");
    expect(deliver(history, c.group, "peer").missing).toEqual([]);
    deliver(history, other.change.group, "peer");
    // b was the oldest; c still waits, now for something that is nowhere.
    expect(history.pendingMissing().map(toHex).toSorted()).toEqual(
      [b.hex, other.base.hex].toSorted(),
    );
    expect(deliver(history, c.group, "peer").missing).toEqual([b.id]);
    deliver(history, a.group, "peer");
    deliver(history, b.group, "peer");
    deliver(history, other.base.group, "peer");
    expectModel(history, [a, b, c, other.base, other.change]);
  });

  it("refuses what alone is over a bound, until it can be applied at once", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    for (const limit of ["pendingBytes", "pendingBytesPerPeer", "pendingBytesPerAuthor"]) {
      const history = new History({ document: DOCUMENT, limits: { [limit]: 100 } });
      const received = deliver(history, b.group);
      expect(verdicts(received)).toEqual(["rejected over_quota copy"]);
      expect(received.missing).toEqual([a.id]);
      deliver(history, a.group);
      deliver(history, b.group);
      expectModel(history, [a, b]);
    }
  });

  it("names at most 256 missing ids at once, and the others when those have come", () => {
    const bases = Array.from({ length: 300 }, (_, chain) =>
      forge({ document: DOCUMENT, author: ALICE, chain: BigInt(chain) }),
    );
    const child = forge({ document: DOCUMENT, author: BOB, refs: bases });
    const history = newHistory();
    const asked = deliver(history, child.group).missing.map(toHex);
    expect(asked).toHaveLength(256);
    deliver(history, groupOf(bases.filter(({ hex }) => asked.includes(hex))));
    expect(deliver(history, child.group).missing).toHaveLength(44);
    deliver(history, groupOf(bases));
    expectModel(history, [...bases, child]);
  });
});

describe("whoever receives", () => {
  it("never throws, whatever the bytes", () => {
    const history = newHistory();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: "max" }), (bytes) => {
        const received = history.receive(bytes);
        expect(received).toMatchObject({
          status: "rejected",
          applied: [],
          missing: [],
          results: [],
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("never throws for groups that were damaged on the way, and takes the whole ones afterwards", () => {
    const world = fc.sample(anyWorld(DOCUMENT, 30), { numRuns: 1, seed: 7 })[0]!;
    const changes = [...world, ...chainOfLength(5, person(9))];
    const history = newHistory();
    const damage = fc.record({
      from: fc.nat(changes.length - 1),
      count: fc.integer({ min: 1, max: 6 }),
      covered: fc.boolean(),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      truncate: fc.option(fc.nat(), { freq: 3 }),
      turned: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ from, count, covered, edits, truncate, turned }) => {
        let part = changes.slice(from, from + count);
        if (turned) part = part.toReversed();
        let group = covered ? coveredGroup(part) : groupOf(part);
        for (const [at, byte] of edits) group[at % group.length] = byte;
        if (truncate !== null) group = group.subarray(0, truncate % group.length);
        const before = history.length;
        const { applied } = history.receive(group, "a damaged peer");
        expect(applied).toHaveLength(history.length - before);
      }),
      { numRuns: 800 },
    );
    for (const change of changes) history.receive(change.group);
    const valid = validOf(DOCUMENT, changes);
    expect(appliedIds(history).toSorted()).toEqual([...valid.keys()].toSorted());
  });

  it("may change or reuse the buffer afterwards", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    const buffers = [b.group.slice(), a.group.slice()];
    for (const buffer of buffers) {
      deliver(history, buffer);
      buffer.fill(0);
    }
    expectModel(history, [a, b]);
  });

  it("may hand over a subclass of Uint8Array, such as a socket's", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    for (const change of [b, a]) deliver(history, Buffer.from(change.group));
    expectModel(history, [a, b]);
  });
});
