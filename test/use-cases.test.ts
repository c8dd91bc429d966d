// docs/use-cases.md: whoever reads it finds, for each program, its folder, its page and its tests; and each program is in it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "docs/use-cases.md"), "utf8");

/** Folders of examples that are no use cases, but are named below the table. */
const OTHERS = ["demo", "kit", "python-client"];

/** Programs whose page is about more than them. */
const SHARED_PAGES: { readonly [name: string]: string } = {
  auction: "commit-reveal",
  "oracle-demo": "oracle-network",
};

const rows = [...page.matchAll(/^\| \[([a-z-]+)\]\(.*$/gm)].map(([line, name = ""]) => ({
  name,
  cells: line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()),
}));

test("each example has its row, or is named beside", () => {
  const folders = readdirSync(join(root, "examples"));
  const named = [...rows.map(({ name }) => name), ...OTHERS];
  expect(folders.filter((name) => !named.includes(name))).toEqual([]);
  for (const name of OTHERS) expect(page).toContain(`[${name}](../examples/${name})`);
  expect(new Set(named).size).toBe(named.length);
  expect(rows.length).toBeGreaterThan(12);
});

describe.each(rows)("$name", ({ name, cells }) => {
  const folder = join(root, "examples", name);

  test("the row links its program and its page, names its tests, and says what it shows and what not", () => {
    expect(cells).toHaveLength(5);
    const subject = SHARED_PAGES[name] ?? name;
    expect(cells[0]).toBe(`[${name}](../examples/${name})`);
    expect(cells[1]).toBe(`[page](use-cases/${subject}.md)`);
    expect(cells[2]).toBe(`\`examples/${name}/*.test.ts\``);
    for (const words of cells.slice(3)) expect(words.length).toBeGreaterThan(40);
  });

  test("the program, its README with a transcript, and its tests are there", () => {
    const files = existsSync(folder) ? readdirSync(folder) : [];
    expect(files).toEqual(expect.arrayContaining(["README.md", "main.ts", "package.json"]));
    expect(files.filter((file) => file.endsWith(".test.ts"))).not.toEqual([]);
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(
      `$ npx --yes pnpm@10 example ${name}`,
    );
  });

  test("its page names the command that runs it, and a test of it", () => {
    const [, link = ""] = /\((.*)\)/.exec(cells[1]!)!;
    const text = readFileSync(join(root, "docs", link), "utf8");
    expect(text).toContain(`pnpm@10 example ${name}`);
    expect(text).toMatch(new RegExp(`examples/${name}|${name}/[\\w-]+\\.test\\.ts`));
  });
});
