/**
 * Builds what is measured: this folder, the library and its programs as plain JavaScript under bench/dist, the packages
 * laid out as they are published. The sources are compiled one by one, with the settings of `pnpm build`, which gives
 * the same JavaScript, but writes to no folder that anyone else uses and asks for no types.
 *
 * The tool that runs TypeScript directly wraps every closure, and so would be measured too.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { BENCH, DIST, WORKSPACE } from "./places.ts";

/** In milliseconds. */
const DAY = 86_400_000;

const PACKAGES = ["bft-json-crdt", "crdt-node", "crdt-relayer"];

/** Builds, unless that was done with the same sources before; returns the folder of what was built. */
export function build(): string {
  const sources = [
    { from: join(BENCH, "src"), to: "src" },
    ...PACKAGES.map((name) => ({
      from: join(WORKSPACE, "packages", name, "src"),
      to: join("node_modules", name, "dist"),
    })),
  ].map(({ from, to }) => ({ to, files: filesOf(from) }));
  const digest = createHash("sha256");
  for (const { files } of sources) {
    for (const [path, text] of files) digest.update(`${path}\0${text}\0`);
  }
  // Each state of the sources has a folder of its own: no build disturbs a benchmark that is running.
  const folder = join(DIST, digest.digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;
  forget();
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  for (const name of PACKAGES) layOut(name, join(unfinished, "node_modules", name));
  for (const { to, files } of sources) {
    for (const [path, text] of files) {
      compile(text, join(unfinished, to, path.replace(/\.ts$/, ".js")));
    }
  }
  writeFileSync(join(unfinished, "package.json"), '{ "type": "module" }\n');
  if (!existsSync(folder)) renameSync(unfinished, folder);
  return folder;
}

/** The script that measures one job in a process of its own, in a folder that `build` gave. */
export function childOf(folder: string): string {
  return join(folder, "src", "child.js");
}

/** Removes what was built more than a day ago. */
function forget(): void {
  if (!existsSync(DIST)) return;
  for (const name of readdirSync(DIST)) {
    const path = join(DIST, name);
    if (Date.now() - statSync(path).mtimeMs > DAY) rmSync(path, { recursive: true, force: true });
  }
}

/** The sources below a folder, without tests: path and text. */
function filesOf(folder: string): [path: string, text: string][] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.(test|model)\.ts$/.test(path))
    .toSorted()
    .map((path) => [path, readFileSync(join(folder, path), "utf8")]);
}

function compile(text: string, file: string): void {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true,
      isolatedModules: true,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, outputText);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: object;
}

/** The folder of a package as it is installed, without its code: manifest, commands, and links to what it depends on. */
function layOut(name: string, to: string): void {
  const from = join(WORKSPACE, "packages", name);
  mkdirSync(join(to, "node_modules"), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as Manifest;
  const published = { ...manifest, ...manifest.publishConfig };
  writeFileSync(join(to, "package.json"), JSON.stringify(published));
  if (existsSync(join(from, "bin")))
    cpSync(join(from, "bin"), join(to, "bin"), { recursive: true });
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (range.startsWith("workspace:")) continue;
    const link = join(to, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(join(from, "node_modules", dependency)), link, "junction");
  }
}
