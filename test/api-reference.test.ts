// The API reference (`pnpm docs`, `pnpm run docs`) is made without a warning: every public thing has a docstring, every link in one leads
// somewhere, and no type that is mentioned is missing.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
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
  // That the sources have no error of types is for `pnpm typecheck`, which needs a quarter of the time.
  const args = [typedoc, "--skipErrorChecking", "--out", folder];
  const made = await promisify(execFile)(process.execPath, args, {
    cwd: root,
  });
  expect(`${made.stdout}${made.stderr}`).not.toContain("warning");
  const page = (name: string): boolean =>
    ["classes", "functions", "variables"].some((kind) =>
      existsSync(join(folder, kind, `${name}.html`)),
    );
  expect(Object.keys(library).length).toBeGreaterThan(60);
  expect(Object.keys(library).filter((name) => !page(name))).toEqual([]);

  // Its pages lead to each other and, from where `pnpm docs` writes them, to the sources.
  const links = pagesIn(folder).flatMap((file) => {
    const targets = readFileSync(file, "utf8").matchAll(/href="(?![a-z]+:)([^"#]+)/g);
    return [...targets].map(([, target = ""]) => join(dirname(relative(folder, file)), target));
  });
  const exists = (link: string): boolean =>
    existsSync(link.startsWith("..") ? join(root, "docs/api", link) : join(folder, link));
  expect(links.filter((link) => link.endsWith("document/document.ts"))).not.toEqual([]);
  expect([...new Set(links)].filter((link) => !exists(link))).toEqual([]);
});

// pnpm hands the word `docs` to the first npm that it finds, with the workspace's own commands before all others.
test("`pnpm docs` makes it, and whatever else npm is asked is npm's", async () => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "npm"), '#!/bin/sh\necho "npm $*"\nexit 3\n', { mode: 0o755 });
  // A copy of this workspace beside it has the same command, and the two must not hand the word to each other.
  const copied = join(folder, "copy/node_modules/.bin");
  mkdirSync(copied, { recursive: true });
  cpSync(join(root, "scripts/npm-docs"), join(folder, "copy/scripts/npm-docs"), {
    recursive: true,
  });
  symlinkSync("../../scripts/npm-docs/npm.js", join(copied, "npm"));
  const own = join(root, "node_modules/.bin");
  const PATH = [own, copied, bin, process.env["PATH"]].join(delimiter);
  const asked = async (cwd: string, ...args: string[]): Promise<string> => {
    const run = promisify(execFile)("npm", args, { cwd, env: { ...process.env, PATH } });
    const { code, stdout } = (await run.catch((error: unknown) => error)) as {
      code: number;
      stdout: string;
    };
    return `${stdout.trim()}, exit ${code}`;
  };
  expect(await asked(root, "docs")).toBe("npm run --silent docs, exit 3");
  expect(await asked(join(root, "packages"), "docs")).toBe("npm docs, exit 3");
  expect(await asked(root, "docs", "ws")).toBe("npm docs ws, exit 3");
  expect(await asked(root, "pack", "--json")).toBe("npm pack --json, exit 3");
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
