/**
 * One test for each check of sync that no other test misses by itself: each situation is right but for one thing. See
 * docs/checks.md.
 */
import { describe, expect, it, vi } from "vitest";
import { documentId, encodeGroup, FORMAT_VERSION } from "../change/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { History } from "../history/index.ts";
import { MAX_PARENTS } from "../limits.ts";
import type { ChainTip, ReceivedGroup } from "../history/index.ts";
import { forge, groupOf, person } from "../../test/forge.ts";
import type { Forged, Recipe } from "../../test/forge.ts";
import { lacksOf } from "./answers.ts";
import {
  MAX_ASKED_IDS,
  MAX_ERROR_REPLIES,
  MAX_IDS,
  MAX_PAGE_ENTRIES,
  MAX_PAGES_IN_FLIGHT,
  MAX_PROBES,
  MAX_RECEIVED_RUNS,
  MAX_WAITING_ACKS,
  WALK_STEP_BYTES,
} from "./bounds.ts";
import { costOf, ResendBudget } from "./budget.ts";
import { Comparison } from "./comparison.ts";
import { Inquiry } from "./inquiry.ts";
import { encodeMessage, parseMessage } from "./messages.ts";
import type { SyncMessage } from "./messages.ts";
import { OwnFrontier } from "./own-frontier.ts";
import { Outbound } from "./outbound.ts";
import { SyncSession } from "./session.ts";
import type { SyncErrorCode, SyncSessionOptions } from "./session.ts";
import { bucketOf, TipSummary, withoutHeads } from "./tips.ts";
import type { SyncHistory } from "./tips.ts";

const DOCUMENT = documentId("sync checks");
const [ALICE, BOB] = [person(30), person(31)];

/** An id, or a key, that stands for a number and that no change has. */
function junk(number: number): Uint8Array {
  const id = new Uint8Array(32).fill(0xee);
  new DataView(id.buffer).setUint32(0, number);
  return id;
}

function change(recipe: Partial<Recipe> = {}): Forged {
  return forge({ document: DOCUMENT, author: ALICE, ...recipe });
}

/** The first changes of a chain. */
function chainOf(length: number, recipe: Partial<Recipe> = {}): Forged[] {
  const changes: Forged[] = [];
  for (let i = 0; i < length; i++)
    changes.push(change({ ...recipe, prev: changes[i - 1] ?? null }));
  return changes;
}

function historyOf(changes: readonly Forged[]): History {
  const history = new History({ document: DOCUMENT });
  for (const { group } of changes) history.receive(group);
  expect(history.length).toBe(changes.length);
  return history;
}

/** A history of nothing but tips: as many as `count`, each of a chain of its own. */
function tipsOnly(count: number): SyncHistory {
  const tips = Array.from({ length: count }, (_, index): ChainTip => {
    return { author: junk(1), chain: BigInt(index), seq: 1, id: junk(index + 2), index };
  });
  const known = new Map(tips.map(({ id, index }) => [toHex(id), index]));
  const history: Pick<SyncHistory, "length" | "tips" | "indexOf"> = {
    length: count,
    tips: () => tips,
    indexOf: (id) => known.get(toHex(id)) ?? -1,
  };
  return history as SyncHistory;
}

/** A session whose frames are noted, over a transport that is full after `room` further frames. */
function scripted(history: SyncHistory, options: Partial<SyncSessionOptions> = {}) {
  const frames: (string | Uint8Array)[] = [];
  const port = { room: Infinity, synced: 0, errors: [] as SyncErrorCode[] };
  const session = new SyncSession({
    history,
    peer: "peer",
    send: (frame) => {
      frames.push(frame);
      return --port.room > 0;
    },
    receiveGroup: (group) => (history as History).receive(group, "peer"),
    onError: (code) => port.errors.push(code),
    onSynced: () => port.synced++,
    ...options,
  });
  /** What was sent since: types of messages, or "group". */
  const take = (): string[] =>
    frames.splice(0).map((frame) => {
      if (typeof frame !== "string") return "group";
      const message = parseMessage(frame);
      return message.ok ? message.value.type : "unreadable";
    });
  const tell = (message: SyncMessage): void => session.receive(encodeMessage(message));
  const have = (heads: readonly Uint8Array[], again = false): void =>
    tell({ type: "have", frontier: { heads }, again });
  const done = (heads: readonly Uint8Array[]): void => tell({ type: "done", frontier: { heads } });
  /** Brings the session to where it is with a peer that has the same. */
  const meet = (): void => {
    const heads = history.heads().map((index) => history.idAt(index));
    have(heads);
    done(heads);
    take();
  };
  return { session, port, frames, take, tell, have, done, meet };
}

/** What became of a group, made up: with these statuses. */
function received(results: ReceivedGroup["results"], code = "bad_signature" as const) {
  const status = results.some((result) => result.status === "rejected") ? "rejected" : "applied";
  const made: ReceivedGroup = {
    status,
    ...(status === "rejected" ? { code } : {}),
    applied: [],
    missing: [],
    results,
    isExact: false,
  };
  return made;
}

describe("a session counts as synced", () => {
  it("not before a peer was answered", () => {
    const { session } = scripted(historyOf([]));
    expect(session.synced).toBe(false);
  });

  it("not while its own question waits for the answer", () => {
    const { session, meet, done } = scripted(historyOf([]));
    meet();
    expect(session.synced).toBe(true);
    session.refresh();
    expect(session.synced).toBe(false);
    done([]);
    expect(session.synced).toBe(true);
  });

  it("not while something waits for the transport", () => {
    const [first, second] = chainOf(2) as [Forged, Forged];
    const history = historyOf([first]);
    const { session, port, meet } = scripted(history);
    meet();
    port.room = 1;
    session.acknowledge([first.id]);
    history.receive(second.group);
    session.push(second.group, [1]);
    expect(session.synced).toBe(false);
    session.resume();
    expect(session.synced).toBe(true);
  });

  it("not while it owes the peer its done", () => {
    const [first] = chainOf(1) as [Forged];
    const history = historyOf([first]);
    const { session, port, take, meet, have } = scripted(history);
    meet();
    port.room = 1;
    session.acknowledge([first.id]);
    expect(take()).toEqual(["ack"]);
    have([first.id]);
    expect(session.synced).toBe(false);
    port.room = Infinity;
    session.resume();
    expect(take()).toEqual(["done"]);
    expect(session.synced).toBe(true);
  });

  it("once each time it becomes so, and its host hears of it just then", () => {
    const { session, port, meet, done, tell } = scripted(historyOf([]));
    meet();
    tell({ type: "ack", ids: [] });
    tell({ type: "ack", ids: [] });
    expect(port.synced).toBe(1);
    session.refresh();
    expect(port.synced).toBe(1);
    done([]);
    expect(port.synced).toBe(2);
  });
});

describe("a session", () => {
  it("that was closed takes nothing and sends nothing", () => {
    const history = historyOf([]);
    const { session, take, have } = scripted(history);
    session.close();
    session.receive(change().group);
    expect(history.length).toBe(0);
    have([]);
    session.refresh();
    expect(take()).toEqual([]);
  });

  it("that is asked again while it sends does not begin anew", () => {
    const changes = Array.from({ length: 1_500 }, (_, at) => change({ chain: BigInt(at) }));
    const history = new History({ document: DOCUMENT });
    for (const { body, id, signature } of changes) history.append(body, id, signature);
    const { session, port, take, have } = scripted(history);
    session.open();
    take();
    port.room = 1;
    have([]);
    have([], true);
    port.room = Infinity;
    session.resume();
    expect(take()).toEqual(["group", "group", "done"]);
  });

  it("that is told out of turn what a peer knows does not believe it later", () => {
    const [first] = chainOf(1) as [Forged];
    const { tell, have, take } = scripted(historyOf([first]));
    tell({ type: "known", ids: [first.id] });
    have([]);
    expect(take()).toEqual(["have", "group", "done"]);
  });

  it("sends a peer again what came from it, when it has lost all", () => {
    const [first] = chainOf(1) as [Forged];
    const { session, meet, have, take } = scripted(historyOf([]));
    meet();
    session.receive(first.group);
    have([], true);
    expect(take()).toEqual(["group", "done"]);
  });

  it("does not take a change that was refused for one that the peer has", () => {
    const [first] = chainOf(1) as [Forged];
    const receiveGroup = (): ReceivedGroup => received([{ id: first.id, status: "rejected" }]);
    const { session, have, done, take } = scripted(historyOf([first]), { receiveGroup });
    have([junk(0)]);
    session.receive(first.group);
    take();
    done([]);
    expect(take()).toEqual(["group", "done"]);
  });

  it("does not take a change that waits for one that the peer has, and finds all that is missing each time", () => {
    const changes = chainOf(3);
    const history = historyOf(changes);
    const waits = { id: junk(7), status: "duplicate" } as const;
    const receiveGroup = (): ReceivedGroup => received([waits]);
    const { session, have, done, take } = scripted(history, { receiveGroup });
    have([junk(0)]);
    session.receive(changes[0]!.group);
    take();
    done([]);
    expect(take()).toEqual(["group", "done"]);
    expect(history.missingFor([])).toEqual([0, 1, 2]);
    expect(history.missingFor([])).toEqual([0, 1, 2]);
  });

  it("reports no fault where a peer is of a later version", () => {
    const { body, signature } = change();
    const later = body.slice();
    later[1] = FORMAT_VERSION + 1;
    const history = historyOf([]);
    const group = encodeGroup([{ body: later, signature }]);
    expect(history.receive(group).status).toBe("unsupported");
    const { session, port, take } = scripted(history);
    session.receive(group);
    expect(port.errors).toEqual([]);
    expect(take()).toEqual([]);
  });

  it("asks for what an unsigned change builds on, and reports no fault", () => {
    const [, second] = chainOf(2) as [Forged, Forged];
    const { session, port, take } = scripted(historyOf([]));
    session.receive(groupOf([second], () => true));
    expect(port.errors).toEqual([]);
    expect(take()).toEqual(["want"]);
  });

  it("passes nothing on while what the peer has is not known, or compared", () => {
    const [first, second, third] = chainOf(3) as [Forged, Forged, Forged];
    const history = historyOf([first]);
    const { session, meet, have, tell, take } = scripted(history);
    meet();
    have([junk(0)]);
    take();
    history.receive(second.group);
    session.push(second.group, [1]);
    expect(take()).toEqual([]);
    tell({ type: "known", ids: [] });
    expect(take()).toEqual(["tips"]);
    history.receive(third.group);
    session.push(third.group, [2]);
    expect(take()).toEqual([]);
  });

  it("passes on no group of nothing", () => {
    const [first] = chainOf(1) as [Forged];
    const { session, meet, take } = scripted(historyOf([first]));
    meet();
    session.push(first.group, []);
    expect(take()).toEqual([]);
  });

  it("sends nothing while a group is being applied", () => {
    const [first] = chainOf(1) as [Forged];
    const history = historyOf([]);
    let sentMeanwhile: string[] = [];
    const { session, take, meet } = scripted(history, {
      receiveGroup: (group) => {
        const result = history.receive(group);
        session.acknowledge([first.id]);
        sentMeanwhile = take();
        return result;
      },
    });
    meet();
    session.receive(first.group);
    expect(sentMeanwhile).toEqual([]);
    expect(take()).toEqual(["ack"]);
  });

  it("acknowledges a bounded number of changes, in messages of bounded size, and none that are not here", () => {
    const history: Pick<SyncHistory, "length" | "indexOf" | "idAt" | "dependencySlots" | "heads"> =
      {
        length: 0,
        indexOf: (id) => (id[31] === 0xee ? new DataView(id.buffer).getUint32(0) : -1),
        idAt: junk,
        dependencySlots: () => 0,
        heads: () => [],
      };
    const { session, frames } = scripted(history as SyncHistory);
    session.acknowledge([new Uint8Array(32)]);
    expect(frames).toEqual([]);
    session.acknowledge(Array.from({ length: MAX_WAITING_ACKS + 9 }, (_, index) => junk(index)));
    const sizes = frames.map((frame) => {
      const message = parseMessage(String(frame));
      return message.ok && message.value.type === "ack" ? message.value.ids.length : -1;
    });
    expect(sizes).toEqual(Array.from({ length: MAX_WAITING_ACKS / MAX_IDS }, () => MAX_IDS));
  });

  it("looks for few of the references of a change, however often the peer names it", () => {
    const references = chainOf(300);
    const wide = change({ author: BOB, refs: references });
    const history = historyOf([...references, wide]);
    const { session, tell, have } = scripted(history);
    have([junk(0)]);
    const looks = vi.spyOn(history, "dependencyAt");
    tell({ type: "ack", ids: Array<Uint8Array>(MAX_IDS).fill(wide.id) });
    session.acknowledge(Array<Uint8Array>(MAX_IDS).fill(wide.id));
    expect(looks.mock.calls.length).toBeLessThanOrEqual(2 * MAX_IDS * (1 + MAX_PARENTS));
  });

  it("sends nothing where what it does not have is asked for", () => {
    const { take, tell, port } = scripted(historyOf(chainOf(1)));
    tell({ type: "want", ids: [junk(0)] });
    expect(take()).toEqual([]);
    expect(port.errors).toEqual([]);
  });

  it("earns no more error replies than it begins with", () => {
    const { session, take, tell } = scripted(historyOf([]));
    for (let i = 0; i < 640; i++) tell({ type: "ack", ids: [] });
    for (let i = 0; i < 20; i++) session.receive("junk");
    expect(take()).toHaveLength(MAX_ERROR_REPLIES);
  });

  it("remembers a bounded number of runs of what came from a peer", () => {
    const history: Pick<SyncHistory, "length" | "indexOf" | "heads" | "dependencies"> = {
      length: 0,
      indexOf: (id) => new DataView(id.buffer).getUint32(0),
      heads: () => [],
      dependencies: () => [],
    };
    const every = Array.from({ length: MAX_RECEIVED_RUNS + 1 }, (_, at) => 2 * at);
    const results = every.map((index) => ({ id: junk(index), status: "applied" }) as const);
    const { session, meet, take } = scripted(history as SyncHistory, {
      receiveGroup: () => received(results),
    });
    meet();
    const group = Uint8Array.of(0);
    session.receive(group);
    for (const index of [0, 1, 2]) session.push(group, [index]);
    // The first run is forgotten: it is sent back, and 1 was never there.
    expect(take()).toEqual(["group", "group"]);
  });
});

describe("the budget of a connection", () => {
  it.each([1.5, -1, Number.NaN, 2 ** 53])("is not of %s bytes", (resentBytes) => {
    expect(() => new ResendBudget(historyOf([]), { resentBytes })).toThrow(
      expect.objectContaining({ code: "bad_value" }),
    );
  });

  /** A session that has sent all that there is. */
  function served(changes: readonly Forged[]) {
    const history = historyOf(changes);
    const budget = new ResendBudget(history);
    const all = scripted(history, { budget });
    all.have([]);
    all.done([]);
    all.take();
    const spend = vi.spyOn(budget, "spend");
    return { history, budget, spend, ...all };
  }

  it("that is spent answers nothing more, and walks nowhere", () => {
    const { history, budget, have, tell, take, port } = served(chainOf(1));
    budget.spend(1e9);
    const walk = vi.spyOn(history, "missingFor");
    have([], true);
    expect(walk).not.toHaveBeenCalled();
    expect(port.errors).toEqual(["flooding"]);
    expect(take()).toEqual(["error", "done"]);
    tell({ type: "probe", tips: [junk(0)] });
    expect(take()).toEqual([]);
  });

  it("that is spent compares no more", () => {
    const { budget, have, tell, take } = served(chainOf(1));
    budget.spend(1e9);
    have([junk(0)]);
    expect(take()).toEqual(["error", "known"]);
    tell({ type: "known", ids: [] });
    expect(take()).toEqual(["done"]);
  });

  it("pays for answers", () => {
    const { spend, tell, frames } = served(chainOf(1));
    tell({ type: "probe", tips: [junk(0)] });
    expect(frames).toHaveLength(1);
    expect(spend.mock.calls).toEqual([[frames[0]!.length]]);
  });

  it("pays for an end that tells what was told before, and then hears it in short", () => {
    const { spend, budget, have, history, frames } = served(chainOf(1));
    have([]);
    expect(spend.mock.calls).toEqual([[frames.at(-1)!.length]]);
    budget.spend(1e9);
    have([]);
    const told = parseMessage(String(frames.at(-1)));
    expect(told.ok && told.value).toEqual({
      type: "done",
      frontier: withoutHeads({ heads: [history.idAt(0)] }),
    });
  });

  it("pays for what a peer makes this end ask again, which is left out when it is spent", () => {
    const { spend, budget, have, done, frames, take } = served(chainOf(1));
    have([junk(0)]);
    done([junk(0)]);
    const lengths = frames.filter((frame) => String(frame).includes("have")).map((f) => [f.length]);
    expect(lengths).toHaveLength(2);
    expect(spend.mock.calls).toEqual(lengths);
    budget.spend(1e9);
    take();
    done([junk(0)]);
    have([junk(0)]);
    expect(take()).not.toContain("have");
  });

  it("pays for groups that are asked for by id", () => {
    const { spend, tell, history } = served(chainOf(1));
    tell({ type: "want", ids: [history.idAt(0)] });
    expect(spend.mock.calls).toEqual([[costOf(history, 0)]]);
  });

  it("pays for the questions of a repeated comparison", () => {
    const { spend, have, tell, frames } = served(chainOf(1));
    have([junk(0)]);
    frames.length = 0;
    spend.mockClear();
    tell({ type: "known", ids: [] });
    expect(frames).toHaveLength(1);
    expect(spend.mock.calls).toEqual([[frames[0]!.length]]);
  });

  it("pays for what is sent again and for the walk to it, not for what is new", () => {
    const { history, spend, have } = served(chainOf(1));
    history.receive(change({ author: BOB }).group);
    have([], true);
    expect(spend.mock.calls).toEqual([[2 * WALK_STEP_BYTES + costOf(history, 0)]]);
  });
});

describe("an answer to a page of tips", () => {
  it("names the tips of a chain once, however often the page names the chain", () => {
    const [first] = chainOf(1) as [Forged];
    const ask = { author: ALICE.publicKey, chain: 0n, seq: 1 };
    const history = historyOf([first]);
    const page = [1, 2].map((number) => ({ ...ask, id: junk(number) }));
    expect(lacksOf(history, 1, page)).toEqual({
      type: "lacks",
      of: 1,
      at: [0, 1],
      tips: [first.id],
    });
  });

  it("names a bounded number of tips of chains that fork without end", () => {
    const branches = Array.from({ length: MAX_PAGE_ENTRIES }, (_, at) => change({ time: at }));
    const history = new History({ document: DOCUMENT });
    for (const { body, id, signature } of branches) history.append(body, id, signature);
    const other = change({ author: BOB });
    history.receive(other.group);
    expect(history.tipsOf(ALICE.publicKey, 0n, 3)).toHaveLength(3);
    const page = [ALICE, BOB].map(({ publicKey }) => {
      return { author: publicKey, chain: 0n, seq: 1, id: junk(0) };
    });
    const answer = lacksOf(history, 1, page);
    expect(answer.type === "lacks" && answer.tips).toHaveLength(MAX_PAGE_ENTRIES);
  });
});

describe("a comparison", () => {
  function begun(history: SyncHistory) {
    const known = new Set<number>();
    let page = 0;
    return { known, comparison: new Comparison(history, known, () => ++page) };
  }

  it("is not finished before it has asked, nor while there is a tip to ask about", () => {
    const { comparison } = begun(historyOf(chainOf(1)));
    expect(comparison.isFinished).toBe(false);
    expect(comparison.next()).toMatchObject({ type: "tips", page: 1 });
    comparison.takeLacks(1, [0], [junk(0)]);
    expect(comparison.isFinished).toBe(false);
    expect(comparison.next()).toMatchObject({ type: "probe" });
    expect(comparison.isFinished).toBe(false);
    comparison.takeSamples(junk(0), []);
    expect(comparison.isFinished).toBe(true);
  });

  it("asks nothing about tips that come with an answer that nothing is lacking", () => {
    const { comparison, known } = begun(historyOf(chainOf(1)));
    comparison.next();
    comparison.takeLacks(1, [], [junk(0)]);
    expect(comparison.next()).toBe(null);
    expect(comparison.isFinished).toBe(true);
    expect([...known]).toEqual([0]);
  });

  it("takes no buckets once it lists tips", () => {
    const history = historyOf(chainOf(1));
    const { comparison, known } = begun(history);
    comparison.takeBuckets(new TipSummary(history).hashes);
    expect([...known]).toEqual([]);
    expect(comparison.next()).toMatchObject({ type: "tips" });
  });

  it("asks about no tip that has come in the meantime", () => {
    const [first, second] = chainOf(2) as [Forged, Forged];
    const history = historyOf([first]);
    const { comparison, known } = begun(history);
    comparison.next();
    comparison.takeLacks(1, [0], [second.id]);
    history.receive(second.group);
    expect(comparison.next()).toBe(null);
    expect([...known]).toEqual([1]);
    expect(comparison.isFinished).toBe(true);
  });

  it("has a bounded number of pages in flight", () => {
    const { comparison } = begun(tipsOnly(MAX_PAGE_ENTRIES * (MAX_PAGES_IN_FLIGHT + 1)));
    const question = comparison.next();
    if (question?.type !== "buckets") throw new Error("expected buckets");
    comparison.takeDiffer(
      question.page,
      Array.from({ length: 256 }, (_, bucket) => bucket),
    );
    for (let page = 0; page < MAX_PAGES_IN_FLIGHT; page++) {
      expect(comparison.next()?.type).toBe("tips");
    }
    expect(comparison.next()).toBe(null);
    expect(comparison.isFinished).toBe(false);
    comparison.takeLacks(question.page + 1, [], []);
    expect(comparison.next()?.type).toBe("tips");
  });

  it("asks about a bounded number of tips", () => {
    const { comparison } = begun(historyOf(chainOf(1)));
    comparison.next();
    const tips = Array.from({ length: MAX_PROBES + 100 }, (_, number) => junk(number));
    comparison.takeLacks(1, [0], tips);
    let asked = 0;
    for (let question = comparison.next(); question !== null; question = comparison.next()) {
      if (question.type !== "probe") throw new Error("expected a probe");
      asked += question.tips.length;
      for (const tip of question.tips) comparison.takeSamples(tip, []);
    }
    expect(asked).toBe(MAX_PROBES);
  });
});

describe("the asking half of a session", () => {
  const ids = (from: number, to: number): Uint8Array[] =>
    Array.from({ length: to - from }, (_, i) => junk(from + i));

  function begun(): Inquiry {
    const history = historyOf([]);
    return new Inquiry(history, new OwnFrontier(history), () => 0);
  }

  it("knows whether it has asked", () => {
    const inquiry = begun();
    expect(inquiry.hasAsked).toBe(false);
    inquiry.ask();
    expect(inquiry.hasAsked).toBe(true);
  });

  it("does not find that the last of what was lacking has come when nothing was", () => {
    expect(begun().takeApplied()).toBe(false);
  });

  it("asks for each missing dependency once, for a bounded number at once and in all", () => {
    const inquiry = begun();
    inquiry.ask();
    expect(inquiry.want(ids(0, 2))).toEqual({ type: "want", ids: ids(0, 2) });
    expect(inquiry.want(ids(1, 3))).toEqual({ type: "want", ids: ids(2, 3) });
    expect(inquiry.want(ids(0, 3))).toBe(null);
    expect(inquiry.want(ids(3, 1_000))).toEqual({ type: "want", ids: ids(3, 3 + MAX_IDS) });
    let asked = 3 + MAX_IDS;
    for (let from = asked; from < 3 * MAX_ASKED_IDS; from += MAX_IDS) {
      const question = inquiry.want(ids(from, from + MAX_IDS));
      if (question?.type === "want") asked += question.ids.length;
    }
    expect(asked).toBe(MAX_ASKED_IDS);
  });
});

describe("what is still to be sent", () => {
  /** A history of closed groups of two changes. */
  const history = {
    groupRange: (index) => [index - (index % 2), index - (index % 2) + 2],
    groupsFor: () => [new Uint8Array(1)],
    bodySizeAt: () => 10,
  } satisfies Pick<
    SyncHistory,
    "groupRange" | "groupsFor" | "bodySizeAt"
  > as unknown as SyncHistory;
  const message: SyncMessage = { type: "ack", ids: [] };

  it.each<[string, (outbound: Outbound) => void]>([
    ["a message", (outbound) => outbound.message(message)],
    ["a live group", (outbound) => outbound.live(new Uint8Array(1))],
    ["a group that was asked for", (outbound) => outbound.wanted(0)],
    ["a change", (outbound) => outbound.changes([0])],
  ])("is not nothing while %s waits, and nothing live overtakes it", (_, queue) => {
    const outbound = new Outbound(history, () => true);
    expect(outbound.isIdle).toBe(true);
    queue(outbound);
    expect(outbound.isIdle).toBe(false);
    expect(outbound.live(new Uint8Array(1))).toBe(false);
    outbound.pump(() => null);
    expect(outbound.isIdle).toBe(true);
  });

  it("is not done while a live group waits, or one that was asked for", () => {
    const outbound = new Outbound(history, () => true);
    expect(outbound.hasSentBelow(9)).toBe(true);
    outbound.wanted(0);
    expect(outbound.hasSentBelow(9)).toBe(false);
    outbound.pump(() => null);
    outbound.live(new Uint8Array(1));
    expect(outbound.hasSentBelow(9)).toBe(false);
  });

  it("takes no live group while the transport is full", () => {
    const outbound = new Outbound(history, () => false);
    expect(outbound.isFull).toBe(false);
    outbound.message(message);
    outbound.pump(() => null);
    expect(outbound.isFull).toBe(true);
    expect(outbound.isIdle).toBe(true);
    expect(outbound.live(new Uint8Array(1))).toBe(false);
    outbound.resume();
    expect(outbound.live(new Uint8Array(1))).toBe(true);
  });

  it("costs nothing for a group that was asked for already", () => {
    const outbound = new Outbound(history, () => true);
    expect(outbound.wanted(0)).toBe(2 * costOf(history, 0));
    expect(outbound.wanted(1)).toBe(0);
  });

  it("goes out from one loop, however deep the transport answers", () => {
    let depth = 0;
    let deepest = 0;
    const outbound = new Outbound(history, () => {
      deepest = Math.max(deepest, ++depth);
      outbound.pump(() => null);
      depth--;
      return true;
    });
    for (let i = 0; i < 100; i++) outbound.message(message);
    outbound.pump(() => null);
    expect(outbound.isIdle).toBe(true);
    expect(deepest).toBe(1);
  });
});

describe("the summary of tips", () => {
  it("does not depend on the order in which chains came", () => {
    const author = junk(0);
    const first = { author, chain: 0n, seq: 1, id: junk(1), index: 0 };
    let chain = 1n;
    while (bucketOf({ author, chain }) !== bucketOf(first)) chain++;
    const second = { author, chain, seq: 1, id: junk(2), index: 1 };
    const summary = (tips: ChainTip[]): string =>
      new TipSummary({ length: 2, tips: () => tips }).hashes.map(toHex).join();
    expect(summary([second, first])).toBe(summary([first, second]));
  });
});
