/**
 * Options bound what waits and what is remembered. None of them may change a verdict: a change that one honest replica
 * has applied, no other one rejects.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentId, History } from "../../src/index.ts";
import type { HistoryLimits } from "../../src/index.ts";
import { anyWorld, validOf } from "../history-model.ts";
import { shuffled } from "./scene.ts";

const DOCUMENT = documentId("options");

const OPTIONS: readonly Partial<HistoryLimits>[] = [
  {},
  { pendingBytes: 0 },
  { pendingBytes: 3_000, pendingBytesPerPeer: 2_000, pendingBytesPerAuthor: 1_500 },
  { pendingBytesPerPeer: 1_400, rejectedIds: 1 },
  { rejectedIds: 0 },
  { pendingBytes: 1e9, pendingBytesPerPeer: 1e9, pendingBytesPerAuthor: 1e9, rejectedIds: 1e6 },
];

describe("replicas with different options", () => {
  it("apply the same changes and reject the same ids, whatever came in which order: options only delay", () => {
    let rejections = 0;
    let dropped = 0;
    // How many of these a world holds differs a lot: more worlds until enough have been seen.
    const areEnough = (): boolean => rejections > 50 && dropped > 10;
    for (let round = 0; round < 10 && !areEnough(); round++) {
      fc.assert(
        fc.property(anyWorld(DOCUMENT, 14), fc.nat(), (changes, seed) => {
          const valid = validOf(DOCUMENT, changes);
          const verdicts = OPTIONS.map((limits, at) => {
            const history = new History({ document: DOCUMENT, limits });
            for (const { group } of shuffled(changes, seed + at))
              if (history.receive(group, `peer ${at % 2}`).code === "over_quota") dropped++;
            // What was dropped comes again, until nothing is new.
            for (let before = -1; before !== history.length;) {
              before = history.length;
              for (const { group } of changes) history.receive(group);
            }
            return changes.map(({ hex, group }) => {
              const { status, results } = history.receive(group);
              const verdict = results[0]!;
              if (status === "rejected" && verdict.scope === "change") {
                rejections++;
                expect(valid.has(hex)).toBe(false);
                return "rejected";
              }
              // Where nothing of a chain of refused changes is remembered, its end waits or is dropped instead.
              return status === "duplicate" ? "applied" : "not applied";
            });
          });
          for (const verdict of verdicts)
            expect(verdict.map((one) => one === "applied")).toEqual(
              changes.map(({ hex }) => valid.has(hex)),
            );
        }),
        { numRuns: 25 },
      );
    }
    expect(rejections).toBeGreaterThan(50);
    expect(dropped).toBeGreaterThan(10);
  });
});
