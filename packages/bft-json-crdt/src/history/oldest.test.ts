import fc from "fast-check";
import { expect, it } from "vitest";
import { Oldest } from "./oldest.ts";

it("comes first, whatever is added and deleted meanwhile", () => {
  const anyStep = fc.oneof(
    fc.record({ add: fc.nat(40) }),
    fc.record({ delete: fc.nat(40) }),
    fc.constant("next" as const),
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 400 }), (steps) => {
      const table = new Set<number>();
      const oldest = new Oldest(table);
      for (const step of steps) {
        if (step === "next") {
          const [first] = table;
          const found = oldest.next();
          expect(found).toBe(first);
          if (found !== undefined) table.delete(found);
        } else if ("add" in step) table.add(step.add);
        else table.delete(step.delete);
      }
    }),
    { numRuns: 500 },
  );
});

it("comes first also when the table was made anew many times meanwhile", () => {
  const table = new Map<number, string>();
  const oldest = new Oldest(table);
  let added = 0;
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < 1 + ((round * 37) % 200); i++) table.set(added++, "");
    for (let i = 0; i < 1 + ((round * 53) % 190) && table.size > 0; i++) {
      const [first] = table.keys();
      expect(oldest.next()).toBe(first);
      table.delete(first!);
    }
  }
  expect(added).toBeGreaterThan(20_000);
});
