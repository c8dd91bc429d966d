import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteLog } from "./byte-log.ts";
import { Signatures } from "./signatures.ts";

describe("a log of bytes", () => {
  it("gives back what was added, of any size, and keeps no hold on what it was given", () => {
    const sizes = fc.oneof(fc.nat(300), fc.constantFrom(0, 4_095, 4_096, 4_097, 1_048_577));
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 60 }), (list) => {
        const log = new ByteLog();
        const scratch = new Uint8Array(1_048_577);
        for (const [row, size] of list.entries()) log.push(scratch.subarray(0, size).fill(row + 1));
        scratch.fill(0);
        expect(log.length).toBe(list.length);
        for (const [row, size] of list.entries()) {
          expect(log.sizeAt(row)).toBe(size);
          expect(log.at(row).length).toBe(size);
          expect(log.at(row).every((byte) => byte === row + 1)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("a column of signatures", () => {
  it("knows which changes have one, also when it comes later", () => {
    const column = new Signatures();
    column.push(null);
    column.push(new Uint8Array(64).fill(1));
    column.push(null);
    column.set(2, new Uint8Array(64).fill(2));
    expect([0, 1, 2].map((row) => column.has(row))).toEqual([false, true, true]);
    expect([0, 1, 2].map((row) => column.at(row)?.[0] ?? null)).toEqual([null, 1, 2]);
    expect(() => column.set(0, new Uint8Array(63))).toThrow("64 bytes");
  });
});
