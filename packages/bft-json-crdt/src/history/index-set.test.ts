import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexSet } from "./index-set.ts";

describe("a set of indexes", () => {
  it("is a Set in the order of addition, however many it holds", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(39)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (list) => {
        const set = new IndexSet();
        const model = new Set<number>();
        for (const [adds, index] of list) {
          if (!adds) {
            set.delete(index);
            model.delete(index);
          } else if (!model.has(index)) {
            set.add(index);
            model.add(index);
          }
          expect([...set]).toEqual([...model]);
          expect(set.size).toBe(model.size);
          expect(set.first).toBe([...model][0] ?? -1);
          expect(set.has(index)).toBe(model.has(index));
        }
      }),
    );
  });

  it("holds very many, and then few again", () => {
    const set = new IndexSet();
    for (let index = 0; index < 10_000; index++) set.add(index);
    expect(set.has(9_999)).toBe(true);
    for (let index = 0; index < 9_999; index++) set.delete(index);
    expect([...set]).toEqual([9_999]);
    set.add(3);
    expect([...set]).toEqual([9_999, 3]);
  });
});
