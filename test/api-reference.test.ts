// The API reference (`pnpm run docs`) is made without a warning: every public thing has a docstring, every link in one leads
// somewhere, and no type that is mentioned is missing.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import * as library from "bft-json-crdt";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "api-reference-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("it is made without a warning, and has a page for whatever the library exports", async () => {
  const typedoc = join(root, "node_modules/typedoc/bin/typedoc");
  const made = await promisify(execFile)(process.execPath, [typedoc, "--out", folder], {
    cwd: root,
  });
  expect(`${made.stdout}${made.stderr}`).not.toContain("warning");
  const page = (name: string): boolean =>
    ["classes", "functions", "variables"].some((kind) =>
      existsSync(join(folder, kind, `${name}.html`)),
    );
  expect(Object.keys(library).length).toBeGreaterThan(60);
  expect(Object.keys(library).filter((name) => !page(name))).toEqual([]);

  // Its pages lead to each other and, from where `pnpm run docs` writes them, to the sources.
  const links = pagesIn(folder).flatMap((file) => {
    const targets = readFileSync(file, "utf8").matchAll(/href="(?![a-z]+:)([^"#]+)/g);
    return [...targets].map(([, target = ""]) => join(dirname(relative(folder, file)), target));
  });
  const exists = (link: string): boolean =>
    existsSync(link.startsWith("..") ? join(root, "docs/api", link) : join(folder, link));
  expect(links.filter((link) => link.endsWith("document/document.ts"))).not.toEqual([]);
  expect([...new Set(links)].filter((link) => !exists(link))).toEqual([]);
});

test("what is left without a docstring are members of unions, whose union has one", () => {
  const config = JSON.parse(readFileSync(join(root, "typedoc.json"), "utf8")) as {
    intentionallyNotDocumented: string[];
  };
  const others = config.intentionallyNotDocumented.filter((name) => !name.includes(".__type."));
  expect(others).toEqual([]);
});

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".html"))
    .map((name) => join(folder, name));
}
