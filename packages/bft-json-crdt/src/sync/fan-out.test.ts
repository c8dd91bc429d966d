import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { History } from "../history/index.ts";
import { liveGroups } from "./fan-out.ts";

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
          expect(live.flatMap(({ indexes }) => indexes)).toEqual(received.applied);
          for (const { group: bytes, indexes } of live) {
            const results = reader.receive(bytes).results.map(({ status }) => status);
            expect(results).toEqual(indexes.map(() => "applied"));
          }
          expect(reader.frontier()).toEqual(history.frontier());
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
