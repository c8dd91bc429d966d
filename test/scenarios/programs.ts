/** The example programs that have properties, found by the calls of `runs` in their tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.js";

/** A program, and where its properties are. */
export interface Program {
  readonly name: string;
  /** Test files with properties, from the workspace's root. */
  readonly files: readonly string[];
  readonly properties: number;
}

/** All programs under `examples` that have properties, in the order of their names. */
export function programsIn(folder = "examples"): Program[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => programIn(folder, name))
    .filter(({ properties }) => properties > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The program in a folder. */
export function programIn(folder: string, name: string): Program {
  const counted = readdirSync(join(root, folder, name))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `${folder}/${name}/${file}`)
    .map((file) => {
      const calls = readFileSync(join(root, file), "utf8").match(/\bruns\(\d+\)/gu) ?? [];
      return { file, count: calls.length };
    })
    .filter(({ count }) => count > 0);
  const properties = counted.reduce((sum, { count }) => sum + count, 0);
  return { name, files: counted.map(({ file }) => file), properties };
}
