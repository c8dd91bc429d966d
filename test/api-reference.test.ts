// The API reference (`pnpm run docs`) is made without a warning: every public thing has a docstring, every link in one leads
// somewhere, and no type that is mentioned is missing.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
});

test("what is left without a docstring are members of unions, whose union has one", () => {
  const config = JSON.parse(readFileSync(join(root, "typedoc.json"), "utf8")) as {
    intentionallyNotDocumented: string[];
  };
  const others = config.intentionallyNotDocumented.filter((name) => !name.includes(".__type."));
  expect(others).toEqual([]);
});
