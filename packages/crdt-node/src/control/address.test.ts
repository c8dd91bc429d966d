import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NodeHome, nodeHome } from "../home.ts";
import { claimAddress, findAddress, releaseAddress } from "./address.ts";

let base = "";
const made: string[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "address-"));
});
afterEach(() => {
  for (const folder of [base, ...made.splice(0)]) rmSync(folder, { recursive: true, force: true });
});

function homeOf(name: string, depth: string): NodeHome {
  const home = nodeHome(name, { SIDE_HOME: join(base, depth) });
  mkdirSync(home.folder, { recursive: true });
  return home;
}

/** A node whose folder is too deep for a socket, and where its socket is. */
function deep(name = "alice"): { readonly home: NodeHome; readonly path: string } {
  const home = homeOf(name, "d".repeat(100));
  const path = claimAddress(home);
  made.push(dirname(path));
  return { home, path };
}

test("a socket is in the node's folder where its path is short enough", () => {
  const home = homeOf("alice", "short");
  expect([claimAddress(home), findAddress(home)]).toEqual([home.socket, home.socket]);
  expect(existsSync(home.socketPointer)).toBe(false);
});

test("else it is in a private folder, which is found until it is released", () => {
  const { home, path } = deep();
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
  expect(findAddress(home)).toBe(path);
  releaseAddress(home);
  expect([existsSync(dirname(path)), existsSync(home.socketPointer)]).toEqual([false, false]);
  expect(findAddress(home)).toBe(home.socket);
});

test.each<[string, (folder: string) => void]>([
  ["is open to others", (folder) => chmodSync(folder, 0o755)],
  ["does not say whose it is", (folder) => rmSync(join(folder, "node"))],
  ["is another node's", (folder) => writeFileSync(join(folder, "node"), "/home/bob/.side/bob")],
  [
    "is a link to another place",
    (folder) => {
      renameSync(folder, `${folder}-moved`);
      symlinkSync(`${folder}-moved`, folder);
      made.push(`${folder}-moved`);
    },
  ],
  ["is gone", (folder) => rmSync(folder, { recursive: true })],
])("a private folder that %s is neither believed nor removed", (_, change) => {
  const { home, path } = deep();
  change(dirname(path));
  expect(findAddress(home)).toBe(home.socket);
  const isThere = existsSync(dirname(path));
  releaseAddress(home);
  expect(existsSync(dirname(path))).toBe(isThere);
});

test("a path to a folder of another name is not believed", () => {
  const { home, path } = deep();
  const elsewhere = join(base, "elsewhere");
  cpSync(dirname(path), elsewhere, { recursive: true });
  chmodSync(elsewhere, 0o700);
  writeFileSync(home.socketPointer, join(elsewhere, "control.sock"));
  expect(findAddress(home)).toBe(home.socket);
});

test("a copy of a node's folder leaves the original's socket alone", () => {
  const { home, path } = deep();
  const copy = homeOf("copy", "d".repeat(100));
  cpSync(home.folder, copy.folder, { recursive: true });
  expect(readFileSync(copy.socketPointer, "utf8")).toBe(path);
  expect(findAddress(copy)).toBe(copy.socket);
  made.push(dirname(claimAddress(copy)));
  expect(findAddress(home)).toBe(path);
});
