/** The three packages as a user gets them: built, packed, and installed globally from their tarballs, far from the clone. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { blockOf } from "./page-blocks.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Their names, as folders and in the registry. */
export const packages = ["bft-json-crdt", "crdt-node", "crdt-relayer"];

/** Where a program runs, and with which variables. */
export interface Surroundings {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end and returns what it printed; what it printed is also in the error when it fails. */
export async function run(
  file: string,
  args: readonly string[],
  { cwd, env = process.env }: Surroundings,
): Promise<string> {
  try {
    return (await promisify(execFile)(file, [...args], { cwd, env })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${file} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/**
 * Installs all three under a prefix, with a folder for the tarballs in `scratch`. Returns what removes the builds that were
 * made in the clone where there were none.
 */
export async function installPackages(prefix: string, scratch: string): Promise<() => void> {
  return keepingBuilds(async () => {
    const tarballs = join(scratch, "tarballs");
    mkdirSync(tarballs);
    await run(process.execPath, [join(root, "scripts/build.js")], { cwd: root });
    await pnpm("--recursive", "--filter", "./packages/*", "pack", "--pack-destination", tarballs);
    await installTarballs(prefix, tarballs);
  });
}

/** Does what builds the packages. Returns what removes the builds where there were none; when it fails, that happens. */
export async function keepingBuilds(build: () => Promise<void>): Promise<() => void> {
  const folders = packages.map((name) => join(root, "packages", name, "dist"));
  const builtHere = folders.filter((folder) => !existsSync(folder));
  const restore = (): void => {
    for (const folder of builtHere) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await build();
  } catch (error) {
    restore();
    throw error;
  }
  return restore;
}

/** Installs the three tarballs of a folder globally, under a prefix, by the command of docs/oracle-deployment.md. */
export async function installTarballs(prefix: string, folder: string): Promise<void> {
  const files = readdirSync(folder).map((name) => join(folder, name));
  if (files.length !== packages.length) throw new Error(`packed: ${files.join(" ")}`);
  // As the page says: all three files instead of the names. Only at once does the workspace's own version of the library resolve
  // before it is published.
  const shown = blockOf("docs/oracle-deployment.md", "npm install --global ").text;
  const names = " --prefix /usr/local crdt-node crdt-relayer\n";
  if (!shown.endsWith(names)) throw new Error(`the page says: ${shown}`);
  const typed = shown.replace(names, ' --prefix "$@"');
  const options = ["--prefer-offline", "--no-audit", "--no-fund"];
  await run("bash", ["-euc", typed, "bash", prefix, ...options, ...files], { cwd: folder });
}

/** The pnpm that runs these tests when there is one, otherwise the one that npx brings. */
async function pnpm(...args: readonly string[]): Promise<void> {
  const current = process.env["npm_execpath"] ?? "";
  const running = /pnpm\.c?js$/.test(current);
  const [file, first] = running ? [process.execPath, [current]] : ["npx", ["--yes", "pnpm@10"]];
  await run(file, [...first, ...args], { cwd: root });
}
