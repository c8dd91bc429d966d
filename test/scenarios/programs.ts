/** What has properties that can be run for long: the example programs, and a module of the library that is one itself. Found by the calls of `runs` in their tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.js";

/** A program, and where its properties are. */
export interface Program {
  readonly name: string;
  /** Where it is, from the workspace's root. */
  readonly folder: string;
  /** Test files with properties, from the workspace's root. */
  readonly files: readonly string[];
  readonly properties: number;
}

/** Where programs are, each in a folder of its own. */
const EXAMPLES = "examples";

/** What only deals with how documents are used, and so is tried as programs are. */
const MODULES = [{ within: "packages/bft-json-crdt/src", name: "commit-reveal" }];

/** All that have properties, in the order of their names. */
export function programs(): Program[] {
  const examples = readdirSync(join(root, EXAMPLES), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ within: EXAMPLES, name }));
  return [...examples, ...MODULES]
    .map(({ within, name }) => programIn(within, name))
    .filter(({ properties }) => properties > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The program in a folder. */
export function programIn(within: string, name: string): Program {
  const folder = `${within}/${name}`;
  const counted = readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `${folder}/${file}`)
    .map((file) => {
      const calls = readFileSync(join(root, file), "utf8").match(/\bruns\(\d+\)/gu) ?? [];
      return { file, count: calls.length };
    })
    .filter(({ count }) => count > 0);
  const properties = counted.reduce((sum, { count }) => sum + count, 0);
  return { name, folder, files: counted.map(({ file }) => file), properties };
}
