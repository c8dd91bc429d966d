/** Keeps docs/checks.md in step with the sources and the tests; `pnpm mutants` is what fills it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { findChecks, staleChecks } from "./checks.ts";
import { EQUIVALENT, MOST_OPEN } from "./equivalent.ts";
import { sitesOf, withMutants } from "./sites.ts";
import { countRows, readTable, reasonCellOf, rowsIn, TABLE_FILE, titlesIn } from "./table.ts";
import { Titles } from "./titles.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, TABLE_FILE), "utf8");

describe("the table of checks (if it fails: pnpm mutants --new --write)", () => {
  const sites = findChecks(root);
  const cells = readTable(page, sites);

  it("names every check of the sources once, and nothing else", () => {
    const rows = rowsIn(page, sites);
    expect(sites.filter(({ key }) => !rows.has(key)).map(({ key }) => key)).toEqual([]);
    expect(new Set(sites.map(({ key }) => key)).size).toBe(sites.length);
    expect(countRows(page)).toBe(sites.length);
  });

  it("finds the code of every curated check", () => {
    expect(staleChecks(sites)).toEqual([]);
  });

  it("has for every check a test that exists, or the reason why there is none", () => {
    const titles = new Titles(["packages", "test"].map((folder) => join(root, folder)));
    const wrong = sites.flatMap(({ key }) => {
      const cell = cells.get(key);
      const reason = reasonCellOf(key);
      if (reason !== null) return cell === reason ? [] : [`${key}: the reason is another one`];
      // Counted below.
      if (cell === undefined) return [];
      const named = titlesIn(cell);
      if (named === null || named.length === 0) return [`${key}: no test`];
      return named.every((title) => titles.has(title)) ? [] : [`${key}: ${cell} is no test`];
    });
    expect(wrong).toEqual([]);
  });

  it("leaves no more open than it did", () => {
    expect(sites.length - cells.size).toBeLessThanOrEqual(MOST_OPEN);
  });

  it("holds every test that docs/threat-model.md names for a check", () => {
    const model = readFileSync(join(root, "docs/threat-model.md"), "utf8");
    const [, after = ""] = model.split("## Checks and the tests that miss them");
    const [section = ""] = after.split("\n## ");
    const named = [...section.matchAll(/^\| .* \| (?<test>\S+\.test\.ts › .*) \|$/gmu)].map(
      ({ groups }) => groups!["test"]!,
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((test) => !page.includes(test))).toEqual([]);
  });

  it("gives reasons only for checks that there are", () => {
    const keys = new Set(sites.map(({ key }) => key));
    expect(Object.keys(EQUIVALENT).filter((key) => !keys.has(key))).toEqual([]);
  });
});

describe("finding checks", () => {
  const found = (text: string): string[] =>
    sitesOf("packages/x/src/history/x.ts", text, "guard").map(
      ({ where, what }) => `${where}: ${what}`,
    );

  it("takes each operand that refuses on its own", () => {
    expect(
      found("function read(a) { if (a < 0 || (a > 9 && !b)) return null; return a; }"),
    ).toEqual(["read: refuse if `a < 0`", "read: refuse if `a > 9 && !b`"]);
    expect(found("function read(a) { if (!(a >= 0 && a < 9)) throw new Error(); }")).toEqual([
      "read: demand `a >= 0`",
      "read: demand `a < 9`",
    ]);
  });

  it("takes what a question answers, what is chosen instead of a value, and what is caught", () => {
    expect(found("class A { isGood(a) { return a > 1 && this.b; } }")).toEqual([
      "A.isGood: demand `a > 1`",
      "A.isGood: demand `this.b`",
    ]);
    expect(found("const f = (a) => { x = a.ok ? a.value : null; };")).toEqual(["f: demand `a.ok`"]);
    expect(found("function f() { try { g(); } catch { return null; } }")).toEqual([
      "f: catch what is thrown",
    ]);
    expect(found("function f(a) { if (a.ok) return a.value; this.fail(); return 0; }")).toEqual([
      "f: demand `a.ok`",
    ]);
  });

  it("passes over conditions that refuse nothing", () => {
    expect(found("function f(a) { if (a > 1) g(a); else h(a); return a ? 1 : 2; }")).toEqual([]);
  });

  it("numbers equal conditions of one function, and does not depend on lines", () => {
    const text = "function f(a) {\n if (a)\n  return null;\n g();\n if (a) return null; }";
    expect(found(text)).toEqual(["f: refuse if `a`", "f: refuse if `a` (2)"]);
  });

  it("puts each mutant behind its number, one inside another too", () => {
    const text =
      "function f(a) { if (a.some((b) => { if (b) return false; })) return null; return 1; }";
    const mutants = sitesOf("x.ts", text, "guard").map(({ edits }, id) => ({ id, edits }));
    const run = (active: number, a: readonly boolean[]): unknown => {
      const make = runInNewContext(`(__mutant) => { ${withMutants(text, mutants)} return f; }`) as (
        isActive: (id: number) => boolean,
      ) => (a: readonly boolean[]) => unknown;
      return make((id) => id === active)(a);
    };
    expect(mutants).toHaveLength(2);
    expect(withMutants(text, [])).toBe(text);
    expect(run(-1, [true])).toBe(1);
    expect(run(0, [true])).toBe(1);
  });
});
