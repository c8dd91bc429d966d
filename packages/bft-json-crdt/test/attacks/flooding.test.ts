/**
 * Floods: as much of one thing as an author can make, at the sizes that the structures must take. Honest replicas stay
 * within their bounds, apply what is honest meanwhile, and all end up with the same.
 *
 * What was signed by whom stands in for Ed25519 here, so that a hundred thousand changes are made in a second: what is at
 * stake are structures. What takes longer than that at full size runs at a tenth, and in full in `pnpm bench --suite worst`.
 */
import { describe, expect, it, vi } from "vitest";
import { Document, encodeGroup, History, list, string, struct, toHex } from "../../src/index.ts";
import type { ChangeHeader, HistoryLimits, SignedBody } from "../../src/index.ts";
import { changeId, signedMessage } from "../../src/change/index.ts";
import { sign } from "../../src/crypto/index.ts";
import type * as Crypto from "../../src/crypto/index.ts";
import { bodyOf, op, ops } from "../forge.ts";
import type { Forged } from "../forge.ts";
import { compareBytes } from "../../src/encoding/index.ts";
import { DEFAULT_PENDING_BYTES } from "../../src/limits.ts";
import { bucketOf } from "../../src/sync/tips.ts";
import { liveGroups, SyncSession } from "../../src/sync/index.ts";
import { ALICE, BOB, Everything, ID, mallory, MALLORY, replica, shuffled } from "./scene.ts";

vi.mock("../../src/crypto/index.ts", async (original) => {
  const crypto = await original<typeof Crypto>();
  /** The key, and the end of the message: the id of a change. */
  const standIn = (message: Uint8Array, publicKey: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(64);
    signature.set(publicKey);
    signature.set(message.subarray(-32), 32);
    return signature;
  };
  const publicKeys = new Map<string, Uint8Array>();
  const nameOf = (secretKey: Uint8Array): string => Buffer.from(secretKey).toString("latin1");
  return {
    ...crypto,
    generateKeyPair: (seed?: Uint8Array) => {
      const keys = crypto.generateKeyPair(seed);
      publicKeys.set(nameOf(keys.secretKey), keys.publicKey);
      return keys;
    },
    signerOf: (secretKey: Uint8Array) => {
      const publicKey = publicKeys.get(nameOf(secretKey))!;
      return (message: Uint8Array, target: Uint8Array) => {
        target.set(standIn(message, publicKey));
        return target;
      };
    },
    // Whoever has no key pair signs with the public key itself.
    sign: (message: Uint8Array, secretKey: Uint8Array) =>
      standIn(message, publicKeys.get(nameOf(secretKey)) ?? secretKey),
    verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) =>
      compareBytes(signature, standIn(message, publicKey)) === 0,
  };
});

type Replica = Document<typeof Everything>;

const NO_LIMITS: Partial<HistoryLimits> = {
  pendingBytes: 1e10,
  pendingBytesPerPeer: 1e10,
  pendingBytesPerAuthor: 1e10,
};

/** A signed change that nothing builds on by more than its id. */
interface Plain extends SignedBody {
  readonly id: Uint8Array;
}

const FIRST: ChangeHeader = mallory().header;

/** A change, as cheaply as can be. */
function plain(header: Partial<ChangeHeader>, made: readonly Uint8Array[] = []): Plain {
  const whole = { ...FIRST, ...header };
  const body = bodyOf(whole, made);
  const id = changeId(body);
  return { id, body, signature: sign(signedMessage(id), whole.author) };
}

/** A line of so many changes without ops. */
function lineOf(count: number): Plain[] {
  const line: Plain[] = [];
  for (let n = 1; n <= count; n++)
    line.push(plain({ seq: n, lamport: n, prev: line.at(-1)?.id ?? null }));
  return line;
}

/** Groups of at most a thousand, each of signed changes. */
function packed(changes: readonly SignedBody[]): Uint8Array[] {
  const groups: Uint8Array[] = [];
  for (let at = 0; at < changes.length; at += 1_000)
    groups.push(encodeGroup(changes.slice(at, at + 1_000)));
  return groups;
}

/** Two replicas that get the groups in opposite orders, and what both show. */
function bothOrders(
  groups: readonly Uint8Array[],
  make: () => Replica = () => replica(BOB),
): [Replica, Replica] {
  const both = [make(), make()] as [Replica, Replica];
  for (const group of groups) both[0].receive(group, "forwards");
  for (const group of groups.toReversed()) both[1].receive(group, "backwards");
  expectSame(...both);
  return both;
}

function expectSame(a: Document<typeof Everything>, b: Document<typeof Everything>): void {
  expect(headsOf(a)).toBe(headsOf(b));
  expect(a.viewJson()).toBe(b.viewJson());
  expect([a.history.pending.count, b.history.pending.count]).toEqual([0, 0]);
}

const headsOf = (document: Replica): string => document.frontier().map(toHex).join(" ");

describe("changes whose parents never come", () => {
  /** Waits for a change that nobody has. */
  function orphan(n: number, author: Uint8Array): Plain {
    const ghost = new Uint8Array(32);
    new DataView(ghost.buffer).setUint32(0, n);
    return plain({ author, chain: BigInt(n), lamport: 2, parents: [ghost] });
  }

  /** A key for which nobody has the secret. */
  function authorOf(n: number): Uint8Array {
    const author = new Uint8Array(32).fill(9);
    new DataView(author.buffer).setUint32(0, n);
    return author;
  }

  it("from ten peers, 10^5 of them, stay within the queue's bytes, and honest changes apply at once all the while", () => {
    const document = new Document({ schema: Everything, id: ID, keyPair: BOB });
    const alice = replica(ALICE);
    const held = alice.change((doc) => doc.words.push("held back"));
    const waiting = alice.change((doc) => doc.words.push("waiting"));
    expect(document.receive(waiting.bytes, "alice").status).toBe("pending");
    let most = 0;
    for (let turn = 0; turn < 1_000; turn++) {
      const flood = Array.from({ length: 100 }, (_, n) => orphan(100 * turn + n, authorOf(n)));
      document.receive(encodeGroup(flood), `peer ${turn % 10}`);
      most = Math.max(most, document.history.pending.bytes);
      if (turn % 100 !== 0) continue;
      const honest = document.change((doc) => doc.total.increment(1));
      expect(honest.indexes).toEqual([turn / 100]);
    }
    // The bound that all peers and authors have in common is what holds.
    expect(most).toBeLessThanOrEqual(DEFAULT_PENDING_BYTES);
    expect(most).toBeGreaterThan(0.9 * DEFAULT_PENDING_BYTES);
    expect(document.view().total).toBe(10n);
    // What an honest peer sent before the flood was not dropped for it.
    expect(document.receive(held.bytes, "alice").applied).toHaveLength(2);
    expect(document.view().words).toEqual(["held back", "waiting"]);
  });

  it("by as many authors as there are changes are dropped in a few steps each, without a look at all authors", () => {
    const limits = { pendingBytes: 4_000_000 };
    const history = new History({ document: ID, limits });
    const receive = (n: number): void => {
      history.receive(encodeGroup([orphan(n, authorOf(n))]), `peer ${n % 10}`);
    };
    for (let n = 0; n < 5_000; n++) receive(n);
    expect(history.pending.bytes).toBeLessThanOrEqual(limits.pendingBytes);
    expect(history.pending.count).toBeGreaterThan(1_000);
    const steps = stepsOf(() => {
      for (let n = 5_000; n < 5_200; n++) receive(n);
    });
    // At least one to find the oldest entry for each that has to go.
    expect(steps).toBeGreaterThanOrEqual(200);
    expect(steps / 200).toBeLessThan(200);
  });
});

/** How many steps all loops over maps and sets take while something is done. */
function stepsOf(act: () => void): number {
  let steps = 0;
  const restores = [new Map<unknown, unknown>().values(), new Set<unknown>().values()].map(
    (example) => {
      const iterator = Object.getPrototypeOf(example) as { next: () => IteratorResult<unknown> };
      const { next } = iterator;
      iterator.next = function counted(this: unknown) {
        steps++;
        return next.call(this);
      };
      return () => {
        iterator.next = next;
      };
    },
  );
  try {
    act();
  } finally {
    for (const restore of restores) restore();
  }
  return steps;
}

describe("a reversed chain", () => {
  it("of 10^5 changes waits without a stack, and drains in one step when its first change comes", () => {
    const line = lineOf(100_000);
    const history = new History({ document: ID, limits: NO_LIMITS });
    const groups = packed(line.slice(1).toReversed());
    for (const group of groups) expect(history.receive(group).status).toBe("pending");
    expect(history.pending.count).toBe(99_999);
    expect(history.receive(encodeGroup([line[0]!])).applied).toHaveLength(100_000);
    expect(history.frontier()).toEqual([line.at(-1)!.id]);
    expect(history.pending).toEqual({ count: 0, bytes: 0 });
  });

  it("longer than the queue is dropped and asked for, and applied when it comes again from the front", () => {
    const line: Forged[] = [];
    for (let n = 0; n < 3_000; n++)
      line.push(mallory({ prev: line.at(-1) ?? null, ops: [ops.increment(["total"], 1)] }));
    const limits = { pendingBytes: 400_000 };
    const document = new Document({ schema: Everything, id: ID, limits });
    for (const { group } of line.toReversed()) document.receive(group);
    expect(document.history.length).toBeLessThan(3_000);
    for (const group of packed(line)) document.receive(group);
    expect(document.view().total).toBe(3_000n);
    expect(document.history.pending.count).toBe(0);
  });
});

describe("heads", () => {
  it("of 10^4 chains at once are all applied, one change names the sixteen greatest, and replicas agree on the rest", () => {
    const changes = Array.from({ length: 10_000 }, (_, n) =>
      plain({ chain: BigInt(n) }, n % 100 === 0 ? [ops.increment(["total"], 1)] : []),
    );
    const [a, b] = bothOrders(packed(changes));
    expect(a.frontier()).toHaveLength(10_000);
    const change = a.change((doc) => doc.words.push("on top"));
    expect(b.receive(change.bytes).status).toBe("applied");
    expectSame(a, b);
    expect(a.frontier()).toHaveLength(10_000 - 16 + 1);
    expect(a.view()).toMatchObject({ total: 100n, words: ["on top"] });
  });
});

describe("a worst-case Fugue tree of 10^5", () => {
  const SIZE = 100_000;
  /** As many ops as one change can hold; the next change of the line goes on from its last element. */
  const PART = 25_000;

  function treeOf(parentOf: (at: number) => number, side: 0 | 1): Forged[] {
    const line: Forged[] = [];
    for (let start = 0; start < SIZE; start += PART) {
      const made = Array.from({ length: PART }, (_, i) => {
        if (start + i === 0) return ops.text(["title"], "r");
        const parent = parentOf(start + i);
        const back = Math.floor(start / PART) - Math.floor(parent / PART);
        // Ref 1 is the change before; an element of this change is ref 0.
        const element = back === 0 ? [0, 0, parent - start] : [1, back - 1, parent % PART];
        return ops.textBy(side, element, "x");
      });
      line.push(mallory({ prev: line.at(-1) ?? null, ops: made }));
    }
    return line;
  }

  it.each([
    ["deep left spine", (at: number) => at - 1, 0],
    ["deep right spine", (at: number) => at - 1, 1],
    ["row of siblings", () => 0, 1],
  ] as const)(
    "(a %s) is shown the same by all replicas, who edit at both ends of it",
    (_what, parentOf, side) => {
      const line = treeOf(parentOf, side);
      const [a, b] = bothOrders(line.map(({ group }) => group));
      expect(a.view().title).toHaveLength(SIZE);
      expect(a.view().title.indexOf("r")).toBe(side === 0 ? SIZE - 1 : 0);
      const edit = a.change((doc) => {
        doc.title.insert(0, "<");
        doc.title.append(">");
        doc.title.insert(SIZE / 2, "|");
        doc.title.delete(SIZE / 2 + 2, 10);
      });
      expect(b.receive(edit.bytes).status).toBe("applied");
      expectSame(a, b);
      expect(a.view().title).toMatch(/^<[^|]*\|[^|]*>$/u);
    },
  );
});

describe("a flood of tombstones", () => {
  it("of 10^6 characters, written and removed again and again, leaves nothing to be shown and everything to be edited", () => {
    const line: Forged[] = [];
    for (let n = 0; n < 10; n++)
      line.push(
        mallory({
          prev: line.at(-1) ?? null,
          ops: [ops.text(["title"], "dead".repeat(25_000)), ops.remove([0, 0, 0, 100_000])],
        }),
      );
    const [a, b] = bothOrders(line.map(({ group }) => group));
    expect(a.view().title).toBe("");
    const edit = a.change((doc) => doc.title.append("alive"));
    b.receive(edit.bytes);
    expectSame(a, b);
    expect(b.view().title).toBe("alive");
    expect(a.root.title.length).toBe(5);
  });
});

describe("containers nested 10^5 deep", () => {
  it("are malformed as a value, without effect as a path, and no schema: nothing gets deeper than 64", () => {
    const deep = new Uint8Array(100_000).fill(0x81);
    const head = op(4, 1, [["any"]], null).slice(0, -1);
    const nested = mallory({ ops: [new Uint8Array([...head, ...deep, 0x80])] });
    const path = mallory({ chain: 1n, ops: [ops.assign(Array<string>(100_000).fill("deep"), 1)] });
    const inside = mallory({
      chain: 2n,
      ops: [ops.assign([0, 0, 0, ...Array<string>(100_000).fill("inner")], 1)],
    });
    for (const order of [
      [nested, path, inside],
      [inside, path, nested],
    ]) {
      const document = replica(BOB);
      const codes = order.map(({ group }) => document.receive(group).code);
      expect(codes.filter((code) => code !== undefined)).toEqual(["malformed"]);
      expect(document.history.length).toBe(2);
      expect(document.viewJson()).toBe(replica(BOB).viewJson());
    }
  });

  it("as items inside items are as deep as the schema, however many: each level is its own op", () => {
    const Row = struct({ name: string(), cells: list(struct({ name: string() })) });
    const Grid = struct({ rows: list(Row) });
    const made: Uint8Array[] = [];
    for (let n = 0; n < 20_000; n++) {
      made.push(ops.insert(n === 0 ? ["rows"] : [0, 0, n - 1, "cells"], { name: "n" }));
    }
    const change = mallory({ ops: made });
    const documents = [0, 1].map(() => new Document({ schema: Grid, id: ID }));
    for (const document of documents) document.receive(change.group);
    // Cells of cells are nothing: only the first two levels are there.
    for (const document of documents)
      expect(document.viewJson()).toBe('{"rows":[{"cells":[{"name":"n"}],"name":"n"}]}');
  });
});

describe("standing assignments", () => {
  it("of 30,000 chains to one key show one winner everywhere, and an honest edit is shown although it names 64", () => {
    const changes = Array.from({ length: 30_000 }, (_, n) =>
      plain({ chain: BigInt(n) }, [ops.assign(["pages", "k"], `${n}`)]),
    );
    const [a, b] = bothOrders(packed(changes));
    const ids = changes.map(({ id }) => toHex(id));
    const greatest = ids.reduce((best, id) => (id > best ? id : best));
    expect(a.view().pages).toEqual({ k: `${ids.indexOf(greatest)}` });
    const edit = a.change((doc) => doc.pages.set("k", "honest"));
    b.receive(edit.bytes);
    expectSame(a, b);
    expect(b.view().pages).toEqual({ k: "honest" });
  });
});

describe("one range deleted 25,000 times in one change", () => {
  it("is deleted once, and the same by all replicas", () => {
    const line: Forged[] = [];
    // A text of many pieces: every other character stands beside one of another change.
    for (let n = 0; n < 100; n++)
      line.push(
        mallory({ prev: line.at(-1) ?? null, ops: [ops.text(["title"], "x".repeat(100))] }),
      );
    const range = [1, 99, 0, 10_000] as const;
    const erase = mallory({
      prev: line.at(-1)!,
      ops: [ops.remove(...Array.from({ length: 25_000 }, () => range))],
    });
    const parts = mallory({
      chain: 1n,
      parents: [line.at(-1)!],
      ops: Array.from({ length: 25_000 }, (_, n) => ops.remove([2, n % 100, n % 100, 1])),
    });
    const [a] = bothOrders([...line, erase, parts].map(({ group }) => group));
    expect(a.view().title).toBe("");
    expect(a.history.length).toBe(102);
  });
});

describe("ids and chains ground into one bucket", () => {
  it("are found as fast and synced as truly as others: a peer that lacks some of them gets just these", () => {
    // Chain numbers of one author that all fall into one of the 256 buckets of the sync protocol.
    const chains: bigint[] = [];
    for (let n = 0n; chains.length < 600; n++)
      if (bucketOf({ author: MALLORY.publicKey, chain: n }) === 7) chains.push(n);
    // And ids ground to begin alike, as far as 200 tries each go.
    const changes = chains.map((chain, at) => {
      if (at >= 20) return mallory({ chain });
      const tries = Array.from({ length: 200 }, (_, time) => mallory({ chain, time }));
      return tries.reduce((best, one) => (one.hex < best.hex ? one : best));
    });
    const [a, b] = [replica(BOB), replica(BOB)];
    for (const group of packed(changes)) a.receive(group);
    for (const group of packed(shuffled(changes.slice(0, 500), 3))) b.receive(group);
    const own = b.change((doc) => doc.words.push("b"));
    expect(changesExchanged(a, b)).toBe(100 + own.indexes.length);
    expectSame(a, b);
    expect(changes.every(({ id }) => b.history.indexOf(id) >= 0)).toBe(true);
  });
});

describe("a chain that is forked everywhere", () => {
  it("150,000 ways at one place, has as many tips, and no stack grows with them", () => {
    const history = new History({ document: ID, limits: NO_LIMITS });
    const root = plain({});
    const branches = Array.from({ length: 150_000 }, (_, time) =>
      plain({ seq: 2, lamport: 2, prev: root.id, time }),
    );
    for (const { body, id, signature } of [root, ...branches]) history.append(body, id, signature);
    const { author, chain } = FIRST;
    expect(history.tips()).toHaveLength(branches.length);
    expect(history.tipsOf(author, chain)).toHaveLength(branches.length);
    expect(history.tipsOf(author, chain, 3)).toHaveLength(3);
    expect(history.tipOf(0)).toBe(-1);
    expect(history.frontier()).toHaveLength(branches.length);
  });
});

describe("a fork deep in the past", () => {
  it("at the first of 5,000 changes is exchanged as the one change that it is, and nothing is sent anew", () => {
    const line: Forged[] = [];
    for (let n = 0; n < 5_000; n++)
      line.push(
        mallory({
          prev: line.at(-1) ?? null,
          ops: n % 50 === 0 ? [ops.increment(["total"], 1)] : [],
        }),
      );
    const rivals = [0, 1].map((n) => mallory({ time: n, ops: [ops.increment(["total"], 1_000)] }));
    const [a, b] = [replica(ALICE), replica(BOB)];
    for (const group of packed(line)) for (const document of [a, b]) document.receive(group);
    // Each has a rival of the very first change that the other lacks.
    a.receive(rivals[0]!.group);
    b.receive(rivals[1]!.group);
    expect(changesExchanged(a, b)).toBe(2);
    expectSame(a, b);
    expect(a.view().total).toBe(2_100n);
    expect(a.history.forks()).toMatchObject([{ seq: 1, author: MALLORY.publicKey }]);
    expect(a.history.forks()[0]!.bytes).toEqual(b.history.forks()[0]!.bytes);
  });
});

/** Brings two replicas together; returns how many changes went over the wire. */
function changesExchanged(a: Replica, b: Replica): number {
  const queues: (string | Uint8Array)[][] = [[], []];
  let changes = 0;
  const sessions = [a, b].map((document, side): SyncSession => {
    const session: SyncSession = new SyncSession({
      history: document.history,
      peer: `peer ${side}`,
      send: (frame) => {
        queues[1 - side]!.push(frame);
        return true;
      },
      receiveGroup: (group) => {
        const received = document.receive(group);
        changes += received.results.length;
        for (const live of liveGroups(document.history, group, received))
          session.push(live.group, live.indexes);
        return received;
      },
    });
    return session;
  });
  for (const session of sessions) session.open();
  for (let step = 0; queues.some(({ length }) => length > 0); step++) {
    if (step > 10_000) throw new Error("the sessions never come to rest");
    for (const side of [0, 1]) {
      const frame = queues[side]!.shift();
      if (frame !== undefined) sessions[side]!.receive(frame);
    }
  }
  return changes;
}
