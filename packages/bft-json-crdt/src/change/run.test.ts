import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entryOf, forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { lineOf } from "../../test/deliveries.ts";
import { History } from "../history/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { documentId } from "./genesis.ts";
import { decodeGroup, encodeGroup } from "./group.ts";
import { continued, joinGroups, runPartOf } from "./run.ts";
import type { RunPart } from "./run.ts";

const DOCUMENT = documentId("run");
const LINE = lineOf(DOCUMENT, 12);

const part = (from: number, to: number): RunPart => runPartOf(groupOf(LINE.slice(from - 1, to)))!;

describe("the part of a chain that a group holds", () => {
  it("is from its first change to its last", () => {
    expect(part(3, 7)).toMatchObject({ chain: 0n, from: 3, to: 7 });
    expect(part(5, 5)).toMatchObject({ from: 5, to: 5, bytes: LINE[4]!.group.length });
    expect(part(1, 1).author).toEqual(person(0).publicKey);
  });

  it("has the author of the part before, the very object, when it is the same", () => {
    const before = part(1, 2);
    expect(runPartOf(LINE[2]!.group, before)!.author).toBe(before.author);
    const bob = forge({ document: DOCUMENT, author: person(1) });
    expect(runPartOf(bob.group, before)).toMatchObject({
      author: person(1).publicKey,
      from: 1,
      to: 1,
    });
  });

  it("is none of a group with a gap, with two chains, or two authors, nor of other bytes", () => {
    const [first, second, third] = LINE as [Forged, Forged, Forged];
    const others = [
      groupOf([first, third]),
      groupOf([second, first]),
      groupOf([first, forge({ document: DOCUMENT, author: person(1), prev: first })]),
      groupOf([first, forge({ document: DOCUMENT, author: person(0), chain: 1n, prev: first })]),
      encodeGroup([{ ...entryOf(first), body: Uint8Array.of(0x82, 2, 1) }]),
      encodeGroup([entryOf(first), { ...entryOf(first), body: new Uint8Array(0) }]),
      encodeGroup([{ ...entryOf(first), body: first.body.slice(0, 60) }]),
      encodeGroup([{ ...entryOf(first), body: Uint8Array.of(0x8b, 2, ...first.body.slice(2)) }]),
      Uint8Array.of(0x80),
      new Uint8Array(0),
      new Uint8Array(MAX_GROUP_BYTES + 1),
    ];
    expect(others.map((group) => runPartOf(group))).toEqual(others.map(() => null));
  });

  it("is none, and never an exception, or what is said there, for groups that were damaged", () => {
    fc.assert(
      fc.property(fc.nat(groupOf(LINE.slice(0, 3)).length * 8 - 1), fc.nat(3), (bit, cut) => {
        const group = groupOf(LINE.slice(0, 3));
        group[bit >> 3]! ^= 1 << (bit & 7);
        const found = runPartOf(group.subarray(0, group.length - cut));
        if (found !== null) expect(found.to - found.from).toBe(2);
      }),
    );
  });
});

describe("a part of a chain", () => {
  it("is continued by the one that begins where it ends, and by no other", () => {
    expect(continued(part(1, 3), part(4, 4))).toMatchObject({
      from: 1,
      to: 4,
      bytes: part(1, 3).bytes + part(4, 4).bytes,
    });
    const bob = { ...part(4, 4), author: person(1).publicKey };
    for (const next of [part(3, 4), part(5, 5), part(1, 3), bob, { ...part(4, 4), chain: 1n }])
      expect(continued(part(1, 3), next)).toBeNull();
  });

  it("is not continued beyond what a group can hold", () => {
    const first = { ...part(1, 1), to: MAX_GROUP_CHANGES - 1 };
    const next = { ...part(1, 1), from: MAX_GROUP_CHANGES, to: MAX_GROUP_CHANGES };
    expect(continued(first, next)).not.toBeNull();
    expect(continued(first, { ...next, to: MAX_GROUP_CHANGES + 1 })).toBeNull();
    const room = MAX_GROUP_BYTES - 3 - first.bytes;
    expect(continued(first, { ...next, bytes: room })).not.toBeNull();
    expect(continued(first, { ...next, bytes: room + 1 })).toBeNull();
  });
});

describe("joined groups", () => {
  it("are a group of all their changes in order, with what they were signed with", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cuts, (sizes) => {
        let at = 0;
        const groups = sizes.map((size) =>
          groupOf(LINE.slice(at, (at += size)), (c) => c !== LINE[at - 1]),
        );
        const kept = groups.filter((group) => decodeGroup(group).ok);
        const joined = decodeGroup(joinGroups(kept));
        const apart = kept.flatMap((group) => {
          const decoded = decodeGroup(group);
          return decoded.ok ? decoded.value : [];
        });
        expect(joined).toEqual({ ok: true, value: apart });
      }),
    );
  });

  it("are one however many bytes the heads of the parts and of the whole take", () => {
    const [{ group }] = LINE as [Forged];
    const copies = (count: number): Uint8Array =>
      joinGroups(Array.from({ length: count }, () => group));
    for (const counts of [
      [23],
      [24],
      [255],
      [256],
      [23, 1],
      [256, 24, 1],
      [1, 24, 256],
      [300, 300],
    ]) {
      const joined = decodeGroup(joinGroups(counts.map((count) => Buffer.from(copies(count)))));
      const changes = counts.reduce((sum, count) => sum + count);
      expect(joined).toEqual({
        ok: true,
        value: Array.from({ length: changes }, () => entryOf(LINE[0]!)),
      });
    }
  });

  it("come to what they come to one after another, at the cost of one signature for each chain", () => {
    const [one, all] = [new History({ document: DOCUMENT }), new History({ document: DOCUMENT })];
    for (const { group } of LINE) one.receive(group);
    expect(all.receive(joinGroups(LINE.map(({ group }) => group))).status).toBe("applied");
    expect(all.frontier()).toEqual(one.frontier());
    expect(all.signatureAt(0)).toBeNull();
  });
});
