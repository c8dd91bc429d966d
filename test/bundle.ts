/**
 * Bundles TypeScript, our packages from their sources, so that Node runs it at once: a process that compiles and loads hundreds of
 * modules takes far longer for that than for what it then does.
 */
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What CommonJS packages inside a bundle load modules of Node with. */
const REQUIRE = `import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);`;

/** A source, and where its bundle goes below the folder, without `.js`. */
export interface Entry {
  readonly in: string;
  readonly out: string;
}

/** How sources are bundled. */
export interface BundleOptions {
  /** What several of them import is one module for all. */
  readonly isSharing?: boolean;
  /** The workspace as its sources find it; what lies beside one of them is there. The folder of the bundles where nothing is said. */
  readonly workspace?: string;
}

/** Bundles each source into a file of its own. Rejects with what is wrong with the sources. */
export async function bundle(
  entries: readonly Entry[],
  folder: string,
  { isSharing = false, workspace = folder }: BundleOptions = {},
): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...entries],
    outdir: folder,
    bundle: true,
    splitting: isSharing,
    platform: "node",
    format: "esm",
    target: "node20",
    // As Node resolves: nothing that is for bundlers.
    conditions: [],
    mainFields: ["main"],
    banner: { js: REQUIRE },
    logLevel: "silent",
    plugins: [inPlace(workspace)],
  });
}

/** Packages of others that go into a bundle: plain JavaScript. The rest is loaded from where it is installed. */
const BUNDLED = ["@noble/ed25519", "@noble/hashes", "commander", "fflate", "smol-toml", "ws"];

/** Resolves from the sources' own places: what is not bundled has the path at which a source finds it; a source finds what lies beside it. */
function inPlace(workspace: string): Plugin {
  const resolving = Symbol("resolving");
  return {
    name: "in place",
    setup({ onLoad, onResolve, resolve }) {
      onResolve({ filter: /^[^./#]/ }, async ({ path, pluginData, ...from }) => {
        if (pluginData === resolving || isBuiltin(path)) return undefined;
        const { importer, kind, resolveDir } = from;
        const found = await resolve(path, { importer, kind, resolveDir, pluginData: resolving });
        // What is not installed is for Node to miss, where anybody asks for it.
        if (found.errors.length > 0) return { path, external: true };
        const isOurs = !found.path.includes(`${sep}node_modules${sep}`);
        if (isOurs || isBundled(path)) {
          const { path: file, sideEffects } = found;
          return { path: file, sideEffects };
        }
        const isImport = kind === "import-statement" || kind === "dynamic-import";
        return { path: isImport ? pathToFileURL(found.path).href : found.path, external: true };
      });
      onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
        const inside = relative(root, path);
        if (inside.startsWith("..") || inside.includes("node_modules")) return undefined;
        const url = JSON.stringify(pathToFileURL(join(workspace, inside)).href);
        const text = (await readFile(path, "utf8")).replaceAll("import.meta.url", url);
        return { contents: text, loader: path.endsWith(".ts") ? "ts" : "js" };
      });
    },
  };
}

function isBundled(path: string): boolean {
  return BUNDLED.some((name) => path === name || path.startsWith(`${name}/`));
}
