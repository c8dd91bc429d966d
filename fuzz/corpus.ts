/**
 * The corpus: inputs that once showed a fault, and small ones that reach much, as files of JSON. All of them are run
 * through their targets by `pnpm test`, and every search begins with them.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Finding } from "./engine.ts";
import { treeFromJson, treeToJson } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** The folder with a folder for each target. */
export const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));

/** One file of the corpus. */
export interface Fixture {
  /** Its name, without a folder. */
  readonly name: string;
  readonly input: Tree;
}

/** The fixtures of a target, by name. Throws for a file that is not one of ours. */
export function loadCorpus(target: string, folder = CORPUS): Fixture[] {
  const path = join(folder, target);
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => readFixture(join(path, name)));
}

/** Reads one file; throws when it cannot be read. */
export function readFixture(path: string): Fixture {
  return { name: basename(path), input: treeFromJson(readFileSync(path, "utf8")) };
}

/** The target to which a file of the corpus belongs: the name of its folder. */
export function targetOf(path: string): string {
  return basename(dirname(path));
}

/** Writes what was found; returns the path of the file. */
export function saveFinding({ target, input }: Finding, folder = CORPUS): string {
  return save(target, "found", input, folder);
}

/** Writes an input that reaches something that no other of the corpus does; returns the path of the file. */
export function saveReaching(target: string, input: Tree, folder = CORPUS): string {
  return save(target, "reaches", input, folder);
}

function save(target: string, kind: string, input: Tree, folder: string): string {
  const text = `${treeToJson(input)}\n`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  mkdirSync(join(folder, target), { recursive: true });
  const path = join(folder, target, `${kind}-${hash}.json`);
  writeFileSync(path, text);
  return path;
}
