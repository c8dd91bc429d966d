import fc from "fast-check";
import { expect, test } from "vitest";
import { Coverage } from "./coverage.ts";

/** A graph in which a change depends on some earlier ones. */
const graphs = fc
  .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 1, maxLength: 60 })
  .map((picks) =>
    picks.map((list, index) => (index === 0 ? [] : [...new Set(list.map((pick) => pick % index))])),
  );

function ancestors(graph: readonly (readonly number[])[], index: number): Set<number> {
  const found = new Set([index]);
  for (const at of found) for (const dependency of graph[at]!) found.add(dependency);
  return found;
}

test("an acknowledgement covers a change and exactly what it builds on", () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(59)), (graph, picks) => {
      const coverage = new Coverage();
      const expected = new Set<number>();
      for (const pick of picks) {
        const index = pick % graph.length;
        coverage.add({ length: graph.length, dependencies: (at) => graph[at]! }, index);
        for (const covered of ancestors(graph, index)) expected.add(covered);
      }
      const covered = graph.map((_, index) => index).filter((index) => coverage.has(index));
      expect(covered).toEqual([...expected].toSorted((a, b) => a - b));
    }),
  );
});

test("an acknowledgement of what is not here covers nothing", () => {
  const coverage = new Coverage();
  coverage.add({ length: 0, dependencies: () => [] }, -1);
  expect(coverage.has(0)).toBe(false);
});
