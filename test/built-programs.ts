/**
 * Before all tests: the commands, the examples and other programs are bundled, each into one file of JavaScript, once, so that the
 * hundreds of processes that tests start do not each compile and load hundreds of modules anew. Where nothing is built (a test
 * that is run in another way), programs run from their sources. That the packages work as they are published is for
 * packaging.test.ts; that the programs run from their sources, for the tests that start them so.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the setup of this run has made, which vitest calls once for each project; null where another call did. */
let made: string | null = null;

/** Called by vitest; its workers have the environment that the first call leaves. */
export async function setup(): Promise<void> {
  if (process.env["BUILT_PROGRAMS"] !== undefined) return;
  made = mkdtempSync(join(tmpdir(), "built-programs-"));
  process.env["BUILT_PROGRAMS"] = made;
  process.env["BUILT_PACKAGES"] = join(made, "packages");
  await bundleInto(made);
}

/** Called by vitest when all tests are over. */
export function teardown(): void {
  if (made !== null) rmSync(made, { recursive: true, force: true });
}

/** Lays the workspace's programs out as it does, each source that is one as a bundle; those of packages where their commands look. */
async function bundleInto(folder: string): Promise<void> {
  const commands = ["crdt-node", "crdt-relayer"].map((name) => `packages/${name}`);
  for (const path of commands) {
    cpSync(join(root, path, "bin"), join(folder, path, "bin"), { recursive: true });
    cpSync(join(root, path, "package.json"), join(folder, path, "package.json"));
  }
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  const examples = readdirSync(join(root, "examples"))
    .map((name) => `examples/${name}`)
    .filter((path) => existsSync(join(root, path, "main.ts")));
  for (const path of [...examples, "bench"]) layOut(path, folder);
  const entries = [
    ...commands.map((path) => ({ in: `${path}/src/cli.ts`, out: `${path}/dist/cli` })),
    ...[...examples, "bench/src/equivocation"].map((path) => ({
      in: `${path}/main.ts`,
      out: `${path}/main`,
    })),
    { in: "bench/src/worst/stack.ts", out: "bench/src/worst/stack" },
  ];
  await bundle(entries, folder);
}

/** What programs find beside their sources, besides sources: files, and what is installed. */
function layOut(path: string, folder: string): void {
  const [from, to] = [join(root, path), join(folder, path)];
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isFile() && !entry.name.endsWith(".ts"))
      cpSync(join(from, entry.name), join(to, entry.name));
  }
  symlinkSync(join(from, "node_modules"), join(to, "node_modules"), "junction");
}
