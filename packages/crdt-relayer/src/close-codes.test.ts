import { describe, expect, it } from "vitest";
import { CLOSE, type Close } from "./close-codes.ts";

describe("the table of close codes", () => {
  const table: readonly Close[] = Object.values(CLOSE);

  it("has a code of its own for each way to end, in the ranges that RFC 6455 allows", () => {
    expect(new Set(table.map(({ code }) => code)).size).toBe(table.length);
    for (const { code } of table)
      expect((code >= 1_000 && code < 1_016) || (code >= 4_000 && code < 5_000)).toBe(true);
  });

  it("has reasons that fit into a close frame", () => {
    for (const { reason } of table) expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  });
});
