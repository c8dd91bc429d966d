import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { entryOf, flipped, forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { delivery, lineOf, outcome } from "../../test/deliveries.ts";
import { anyWorld, validOf } from "../../test/history-model.ts";
import { Choices } from "../../test/random-edits.ts";
import { appliedIds, expectModel } from "../../test/receiving.ts";
import { documentId, encodeGroup } from "../change/index.ts";
import { nodeBackend } from "../crypto/backend-node.ts";
import type { SignatureCheck } from "../crypto/index.ts";
import { Document } from "../document/index.ts";
import type { DocumentEvent } from "../document/index.ts";
import { encodeValue, toHex } from "../encoding/index.ts";
import { MAX_BODY_BYTES, MAX_GROUP_BYTES } from "../limits.ts";
import { list, string } from "../schema/index.ts";
import { History } from "./history.ts";
import type { ReceivedGroup } from "./received.ts";
import type { HistoryLimits } from "./history-limits.ts";
import { verifyAhead } from "./verified.ts";

const DOCUMENT = documentId("verified");

afterEach(() => {
  vi.restoreAllMocks();
});

/** `count` changes of one author, each on top of the one before. */
const line = (count: number): Forged[] => lineOf(DOCUMENT, count);

function newHistory(limits: Partial<HistoryLimits> = {}): History {
  return new History({ document: DOCUMENT, limits });
}

async function receiveAhead(
  history: History,
  groups: Iterable<Uint8Array>,
  peer = "peer",
): Promise<ReceivedGroup[]> {
  const received: ReceivedGroup[] = [];
  for await (const slice of verifyAhead(history, groups)) {
    const together = history.receiveTogether(slice);
    if (together !== null) {
      received.push(...together);
      continue;
    }
    await slice.verifyEach();
    for (const group of slice.groups) received.push(history.receiveVerified(group, peer));
  }
  return received;
}

function receivedOneByOne(
  groups: readonly Uint8Array[],
  limits: Partial<HistoryLimits> = {},
): [History, ReceivedGroup[]] {
  const history = newHistory(limits);
  return [history, groups.map((group) => history.receive(group, "peer"))];
}

function signaturesOf(history: History): (Uint8Array | null)[] {
  return Array.from({ length: history.length }, (_, index) => history.signatureAt(index));
}

/** What a liar sends, or just the changes in order. */
function anyDelivery(world: readonly Forged[], choices: Choices): Uint8Array[] {
  return choices.oneIn(2) ? delivery(world, choices) : world.map(({ group }) => group);
}

/** Groups in some parts of a few, each of which is a slice by itself. */
function partsOf(groups: readonly Uint8Array[], choices: Choices): Uint8Array[][] {
  const parts: Uint8Array[][] = [];
  for (let at = 0; at < groups.length;) {
    const end = at + 1 + choices.below(6);
    parts.push(groups.slice(at, end));
    at = end;
  }
  return parts;
}

/** Every signature that is missing is missing beside a cover: what goes out brings others to the same. */
function expectClosed(history: History): void {
  const other = newHistory();
  const all = Array.from({ length: history.length }, (_, index) => index);
  for (const group of history.groupsFor(all)) expect(other.receive(group).status).toBe("applied");
  expect(appliedIds(other)).toEqual(appliedIds(history));
}

type Received = readonly [History, readonly ReceivedGroup[]];

/**
 * What came of groups is what came of them one by one, but that some are kept without the signatures that others vouch for, and
 * are not exact then. Returns how many.
 */
function expectAlike([many, together]: Received, [one, verdicts]: Received): number {
  const but = (group: ReceivedGroup): object => ({ ...group, isExact: null });
  expect(together.map(but)).toEqual(verdicts.map(but));
  together.forEach(({ isExact }, at) => {
    if (isExact) expect(verdicts[at]!.isExact).toBe(true);
  });
  expect({ ...outcome(many, []), signatures: null }).toEqual({
    ...outcome(one, []),
    signatures: null,
  });
  const [kept, all] = [signaturesOf(many), signaturesOf(one)];
  expect(kept).toEqual(kept.map((signature, at) => (signature === null ? null : all[at])));
  expectClosed(many);
  return kept.filter((signature, at) => signature === null && all[at] !== null).length;
}

const anyLimits = fc.constantFrom(
  {},
  { pendingBytes: 2 * MAX_GROUP_BYTES, rejectedIds: 1 },
  { pendingBytes: 600, pendingBytesPerPeer: 400, pendingBytesPerAuthor: 300 },
);

describe("groups that are verified ahead", () => {
  test("get the verdicts of being received one after another, where no signature is bad", async () => {
    const seen = new Set<string>();
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(anyWorld(DOCUMENT, 40), fc.nat(), anyLimits, async (world, seed, limits) => {
        const choices = new Choices(seed);
        let groups = anyDelivery(world, choices);
        let [one, verdicts] = receivedOneByOne(groups, limits);
        const isOfCopies = ({ results }: ReceivedGroup): boolean =>
          results.some(({ code }) => code === "bad_signature");
        while (verdicts.some(isOfCopies)) {
          groups = groups.filter((_, at) => !isOfCopies(verdicts[at]!));
          [one, verdicts] = receivedOneByOne(groups, limits);
        }
        const many = newHistory(limits);
        const received: ReceivedGroup[] = [];
        for (const part of partsOf(groups, choices))
          received.push(...(await receiveAhead(many, part)));
        joined += expectAlike([many, received], [one, verdicts]);
        for (const { results } of received)
          for (const { status, code } of results) seen.add(code ?? status);
      }),
      { numRuns: 150 },
    );
    expect(joined).toBeGreaterThan(50);
    // The property says something about each of these.
    expect([...seen]).toEqual(
      expect.arrayContaining([
        "applied",
        "duplicate",
        "malformed",
        "missing_signature",
        "over_quota",
        "pending",
        "rejected_dependency",
        "unsupported_version",
        "wrong_document",
        "wrong_lamport",
        "wrong_prev",
      ]),
    );
  });

  test("bring all that is valid, and nothing else, whatever a liar sends among them", async () => {
    const seen = new Set<string>();
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(anyWorld(DOCUMENT, 40), fc.nat(), anyLimits, async (world, seed, limits) => {
        const choices = new Choices(seed);
        const groups = anyDelivery(world, choices);
        const many = newHistory(limits);
        const together = vi.spyOn(many, "receiveTogether");
        for (const part of partsOf(groups, choices)) {
          for (const { results } of await receiveAhead(many, part))
            for (const { status, code } of results) seen.add(code ?? status);
        }
        joined += together.mock.results.filter(({ value }) => value?.length > 1).length;
        const valid = validOf(DOCUMENT, world);
        for (const id of appliedIds(many)) expect(valid.has(id)).toBe(true);
        if (limits.pendingBytes === undefined) {
          const applied = new Set(appliedIds(many));
          for (const id of appliedIds(receivedOneByOne(groups, limits)[0]))
            expect(applied.has(id)).toBe(true);
        }
        expectClosed(many);
        await receiveAhead(
          many,
          world.map(({ group }) => group),
        );
        // A change whose refusal is forgotten may be waited for.
        if (limits.pendingBytes === undefined) expectModel(many, world);
        else expect(new Set(appliedIds(many))).toEqual(new Set(valid.keys()));
        expectClosed(many);
      }),
      { numRuns: 150 },
    );
    expect(joined).toBeGreaterThan(50);
    expect([...seen]).toEqual(expect.arrayContaining(["bad_signature", "missing_signature"]));
  });

  test("get them also across slices of any fill", async () => {
    const changes = line(150);
    const groups = [
      ...changes.slice(0, 70).map(({ group }) => group),
      groupOf(changes.slice(70)),
      ...changes.map(({ body, signature }) =>
        encodeGroup([{ body, signature: flipped(signature, 3) }]),
      ),
      ...Array.from({ length: 300 }, () => Uint8Array.of(1)),
    ];
    const one = newHistory();
    const verdicts = groups.map((group) => one.receive(group, "peer"));
    const many = newHistory();
    expectAlike([many, await receiveAhead(many, groups)], [one, verdicts]);
    expect(many.length).toBe(150);
    expect(await receiveAhead(many, [])).toEqual([]);
  });
});

describe("which signatures are verified ahead", () => {
  /** The checks that were made beside the main thread, and how many on it. */
  function watched(): { readonly ahead: SignatureCheck[]; readonly verify: () => number } {
    const ahead: SignatureCheck[] = [];
    const { verifyMany } = nodeBackend;
    vi.spyOn(nodeBackend, "verifyMany").mockImplementation((checks) => {
      ahead.push(...checks);
      return verifyMany(checks);
    });
    const verify = vi.spyOn(nodeBackend, "verify");
    return { ahead, verify: () => verify.mock.calls.length };
  }

  test("one for each chain, when all can be applied, however the chains are mixed", async () => {
    const [a, b] = [line(90), lineOf(DOCUMENT, 90, person(1))];
    const { ahead, verify } = watched();
    const history = newHistory();
    const mixed = a.flatMap((change, at) => [change.group, b[at]!.group]);
    const received = await receiveAhead(history, mixed);
    expect(received.every(({ status }) => status === "applied")).toBe(true);
    expect(received.map(({ applied }) => applied)).toEqual(mixed.map((_, at) => [at]));
    expect(received.map(({ isExact }) => isExact)).toEqual(mixed.map((_, at) => at >= 178));
    expect(ahead).toHaveLength(2);
    expect(verify()).toBe(0);
    expectClosed(history);
    // They go out as they came in: all at once.
    expect(history.groupRange(7)).toEqual([0, 180]);
  });

  test("all of those that vouch for nothing, and no others, when one of their group is unsigned", async () => {
    const [a, b] = [line(3), lineOf(DOCUMENT, 3, person(1))];
    const { ahead, verify } = watched();
    const history = newHistory();
    const groups = [groupOf(a, (_, at) => at < 2), ...b.map(({ group }) => group)];
    const received = await receiveAhead(history, groups);
    expect(received.map(({ isExact }) => isExact)).toEqual([true, false, false, true]);
    expect(ahead).toHaveLength(2);
    expect(verify()).toBe(0);
    expect([0, 3].map((index) => history.groupRange(index))).toEqual([
      [0, 3],
      [3, 6],
    ]);
  });

  test("are no more when not all can be applied, and then each group stands for itself", async () => {
    const changes = line(2);
    const [alone] = lineOf(DOCUMENT, 1, person(1));
    const [unknown] = lineOf(DOCUMENT, 1, person(2));
    const next = { document: DOCUMENT, author: person(0), prev: changes[1]! };
    for (const [end, status] of [
      [forge({ ...next, lies: { lamport: 9 } }), "rejected"],
      [forge({ ...next, parents: [unknown!] }), "pending"],
    ] as const) {
      const { ahead, verify } = watched();
      const history = newHistory();
      const received = await receiveAhead(
        history,
        [...changes, alone!, end].map(({ group }) => group),
      );
      const statuses = received.map((group) => group.status);
      expect(statuses).toEqual(["applied", "applied", "applied", status]);
      expect(signaturesOf(history).every((signature) => signature !== null)).toBe(true);
      expect(ahead).toHaveLength(4);
      expect(verify()).toBe(0);
      vi.restoreAllMocks();
    }
  });

  test("none stands for an unsigned change of another group", async () => {
    const [first, second, third] = line(3) as [Forged, Forged, Forged];
    const unsigned = (change: Forged): Uint8Array => encodeGroup([entryOf(change, true)]);
    const half = groupOf([first, second], () => true);
    for (const groups of [
      [unsigned(first), second.group],
      [unsigned(first), second.group, first.group],
      [half, third.group],
      [second.group, unsigned(first), third.group],
    ]) {
      const [one, verdicts] = receivedOneByOne(groups);
      const many = newHistory();
      expectAlike([many, await receiveAhead(many, groups)], [one, verdicts]);
      expect(verdicts.some(({ code }) => code === "missing_signature")).toBe(true);
    }
  });

  test("each that is new, once, and then never again", async () => {
    const changes = line(100);
    const { ahead, verify } = watched();
    const history = newHistory();
    const bad = encodeGroup([
      { ...entryOf(changes[99]!), signature: flipped(changes[99]!.signature, 9) },
    ]);
    const groups = [...changes.slice(0, 99).map(({ group }) => group), bad];
    const received = await receiveAhead(history, groups);
    expect(history.length).toBe(99);
    expect(received.at(-1)?.code).toBe("bad_signature");
    expect(ahead).toHaveLength(100);
    expect(verify()).toBe(0);
  });

  test.each([1, 2])(
    "of copies of change %i that come together, only those that differ",
    async (seq) => {
      const before = line(seq);
      const { group, body, signature } = before.pop()!;
      const history = newHistory();
      for (const one of before) history.receive(one.group);
      const bad = encodeGroup([{ body, signature: flipped(signature, 9) }]);
      const { ahead, verify } = watched();
      const received = await receiveAhead(history, [group, group, bad, group]);
      expect(received.map(({ status }) => status)).toEqual([
        "applied",
        "duplicate",
        "duplicate",
        "duplicate",
      ]);
      expect(ahead.map((check) => toHex(check.signature)).toSorted()).toEqual(
        [toHex(signature), toHex(flipped(signature, 9))].toSorted(),
      );
      expect(verify()).toBe(0);
    },
  );

  test("once, of a change that comes again behind a copy of the one before it", async () => {
    const [first, second] = line(2) as [Forged, Forged];
    const bad = encodeGroup([{ body: first.body, signature: flipped(first.signature, 9) }]);
    const { ahead } = watched();
    await receiveAhead(newHistory(), [first.group, second.group, bad, second.group]);
    const signatures = ahead.map((check) => toHex(check.signature));
    expect(signatures).toContain(toHex(second.signature));
    expect(new Set(signatures).size).toBe(signatures.length);
  });

  test("none of what is applied, refused for ever, or waiting with that signature", async () => {
    const [first, second, third] = line(3);
    const wrong = forge({ document: DOCUMENT, author: person(1), lies: { lamport: 9 } });
    const history = newHistory();
    for (const { group } of [first!, third!, wrong]) history.receive(group, "peer");
    expect(history.pending.count).toBe(1);
    const { ahead, verify } = watched();
    const groups = [first!, third!, wrong].map(({ group }) => group);
    const received = await receiveAhead(history, groups);
    expect(received.map(({ status }) => status)).toEqual(["duplicate", "pending", "rejected"]);
    expect(ahead).toEqual([]);
    expect(verify()).toBe(0);
    // Another signature under what waits is looked at.
    const copy = encodeGroup([{ body: third!.body, signature: flipped(third!.signature, 9) }]);
    expect((await receiveAhead(history, [copy, second!.group])).map(({ code }) => code)).toEqual([
      "bad_signature",
      undefined,
    ]);
    expect(ahead).toHaveLength(2);
    expect(history.length).toBe(3);
  });

  test("none of another document, of no change, or of an unsigned change", async () => {
    const [change] = line(1);
    const foreign = forge({ document: documentId("elsewhere"), author: person(0) });
    const { signature } = change!;
    const { ahead, verify } = watched();
    const received = await receiveAhead(newHistory(), [
      foreign.group,
      encodeGroup([{ body: Uint8Array.of(7), signature }]),
      encodeGroup([entryOf(change!, true)]),
      Uint8Array.of(0xff),
      new Uint8Array(MAX_GROUP_BYTES + 1),
    ]);
    expect(received.map(({ code }) => code)).toEqual([
      "wrong_document",
      "malformed",
      "missing_signature",
      "malformed",
      "too_large",
    ]);
    expect(ahead).toEqual([]);
    expect(verify()).toBe(0);
  });

  test("those of two slices at once at most, whether of signatures, of bytes, or of rubbish", async () => {
    const large = forge({
      document: DOCUMENT,
      author: person(0),
      ops: [encodeValue([1, 0, [], new Uint8Array(MAX_BODY_BYTES - 500)])],
    });
    const unsigned = line(100);
    const twenties = (n: number): Forged[] => lineOf(DOCUMENT, 20, person(n));
    for (const [groups, most] of [
      [line(600).map(({ group }) => group), 2 * 256],
      [Array.from({ length: 40 }, (_, n) => groupOf(twenties(n))), 2 * 13],
      [Array.from({ length: 20 }, () => encodeGroup([entryOf(large, true)])), 2 + 1],
      [Array.from({ length: 30 }, () => groupOf(unsigned, () => true)), 2 * 10 + 1],
      [Array.from({ length: 2_000 }, () => Uint8Array.of(1)), 2 * 256],
    ] as const) {
      let taken = 0;
      let given = 0;
      const counted = function* (): Generator<Uint8Array> {
        for (const group of groups) {
          taken++;
          yield group;
        }
      };
      for await (const slice of verifyAhead(newHistory(), counted())) {
        expect(taken - given).toBeLessThanOrEqual(most);
        given += slice.groups.length;
      }
      expect(given).toBe(groups.length);
    }
  });

  test("of a copy of the group that nobody else can change", async () => {
    const changes = line(10);
    const history = newHistory();
    const buffer = new Uint8Array(4_096);
    const reused = function* (): Generator<Uint8Array> {
      for (const { group } of changes) {
        buffer.set(group);
        yield buffer.subarray(0, group.length);
      }
      buffer.fill(0);
    };
    for (const { status } of await receiveAhead(history, reused())) expect(status).toBe("applied");
    expect(toHex(history.bodyAt(9))).toBe(toHex(changes[9]!.body));
  });
});

describe("Document.receiveAll", () => {
  const schema = list(string());
  const newDocument = (n: number): Document<typeof schema> =>
    new Document({ schema, id: DOCUMENT, keyPair: person(n) });
  const typed = (document: Document<typeof schema>, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => document.change((doc) => doc.push(`${i}`)).bytes);

  test("tells callers what receive would have told them, and listeners of what comes together at once", async () => {
    const groups = typed(newDocument(0), 150);
    const told = (document: Document<typeof schema>): DocumentEvent[] => {
      const events: DocumentEvent[] = [];
      document.subscribe((event) => events.push(event));
      return events;
    };
    const [one, many] = [newDocument(1), newDocument(2)];
    const [oneByOne, together] = [told(one), told(many)];
    const mirror: unknown[] = [];
    many.subscribe(({ patches }) => {
      for (const patch of patches) {
        if (patch.action !== "splice") throw new Error(`a list was told to ${patch.action}`);
        mirror.splice(patch.index, patch.remove, ...(patch.insert as unknown[]));
      }
      expect(mirror).toEqual(many.view());
    });
    const sent = [...groups.slice(0, 140).toReversed(), Uint8Array.of(1), ...groups];
    const verdicts = sent.map((group) => one.receive(group, "peer"));
    expectAlike([many.history, await many.receiveAll(sent, "peer")], [one.history, verdicts]);
    // What came in an order of its own was told of as it came; the rest was applied at once.
    expect(oneByOne.map(({ changes }) => changes.length)).toEqual([140, ...Array<1>(10).fill(1)]);
    expect(together.map(({ changes }) => changes.length)).toEqual([140, 10]);
    expect(together.every(({ origin }) => origin === "remote")).toBe(true);
    expect(together.flatMap(({ changes }) => changes)).toEqual(
      oneByOne.flatMap(({ changes }) => changes),
    );
    expect(mirror).toHaveLength(150);
    expect(many.viewDigest()).toBe(one.viewDigest());
  });

  test("is not confused by what is edited and received meanwhile", async () => {
    const [alice, bob, carol] = [newDocument(0), newDocument(1), newDocument(2)];
    const [fromAlice, fromBob] = [typed(alice, 300), typed(bob, 300)];
    const own: Uint8Array[] = [];
    const race = { isOver: false };
    const meanwhile = (async () => {
      for (let i = 0; !race.isOver && i < 300; i++) {
        own.push(carol.change((doc) => doc.insert(0, "mine")).bytes);
        carol.receive(fromAlice[299 - i]!, "bob");
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all([carol.receiveAll(fromAlice, "alice"), carol.receiveAll(fromBob, "bob")]);
    race.isOver = true;
    await meanwhile;
    expect(own.length).toBeGreaterThan(1);
    const dave = newDocument(3);
    for (const group of [...own, ...fromBob, ...fromAlice]) dave.receive(group);
    expect(dave.history.length).toBe(600 + own.length);
    expect(dave.frontier()).toEqual(carol.frontier());
    expect(dave.viewDigest()).toBe(carol.viewDigest());
  });

  test("gives others their turn, even when nothing has to be verified", async () => {
    const document = newDocument(1);
    let turns = 0;
    const count = (): void => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const rubbish = Array.from({ length: 10 * 256 }, () => Uint8Array.of(1));
    expect(await document.receiveAll(rubbish)).toHaveLength(2_560);
    clearImmediate(timer);
    // Of ten slices, two at most are taken in at one turn.
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  test("passes on what the groups throw, once what came before is taken in", async () => {
    const groups = typed(newDocument(0), 130);
    for (const before of [0, 10, 128, 130]) {
      const document = newDocument(1);
      const failing = function* (): Generator<Uint8Array> {
        yield* groups.slice(0, before);
        throw new Error("the file ends here");
      };
      await expect(document.receiveAll(failing())).rejects.toThrow("the file ends here");
      expect(document.history.length).toBe(before);
    }
  });

  test("refuses what is no bytes as misuse, once what came before is taken in, and closes the groups", async () => {
    const groups = typed(newDocument(0), 3);
    const document = newDocument(1);
    let isClosed = false;
    const mixed = function* (): Generator<Uint8Array> {
      try {
        yield* groups;
        yield "text" as never;
        yield* groups;
      } finally {
        isClosed = true;
      }
    };
    const misuse = expect.objectContaining({ name: "MisuseError", code: "bad_value" });
    await expect(document.receiveAll(mixed())).rejects.toEqual(misuse);
    expect(document.history.length).toBe(3);
    expect(isClosed).toBe(true);
  });

  test("refuses bytes that were handed to somebody else, and goes on", async () => {
    const [first, second] = typed(newDocument(0), 2);
    const gone = second!.slice();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const document = newDocument(1);
    const received = await document.receiveAll([first!, gone, second!]);
    expect(received.map(({ status }) => status)).toEqual(["applied", "rejected", "applied"]);
  });

  test("is refused inside of a change and of a batch", async () => {
    const document = newDocument(1);
    const misuse = expect.objectContaining({ name: "MisuseError", code: "in_change" });
    let inside: Promise<unknown> | null = null;
    document.change(() => {
      inside = document.receiveAll([]);
    });
    await expect(inside).rejects.toEqual(misuse);
    document.batch(() => {
      inside = document.receiveAll([]);
    });
    await expect(inside).rejects.toEqual(misuse);
  });
});
