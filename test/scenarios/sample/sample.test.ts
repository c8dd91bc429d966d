/**
 * Two properties for the tests of `pnpm scenarios`. They hold, but where the variable says so one is broken, or the file is.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../examples/kit/runs.ts";

const broken = process.env["BROKEN_SAMPLE"] ?? "";

if (broken === "file") throw new Error("this file is broken");

describe("a sample (of two)", () => {
  it("holds", () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        expect(n).toBeGreaterThanOrEqual(0);
      }),
      runs(7),
    );
  });

  it("holds, or isn't so for large numbers", () => {
    fc.assert(
      fc.property(fc.nat(1_000), (n) => {
        expect(broken === "property" && n > 800).toBe(false);
      }),
      runs(7),
    );
  });

  it("has no property", () => {
    expect(broken).not.toBe("test");
  });
});
