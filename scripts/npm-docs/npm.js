#!/usr/bin/env node
// pnpm 10 hands `pnpm docs` to npm, which would open the page of the package in a registry, whatever the workspace's scripts are
// called. It looks for npm among the workspace's own commands first, and finds this: `npm docs` in the root runs the script of
// that name, and all else is the real npm's.
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = realpathSync(fileURLToPath(new URL("../..", import.meta.url)));
const name = process.platform === "win32" ? "npm.cmd" : "npm";
const args = process.argv.slice(2);
const isOurs = args.length === 1 && args[0] === "docs" && realpathSync(".") === root;

const npm = (process.env["PATH"] ?? "")
  .split(delimiter)
  // What belongs to a workspace is this, or the same in a copy of this one: two of them would start each other for ever.
  .filter((folder) => !/node_modules[\\/]\.bin[\\/]?$/u.test(folder))
  .map((folder) => join(folder, name))
  .find((file) => existsSync(file) && !isThis(file));
if (npm === undefined) {
  console.error("npm is not installed.");
  process.exitCode = 1;
} else {
  const { status } = spawnSync(npm, isOurs ? ["run", "--silent", "docs"] : args, {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
}

/** @param {string} file a link to this is possible */
function isThis(file) {
  return realpathSync(file) === fileURLToPath(import.meta.url);
}
