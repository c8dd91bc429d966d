import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodedBody } from "../change/index.ts";
import { keyOf } from "./id-key.ts";
import { Incoming, IncomingGroup } from "./incoming.ts";

/** What nobody has applied. */
const NOTHING = { find: () => -1, findPrev: () => -1 };

/** Ids that differ in their first byte only; no id is a hash here, but none is built on itself either. */
const idOf = (number: number): Uint8Array => Uint8Array.of(number, ...new Uint8Array(31));

function headerOn(prev: number | null): DecodedBody {
  return {
    document: new Uint8Array(32),
    author: new Uint8Array(32),
    chain: 0n,
    seq: 1,
    prev: prev === null ? null : idOf(prev),
    parents: [],
    lamport: 1,
    time: null,
    refs: [],
    opsOffset: 0,
    opCount: 0,
    elements: 0,
    detached: false,
  };
}

describe("a group on its way in", () => {
  it("knows what is in it already, and what each change is built on, in whatever order and however often they come", () => {
    // Mostly lines, since for these there is a short way.
    const drawn = fc.array(fc.tuple(fc.nat(9), fc.nat(3)), { minLength: 1, maxLength: 12 });
    const order = fc.array(fc.nat(11), { maxLength: 24 });
    fc.assert(
      fc.property(drawn, order, fc.boolean(), (changes, jumbled, isInOrder) => {
        const prevs = changes.map(([back, rarely], number) => {
          if (number === 0) return null;
          return rarely === 0 ? number - 1 - (back % number) : number - 1;
        });
        const inOrder = prevs.map((_, number) => number);
        const coming = (isInOrder ? [...inOrder, ...jumbled] : jumbled).filter(
          (number) => number < prevs.length,
        );
        const group = new IncomingGroup(NOTHING);
        const there = new Map<number, Incoming>();
        for (const number of coming) {
          const prev = prevs[number]!;
          const header = headerOn(prev);
          expect(group.has(idOf(number), header.prev)).toBe(there.has(number));
          if (there.has(number)) continue;
          const change = new Incoming(idOf(number), new Uint8Array(0), null, header);
          group.add(change);
          const before = prev === null ? null : (there.get(prev) ?? null);
          expect(change.prev).toBe(before);
          expect(change.inGroup).toEqual(before === null ? [] : [before]);
          expect(change.missing).toEqual(
            prev === null || before !== null ? [] : [keyOf(idOf(prev))],
          );
          there.set(number, change);
          expect(group.last).toBe(change);
        }
        expect(group.changes).toEqual([...there.values()]);
      }),
      { numRuns: 300 },
    );
  });
});
