import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coveredGroup, forge, groupOf } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { ancestryOf, anyWorld, forksOf, validOf } from "../../test/history-model.ts";
import {
  ALICE,
  appliedIds,
  chainOfLength,
  deliver,
  DOCUMENT,
  entriesOf,
  expectModel,
  newHistory,
  tooManyElements,
} from "../../test/receiving.ts";
import { changeId, decodeBody, documentId, signedMessage } from "../change/index.ts";
import { verify } from "../crypto/index.ts";
import { compareBytes, encodeValue, toHex } from "../encoding/index.ts";
import { MAX_BODY_BYTES, MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { History } from "./history.ts";

/** A world, and some orders and cuts for its delivery. */
const anyDelivery = fc.record({
  changes: anyWorld(DOCUMENT, 22),
  shuffles: fc.infiniteStream(fc.nat()),
});

type Draw = (below: number) => number;

function drawFrom(stream: fc.Stream<number>): Draw {
  return (below) => stream.next().value! % below;
}

function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/** Cuts a list into runs of at most `most`. */
function cut<T>(items: readonly T[], most: number, draw: Draw): T[][] {
  const runs: T[][] = [];
  for (let start = 0; start < items.length;) {
    const end = start + 1 + draw(most);
    runs.push(items.slice(start, end));
    start = end;
  }
  return runs;
}

/** A group of changes in causal order, some of which have lost their signature to a valid cover in the same group. */
function closedGroup(
  changes: readonly Forged[],
  valid: ReadonlyMap<string, Forged>,
  draw: Draw,
): Uint8Array {
  return groupOf(changes, ({ hex }, at) => {
    const isCovered = changes
      .slice(at + 1)
      .some(
        (later) => valid.has(later.hex) && later.header.prev && toHex(later.header.prev) === hex,
      );
    return isCovered && draw(3) > 0;
  });
}

/** A history that has applied a world in closed groups, in causal order, so that few changes have signatures. */
function relayed(changes: readonly Forged[], draw: Draw, most: number): History {
  const history = newHistory();
  const valid = validOf(DOCUMENT, changes);
  for (const run of cut(changes, most, draw)) deliver(history, closedGroup(run, valid, draw));
  return history;
}

describe("a history applies what the rules say, and nothing else,", () => {
  it("in whatever order changes arrive, however often", () => {
    let invalid = 0;
    let forked = 0;
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        for (let round = 0; round < 2; round++) {
          const history = newHistory();
          const repeated = changes.filter(() => draw(4) === 0);
          for (const change of shuffled([...changes, ...repeated], draw))
            deliver(history, change.group);
          expectModel(history, changes);
        }
        const valid = validOf(DOCUMENT, changes);
        invalid += changes.length - valid.size;
        forked += forksOf(valid).length;
      }),
      { numRuns: 100 },
    );
    // The worlds are of use: not all is valid in them, and some authors equivocate.
    expect(invalid).toBeGreaterThan(50);
    expect(forked).toBeGreaterThan(20);
  });

  it("in whatever groups signed changes arrive, causal order or not", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const history = newHistory();
        const repeated = changes.filter(() => draw(3) === 0);
        for (const run of cut(shuffled([...changes, ...repeated], draw), 9, draw)) {
          deliver(history, groupOf(run));
        }
        expectModel(history, changes);
      }),
      { numRuns: 100 },
    );
  });

  it("in whatever order closed groups arrive, when those that came too early are sent again", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const valid = validOf(DOCUMENT, changes);
        const groups = cut(changes, 9, draw).map((run) => closedGroup(run, valid, draw));
        const history = newHistory();
        let rounds = 0;
        for (; rounds <= groups.length && history.length < valid.size; rounds++) {
          for (const group of shuffled(groups, draw)) deliver(history, group);
        }
        for (const group of groups) deliver(history, group);
        expectModel(history, changes);
      }),
      { numRuns: 100 },
    );
  });

  it("when missing changes are asked for by id, each answered by the group in which it is stored", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const sender = relayed(changes, draw, 9);
        const receiver = newHistory();
        // Of each head only the stored group is handed over; everything else has to be asked for.
        const answer = (index: number): Uint8Array[] => {
          const [start, end] = sender.groupRange(index);
          return sender.groupsFor(Array.from({ length: end - start }, (_, i) => start + i));
        };
        const queue = sender.heads().flatMap(answer);
        for (let i = 0; i < queue.length; i++) {
          expect(i).toBeLessThan(2_000);
          const { missing } = deliver(receiver, queue[i]!);
          for (const id of shuffled(missing, draw)) queue.push(...answer(sender.indexOf(id)));
        }
        expectModel(receiver, changes);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what authors had seen", () => {
  it("is said of many changes at once as of each pair alone", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const history = relayed(changes, draw, 5);
        const indexes = Array.from({ length: history.length }, (_, index) => index);
        // Some changes with one mark or several, some marks on several changes, all 32 of them.
        const marks = new Map<number, number>();
        for (let mark = 0; mark < 2 * 32; mark++) {
          const index = draw(history.length);
          if (history.length > 0) marks.set(index, (marks.get(index) ?? 0) | (1 << (mark % 32)));
        }
        const expected = indexes.map((later) => {
          const seen = [...marks].filter(([index]) => history.isAncestor(index, later));
          return seen.reduce((bits, [, mark]) => bits | mark, 0) >>> 0;
        });
        expect([...history.marksSeen(marks)]).toEqual(expected);
        expect([...history.marksSeen(new Map())]).toEqual(indexes.map(() => 0));
      }),
      { numRuns: 100 },
    );
  });
});

describe("what a replica lacks", () => {
  it("is the difference of the sets, whatever it is known to have", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const history = relayed(changes, draw, 5);
        const valid = validOf(DOCUMENT, changes);
        for (let round = 0; round < 5; round++) {
          const known = appliedIds(history).filter(() => draw(4) === 0);
          const ancestry = ancestryOf(valid, known);
          const missing = history.missingFor(
            known.map((hex) => history.indexOf(valid.get(hex)!.id)),
          );
          const expected = appliedIds(history).filter((hex) => !ancestry.has(hex));
          expect(missing.map((index) => toHex(history.idAt(index)))).toEqual(expected);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("goes out in as few groups as the bounds allow, and comes out again in the same bounds", () => {
    const line = chainOfLength(1_400);
    const sender = newHistory();
    for (const run of [line.slice(0, 500), line.slice(500, 1_000), line.slice(1_000)]) {
      sender.receive(coveredGroup(run));
    }
    const receiver = newHistory();
    let groups = sender.groupsFor(sender.missingFor([]));
    expect(groups.map((group) => entriesOf(group).length)).toEqual([1_000, 400]);
    for (const group of groups) expect(receiver.receive(group).status).toBe("applied");
    groups = receiver.groupsFor(receiver.missingFor([]));
    expect(groups.map((group) => entriesOf(group).length)).toEqual([1_000, 400]);
    // One signature per group is enough.
    for (const group of groups) {
      expectClosed(group);
      expect(entriesOf(group).filter(({ signature }) => signature !== null)).toHaveLength(1);
    }
  });

  it("fits the bounds also when changes are as large and as many as a group allows", () => {
    const large = (prev: Forged | null, size: number): Forged => {
      const text = encodeValue([2, size, [["t"]], "x".repeat(size)]);
      return forge({ document: DOCUMENT, author: ALICE, prev, ops: [text] });
    };
    const first = large(null, MAX_BODY_BYTES - 300);
    const second = large(first, 500_000);
    const third = large(second, 500_000);
    // As many unsigned changes as a group holds: their overhead is reckoned higher than it is.
    const many: Forged[] = [third];
    while (many.length <= MAX_GROUP_CHANGES) many.push(large(many.at(-1)!, 870));
    many.shift();
    const sender = newHistory();
    for (const change of [first, second, third])
      expect(sender.receive(change.group).status).toBe("applied");
    const full = coveredGroup(many);
    expect(full.length).toBeGreaterThan(MAX_GROUP_BYTES - 30_000);
    expect(sender.receive(full).status).toBe("applied");

    const groups = sender.groupsFor(sender.missingFor([]));
    expect(groups.map((group) => entriesOf(group).length)).toEqual([1, 2, MAX_GROUP_CHANGES]);
    const receiver = newHistory();
    for (const group of groups) {
      expectClosed(group);
      expect(receiver.receive(group).status).toBe("applied");
    }
    expect(receiver.frontier()).toEqual(sender.frontier());
  });
});

/** By definition: within the bounds, and each change signed or with a signed later one on its chain that links back. */
function expectClosed(group: Uint8Array): void {
  expect(group.length).toBeLessThanOrEqual(MAX_GROUP_BYTES);
  const entries = entriesOf(group);
  expect(entries.length).toBeLessThanOrEqual(MAX_GROUP_CHANGES);
  const covered = new Set<string>();
  const later = new Set<string>();
  for (const { body, signature } of entries.toReversed()) {
    const id = changeId(body);
    const header = decodeBody(body);
    if (!header.ok) throw new Error(header.error.detail);
    const { author, prev, parents, refs } = header.value;
    if (signature === null) expect(covered).toContain(toHex(id));
    else expect(verify(signature, signedMessage(id), author)).toBe(true);
    if (prev !== null) covered.add(toHex(prev));
    // Nothing comes before what it depends on.
    later.add(toHex(id));
    for (const dependency of [...(prev === null ? [] : [prev]), ...parents, ...refs]) {
      expect(later).not.toContain(toHex(dependency));
    }
  }
}

describe("a change of one's own", () => {
  it("is appended like any other, and releases what waited for it", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    deliver(history, b.group);
    expect(history.append(a.body, a.id, a.signature)).toBe(0);
    expectModel(history, [a, b]);
  });

  it("is refused when it would not be valid to others: it must not be signed", () => {
    const [a, b] = chainOfLength(2) as [Forged, Forged];
    const history = newHistory();
    const lie = forge({ document: DOCUMENT, author: ALICE, lies: { lamport: 7 } });
    const large = forge({ document: DOCUMENT, author: ALICE, ops: tooManyElements() });
    const foreign = forge({ document: documentId("other"), author: ALICE });
    for (const change of [b, lie, large, foreign]) {
      expect(() => history.append(change.body, change.id, change.signature)).toThrow(MisuseError);
      expect(history.length).toBe(0);
    }
    history.append(a.body, a.id, a.signature);
    expect(() => history.append(a.body, a.id, a.signature)).toThrow(MisuseError);
    expectModel(history, [a]);
  });

  it("needs a document id of 32 bytes", () => {
    expect(() => new History({ document: new Uint8Array(31) })).toThrow(MisuseError);
  });
});

describe("the order that decides ties", () => {
  it("is by lamport, then by id, and the same on every replica", () => {
    fc.assert(
      fc.property(anyDelivery, ({ changes, shuffles }) => {
        const draw = drawFrom(shuffles);
        const valid = validOf(DOCUMENT, changes);
        const expected = [...valid.values()].toSorted(
          (a, b) => a.header.lamport - b.header.lamport || compareBytes(a.id, b.id),
        );
        const history = newHistory();
        for (const change of shuffled(changes, draw)) history.receive(change.group);
        const sorted = Array.from({ length: history.length }, (_, index) => index).toSorted(
          (a, b) => history.compare(a, b),
        );
        expect(sorted.map((index) => toHex(history.idAt(index)))).toEqual(
          expected.map(({ hex }) => hex),
        );
        expect(sorted.every((index) => history.compare(index, index) === 0)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
