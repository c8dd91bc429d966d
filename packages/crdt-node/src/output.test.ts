import fc from "fast-check";
import { expect, test } from "vitest";
import { count, formatTime, printable } from "./output.ts";

test("text of strangers can neither steer a terminal nor change the direction of what stands around it", () => {
  expect(printable("a\u001b[2Jb")).toBe("a\\u{1b}[2Jb");
  // Letters that are not seen: tags, a soft hyphen, a vowel separator, an annotation.
  expect(printable("a\u{e0041}\u00ad\u180e\ufff9")).toBe("a\\u{e0041}\\u{ad}\\u{180e}\\u{fff9}");
  expect(printable("x\u202ey\nz")).toBe("x\\u{202e}y\\u{a}z");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    }),
  );
});

test("ordinary text of any script is shown as it is", () => {
  for (const text of ["žluťoučký kůň", "小明", "👩", "مرحبا"]) expect(printable(text)).toBe(text);
});

test("a claimed time is shown in UTC, whatever was claimed", () => {
  expect(formatTime(0)).toBe("1970-01-01T00:00:00Z");
  expect(formatTime(null)).toBe("-");
  expect(formatTime(Number.MAX_SAFE_INTEGER)).toBe("?9007199254740991");
});

test("things are counted in words", () => {
  expect(count(1, "change")).toBe("1 change");
  expect(count(3_000, "transaction")).toBe("3,000 transactions");
});
