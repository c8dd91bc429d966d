/** Cursors: what they stand for, when one is told, and which of those that are told may be kept. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { forge, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { documentId, encodeGroup } from "../change/index.ts";
import { History } from "../history/index.ts";
import { CHANGES_PER_CURSOR, ORDER_BLOCK } from "./bounds.ts";
import { ResendBudget } from "./budget.ts";
import { AppliedOrder, parseCursor } from "./cursor.ts";
import type { Cursor } from "./cursor.ts";
import { encodeMessage, parseMessage } from "./messages.ts";
import type { Frontier } from "./messages.ts";
import { SyncSession } from "./session.ts";
import type { SyncSessionOptions } from "./session.ts";
import { frontierOf } from "./tips.ts";

const DOCUMENT = documentId("cursors");
const EPOCH = "ab".repeat(16);

/** Changes of one author, each on the one before. */
function chainOf(length: number, seed = 1): Forged[] {
  const author = person(seed);
  const changes: Forged[] = [];
  for (let i = 0; i < length; i++)
    changes.push(forge({ document: DOCUMENT, author, prev: changes[i - 1] ?? null }));
  return changes;
}

function historyOf(changes: readonly Forged[]): History {
  const history = new History({ document: DOCUMENT });
  for (const { group } of changes) history.receive(group);
  return history;
}

/** Ids that are just numbers: `idViewAt` is all that an order needs. */
function numbers(shift = 0): { idViewAt(index: number): Uint8Array } {
  return {
    idViewAt: (index) => {
      const id = new Uint8Array(32);
      new DataView(id.buffer).setUint32(0, index + shift);
      return id;
    },
  };
}

/** The hash of an order as the head of cursor.ts defines it. */
function naiveOrder(history: { idViewAt(index: number): Uint8Array }, position: number): string {
  if (position === 0) return "00".repeat(32);
  const start = (Math.ceil(position / ORDER_BLOCK) - 1) * ORDER_BLOCK;
  const hash = createHash("sha256").update("bft-json-crdt/1 sync\0").update(Uint8Array.of(3));
  hash.update(Buffer.from(naiveOrder(history, start), "hex"));
  for (let index = start; index < position; index++) hash.update(history.idViewAt(index));
  return hash.digest("hex");
}

describe("a cursor", () => {
  it("commits to the changes before it, in their order, wherever it is and whenever it is asked for", () => {
    const history = numbers();
    const places = [0, 1, 2, 255, 256, 257, 511, 512, 513, 1_000];
    for (const asked of [places, places.toReversed(), [513, 3, 513, 256]]) {
      const order = new AppliedOrder(history, EPOCH);
      for (const position of asked) {
        const cursor = { epoch: EPOCH, position, order: naiveOrder(history, position) };
        expect(order.at(position)).toEqual(cursor);
        expect(order.holds(cursor, position)).toBe(true);
      }
    }
  });

  it("is held by no log of another name, another order or a lesser length", () => {
    const cursor = new AppliedOrder(numbers(), EPOCH).at(300);
    expect(new AppliedOrder(numbers(), EPOCH).holds(cursor, 300)).toBe(true);
    expect(new AppliedOrder(numbers(), EPOCH).holds(cursor, 299)).toBe(false);
    expect(new AppliedOrder(numbers(1), EPOCH).holds(cursor, 300)).toBe(false);
    expect(new AppliedOrder(numbers(), "cd".repeat(16)).holds(cursor, 300)).toBe(false);
  });

  it("is not looked for beyond the end, however far", () => {
    const order = new AppliedOrder(numbers(), EPOCH);
    const cursor = { epoch: EPOCH, position: Number.MAX_SAFE_INTEGER, order: "ab".repeat(32) };
    expect(order.holds(cursor, 10)).toBe(false);
  });

  it("is read with just its own fields", () => {
    const cursor = new AppliedOrder(numbers(), EPOCH).at(7);
    expect(parseCursor({ ...cursor, more: 1 })).toEqual(cursor);
    for (const value of [undefined, null, 7, "cursor", [], {}])
      expect(parseCursor(value)).toBeNull();
  });
});

/** A session whose frames are noted, over a transport that is full after `room` of them. */
function scripted(history: History, options: Partial<SyncSessionOptions> = {}) {
  const order = new AppliedOrder(history, EPOCH);
  const frames: (string | Uint8Array)[] = [];
  const kept: Cursor[] = [];
  const port = { room: Infinity };
  const session = new SyncSession({
    history,
    peer: "peer",
    send: (frame) => {
      frames.push(frame);
      return --port.room > 0;
    },
    receiveGroup: (group) => history.receive(group, "peer"),
    cursorAt: (position) => order.at(position),
    onCursor: (cursor) => kept.push(cursor),
    ...options,
  });
  /** What was sent since: types of messages, the places of cursors, and how many changes are in a group. */
  const take = (): string[] =>
    frames.splice(0).map((frame) => {
      if (typeof frame !== "string") return `group of ${groupSize(frame)}`;
      const message = parseMessage(frame);
      if (!message.ok) return "unreadable";
      const { value } = message;
      return value.type === "cursor" ? `cursor ${value.cursor.position}` : value.type;
    });
  const tell = (type: "have" | "done", frontier: Frontier): void =>
    session.receive(
      encodeMessage(type === "have" ? { type, frontier, again: false } : { type, frontier }),
    );
  /** The peer tells a cursor; true when it may be kept. */
  const isKept = (): boolean => {
    session.receive(encodeMessage({ type: "cursor", cursor: order.at(0) }));
    return kept.splice(0).length > 0;
  };
  return { session, port, take, tell, isKept, frames };
}

function groupSize(group: Uint8Array): number {
  // One head byte up to 23 entries, then one or two bytes more.
  const head = group[0]! & 0x1f;
  return head < 24 ? head : head === 24 ? group[1]! : (group[1]! << 8) | group[2]!;
}

function push(history: History, session: SyncSession, { group }: Forged): void {
  const { applied } = history.receive(group);
  session.push(group, applied);
}

describe("an end that knows where its peer was", () => {
  it("sends what is behind that in full frames, then what it has, and compares no tips", () => {
    const history = historyOf(chainOf(40));
    const { session, take, tell } = scripted(history);
    session.recover(10);
    expect(take()).toEqual(["group of 30", "have"]);
    tell("have", frontierOf(history));
    tell("done", frontierOf(history));
    expect(take()).toEqual(["done", "cursor 40"]);
    expect(session.synced).toBe(true);
  });

  it("has nothing to send but what it has when the peer was at the end", () => {
    const history = historyOf(chainOf(4));
    const { session, take, tell } = scripted(history);
    session.recover(4);
    expect(take()).toEqual(["have"]);
    tell("have", frontierOf(history));
    expect(take()).toEqual(["done"]);
  });

  it("passes on what comes meanwhile behind it, and asks by what was sent until then", () => {
    const changes = chainOf(6);
    const history = historyOf(changes.slice(0, 4));
    const { session, port, take, frames } = scripted(history);
    port.room = 1;
    session.recover(1);
    for (const change of changes.slice(4)) push(history, session, change);
    port.room = 2;
    session.resume();
    const have = parseMessage(String(frames[1]));
    expect(have.ok && have.value).toMatchObject({ frontier: { heads: [changes[3]!.id] } });
    port.room = Infinity;
    session.resume();
    expect(take()).toEqual(["group of 3", "have", "group of 2"]);
  });

  it("says done at the end to a peer that has asked in the middle", () => {
    const history = historyOf(chainOf(4));
    const { session, port, take, tell } = scripted(history);
    port.room = 1;
    session.recover(1);
    tell("have", frontierOf(history, 1));
    port.room = Infinity;
    session.resume();
    expect(take()).toEqual(["group of 3", "have", "done", "cursor 4"]);
  });

  it("compares nothing when the peer names what it wrote meanwhile and not yet what it was sent", () => {
    const [other] = chainOf(1, 2);
    const { session, take, tell } = scripted(historyOf(chainOf(4)));
    session.recover(2);
    expect(take()).toEqual(["group of 2", "have"]);
    tell("have", { heads: [other!.id] });
    session.receive(encodeMessage({ type: "known", ids: [] }));
    expect(take()).toEqual(["known", "done", "cursor 4"]);
    // It was lost after all.
    session.receive(encodeMessage({ type: "have", frontier: { heads: [] }, again: true }));
    expect(take()).toEqual(["group of 4", "done"]);
  });

  it("looks for what is missing when the first thing that it hears is that something was lost", () => {
    const { session, take } = scripted(historyOf(chainOf(4)));
    session.recover(2);
    take();
    session.receive(encodeMessage({ type: "have", frontier: { heads: [] }, again: true }));
    expect(take()).toEqual(["group of 4", "done", "cursor 4"]);
  });

  it("counts what it has sent, so that no other session on the connection sends it again unasked", () => {
    const history = historyOf(chainOf(4));
    const budget = new ResendBudget(history);
    scripted(history, { budget }).session.recover(1);
    expect(budget.covered).toBe(4);
  });
});

describe("a cursor is told", () => {
  it("after done, and then when it is due and something was passed on", () => {
    const changes = chainOf(6);
    const history = historyOf(changes.slice(0, 3));
    const { session, take, tell } = scripted(history);
    session.tellCursor();
    expect(take()).toEqual([]);
    tell("have", { heads: [] });
    expect(take()).toEqual(["have", "group of 3", "done", "cursor 3"]);
    push(history, session, changes[3]!);
    push(history, session, changes[4]!);
    expect(take()).toEqual(["group of 1", "group of 1"]);
    session.tellCursor();
    expect(take()).toEqual(["cursor 5"]);
    session.tellCursor();
    expect(take()).toEqual([]);
  });

  it("to nobody by an end that has no order", () => {
    const history = historyOf(chainOf(3));
    const sent: unknown[] = [];
    const session = new SyncSession({
      history,
      peer: "peer",
      send: (frame) => sent.push(frame) > 0,
      receiveGroup: (group) => history.receive(group),
    });
    session.receive(encodeMessage({ type: "have", frontier: { heads: [] }, again: false }));
    session.tellCursor();
    expect(sent).toHaveLength(3);
  });

  it("on the way through much, without being due", () => {
    const history = historyOf(chainOf(2 * CHANGES_PER_CURSOR + 10));
    const { session, take } = scripted(history);
    session.recover(5);
    expect(take()).toEqual([
      `group of ${CHANGES_PER_CURSOR}`,
      `cursor ${CHANGES_PER_CURSOR + 5}`,
      `group of ${CHANGES_PER_CURSOR}`,
      `cursor ${2 * CHANGES_PER_CURSOR + 5}`,
      "group of 5",
      "have",
    ]);
  });

  it("not on the way through what heads have told to send, which may have holes until it is done", () => {
    const history = historyOf(chainOf(CHANGES_PER_CURSOR + 10));
    const { session, take, tell } = scripted(history);
    session.open();
    tell("have", { heads: [] });
    expect(take()).toEqual([
      "have",
      `group of ${CHANGES_PER_CURSOR}`,
      "group of 10",
      "done",
      `cursor ${CHANGES_PER_CURSOR + 10}`,
    ]);
  });

  it("of an empty log to nobody", () => {
    const { session, take, tell } = scripted(historyOf([]));
    tell("have", { heads: [] });
    session.tellCursor();
    expect(take()).toEqual(["have", "done"]);
  });
});

describe("a cursor that is told may be kept", () => {
  const changes = chainOf(5);
  const [first, second, third] = changes as [Forged, Forged, Forged];
  const heads = (...named: Forged[]): Frontier => ({ heads: named.map(({ id }) => id) });

  it("once all heads are here that the peer has said it sent, and not before", () => {
    const { session, isKept, tell } = scripted(historyOf([]));
    session.open();
    expect(isKept()).toBe(false);
    tell("have", heads(second));
    expect(isKept()).toBe(false);
    session.receive(first.group);
    session.receive(second.group);
    expect(isKept()).toBe(false);
    tell("done", heads(second));
    expect(isKept()).toBe(true);
  });

  it("when the peer has nothing that is not here", () => {
    const { session, isKept, tell } = scripted(historyOf([first]));
    session.open();
    tell("have", heads(first));
    expect(isKept()).toBe(true);
  });

  it("by the digest of a frontier only when it is that of the own one", () => {
    const history = historyOf([first]);
    const { session, isKept, tell } = scripted(history);
    session.open();
    tell("done", { digest: new Uint8Array(32) });
    expect(isKept()).toBe(false);
    const wide = historyOf(Array.from({ length: 257 }, (_, i) => chainOf(1, 100 + i)[0]!));
    const other = scripted(wide);
    other.session.open();
    other.tell("done", frontierOf(wide));
    expect(frontierOf(wide)).toHaveProperty("digest");
    expect(other.isKept()).toBe(true);
    // Not ours, and nothing new is said by it.
    other.tell("done", { digest: new Uint8Array(32) });
    expect(other.isKept()).toBe(true);
  });

  it("at once by an end that is being sent what is behind its own", () => {
    const { session, isKept, tell, take } = scripted(historyOf([first]));
    session.awaitRecovery();
    expect(isKept()).toBe(true);
    session.receive(second.group);
    expect([isKept(), take()]).toEqual([true, []]);
    tell("have", heads(second));
    expect(take()).toEqual(["have", "done", "cursor 2"]);
    // What was left out is asked for again.
    tell("done", heads(third));
    expect(take()).toEqual(["have"]);
    expect(isKept()).toBe(false);
  });

  it.each([
    ["waits for another", third.group],
    ["is no group", Uint8Array.of(0xff)],
    ["is refused", encodeGroup([{ body: second.body, signature: new Uint8Array(64) }])],
    ["is empty", encodeGroup([])],
  ])("no more after something came that %s, until all is here", (_, group) => {
    const { session, isKept, tell } = scripted(historyOf([first]));
    session.open();
    tell("have", heads(first));
    tell("done", heads(first));
    session.receive(first.group);
    expect(isKept()).toBe(true);
    session.receive(group);
    expect(isKept()).toBe(false);
    session.receive(second.group);
    expect(isKept()).toBe(false);
    tell("done", heads(second));
    expect(isKept()).toBe(true);
  });
});
