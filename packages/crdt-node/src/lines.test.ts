import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, LineSplitter } from "./lines.ts";

const encoder = new TextEncoder();

function split(bytes: Uint8Array, cuts: readonly number[], maxBytes: number): Line[] {
  const splitter = new LineSplitter(maxBytes);
  const lines: Line[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    const end = Math.max(start, Math.min(cut, bytes.length));
    lines.push(...splitter.push(bytes.slice(start, end)));
    start = end;
  }
  const last = splitter.end();
  if (last !== null) lines.push(last);
  return lines;
}

test("lines are the same however the bytes were cut up on their way", () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme" }).map((line) => line.replace(/[\r\n\ufeff]/gu, "")),
  );
  fc.assert(
    fc.property(
      lines,
      fc.array(fc.nat(200)),
      fc.constantFrom("\n", "\r\n"),
      (texts, cuts, lineBreak) => {
        const bytes = encoder.encode(texts.map((line) => line + lineBreak).join(""));
        const found = split(
          bytes,
          cuts.toSorted((a, b) => a - b),
          1_000_000,
        );
        expect(found).toEqual(texts.map((line) => ({ ok: true, text: line })));
      },
    ),
  );
});

test("a last line without a line break is a line", () => {
  expect(split(encoder.encode("a\nb"), [], 10)).toEqual([
    { ok: true, text: "a" },
    { ok: true, text: "b" },
  ]);
});

test("a line up to the bound is kept and a longer one is reported once, wherever it is cut", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.nat(60)),
      fc.constantFrom("\n", "\r\n"),
      (length, cuts, end) => {
        const bytes = encoder.encode(`${"x".repeat(length)}${end}next\n`);
        const first: Line =
          length <= 16 ? { ok: true, text: "x".repeat(length) } : { ok: false, reason: "too_long" };
        expect(
          split(
            bytes,
            cuts.toSorted((a, b) => a - b),
            16,
          ),
        ).toEqual([first, { ok: true, text: "next" }]);
      },
    ),
  );
});

test("a line that is not UTF-8 is reported and the next one is read", () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x0a, 0x62, 0x0a);
  expect(split(bytes, [], 10)).toEqual([
    { ok: false, reason: "not_utf8" },
    { ok: true, text: "b" },
  ]);
});

test("of a line without an end no more is held than of the longest that is read", () => {
  const splitter = new LineSplitter(100);
  const chunk = new Uint8Array(7).fill(0x78);
  let most = 0;
  for (let i = 0; i < 1_000; i++) {
    expect(splitter.push(chunk)).toEqual([]);
    most = Math.max(most, splitter.held);
  }
  expect(most).toBeGreaterThan(90);
  expect(most).toBeLessThanOrEqual(101);
  expect(splitter.push(Uint8Array.of(0x0a))).toEqual([{ ok: false, reason: "too_long" }]);
});
