/**
 * The three rules of the design that have to be proved, each as a property over random (and, where that is possible, over
 * all small) structures:
 *
 * 1. what a receiver lacks of closed groups is closed again, over any number of hops;
 * 2. the rule by which siblings find their place, with markers, gives the walk of the Fugue tree, whatever the tree, its
 *    keys and the order in which its elements come;
 * 3. verdicts depend on the bytes alone: not on options, clocks, who delivers, or the order of arrival.
 *
 * The model check (model-check.test.ts) goes through small worlds exhaustively; here worlds are larger.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  changeId,
  decodeBody,
  decodeGroup,
  documentId,
  signedMessage,
} from "../src/change/index.ts";
import { verify } from "../src/crypto/index.ts";
import { equalBytes, toHex } from "../src/encoding/index.ts";
import { History } from "../src/history/index.ts";
import type { HistoryLimits } from "../src/history/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../src/limits.ts";
import { SequenceModel } from "../src/types/sequence.model.ts";
import { TEXT_CONTENT } from "../src/types/sequence-content.ts";
import { LEFT, RIGHT, Sequence } from "../src/types/sequence.ts";
import type { Side } from "../src/types/sequence.ts";
import { groupOf } from "./forge.ts";
import type { Forged } from "./forge.ts";
import { ancestryOf, anyWorld, dependenciesOf, frontierOf, validOf } from "./history-model.ts";
import { Choices } from "./random-edits.ts";

const DOCUMENT = documentId("obligations");

/** Changes in causal order, in groups of at most `most` that are closed; of those covered, many without signature. */
function closedGroups(
  changes: readonly Forged[],
  valid: ReadonlyMap<string, Forged>,
  most: number,
  choices: Choices,
): Uint8Array[] {
  const groups: Uint8Array[] = [];
  for (let start = 0; start < changes.length;) {
    const part = changes.slice(start, (start += 1 + choices.below(most)));
    const covers = part.filter(({ hex }) => valid.has(hex)).map(({ header }) => header.prev);
    const isCovered = ({ id }: Forged): boolean =>
      covers.some((prev) => prev !== null && equalBytes(prev, id));
    groups.push(groupOf(part, (change) => isCovered(change) && !choices.oneIn(3)));
  }
  return groups;
}

function idsOf(history: History): string[] {
  return Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index)));
}

describe("what a receiver lacks of closed groups", () => {
  /** Why a group is not closed by the definition; null when it is. */
  function flawOf(group: Uint8Array): string | null {
    if (group.length > MAX_GROUP_BYTES) return "too many bytes";
    const decoded = decodeGroup(group);
    if (!decoded.ok) return decoded.error.code;
    if (decoded.value.length > MAX_GROUP_CHANGES) return "too many changes";
    const seen = new Set<string>();
    const all = decoded.value.map(({ body }) => toHex(changeId(body)));
    /** Changes at whose end a good signature stands, found from the last to the first. */
    const authentic = new Set<string>();
    for (const { body, signature } of decoded.value.toReversed()) {
      const header = decodeBody(body);
      if (!header.ok) return header.error.code;
      const id = changeId(body);
      const isSigned =
        signature !== null && verify(signature, signedMessage(id), header.value.author);
      if (!isSigned && signature !== null) return "a bad signature";
      if (!isSigned && !authentic.has(toHex(id))) return "a change without signature or cover";
      if (header.value.prev !== null) authentic.add(toHex(header.value.prev));
    }
    for (const [at, { body }] of decoded.value.entries()) {
      const header = decodeBody(body);
      if (!header.ok) return header.error.code;
      const { prev, parents, refs } = header.value;
      for (const id of [prev, ...parents, ...refs])
        if (id !== null && all.includes(toHex(id)) && !seen.has(toHex(id))) return "not in order";
      seen.add(all[at]!);
    }
    return null;
  }

  it("is closed again and applies at once, hop after hop, whatever each receiver has already", () => {
    let unsigned = 0;
    let partly = 0;
    fc.assert(
      fc.property(anyWorld(DOCUMENT, 24), fc.nat(), (changes, seed) => {
        const choices = new Choices(seed);
        const valid = validOf(DOCUMENT, changes);
        let sender = new History({ document: DOCUMENT });
        for (const group of closedGroups(changes, valid, 9, choices)) sender.receive(group);
        expect(idsOf(sender).toSorted()).toEqual([...valid.keys()].toSorted());
        for (let hop = 0; hop < 3; hop++) {
          // What the receiver has: anything, with all that it builds on, in groups of another cut.
          const known = [...valid.keys()].filter(() => choices.oneIn(5));
          const had = ancestryOf(valid, known);
          const receiver = new History({ document: DOCUMENT });
          const first = changes.filter(({ hex }) => had.has(hex));
          for (const group of closedGroups(first, valid, 5, choices)) receiver.receive(group);
          expect(receiver.length).toBe(had.size);
          // By definition: every stored group without what the receiver has.
          const lacked = idsOf(sender).filter((hex) => !had.has(hex));
          const missing = sender.missingFor(known.map((hex) => sender.indexOf(valid.get(hex)!.id)));
          expect(missing.map((index) => toHex(sender.idAt(index)))).toEqual(lacked);
          if (missing.some((at) => had.has(toHex(sender.idAt(sender.groupRange(at)[0]))))) partly++;
          for (const group of sender.groupsFor(missing)) {
            expect(flawOf(group)).toBeNull();
            const { results } = receiver.receive(group);
            expect(results.map(({ status }) => status)).toEqual(results.map(() => "applied"));
          }
          expect(receiver.frontier().map(toHex)).toEqual(frontierOf(valid));
          for (let index = 0; index < receiver.length; index++)
            if (receiver.signatureAt(index) === null) unsigned++;
          sender = receiver;
        }
      }),
      { numRuns: 120 },
    );
    // The property is about something: signatures were left out, and groups were cut by what was known.
    expect(unsigned).toBeGreaterThan(300);
    expect(partly).toBeGreaterThan(20);
  });
});

describe("the sibling rule with markers", () => {
  /** An element: its parent by number (-1 for the root), its side, and the rank of its key. */
  interface Element {
    readonly parent: number;
    readonly side: Side;
    readonly rank: number;
  }

  /** Inserts elements in this order, and compares with the walk of the tree after each. */
  function compareAll(elements: readonly Element[]): void {
    const order = {
      compareChanges: (a: number, b: number) => elements[a]!.rank - elements[b]!.rank,
    };
    const sequence = new Sequence<string>(
      (a, b) => (a === b ? 0 : order.compareChanges(a, b)),
      TEXT_CONTENT,
    );
    const model = new SequenceModel(order);
    for (const [at, { parent, side }] of elements.entries()) {
      const value = String.fromCharCode(97 + (at % 26));
      sequence.insert(at, 1, parent, side, 1, value, true);
      model.insert(at, at, parent, side, [value], true);
      const found: number[] = [];
      sequence.forEachVisible((lv, count) => {
        for (let i = 0; i < count; i++) found.push(lv + i);
      });
      const expected = model.visible().map(({ lv }) => lv);
      if (found.join() !== expected.join()) {
        const tree = elements.map((each) => Object.values(each).join("/")).join(" ");
        throw new Error(`${tree}: ${found.join()} and not ${expected.join()}`);
      }
    }
    sequence.check();
  }

  /** All ways to hang one more element on some, with a place for its key above that of its parent. */
  function* extended(elements: readonly Element[]): Generator<Element[]> {
    for (let parent = -1; parent < elements.length; parent++) {
      const sides: readonly Side[] = parent < 0 ? [RIGHT] : [LEFT, RIGHT];
      for (const side of sides) {
        const least = parent < 0 ? 0 : elements[parent]!.rank + 1;
        for (let rank = least; rank <= elements.length; rank++) {
          const others = elements.map((each) =>
            each.rank < rank ? each : { ...each, rank: each.rank + 1 },
          );
          yield [...others, { parent, side, rank }];
        }
      }
    }
  }

  it("is the walk of every tree of up to five elements, with all keys, in all orders of arrival", () => {
    let trees: Element[][] = [[]];
    const sizes: number[] = [];
    for (let size = 1; size <= 5; size++) {
      trees = trees.flatMap((tree) => [...extended(tree)]);
      sizes.push(trees.length);
      for (const tree of trees) compareAll(tree);
    }
    // With one element there is one; the next hangs on the root, with a key below or above, or on either side of the first.
    expect(sizes.slice(0, 2)).toEqual([1, 4]);
    expect(sizes[4]).toBeGreaterThan(10_000);
  });

  it("is the walk of any tree, with any keys that grow from parent to child, in any order of arrival", () => {
    const anyElement = fc.record({
      // From the youngest back, so that small numbers make deep trees; beyond the oldest stands the root.
      back: fc.oneof(fc.nat(2), fc.nat(80)),
      side: fc.constantFrom(LEFT, RIGHT),
      key: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(fc.array(anyElement, { minLength: 6, maxLength: 70, size: "max" }), (steps) => {
        const keys: number[] = [];
        const elements = steps.map(({ back, side, key }, at) => {
          const parent = Math.max(-1, at - 1 - back);
          // All different, and greater than the parent's.
          keys.push((keys[parent] ?? 0) + 1 + key + at / 100);
          return { parent, side: parent < 0 ? RIGHT : side } as const;
        });
        const sorted = keys.toSorted((a, b) => a - b);
        compareAll(elements.map((each, at) => ({ ...each, rank: sorted.indexOf(keys[at]!) })));
      }),
      { numRuns: 400 },
    );
  });
});

describe("verdicts", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const anyLimits: fc.Arbitrary<Partial<HistoryLimits>> = fc.record(
    {
      pendingBytes: fc.nat(9_000),
      pendingBytesPerPeer: fc.nat(6_000),
      pendingBytesPerAuthor: fc.nat(6_000),
      rejectedIds: fc.nat(4),
    },
    { requiredKeys: [] },
  );
  const anyReplica = fc.record({ limits: anyLimits, seed: fc.nat(), now: fc.nat() });

  it("do not depend on options, clocks, peers or arrival", () => {
    let refused = 0;
    let dropped = 0;
    fc.assert(
      fc.property(anyWorld(DOCUMENT, 20), fc.tuple(anyReplica, anyReplica), (changes, replicas) => {
        const valid = validOf(DOCUMENT, changes);
        const ends = replicas.map(({ limits, seed, now }) => {
          const choices = new Choices(seed);
          const history = new History({ document: DOCUMENT, limits });
          const groups = closedGroups(changes, valid, 4, choices);
          const early = choices.shuffle([...groups, ...changes.map(({ group }) => group)]);
          // At last everything comes in causal order, so that no queue is needed.
          for (const group of [...early, ...groups]) {
            vi.useFakeTimers({ now: choices.below(2) * now * choices.below(4_000) });
            for (const { id, status, scope, code } of history.receive(
              group,
              `peer ${choices.below(3)}`,
            ).results) {
              const isValid = valid.has(toHex(id));
              // Nothing is applied or rejected but what the definition without replicas says.
              if (status === "applied" || status === "duplicate") expect(isValid).toBe(true);
              if (scope === "change") expect(isValid).toBe(false);
              if (scope === "change") refused++;
              if (code === "over_quota") dropped++;
            }
          }
          return history.frontier().map(toHex);
        });
        for (const end of ends) expect(end).toEqual(frontierOf(valid));
      }),
      { numRuns: 120 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(dropped).toBeGreaterThan(100);
  });

  it("of what is rejected are the same everywhere once everything has come: nothing valid is, nor anything pending", () => {
    fc.assert(
      fc.property(anyWorld(DOCUMENT, 20), fc.tuple(fc.nat(), fc.nat()), (changes, seeds) => {
        const valid = validOf(DOCUMENT, changes);
        const verdicts = seeds.map((seed) => {
          const history = new History({ document: DOCUMENT });
          for (const { group } of new Choices(seed).shuffle(changes)) history.receive(group);
          expect(history.pending.count).toBe(0);
          return changes.map(({ group }) => {
            const { status, code } = history.receive(group);
            return `${status} ${code}`;
          });
        });
        expect(verdicts[0]).toEqual(verdicts[1]);
        for (const [at, verdict] of verdicts[0]!.entries()) {
          const isApplied = verdict.startsWith("duplicate");
          expect(isApplied).toBe(valid.has(changes[at]!.hex));
          expect(isApplied || verdict.startsWith("rejected")).toBe(true);
          // What builds on something that is refused is refused for that, whatever else is wrong with it.
          if (isApplied || !dependenciesOf(changes[at]!).some((hex) => !valid.has(hex))) continue;
          if (verdict !== "rejected wrong_document")
            expect(verdict).toBe("rejected rejected_dependency");
        }
      }),
      { numRuns: 120 },
    );
  });
});
