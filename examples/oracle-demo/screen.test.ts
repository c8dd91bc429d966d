/** What is written to a terminal, and to what is none. */
import { stripVTControlCharacters } from "node:util";
import { PRICE_UNIT } from "example-oracle-network";
import { describe, expect, it } from "vitest";
import type { State } from "./demo.ts";
import { pictureOf, Screen } from "./screen.ts";
import type { Output } from "./screen.ts";

const NAMES = ["ann", "ben", "cem", "dot", "eve", "mallory", "oscar"];

function stateAt(elapsed: number, isParted = false): State {
  const nodes = NAMES.map((name, at) => ({
    name,
    isHonest: at < 5,
    attested: 2_500n * PRICE_UNIT,
    price: BigInt(2_500 + at) * PRICE_UNIT,
    confidence: 8_100n,
    kept: 5,
    rejected: 2,
    noticed: at === 0 ? 15_040 : null,
  }));
  return { elapsed, isParted, market: 2_500n * PRICE_UNIT, nodes };
}

function output(size: Partial<Output>): Output & { readonly written: string[] } {
  const written: string[] = [];
  return { ...size, written, write: (text) => written.push(text) };
}

const TERMINAL = { isTTY: true, columns: 80, rows: 24 };

describe("a screen", () => {
  it("fits 80 columns and 24 rows, however much happens", () => {
    const out = output(TERMINAL);
    const screen = new Screen(out, true);
    screen.state(stateAt(99_600, true));
    for (let at = 0; at < 30; at++) screen.event(at, `${NAMES[5]} ${"x".repeat(60)}`);
    const lines = stripVTControlCharacters(out.written.at(-1)!).split("\n");
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("draws in place on a terminal, and gives the cursor back", () => {
    const out = output(TERMINAL);
    const screen = new Screen(out, true);
    screen.state(stateAt(600));
    screen.state(stateAt(1_600));
    screen.close();
    const height = pictureOf(stateAt(600)).length + 1;
    expect(out.written[0]!.startsWith("\u001B[?25l")).toBe(true);
    expect(out.written[1]!.startsWith(`\u001B[${height}A\u001B[J`)).toBe(true);
    expect(out.written.at(-1)).toBe("\u001B[?25h");
    // The network settles once more when all is over, and a proof may come only then.
    screen.event(1_700, "eve has a proof");
    expect(out.written.slice(3)).toEqual(["  1.7 s  eve has a proof\n"]);
  });

  it("writes plain lines to what is no terminal, or too small, or when that is wanted", () => {
    for (const [size, wantsTable] of [
      [{}, true],
      [{ ...TERMINAL, columns: 79 }, true],
      [{ ...TERMINAL, rows: 10 }, true],
      [TERMINAL, false],
    ] as const) {
      const out = output(size);
      const screen = new Screen(out, wantsTable);
      screen.state(stateAt(15_600));
      screen.event(15_700, "something");
      screen.state(stateAt(29_600));
      screen.close();
      expect(out.written).toEqual([
        " 15.6 s  whole   honest: 2500.00 to 2504.00, apart 0.16%; proof: 1 of 5\n",
        " 15.7 s  something\n",
        `\n${pictureOf(stateAt(29_600)).join("\n")}\n\n`,
      ]);
    }
  });
});
