import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { same } from "../../test/same.ts";
import { Chains } from "./chains.ts";
import { FloatColumn, IntColumn } from "./columns.ts";

const AUTHORS = [1, 2].map((byte) => new Uint8Array(32).fill(byte));

/** Rows of a few chains: each continues a recent row, or begins; some rows are passed over, which forks a chain. */
const anyRows = fc.array(
  fc.record({
    author: fc.nat(1),
    chain: fc.nat(1),
    back: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) }),
    begins: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
    elements: fc.oneof(fc.constant(0), fc.nat(3), fc.constant(2 ** 20)),
  }),
  { minLength: 1, maxLength: 120, size: "max" },
);

interface Row {
  readonly prev: number;
  readonly seq: number;
  readonly elements: number;
  readonly name: string;
}

/** Builds chains and, beside them, plain rows. */
function build(
  steps: readonly {
    author: number;
    chain: number;
    back: number;
    begins: boolean;
    elements: number;
  }[],
): {
  chains: Chains;
  rows: Row[];
} {
  const chains = new Chains();
  const rows: Row[] = [];
  for (const { author, chain, back, begins, elements } of steps) {
    const name = `${author}/${chain}`;
    const line = [...rows.keys()].filter((row) => rows[row]!.name === name);
    const prev = begins ? -1 : (line[Math.max(0, line.length - 1 - back)] ?? -1);
    const seq = prev < 0 ? 1 : rows[prev]!.seq + 1;
    const header = { author: AUTHORS[author]!, chain: BigInt(chain), seq };
    chains.add(header, prev, elements);
    rows.push({ prev, seq, elements, name });
  }
  return { chains, rows };
}

/** A row and all before it on its chain, the nearest first. */
function lineOf(rows: readonly Row[], row: number): number[] {
  const line: number[] = [];
  for (let at = row; at >= 0; at = rows[at]!.prev) line.push(at);
  return line;
}

describe("chains", () => {
  it("find every ancestor on a chain, however it forks", () => {
    fc.assert(
      fc.property(anyRows, (steps) => {
        const { chains, rows } = build(steps);
        for (let row = 0; row < rows.length; row++) {
          const line = lineOf(rows, row);
          for (let steps = 0; steps <= line.length + 1; steps++) {
            same(chains.ancestor(row, steps), line[steps] ?? -1);
          }
          expect(chains.ancestor(row, Number.MAX_SAFE_INTEGER)).toBe(-1);
        }
      }),
    );
  });

  it("find the change in which a position of the chain's elements lies", () => {
    fc.assert(
      fc.property(anyRows, (steps) => {
        const { chains, rows } = build(steps);
        for (let row = 0; row < rows.length; row++) {
          const line = lineOf(rows, row);
          const before = (at: number): number =>
            lineOf(rows, at)
              .slice(1)
              .reduce((sum, other) => sum + rows[other]!.elements, 0);
          expect(chains.elementsBefore(row)).toBe(before(row));
          expect(chains.elements(row)).toBe(rows[row]!.elements);
          const positions = new Set([0, 1, ...line.flatMap((at) => [before(at), before(at) + 1])]);
          for (const position of positions) {
            const expected = line.find((at) => before(at) < position) ?? -1;
            expect(chains.ancestorBelow(row, position)).toBe(expected);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it("find ancestors of a long chain in few looks", () => {
    const chains = new Chains();
    const length = 100_000;
    for (let seq = 1; seq <= length; seq++) {
      chains.add({ author: AUTHORS[0]!, chain: 0n, seq }, seq - 2, 1);
    }
    const looks = [IntColumn, FloatColumn].map((column) => vi.spyOn(column.prototype, "at"));
    try {
      for (let steps = 1; steps < length; steps = steps * 3 + 1) {
        expect(chains.ancestor(length - 1, steps)).toBe(length - 1 - steps);
        expect(chains.ancestor(length - 5, length - 5)).toBe(0);
        expect(chains.ancestorBelow(length - 1, steps)).toBe(steps - 1);
        const count = looks.reduce((sum, look) => sum + look.mock.calls.length, 0);
        // A few looks for each of at most two times 17 jumps, for three questions.
        expect(count).toBeLessThan(3 * 4 * 2 * 17);
        for (const look of looks) look.mockClear();
      }
    } finally {
      for (const look of looks) look.mockRestore();
    }
  });

  it("know the tips of each chain, and a rival as soon as a seq is used twice on one line", () => {
    fc.assert(
      fc.property(anyRows, (steps) => {
        const { chains, rows } = build(steps);
        for (const name of new Set(rows.map((row) => row.name))) {
          const [author, chain] = name.split("/").map(Number) as [number, number];
          const line = [...rows.keys()].filter((row) => rows[row]!.name === name);
          const tips = line.filter((row) => !rows.some(({ prev }) => prev === row));
          const found = chains.find(AUTHORS[author]!, BigInt(chain));
          expect([...chains.tipsOf(found)].toSorted((a, b) => a - b)).toEqual(tips);
          expect(chains.tipOf(found)).toBe(tips.length === 1 ? tips[0] : -1);
          expect(chains.authorOf(found)).toEqual(AUTHORS[author]);
          expect(chains.numberOf(found)).toBe(BigInt(chain));
          expect(chains.isOf(found, AUTHORS[author]!, BigInt(chain))).toBe(true);
          expect(chains.isOf(found, AUTHORS[1 - author]!, BigInt(chain))).toBe(false);
          expect(chains.isOf(found, AUTHORS[author]!, BigInt(chain + 5))).toBe(false);
          for (const row of line) {
            same(chains.chainIndex(row), found);
            same(chains.prev(row), rows[row]!.prev);
            same(chains.seq(row), rows[row]!.seq);
            same(
              chains.next(row),
              rows.findIndex(({ prev }) => prev === row),
            );
          }
        }
        expect(chains.find(AUTHORS[0]!, 7n)).toBe(-1);
        expect(chains.count).toBe(new Set(rows.map(({ name }) => name)).size);
      }),
    );
  });

  it("report a fork for each change but the first on top of the same one, and for each second beginning", () => {
    fc.assert(
      fc.property(anyRows, (steps) => {
        const { rows } = build(steps);
        const chains = new Chains();
        for (const [row, { prev, name, elements, seq }] of rows.entries()) {
          const [author, chain] = name.split("/").map(Number) as [number, number];
          const header = { author: AUTHORS[author]!, chain: BigInt(chain), seq };
          const fork = chains.add(header, prev, elements);
          const rival = rows.findIndex((other) => other.name === name && other.prev === prev);
          if (rival === row) expect(fork).toBeNull();
          else expect(fork).toMatchObject({ seq, first: rival, second: row });
        }
      }),
    );
  });

  it("keep chains apart whose authors and numbers look alike when they are written one after the other", () => {
    const chains = new Chains();
    const author = new Uint8Array(32).fill(1);
    const other = author.slice();
    other[31] = 2;
    const at = (of: Uint8Array, chain: bigint): number => {
      chains.add({ author: of, chain, seq: 1 }, -1, 0);
      return chains.chainIndex(chains.count - 1);
    };
    const indexes = [at(author, 0n), at(author, 2n ** 64n - 1n), at(other, 0n), at(author, 36n)];
    expect(indexes).toEqual([0, 1, 2, 3]);
    expect(chains.find(other, 0n)).toBe(2);
    expect(chains.find(other.subarray(0, 31), 0n)).toBe(-1);
    expect(chains.find(other, 0n)).toBe(2);
    expect(chains.find(Uint8Array.of(...other, 0), 0n)).toBe(-1);
    expect(chains.find(author, 2n ** 64n)).toBe(-1);
    expect(chains.find(author, -1n)).toBe(-1);
  });
});
