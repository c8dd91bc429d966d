/** The packages as a global installation has them, without one: built as they are published and laid out, for machines. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../../bench/src/build.ts";
import { packages } from "../installed-packages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Manifest {
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Lays out `lib/node_modules` and `bin` of a prefix as `npm install --global` does with the three packages, but everything that
 * they depend on beside them. Throws when two of them depend on two versions of one package.
 */
export function layOutBuilt(prefix: string): void {
  const built = join(build(), "node_modules");
  const modules = join(prefix, "lib/node_modules");
  mkdirSync(join(prefix, "bin"), { recursive: true });
  const versions = new Map<string, string>();
  for (const name of packages) {
    const to = join(modules, name);
    const { bin = {}, files = [] } = copied(join(built, name), to);
    // What is published besides code.
    for (const file of files) {
      const from = join(root, "packages", name, file);
      if (!existsSync(join(to, file)) && existsSync(from))
        cpSync(from, join(to, file), { recursive: true });
    }
    for (const [command, file] of Object.entries(bin)) {
      chmodSync(join(to, file), 0o755);
      symlinkSync(join("../lib/node_modules", name, file), join(prefix, "bin", command));
    }
    layOutNeeded(join(root, "packages", name), modules, versions);
  }
  // Where units find it.
  const node = realpathSync(process.execPath);
  const usual = ["/usr/local/bin/node", "/usr/bin/node"].filter((file) => existsSync(file));
  if (!usual.some((file) => realpathSync(file) === node)) cpSync(node, join(prefix, "bin/node"));
}

/** Lays out what a package depends on, as the store of pnpm has it; `versions` are those that are there. */
function layOutNeeded(folder: string, modules: string, versions: Map<string, string>): void {
  const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (packages.includes(name)) continue;
    const from = foundFrom(folder, name);
    if (from === null) {
      // It is for another machine.
      if (name in optionalDependencies) continue;
      throw new Error(`${folder} needs ${name}, which is not installed`);
    }
    const { version } = manifestOf(from);
    const known = versions.get(name);
    if (known !== undefined && known !== version)
      throw new Error(`${name} is needed as ${known} and as ${version}`);
    if (known !== undefined) continue;
    versions.set(name, version);
    copied(from, join(modules, name));
    layOutNeeded(from, modules, versions);
  }
}

/** Copies a package without what it depends on. */
function copied(from: string, to: string): Manifest {
  const needed = join(from, "node_modules");
  cpSync(from, to, { recursive: true, filter: (path) => path !== needed });
  return manifestOf(to);
}

/** The folder of a package, as Node looks for it from a folder; null where there is none. */
function foundFrom(folder: string, name: string): string | null {
  const here = realpathSync(folder);
  for (let at = here; at !== dirname(at); at = dirname(at)) {
    const found = join(at, "node_modules", name);
    if (existsSync(found)) return realpathSync(found);
  }
  return null;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
