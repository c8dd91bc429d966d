import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { same, sameAll } from "../../test/same.ts";
import { sha256 } from "../crypto/index.ts";
import { compareBytes, toHex } from "../encoding/index.ts";
import { IdTable } from "./id-table.ts";

const anyIds = fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
  selector: toHex,
  maxLength: 300,
  size: "max",
});

function tableOf(ids: readonly Uint8Array[]): IdTable {
  const table = new IdTable();
  for (const id of ids) table.add(id);
  return table;
}

/** The table's hash without its secret: what an author would grind against. */
function unkeyed(id: Uint8Array): number {
  let h = 0;
  for (let at = 0; at < 32; at += 4) {
    const word = id[at]! | (id[at + 1]! << 8) | (id[at + 2]! << 16) | (id[at + 3]! << 24);
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

describe("a table of ids", () => {
  it("numbers ids in the order in which they come, and finds just those", () => {
    fc.assert(
      fc.property(anyIds, anyIds, (ids, others) => {
        const table = tableOf(ids);
        expect(table.length).toBe(ids.length);
        for (const [row, id] of ids.entries()) {
          same(table.find(id), row);
          sameAll([...table.at(row)], [...id]);
        }
        const known = new Set(ids.map(toHex));
        for (const id of others) if (!known.has(toHex(id))) same(table.find(id), -1);
      }),
      { numRuns: 30 },
    );
  });

  it("finds an id from when it was added, whenever others were searched for, and copies it", () => {
    fc.assert(
      fc.property(
        anyIds,
        fc.array(fc.boolean(), { minLength: 300, maxLength: 300 }),
        (ids, searches) => {
          const table = new IdTable();
          const copied = new Uint8Array(32);
          for (const [row, id] of ids.entries()) {
            if (searches[row]!) same(table.find(id), -1);
            same(table.add(id), row);
            if (!searches[row]!) continue;
            for (let before = 0; before <= row; before++) {
              if (table.find(ids[before]!) !== before)
                expect.fail(`id ${before} of ${row + 1} is lost`);
            }
            table.copy(row >> 1, copied);
            expect(copied).toEqual(ids[row >> 1]);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it("compares ids as bytes", () => {
    fc.assert(
      fc.property(anyIds, (ids) => {
        const table = tableOf(ids);
        for (let a = 0; a < ids.length; a++) {
          const b = (a * 7 + 3) % ids.length;
          expect(Math.sign(table.compare(a, b))).toBe(Math.sign(compareBytes(ids[a]!, ids[b]!)));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("tells ids apart that differ in one byte only, wherever", () => {
    const ids: Uint8Array[] = [];
    for (let at = 0; at < 32; at++) {
      for (let byte = 1; byte < 64; byte++) ids.push(new Uint8Array(32).fill(byte, at, at + 1));
    }
    const table = tableOf(ids);
    expect(ids.every((id, row) => table.find(id) === row)).toBe(true);
    expect(table.find(new Uint8Array(32))).toBe(-1);
  });

  it("needs no more looks for ids that somebody ground into one bucket", () => {
    const ground: Uint8Array[] = [];
    let seed = sha256(new Uint8Array(1));
    // A table of 1,000 ids has 2,048 slots: without a secret all of these would begin to look in the same eight.
    while (ground.length < 1_000) {
      seed = sha256(seed);
      for (let tail = 0; tail < 20_000 && ground.length < 1_000; tail++) {
        const id = seed.slice();
        id[0] = tail;
        id[1] = tail >> 8;
        if ((unkeyed(id) & 2_040) === 0) ground.push(id);
      }
    }
    const table = tableOf(ground);
    expect(ground.every((id, row) => table.find(id) === row)).toBe(true);
    // Half full, as it is here, some have to go a few slots further. In eight slots they would go a hundred and more.
    expect(table.longestWay).toBeLessThan(60);
  });
});
