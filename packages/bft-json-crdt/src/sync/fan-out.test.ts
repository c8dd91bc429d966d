import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { sameAll } from "../../test/same.ts";
import { toHex } from "../encoding/index.ts";
import { History } from "../history/index.ts";
import { decodeGroup } from "../change/index.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { batchesOf, liveGroups } from "./fan-out.ts";
import type { LiveGroup } from "../history/index.ts";

const DOCUMENT = new Uint8Array(32).fill(7);

/** Two chains that build on each other by turns, so that groups hold changes which wait for one another. */
function weave(length: number): Forged[] {
  const changes: Forged[] = [];
  for (let at = 0; at < length; at++) {
    const other = changes.at(-1);
    const prev = changes.at(-2) ?? null;
    changes.push(
      forge({
        document: DOCUMENT,
        author: person(at % 2),
        prev,
        parents: other !== undefined && at % 3 === 0 ? [other] : [],
      }),
    );
  }
  return changes;
}

const CHANGES = weave(8);

/** Groups of some of the changes in causal order, signed here and there. */
const anyGroup = fc
  .array(fc.constantFrom<"out" | "bare" | "signed">("out", "bare", "signed"), {
    minLength: CHANGES.length,
    maxLength: CHANGES.length,
  })
  .map((roles) => CHANGES.map((change, at) => ({ change, role: roles[at]! })))
  .map((entries) => entries.filter(({ role }) => role !== "out"))
  .filter((entries) => entries.length > 0)
  .map((entries) =>
    groupOf(
      entries.map(({ change }) => change),
      (_, at) => entries[at]!.role === "bare",
    ),
  );

describe("the groups that are stored and passed on", () => {
  it("hold all that was applied, and are enough for whoever has none of it", () => {
    fc.assert(
      fc.property(fc.array(anyGroup, { minLength: 1, maxLength: 12 }), (groups) => {
        const history = new History({ document: DOCUMENT });
        const reader = new History({ document: DOCUMENT });
        for (const group of groups) {
          const received = history.receive(group);
          const live = liveGroups(history, group, received);
          sameAll(
            live.flatMap(({ indexes }) => indexes),
            received.applied,
          );
          for (const { group: bytes, indexes } of live) {
            const results = reader.receive(bytes).results.map(({ status }) => status);
            sameAll(
              results,
              indexes.map(() => "applied"),
            );
          }
          sameAll(reader.frontier().map(toHex), history.frontier().map(toHex));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("carry the signature that was waiting when the group's own copy came without it", () => {
    const [a, b, c] = CHANGES.filter(({ header }) => header.author === CHANGES[0]!.header.author);
    const history = new History({ document: DOCUMENT });
    for (const change of CHANGES.filter((change) => change.header.lamport < c!.header.lamport))
      if (change !== a && change !== b) history.receive(change.group);
    expect(history.receive(c!.group).status).toBe("pending");
    const group = groupOf([a!, b!, c!], (change) => change === c);
    const live = liveGroups(history, group, history.receive(group));
    const reader = new History({ document: DOCUMENT });
    for (const change of CHANGES) {
      if (change !== a && change !== b && change !== c) reader.receive(change.group);
    }
    expect(live.map(({ group: bytes }) => reader.receive(bytes).status)).not.toContain("rejected");
    expect(reader.indexOf(c!.id)).toBeGreaterThanOrEqual(0);
  });

  it("are the original bytes when all of a group and nothing else was applied", () => {
    const history = new History({ document: DOCUMENT });
    const group = groupOf(CHANGES, (_, at) => at < CHANGES.length - 2);
    const received = history.receive(group);
    expect(liveGroups(history, group, received)).toEqual([{ group, indexes: received.applied }]);
  });
});

describe("groups that become ready together", () => {
  it("are one group with all that each of them holds, as it stands there", () => {
    fc.assert(
      fc.property(fc.array(anyGroup, { maxLength: 12 }), (groups) => {
        const history = new History({ document: DOCUMENT });
        const live = groups.flatMap((group) => liveGroups(history, group, history.receive(group)));
        const batches = batchesOf(live);
        expect(batches).toHaveLength(Math.min(1, live.length));
        for (const { group, indexes, parts } of batches) {
          expect(indexes).toEqual(live.flatMap((one) => one.indexes));
          expect(parts).toEqual(live.length > 1 ? live : []);
          expect(entriesOf(group)).toEqual(live.flatMap((one) => entriesOf(one.group)));
          const reader = new History({ document: DOCUMENT });
          expect(reader.receive(group).applied).toHaveLength(indexes.length);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("keep their bytes where nothing is merged", () => {
    const [only] = CHANGES;
    const live = { group: only!.group, indexes: [7] };
    expect(batchesOf([live])).toEqual([{ ...live, parts: [] }]);
    expect(batchesOf([live])[0]!.group).toBe(live.group);
    expect(batchesOf([])).toEqual([]);
  });

  it("are as many as the bounds of a group ask for, in changes and bytes", () => {
    const { group } = CHANGES[0]!;
    const some = (count: number): LiveGroup[] =>
      Array.from({ length: count }, (_, index) => ({ group, indexes: [index] }));
    const sizes = (live: readonly LiveGroup[]): number[] =>
      batchesOf(live).map(({ indexes }) => indexes.length);
    expect(sizes(some(MAX_GROUP_CHANGES))).toEqual([MAX_GROUP_CHANGES]);
    expect(sizes(some(MAX_GROUP_CHANGES + 1))).toEqual([MAX_GROUP_CHANGES, 1]);
    const half = new Uint8Array(MAX_GROUP_BYTES / 2);
    half[0] = 0x81;
    const large = [0, 1, 2].map((index) => ({ group: half, indexes: [index] }));
    expect(sizes(large)).toEqual([1, 1, 1]);
    const fitting = [0, 1, 2].map((index) => ({ group: half.subarray(2), indexes: [index] }));
    fitting.forEach(({ group: bytes }) => (bytes[0] = 0x81));
    expect(sizes(fitting)).toEqual([2, 1]);
    expect(batchesOf(fitting)[0]!.group.length).toBeLessThanOrEqual(MAX_GROUP_BYTES);
    const greatest = new Uint8Array(MAX_GROUP_BYTES);
    greatest[0] = 0x81;
    expect(sizes([{ group: greatest, indexes: [0] }, ...some(1)])).toEqual([1, 1]);
  });
});

function entriesOf(group: Uint8Array): readonly unknown[] {
  const decoded = decodeGroup(group);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}
