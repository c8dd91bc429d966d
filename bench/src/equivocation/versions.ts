/** Which version of a library is installed, read from its manifest: not every package exports it. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The version of an installed package; throws if there is none of that name. */
export function versionOf(name: string): string {
  let folder = dirname(require.resolve(name));
  for (;;) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, "utf8")) as {
        name?: string;
        version?: string;
      };
      // Packages keep small manifests in inner folders.
      if (manifest.name === name && manifest.version !== undefined) return manifest.version;
    }
    const above = dirname(folder);
    if (above === folder) throw new Error(`there is no manifest of ${name}`);
    folder = above;
  }
}
