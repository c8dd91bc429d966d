// docs/use-cases.md: whoever reads it finds, for each program, its folder, its page and its tests; and each program is in it.
// The pages behind it: the tests that they name exist, each row that says what somebody can do at worst names one, what they say
// that a program prints is in its transcript, and figures of the benchmarks are those of docs/benchmarks.md.
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

const SUBJECTS = readdirSync(join(root, "docs/use-cases"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => name.slice(0, -".md".length));

/** Where the tests are that a page names without a path, besides `examples/` and its own name. */
const TEST_FOLDERS: { readonly [subject: string]: readonly string[] } = {
  "commit-reveal": ["packages/bft-json-crdt/src/commit-reveal/", "examples/auction/"],
  "oracle-network": ["examples/oracle-network/", "examples/oracle-demo/"],
};

/** Tests as a page names them: "`file › name › name`", outer names first; … stands for the rest of a name. */
interface Citation {
  readonly file: string;
  readonly names: readonly string[];
}

const CITATION = /`([^`\s]+\.test\.ts)\s+›\s+([^`]+)`/gu;

/** The tests that a text names. */
function citationsIn(text: string): Citation[] {
  return [...text.matchAll(CITATION)].map(([, file = "", names = ""]) => ({
    file,
    names: names.replace(/\s+/gu, " ").split(" › "),
  }));
}

/** Of what a page of this subject names, what is not there. */
function missingOf(subject: string, citations: readonly Citation[]): Citation[] {
  const folders = [...(TEST_FOLDERS[subject] ?? [`examples/${subject}/`]), ""];
  return citations.filter(({ file, names }) => {
    const path = folders.map((folder) => join(root, folder, file)).find(existsSync);
    if (path === undefined) return true;
    const tests = readFileSync(path, "utf8").replace(/\(\s+"/gu, '("');
    return !names.every((name) =>
      tests.includes(name.endsWith("…") ? `("${name.slice(0, -1).trim()}` : `("${name}"`),
    );
  });
}

/** The rows of those tables that say who can do what, or name tests, without the heads. */
function claimsIn(text: string): string[] {
  const tables = [...text.matchAll(/^(\|.*\|)\n\|[-:|]+\|\n((?:\|.*\|\n)+)/gmu)];
  return tables.flatMap(([, head = "", body = ""]) =>
    /^\| who |\| tests?\b/u.test(head) ? body.trimEnd().split("\n") : [],
  );
}

describe.each(SUBJECTS)("docs/use-cases/%s.md", (subject) => {
  const text = readFileSync(join(root, `docs/use-cases/${subject}.md`), "utf8");

  test("names tests that exist, and in one form", () => {
    const citations = citationsIn(text);
    expect(citations.length).toBeGreaterThan(5);
    expect(missingOf(subject, citations)).toEqual([]);
    expect(text.replace(CITATION, "")).not.toContain("›");
  });

  test("names a test in each row that says who can do what", () => {
    const rows = claimsIn(text);
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.filter((row) => citationsIn(row).length === 0)).toEqual([]);
  });

  test("quotes what the program prints", () => {
    const [, name = subject] = /pnpm@10 example ([a-z-]+)/u.exec(text) ?? [];
    const readme = readFileSync(join(root, "examples", name, "README.md"), "utf8");
    for (const [, printed = ""] of text.matchAll(/The program prints "?([^."]+)/gu)) {
      expect(readme.replace(/\s+/gu, " ")).toContain(printed.replace(/\s+/gu, " "));
    }
  });
});

test("tests that are not there are found", () => {
  const [file, name] = ["book.test.ts", "is nobody's but the owner's"];
  const wrong = [
    { file: "no.test.ts", names: [name] },
    { file, names: ["is nobody's"] },
    { file, names: ["a cancellation", "is anybody's"] },
    { file, names: ["nobody's but the owner's"] },
  ];
  const right = [
    { file, names: ["a cancellation", name] },
    { file, names: ["is nobody's …"] },
  ];
  expect(missingOf("order-book", [...wrong, ...right])).toEqual(wrong);
  expect(citationsIn(`(\`${file} › a\n  b › c\`)`)).toEqual([{ file, names: ["a b", "c"] }]);
  const tables = ["| who | at worst |", "| it gives | test |", "| call | checks |"].map(
    (head, at) => `${head}\n|---|--:|\n| ${at} | one |\n| ${at} | two |\n`,
  );
  expect(claimsIn(tables.join("\n"))).toEqual([
    "| 0 | one |",
    "| 0 | two |",
    "| 1 | one |",
    "| 1 | two |",
  ]);
});

test("figures of the benchmarks are those of docs/benchmarks.md", () => {
  const figuresIn = (text: string): string[] => text.match(/\d[\d,.]* (?:ms|kB|MB)\b/gu) ?? [];
  const read = (page: string): string => readFileSync(join(root, "docs", page), "utf8");
  const quoting = SUBJECTS.flatMap((name) => read(`use-cases/${name}.md`).split("\n\n")).filter(
    (paragraph) => paragraph.includes("benchmarks.md"),
  );
  const quoted = figuresIn([...quoting, read("coming-from.md")].join("\n"));
  expect(quoted.length).toBeGreaterThan(10);
  const measured = new Set(figuresIn(read("benchmarks.md")));
  expect(quoted.filter((figure) => !measured.has(figure))).toEqual([]);
});
