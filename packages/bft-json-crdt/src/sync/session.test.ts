import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  changeId,
  decodeGroup,
  documentId,
  OP_INSERT_TEXT,
  RIGHT,
  signedMessage,
  writeBodyHead,
} from "../change/index.ts";
import { forge, groupOf, ops, person } from "../../test/forge.ts";
import { generateKeyPair, sha256, sign } from "../crypto/index.ts";
import type { KeyPair } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { ByteWriter } from "../encoding/writer.ts";
import { History } from "../history/index.ts";
import type { ReceivedGroup } from "../history/index.ts";
import { MAX_BODY_BYTES } from "../limits.ts";
import { MAX_ERROR_REPLIES, MAX_OUTBOX_MESSAGES, MAX_RESENDS, MAX_ROUNDS } from "./bounds.ts";
import { liveGroups } from "./fan-out.ts";
import { encodeMessage, parseMessage } from "./messages.ts";
import type { SyncMessage } from "./messages.ts";
import { SyncSession } from "./session.ts";
import type { SyncErrorCode } from "./session.ts";
import { frontierOf } from "./tips.ts";
import { writeOp } from "../../test/write-op.ts";

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

describe("a lying peer", () => {
  it("that names heads which nobody has is asked a bounded number of times, and still served", () => {
    const { replica, session, take } = scripted(30);
    session.open();
    take();
    session.receive(encodeMessage({ type: "have", frontier: { heads: [junk(1)] }, again: false }));
    expect(take()).toEqual(["known"]);
    const asked: string[] = [];
    for (let i = 0; i < 10; i++) {
      session.receive(encodeMessage({ type: "done", frontier: { heads: [junk(1)] } }));
      asked.push(...take());
    }
    expect(asked).toEqual([...Array.from({ length: MAX_ROUNDS }, () => "have"), "tips"]);
    session.receive(encodeMessage({ type: "lacks", of: 1, at: [0], tips: [] }));
    expect(take()).toEqual(["group of 30", "done"]);
    expect(session.synced).toBe(false);
    expect(replica.history.length).toBe(30);
  });

  it("that wants what nobody has gets nothing, and one that wants everything gets each group once", () => {
    const { replica, session, take } = scripted(30);
    session.receive(
      encodeMessage({ type: "want", ids: Array.from({ length: 256 }, (_, i) => junk(i)) }),
    );
    expect(take()).toEqual([]);
    session.receive(encodeMessage({ type: "want", ids: replica.ids().flatMap((id) => [id, id]) }));
    expect(take()).toHaveLength(30);
  });

  it("that says again and again that it has nothing is sent everything a few times, then what is new", () => {
    const { replica, session, take, port } = scripted(0);
    for (let i = 0; i < 20; i++) replica.write(author(0), { size: 200_000 });
    const again = encodeMessage({ type: "have", frontier: { heads: [] }, again: true });
    const unknown = encodeMessage({ type: "have", frontier: { heads: [junk(0)] }, again: false });
    session.receive(again);
    const once = take().filter((type) => type.startsWith("group")).length;
    for (let i = 0; i < 500; i++) {
      session.receive(again);
      session.receive(unknown);
      session.receive(encodeMessage({ type: "done", frontier: { heads: [] } }));
      session.receive(unknown);
      session.receive(encodeMessage({ type: "known", ids: [] }));
      session.receive(encodeMessage({ type: "want", ids: replica.ids() }));
    }
    const groups = take().filter((type) => type.startsWith("group")).length;
    expect(groups).toBeGreaterThanOrEqual(MAX_RESENDS * once);
    // Groups that were asked for by id hold one change each.
    expect(groups).toBeLessThan((MAX_RESENDS + 2) * 20);
    expect(port.errors.filter(([code]) => code === "flooding")).toHaveLength(1);
    session.receive(again);
    expect(take()).toEqual(["done"]);
    replica.write(author(0));
    expect(take()).toEqual(["group of 1"]);
  });

  it("that lost little of a large history is sent that for as long as it loses", () => {
    const { replica, session, take, port } = scripted(2_000);
    session.receive(encodeMessage({ type: "have", frontier: { heads: [] }, again: false }));
    take();
    const heads = [replica.history.idAt(1_997)];
    for (let i = 0; i < 1_000; i++) {
      session.receive(encodeMessage({ type: "have", frontier: { heads }, again: true }));
      expect(take()).toEqual(["group of 2", "done"]);
    }
    expect(port.errors).toEqual([]);
  });

  it("that probes without end gets one small answer for each question, and none while it does not read", () => {
    const { replica, session, take, port } = scripted(30);
    const probe = encodeMessage({ type: "probe", tips: replica.history.frontier() });
    for (let i = 0; i < 500; i++) session.receive(probe);
    expect(take()).toHaveLength(500);
    port.isFull = true;
    for (let i = 0; i < 500; i++) session.receive(probe);
    // One is taken by the transport when it turns out to be full; the bounded outbox holds the others.
    port.isFull = false;
    expect(port.errors.filter(([code]) => code === "flooding")).toHaveLength(
      499 - MAX_OUTBOX_MESSAGES,
    );
    session.resume();
    expect(take()).toHaveLength(1 + MAX_OUTBOX_MESSAGES);
  });

  it("that sends junk is told so a few times, and never for its own errors", () => {
    const { session, take, port } = scripted(3);
    for (let i = 0; i < 1_000; i++) session.receive(i % 2 === 0 ? "junk" : `{"type":"nonsense"}`);
    expect(port.errors).toHaveLength(1_000);
    const replies = take();
    expect(replies.every((type) => type === "error")).toBe(true);
    expect(replies.length).toBeLessThan(MAX_ERROR_REPLIES + 1_000 / 30);
    const other = scripted(3);
    other.session.receive(`{"type":"error"}`);
    other.session.receive(JSON.stringify({ type: "error", code: "x", detail: "\u001b[31mred" }));
    expect(other.take()).toEqual([]);
    expect(other.port.errors[1]).toEqual(["refused", "the peer refused something (x): ?[31mred"]);
  });

  it("that sends a change with a wrong signature is told which", () => {
    const { replica, session, take, port } = scripted(0);
    const other = new Replica("other");
    other.write(author(0));
    const group = other.groups(0, 1);
    group[group.length - 1]! ^= 1;
    session.receive(group);
    expect(replica.history.length).toBe(0);
    expect(take()).toEqual(["error"]);
    expect(port.errors[0]).toEqual([
      "bad_signature",
      `a change was refused: ${toHex(other.history.idAt(0))}`,
    ]);
  });

  it("that claims to know everything harms only itself", () => {
    const { replica, session, take } = scripted(40);
    const tips = replica.history.frontier();
    session.receive(
      encodeMessage({ type: "have", frontier: { heads: [...tips, junk(0)] }, again: false }),
    );
    session.receive(encodeMessage({ type: "known", ids: tips }));
    session.receive(encodeMessage({ type: "lacks", of: 1, at: [], tips: [] }));
    expect(take()).toEqual(["have", "known", "tips", "done"]);
    const honest = new Replica("honest");
    new Link(replica, honest).open().run();
    expectEqual(replica, honest);
  });

  it("cannot make a session throw or change what is applied, whatever it sends", () => {
    const ids = fc.oneof(
      fc.constantFrom(...scripted(30).replica.ids().map(toHex)),
      fc.nat(50).map((n) => toHex(junk(n))),
    );
    const list = fc.array(ids, { maxLength: 6 });
    const number = fc.oneof(fc.nat(40), fc.constant(-1), fc.constant(1.5), fc.constant(2 ** 60));
    const tip = fc.tuple(ids, fc.constantFrom("0", "1", "18446744073709551616", "x"), number, ids);
    const message = fc.oneof(
      fc.record({ type: fc.constantFrom("have", "done"), heads: list, again: fc.boolean() }),
      fc.record({ type: fc.constantFrom("have", "done"), digest: ids }),
      fc.record({ type: fc.constantFrom("known", "want", "ack"), ids: list }),
      fc.record({
        type: fc.constant("tips"),
        page: number,
        chains: fc.array(tip, { maxLength: 5 }),
      }),
      fc.record({ type: fc.constant("lacks"), of: number, at: fc.array(number), tips: list }),
      fc.record({
        type: fc.constant("buckets"),
        page: number,
        hashes: fc.array(ids, { minLength: 250, maxLength: 256 }),
      }),
      fc.record({ type: fc.constant("differ"), of: number, buckets: fc.array(number) }),
      fc.record({ type: fc.constant("probe"), tips: list }),
      fc.record({ type: fc.constant("samples"), of: ids, ids: fc.array(fc.tuple(number, ids)) }),
      fc.record({ type: fc.constant("error"), code: fc.string(), detail: fc.string() }),
      fc.record({ type: fc.constant("cursor"), epoch: fc.string(), position: number, order: ids }),
      fc.record({ type: fc.string() }),
    );
    const frame = fc.oneof(
      { weight: 6, arbitrary: message.map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.uint8Array() },
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 40 }), (frames) => {
        const { replica, session, take } = scripted(30);
        session.open();
        frames.forEach((each, i) => {
          session.receive(each);
          if (i % 7 === 0) session.refresh();
          if (i % 11 === 0) replica.write(author(2));
        });
        expect(replica.history.length).toBe(30 + Math.ceil(frames.length / 11));
        expect(take().length).toBeLessThan(2_000);
        // And an honest peer after it is served as ever.
        const honest = new Replica("honest");
        new Link(replica, honest).open().run();
        expectEqual(replica, honest);
      }),
      { numRuns: 150 },
    );
  });
});

describe("a cover that finds no room", () => {
  it("is what its sender is told of, not that what it covers has no signature", () => {
    const ghost = forge({ document: DOCUMENT, author: person(1) });
    const waiting = forge({ document: DOCUMENT, author: person(1), prev: ghost });
    const covered = forge({ document: DOCUMENT, author: person(2), parents: [waiting] });
    const made = [ops.text(["body"], "x".repeat(1_000))];
    const cover = forge({ document: DOCUMENT, author: person(2), prev: covered, ops: made });
    const history = new History({ document: DOCUMENT, limits: { pendingBytesPerPeer: 1_500 } });
    const told: string[] = [];
    const session = new SyncSession({
      history,
      peer: "peer",
      send: () => true,
      receiveGroup: (group) => history.receive(group, "peer"),
      onError: (code) => told.push(code),
    });
    session.receive(waiting.group);
    session.receive(groupOf([covered, cover], (change) => change === covered));
    expect(history.pending.count).toBeGreaterThan(0);
    expect(told).toEqual(["over_quota"]);
  });
});

const DOCUMENT = documentId("sync test");
const authors = new Map<number, KeyPair>();
let clock = 0;

function author(number: number): KeyPair {
  let keys = authors.get(number);
  if (keys === undefined) authors.set(number, (keys = generateKeyPair(junk(number))));
  return keys;
}

function junk(number: number): Uint8Array {
  return sha256(new Uint8Array([number, number >> 8, number >> 16]));
}

/** A history and the sessions that pass on what is applied to it. */
class Replica {
  readonly name: string;
  readonly history = new History({ document: DOCUMENT });
  readonly sessions = new Set<SyncSession>();
  durable = Infinity;

  constructor(name: string) {
    this.name = name;
  }

  ids(): Uint8Array[] {
    return Array.from({ length: this.history.length }, (_, index) => this.history.idAt(index));
  }

  /** Another replica with the same history. */
  copy(name: string): Replica {
    const copy = new Replica(name);
    copy.take(
      this,
      Array.from({ length: this.history.length }, (_, index) => index),
    );
    return copy;
  }

  /** Takes over signed changes without verifying them again. */
  take({ history }: Replica, indexes: readonly number[]): void {
    for (const index of indexes) {
      const signature = history.signatureAt(index);
      if (signature === null) throw new Error("only signed changes can be taken over");
      this.history.append(history.bodyAt(index), history.idAt(index), signature);
    }
  }

  /** Writes a change on an author's chain 0, after `prev`, on top of `parents`: by default its tip and all heads. */
  write(
    { publicKey, secretKey }: KeyPair,
    options: { prev?: number; parents?: readonly number[]; size?: number } = {},
  ): { replica: Replica; index: number } {
    const { history } = this;
    const tips = history.tipsOf(publicKey, 0n).toSorted((x, y) => y.seq - x.seq);
    const prev = options.prev ?? tips[0]?.index ?? -1;
    const parents = (options.parents ?? history.heads())
      .filter((index) => index !== prev)
      .slice(0, 16);
    const below = [...parents, ...(prev < 0 ? [] : [prev])];
    const writer = new ByteWriter();
    const header = {
      document: DOCUMENT,
      author: publicKey,
      chain: 0n,
      seq: prev < 0 ? 1 : history.seqAt(prev) + 1,
      prev: prev < 0 ? null : history.idAt(prev),
      parents: parents.map((index) => history.idAt(index)).toSorted(compareIds),
      lamport: 1 + Math.max(0, ...below.map((index) => history.lamportAt(index))),
      time: ++clock,
      refs: [],
    };
    writeBodyHead(writer, header, options.size === undefined ? 0 : 1);
    if (options.size !== undefined) writeText(writer, options.size);
    const body = writer.take();
    const id = changeId(body);
    const index = history.append(body, id, sign(signedMessage(id), secretKey));
    if (index < this.durable) this.push([index]);
    return { replica: this, index };
  }

  groups(start: number, end: number): Uint8Array {
    const indexes = Array.from({ length: end - start }, (_, i) => start + i);
    const groups = this.history.groupsFor(indexes);
    if (groups.length !== 1) throw new Error("meant for one group");
    return groups[0]!;
  }

  push(indexes: readonly number[]): void {
    for (const group of this.history.groupsFor(indexes)) {
      for (const session of this.sessions) session.push(group, indexes);
    }
  }

  receive(group: Uint8Array, peer: string): ReceivedGroup {
    const received = this.history.receive(group, peer);
    for (const live of liveGroups(this.history, group, received)) {
      for (const session of this.sessions) session.push(live.group, live.indexes);
    }
    return received;
  }
}

/** Writes an op that holds a text of so many characters. */
function writeText(writer: ByteWriter, size: number): void {
  const place = { owner: null, path: [] };
  const content = "x".repeat(size);
  writeOp(writer, { kind: OP_INSERT_TEXT, made: size, parent: null, side: RIGHT, place, content });
}

function compareIds(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Continues (or begins) an author's chain; with `parents` nothing else is merged. */
function writeChain(
  replica: Replica,
  keys: KeyPair,
  count: number,
  parents?: readonly number[],
): void {
  for (let i = 0; i < count; i++) replica.write(keys, parents === undefined ? {} : { parents });
}

function randomPair(next: (bound: number) => number): [Replica, Replica] {
  const a = new Replica("a");
  const b = new Replica("b");
  const grow = (replica: Replica, steps: number): void => {
    for (let i = 0; i < steps; i++) {
      const { history } = replica;
      const keys = author(next(6));
      const own = history.tipsOf(keys.publicKey, 0n);
      // Now and then an author forks, from anywhere on its chain.
      const tip = own.length > 0 ? own[next(own.length)] : undefined;
      const back = tip === undefined || next(12) > 0 ? 0 : next(tip.seq);
      const prev = tip === undefined ? -1 : history.ancestorOnChain(tip.index, back);
      const heads = history.heads();
      const parents = next(3) === 0 ? heads : heads.filter(() => next(3) === 0);
      replica.write(keys, prev < 0 ? { parents } : { prev, parents });
    }
  };
  grow(a, next(60));
  const cut = next(a.history.length + 1);
  b.take(
    a,
    Array.from({ length: cut }, (_, index) => index),
  );
  grow(a, next(30));
  grow(b, next(40));
  return [next(2) === 0 ? a : relayed(a, next), b];
}

/** A replica with the same history that got it in groups of random size, where few changes keep a signature. */
function relayed(replica: Replica, next: (bound: number) => number): Replica {
  const copy = new Replica(replica.name);
  for (let start = 0; start < replica.history.length;) {
    const end = Math.min(replica.history.length, start + 1 + next(20));
    copy.receive(replica.groups(start, end), "setup");
    start = end;
  }
  return copy;
}

function isEqual(a: Replica, b: Replica): boolean {
  return a.history.frontier().map(toHex).join() === b.history.frontier().map(toHex).join();
}

function expectEqual(a: Replica, b: Replica): void {
  expect(b.history.frontier().map(toHex)).toEqual(a.history.frontier().map(toHex));
  expect(b.history.length).toBe(a.history.length);
}

/** One end of a link: its session, and the frames on their way to it. */
interface End {
  readonly replica: Replica;
  readonly session: SyncSession;
  readonly queue: (string | Uint8Array)[];
  readonly errors: [SyncErrorCode, string][];
  readonly acks: string[];
  /** Groups of which something had to wait for a dependency. */
  waits: number;
  isFull: boolean;
}

/** Two sessions and the frames between them, delivered one at a time. */
class Link {
  readonly ends: readonly [End, End];
  groups = 0;
  changes = 0;
  redundant = 0;
  textLength = 0;
  #messages: SyncMessage[] = [];
  readonly #capacity: number;

  constructor(a: Replica, b: Replica, options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? Infinity;
    this.ends = [this.#end(a, b, 1), this.#end(b, a, 0)];
  }

  get isSynced(): boolean {
    return this.ends.every((end) => end.session.synced);
  }

  get isQuiet(): boolean {
    return this.ends.every((end) => end.queue.length === 0);
  }

  /** Types of the control messages so far. */
  types(): string[] {
    return this.#messages.map(({ type }) => type);
  }

  open(): this {
    for (const end of this.ends) end.session.open();
    return this;
  }

  close(): void {
    for (const { replica, session, queue } of this.ends) {
      replica.sessions.delete(session);
      session.close();
      queue.length = 0;
    }
  }

  reset(): void {
    this.groups = this.changes = this.redundant = this.textLength = 0;
    this.#messages = [];
  }

  drop(): void {
    for (const end of this.ends) end.queue.length = 0;
  }

  /** Delivers one frame each way. */
  step(): void {
    for (const [i, end] of this.ends.entries()) {
      const frame = end.queue.shift();
      if (frame !== undefined) this.#deliver(end, frame);
      const from = this.ends[1 - i]!;
      if (from.isFull && end.queue.length < this.#capacity) {
        from.isFull = false;
        from.session.resume();
      }
    }
  }

  run(): this {
    for (let steps = 0; !this.isQuiet; steps++) {
      if (steps > 20_000) throw new Error("the sessions never come to rest");
      this.step();
    }
    return this;
  }

  /** Swaps, repeats or loses one frame. */
  disturb(next: (bound: number) => number): void {
    const { queue } = this.ends[next(2)]!;
    if (queue.length === 0) return;
    const at = next(queue.length);
    const what = next(6);
    if (what === 0) queue.splice(at, 1);
    if (what === 1) queue.push(queue[at]!);
    if (what === 2) queue.unshift(...queue.splice(at, 1));
  }

  #end(replica: Replica, peer: Replica, other: 0 | 1): End {
    const end: End = {
      replica,
      queue: [],
      errors: [],
      acks: [],
      waits: 0,
      isFull: false,
      session: new SyncSession({
        history: replica.history,
        peer: peer.name,
        send: (frame) => {
          if (end.isFull) throw new Error("sent to a transport that is full");
          const { queue } = this.ends[other];
          queue.push(frame);
          end.isFull = queue.length >= this.#capacity;
          return !end.isFull;
        },
        receiveGroup: (group) => {
          const received = replica.receive(group, peer.name);
          if (received.missing.length > 0) end.waits++;
          return received;
        },
        durable: () => replica.durable,
        onAck: (ids) => end.acks.push(...ids.map(toHex)),
        onError: (code, detail) => end.errors.push([code, detail]),
      }),
    };
    replica.sessions.add(end.session);
    return end;
  }

  #deliver(end: End, frame: string | Uint8Array): void {
    if (typeof frame === "string") {
      const message = parseMessage(frame);
      if (!message.ok) throw new Error(`a session sent what it would refuse: ${frame}`);
      this.#messages.push(message.value);
      this.textLength += frame.length;
    } else {
      const entries = decodeGroup(frame);
      if (!entries.ok) throw new Error("a session sent what is no group");
      this.groups++;
      this.changes += entries.value.length;
      const known = entries.value.filter(
        ({ body }) => end.replica.history.indexOf(changeId(body)) >= 0,
      );
      this.redundant += known.length;
    }
    end.session.receive(frame);
  }
}

function runAll(links: readonly Link[]): void {
  for (let steps = 0; links.some((link) => !link.isQuiet); steps++) {
    if (steps > 20_000) throw new Error("the sessions never come to rest");
    for (const link of links) link.step();
  }
}

/** A session with a history of `length` changes, whose peer is the test. */
function scripted(length: number) {
  const replica = new Replica("scripted");
  writeChain(replica, author(0), length);
  const sent: string[] = [];
  const port = { isFull: false, errors: [] as [SyncErrorCode, string][] };
  const session = new SyncSession({
    history: replica.history,
    peer: "liar",
    send: (frame) => {
      if (typeof frame === "string") {
        const message = parseMessage(frame);
        sent.push(message.ok ? message.value.type : "unreadable");
      } else {
        const entries = decodeGroup(frame);
        sent.push(`group of ${entries.ok ? entries.value.length : "?"}`);
      }
      return !port.isFull;
    },
    receiveGroup: (group) => replica.receive(group, "liar"),
    onError: (code, detail) => port.errors.push([code, detail]),
  });
  replica.sessions.add(session);
  return { replica, session, port, take: () => sent.splice(0) };
}
