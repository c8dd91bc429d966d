import fc from "fast-check";
import { expect, test } from "vitest";
import { ElementNumbers } from "./element-numbers.ts";

test("each element has one change, whatever the sizes of the changes", () => {
  const size = fc.oneof(fc.constant(0), fc.nat(3), fc.nat(500));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 300, size: "max" }), (sizes) => {
      const numbers = new ElementNumbers();
      const model: number[] = [];
      sizes.forEach((elements, change) => {
        numbers.append(elements);
        for (let i = 0; i < elements; i++) model.push(change);
        // Of what was numbered last, while more is to come.
        if (elements > 0) expect(numbers.changeOf(model.length - 1)).toBe(change);
      });
      expect(numbers.count).toBe(model.length);
      expect(model.map((_, element) => numbers.changeOf(element))).toEqual(model);
      sizes.forEach((elements, change) => {
        expect(numbers.countOf(change)).toBe(elements);
        if (elements > 0) expect(numbers.baseOf(change)).toBe(model.indexOf(change));
      });
    }),
    { numRuns: 50 },
  );
});
