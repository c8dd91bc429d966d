import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { encodeMessage } from "./messages.ts";
import { frontierOf } from "./tips.ts";
import {
  Link,
  Replica,
  author,
  expectEqual,
  isEqual,
  randomPair,
  runAll,
  scripted,
  writeChain,
} from "../../test/replica-links.ts";

describe("two replicas", () => {
  it("with nothing are synced after a have and a done each", () => {
    const [a, b] = [new Replica("a"), new Replica("b")];
    const link = new Link(a, b).open().run();
    expect(link.isSynced).toBe(true);
    expect(link.types()).toEqual(["have", "have", "done", "done"]);
  });

  it("with equal histories exchange their heads and nothing else", () => {
    const a = new Replica("a");
    writeChain(a, author(0), 50);
    const link = new Link(a, a.copy("b")).open().run();
    expect(link.isSynced).toBe(true);
    expect(link.types()).toEqual(["have", "have", "done", "done"]);
  });

  it("of which one is ahead need no tips, and only what is missing is sent, in full frames", () => {
    const a = new Replica("a");
    writeChain(a, author(0), 100);
    const b = a.copy("b");
    writeChain(a, author(0), 1_500);
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.types().toSorted()).toEqual(["done", "done", "have", "have", "known"]);
    expect(link.groups).toBe(2);
    expect(link.changes).toBe(1_500);
    expect(link.redundant).toBe(0);
  });

  it("of which one has half of a group get the rest of it under its signature", () => {
    const a = new Replica("a");
    writeChain(a, author(0), 40);
    const b = new Replica("b");
    b.receive(a.groups(0, 40), "setup");
    expect(b.ids().filter((_, index) => b.history.signatureAt(index) !== null)).toHaveLength(1);
    const c = new Replica("c");
    c.take(a, [...Array(17).keys()]);
    const link = new Link(b, c).open().run();
    expectEqual(b, c);
    expect(link.changes).toBe(23);
    expect(link.redundant).toBe(0);
  });

  it("answer a request for one change with the closed group in which it came", () => {
    const { session, take, replica } = scripted(0);
    const a = new Replica("a");
    writeChain(a, author(0), 40);
    replica.receive(a.groups(0, 40), "setup");
    const ids = [a.history.idAt(7), a.history.idAt(9)];
    session.receive(encodeMessage({ type: "want", ids }));
    expect(take()).toEqual(["group of 40"]);
  });

  it("that are ahead on different chains exchange exactly what the other lacks", () => {
    const a = new Replica("a");
    for (let i = 0; i < 5; i++) writeChain(a, author(i), 20);
    const b = a.copy("b");
    writeChain(a, author(0), 30);
    writeChain(a, author(7), 3);
    writeChain(b, author(1), 40);
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.changes).toBe(73);
    expect(link.redundant).toBe(0);
    expect(link.types()).not.toContain("probe");
  });

  it("that are ahead on one chain by a fork find where it parted", () => {
    const a = new Replica("a");
    writeChain(a, author(0), 200);
    const b = a.copy("b");
    writeChain(a, author(0), 37);
    writeChain(b, author(0), 90);
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    const [forks, others] = [a, b].map(({ history }) => history.forks().flatMap(({ ids }) => ids));
    expect(forks).toHaveLength(2);
    expect(forks).toEqual(others);
    expect(link.types()).toContain("samples");
    // On a forked chain less is sent again than both branches are long.
    expect(link.redundant).toBeLessThan(127);
  });

  it("that are ahead on many forked chains ask about them in several messages", () => {
    const a = new Replica("a");
    for (let i = 0; i < 70; i++) writeChain(a, author(i), 4, []);
    const b = a.copy("b");
    for (let i = 0; i < 70; i++) {
      writeChain(a, author(i), 2, []);
      writeChain(b, author(i), 3, []);
    }
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(a.history.forks()).toHaveLength(70);
    expect(link.types().filter((type) => type === "probe")).toHaveLength(6);
    // The samples 1 and 2 before a tip, 3 or 2 after the fork, miss it by one at most.
    expect(link.redundant).toBeLessThanOrEqual(70);
  });

  it("exchange large changes in frames that respect the bound of a group", () => {
    const a = new Replica("a");
    for (let i = 0; i < 9; i++) a.write(author(0), { size: 300_000 });
    a.write(author(0), { size: MAX_BODY_BYTES - 1_000 });
    const b = new Replica("b");
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.groups).toBe(4);
  });

  it("with frontiers too wide to be listed sync by their digest", () => {
    const a = new Replica("a");
    const b = new Replica("b");
    for (let i = 0; i < 300; i++) writeChain(a, author(i), 1, []);
    for (let i = 200; i < 600; i++) writeChain(b, author(i), 1, []);
    expect(frontierOf(a.history)).toHaveProperty("digest");
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.changes).toBe(700);
  });

  it("that are synced pass on live changes at once, each in a frame of its own", () => {
    const [a, b] = [new Replica("a"), new Replica("b")];
    const link = new Link(a, b).open().run();
    link.reset();
    for (let i = 0; i < 10; i++) {
      a.write(author(0));
      link.run();
      b.write(author(1));
      link.run();
    }
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.groups).toBe(20);
    expect(link.redundant).toBe(0);
    expect(link.types()).toEqual([]);
  });

  it("lose nothing that is written while they open, compare and catch up", () => {
    const a = new Replica("a");
    for (let i = 0; i < 4; i++) writeChain(a, author(i), 10);
    const b = a.copy("b");
    writeChain(a, author(5), 5);
    writeChain(b, author(6), 5);
    const link = new Link(a, b).open();
    for (let i = 0; i < 200 && (i < 30 || !link.isQuiet); i++) {
      if (i < 30) (i % 2 === 0 ? a : b).write(author(i % 2));
      link.step();
    }
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.redundant).toBe(0);
  });

  it("resend nothing that is on its way when one refreshes in the middle of live changes", () => {
    const [a, b] = [new Replica("a"), new Replica("b")];
    const link = new Link(a, b).open().run();
    for (let i = 0; i < 20; i++) a.write(author(0));
    link.ends.forEach((end) => end.session.refresh());
    for (let i = 0; i < 20; i++) a.write(author(0));
    link.run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.redundant).toBe(0);
  });

  it("tell each other what is durable", () => {
    const a = new Replica("a");
    writeChain(a, author(0), 30);
    const b = new Replica("b");
    const link = new Link(a, b).open().run();
    link.reset();
    link.ends[1].session.acknowledge(b.ids());
    link.run();
    expect(link.types()).toEqual(["ack"]);
    // Earlier changes of the chain go without saying.
    expect(link.ends[0].acks).toEqual(a.history.frontier().map(toHex));
  });

  it("keep back what is not durable yet until it is pushed", () => {
    const [a, b] = [new Replica("a"), new Replica("b")];
    writeChain(a, author(0), 3);
    a.durable = 3;
    a.write(author(0));
    const link = new Link(a, b).open().run();
    expect(b.history.length).toBe(3);
    expect(link.isSynced).toBe(true);
    link.ends[0].session.receive(encodeMessage({ type: "want", ids: [a.history.idAt(3)] }));
    link.run();
    expect(b.history.length).toBe(3);
    a.durable = 4;
    a.push([3]);
    link.run();
    expectEqual(a, b);
  });
});

describe("many chains", () => {
  let small: Replica;
  let large: Replica;

  beforeAll(() => {
    small = new Replica("small");
    large = new Replica("large");
    for (let i = 0; i < 2_000; i++) {
      writeChain(large, author(i), 1, []);
      if (i < 500) small.take(large, [large.history.length - 1]);
    }
  });

  it("that differ little cost what differs and not what there is", () => {
    const costs = [small, large].map((base) => {
      const [a, b] = [base.copy("a"), base.copy("b")];
      for (const i of [3, 77, 250]) writeChain(a, author(i), 2, []);
      for (const i of [4, 400]) writeChain(b, author(i), 2, []);
      const link = new Link(a, b).open().run();
      expectEqual(a, b);
      expect(link.isSynced).toBe(true);
      expect(link.types()).toContain("buckets");
      expect(link.changes).toBe(10);
      expect(link.redundant).toBe(0);
      return link.textLength;
    });
    // Four times the chains make the few differing buckets longer, and nothing else.
    expect(costs[1]).toBeLessThan(costs[0]! * 1.4);
    expect(costs[1]).toBeLessThan(64 * 1_024);
  });

  it("that were merged into one head cost no tips when one side is ahead", () => {
    const a = large.copy("a");
    const b = large.copy("b");
    while (a.history.heads().length > 1) a.write(author(9_999));
    const merges = a.history.length - b.history.length;
    b.receive(a.groups(b.history.length, a.history.length - 1), "setup");
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.changes).toBe(1);
    expect(merges).toBeGreaterThan(100);
  });

  it("that all differ are listed in pages", () => {
    const b = new Replica("b");
    b.write(author(5_000));
    const a = large.copy("a");
    const link = new Link(a, b).open().run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.redundant).toBe(0);
    expect(link.types().filter((type) => type === "tips").length).toBeGreaterThan(4);
  });
});

describe("a bad connection", () => {
  it("that is lost in the middle and opened again resumes where it was", () => {
    const a = new Replica("a");
    for (let i = 0; i < 5; i++) writeChain(a, author(i), 1_000);
    const b = new Replica("b");
    writeChain(b, author(7), 10);
    let sent = 0;
    for (let attempt = 0; attempt < 20 && !isEqual(a, b); attempt++) {
      const link = new Link(a, b, { capacity: 1 }).open();
      for (let i = 0; i < 12; i++) link.step();
      link.close();
      sent += link.changes;
    }
    expectEqual(a, b);
    expect(sent).toBe(5_010);
  });

  it("that shuffles, repeats and loses frames only delays", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(999)), (stream) => {
        const next = (bound: number): number => (stream.next().value ?? 0) % bound;
        const a = new Replica("a");
        for (let i = 0; i < 4; i++) writeChain(a, author(i), 5);
        const b = a.copy("b");
        writeChain(a, author(1), 20);
        writeChain(a, author(2), 3);
        writeChain(b, author(2), 20);
        const link = new Link(a, b).open();
        for (let i = 0; i < 60; i++) {
          link.disturb(next);
          link.step();
          if (next(10) === 0) link.ends[next(2)]!.session.refresh();
          if (next(10) === 0) (next(2) === 0 ? a : b).write(author(next(6)));
        }
        link.run();
        for (let i = 0; i < 3; i++) {
          link.ends.forEach((end) => end.session.refresh());
          link.run();
        }
        expectEqual(a, b);
        expect(link.isSynced).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("that lost live changes heals when the next one shows the gap, without a question for each", () => {
    const [a, b] = [new Replica("a"), new Replica("b")];
    const link = new Link(a, b).open().run();
    writeChain(a, author(0), 300);
    link.drop();
    link.reset();
    a.write(author(0));
    link.run();
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.types().length).toBeLessThan(20);
  });

  it("that is full gets no more, and the rest follows in causal order with what is written meanwhile", () => {
    const a = new Replica("a");
    for (let i = 0; i < 3; i++) writeChain(a, author(i), 1_200);
    const b = new Replica("b");
    const link = new Link(a, b, { capacity: 2 }).open();
    for (let i = 0; i < 400 && !(i > 40 && link.isQuiet); i++) {
      if (i < 40) writeChain(a, author(i % 5), 5);
      expect(link.ends[0].queue.length).toBeLessThanOrEqual(2);
      link.step();
    }
    expectEqual(a, b);
    expect(link.isSynced).toBe(true);
    expect(link.ends[1].waits).toBe(0);
    expect(link.redundant).toBe(0);
    // Changes that waited for room travel together.
    expect(link.groups).toBeLessThan(60);
  });
});

describe("any two histories", () => {
  it("are equal after one exchange, and little is sent twice", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(9_999)), (stream) => {
        const next = (bound: number): number => (stream.next().value ?? 0) % bound;
        const [a, b] = randomPair(next);
        const before = new Set([...a.ids(), ...b.ids()].map(toHex));
        const common = a.ids().filter((id) => b.history.indexOf(id) >= 0).length;
        const difference = before.size - common;
        const link = new Link(a, b).open().run();
        expectEqual(a, b);
        expect(a.history.length).toBe(before.size);
        expect(link.isSynced).toBe(true);
        expect(link.changes).toBeLessThanOrEqual(2 * difference + 8);
        expect(link.ends.every((end) => end.errors.length === 0)).toBe(true);
        expect(link.ends.every((end) => end.waits === 0)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

describe("a relay", () => {
  it("between three leafs that write at the same time brings all to one history", () => {
    const relay = new Replica("relay");
    const leafs = ["x", "y", "z"].map((name) => new Replica(name));
    leafs.forEach((leaf, i) => writeChain(leaf, author(i), 20));
    const links = leafs.map((leaf) => new Link(leaf, relay).open());
    for (let round = 0; round < 25; round++) {
      leafs.forEach((leaf, i) => leaf.write(author(i)));
      links.forEach((link) => link.step());
    }
    runAll(links);
    for (const leaf of leafs) expectEqual(leaf, relay);
    expect(relay.history.length).toBe(3 * 45);
    expect(links.every((link) => link.isSynced)).toBe(true);
    // Each change goes up once and down twice, and nobody gets an own change back.
    expect(links.reduce((sum, link) => sum + link.changes, 0)).toBe(3 * 45 * 3);
    expect(links.every((link) => link.redundant === 0)).toBe(true);
  });

  it("that applies changes of one leaf only when another brings what they build on, gives each to the others", () => {
    const relay = new Replica("relay");
    const [x, y, z] = [new Replica("x"), new Replica("y"), new Replica("z")];
    const links = [x, y, z].map((leaf) => new Link(leaf, relay).open().run());
    const first = x.copy("elsewhere").write(author(0));
    const base = new Replica("elsewhere");
    base.take(first.replica, [0]);
    base.write(author(1));
    // y sends a change whose dependency only x has.
    links[1]!.ends[1].session.receive(base.groups(1, 2));
    expect(relay.history.length).toBe(0);
    links[0]!.ends[1].session.receive(base.groups(0, 1));
    expect(relay.history.length).toBe(2);
    runAll(links);
    for (const leaf of [x, y, z]) expectEqual(leaf, relay);
  });

  it("answers a peer whose heads were unknown as soon as they come from another", () => {
    const { replica, session, take } = scripted(10);
    const other = replica.copy("other");
    other.write(author(1));
    const frontier = { heads: other.history.frontier() };
    session.receive(encodeMessage({ type: "have", frontier, again: false }));
    replica.write(author(2));
    expect(take()).toEqual(["have", "known"]);
    replica.receive(other.groups(10, 11), "other");
    expect(take()).toEqual(["group of 1", "done"]);
    replica.write(author(2));
    expect(take()).toEqual(["group of 1"]);
  });

  it("does not send a peer what it has acknowledged, whoever gave it to it", () => {
    const { replica, session, take } = scripted(3);
    const frontier = frontierOf(replica.history);
    session.receive(encodeMessage({ type: "have", frontier, again: false }));
    take();
    const other = replica.copy("other");
    for (const size of [1, 2]) other.write(author(1), { size });
    // Applied, and on its way to the disk.
    replica.history.receive(other.groups(3, 5), "other");
    session.receive(encodeMessage({ type: "ack", ids: [other.history.idAt(3)] }));
    session.push(replica.groups(3, 4), [3]);
    expect(take()).toEqual([]);
    session.push(replica.groups(4, 5), [4]);
    expect(take()).toEqual(["group of 1"]);
  });

  it("sends merged groups as they are to a peer that has none of them, and else those that it lacks", () => {
    const { replica, session, take } = scripted(3);
    const frontier = frontierOf(replica.history);
    session.receive(encodeMessage({ type: "have", frontier, again: false }));
    take();
    const other = replica.copy("other");
    for (let i = 0; i < 6; i++) other.write(author(1));
    replica.history.receive(other.groups(3, 9), "other");
    const part = (index: number) => ({ group: replica.groups(index, index + 1), indexes: [index] });
    session.push(replica.groups(3, 6), [3, 4, 5], [part(3), part(4), part(5)]);
    expect(take()).toEqual(["group of 3"]);
    session.receive(encodeMessage({ type: "ack", ids: [other.history.idAt(7)] }));
    session.push(replica.groups(6, 9), [6, 7, 8], [part(6), part(7), part(8)]);
    expect(take()).toEqual(["group of 1", "group of 1"]);
    session.push(replica.groups(7, 9), [7, 8], [part(7), part(8)]);
    expect(take()).toEqual([]);
  });

  it("and peers that also know each other end equal, however the frames race", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(999)), (stream) => {
        const next = (bound: number): number => (stream.next().value ?? 0) % bound;
        const peers = ["p", "q", "r"].map((name) => new Replica(name));
        peers.forEach((peer, i) => writeChain(peer, author(i), next(12)));
        const [p, q, r] = peers as [Replica, Replica, Replica];
        const links = [new Link(p, q), new Link(q, r), new Link(r, p)];
        links.forEach((link) => link.open());
        for (let i = 0; i < 60; i++) {
          if (next(3) === 0) peers[next(3)]!.write(author(next(5)));
          links[next(3)]!.step();
        }
        runAll(links);
        expectEqual(p, q);
        expectEqual(q, r);
        expect(links.every((link) => link.isSynced)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
