import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import { History } from "../history/index.ts";
import { MAX_ERROR_REPLIES, MAX_OUTBOX_MESSAGES, MAX_RESENDS, MAX_ROUNDS } from "./bounds.ts";
import { encodeMessage } from "./messages.ts";
import type { SyncMessage } from "./messages.ts";
import { SyncSession } from "./session.ts";
import { forge, groupOf, ops, person } from "../../test/forge.ts";
import {
  DOCUMENT,
  Link,
  Replica,
  author,
  expectEqual,
  junk,
  scripted,
} from "../../test/replica-links.ts";

/** The peer says that it has these heads, and nothing that is here: the session has told its tips, and waits for the answer. */
function hasAskedOf({ session, take }: ReturnType<typeof scripted>, heads: Uint8Array[]): void {
  session.open();
  session.receive(encodeMessage({ type: "have", frontier: { heads }, again: false }));
  session.receive(encodeMessage({ type: "known", ids: [] }));
  expect(take()).toEqual(["have", "known", "tips"]);
}

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

  it("is told of to the host for each answer to nothing, and each question about nothing", () => {
    const { replica, session, port } = scripted(3);
    const [known] = replica.ids();
    const lies: readonly SyncMessage[] = [
      { type: "lacks", of: 1, at: [], tips: [] },
      { type: "differ", of: 1, buckets: [] },
      { type: "samples", of: junk(1), ids: [] },
      { type: "probe", tips: [junk(1), junk(2)] },
      { type: "want", ids: [junk(1), junk(2)] },
      { type: "want", ids: [] },
    ];
    for (const [at, lie] of lies.entries()) {
      session.receive(encodeMessage(lie));
      expect(port.unasked).toBe(at + 1);
    }
    const fair: readonly SyncMessage[] = [
      { type: "probe", tips: [junk(1), known!] },
      { type: "want", ids: [junk(1), known!] },
      { type: "known", ids: [] },
      { type: "tips", page: 1, chains: [] },
      { type: "have", frontier: { heads: [junk(1)] }, again: false },
    ];
    for (const message of fair) session.receive(encodeMessage(message));
    expect(port.unasked).toBe(lies.length);
  });

  it("is not told of where it answers what was settled meanwhile, once for each question", () => {
    const scene = scripted(3);
    const { replica, session, port } = scene;
    const other = scripted(0).replica;
    other.write(author(1));
    hasAskedOf(scene, other.ids());
    // All that was lacking comes while the answer is on its way.
    session.receive(other.history.groupOf(0));
    expect(replica.history.length).toBe(4);
    const answer = encodeMessage({ type: "lacks", of: 1, at: [], tips: [] });
    session.receive(answer);
    expect(port.unasked).toBe(0);
    session.receive(answer);
    expect(port.unasked).toBe(1);
  });

  it("is told of for the second answer, and for one to another question", () => {
    const scene = scripted(3);
    const { session, port } = scene;
    hasAskedOf(scene, [junk(1)]);
    session.receive(encodeMessage({ type: "differ", of: 1, buckets: [] }));
    expect(port.unasked).toBe(1);
    port.unasked = 0;
    const answer = encodeMessage({ type: "lacks", of: 1, at: [], tips: [] });
    session.receive(answer);
    expect(port.unasked).toBe(0);
    session.receive(answer);
    expect(port.unasked).toBe(1);
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
