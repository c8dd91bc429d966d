// docs/architecture.md: its pictures are what the script draws of what the library does, and every file that it names exists.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pictures, written } from "../scripts/pictures.ts";

const docs = new URL("../docs/", import.meta.url);
const page = readFileSync(new URL("architecture.md", docs), "utf8");

test("the pictures are those that the script makes (node --import tsx scripts/pictures.ts)", () => {
  expect(written(page)).toBe(page);
  expect(pictures().size).toBe(2);
  for (const [name, content] of pictures()) {
    expect(readFileSync(new URL(name, docs), "utf8"), name).toBe(content);
    expect(page).toContain(`](${name})`);
  }
});

test("the two replicas that are drawn made concurrent changes and show the same", () => {
  const [, drawn = ""] = /<!-- converging -->\n+```\n([\s\S]*?)```/.exec(page)!;
  const views = drawn.split("\n").filter((line) => line.startsWith("{"));
  const pairs = views.map((line) => line.split(/ {2,}/));
  expect(pairs.map(([alice, bob]) => alice === bob)).toEqual([true, false, true]);
});

test("every file and folder of the sources that it names exists", () => {
  const sources = ["bft-json-crdt", "crdt-node", "crdt-relayer"].map((name) =>
    fileURLToPath(new URL(`../packages/${name}/src/`, import.meta.url)),
  );
  const named = [...page.matchAll(/`([\w-]+\/)*[\w*-]+\.ts`|`[\w-]+\/`/g)].map(([text]) =>
    text.slice(1, -1),
  );
  expect(named.length).toBeGreaterThan(40);
  const folders = ["", "document/"];
  const missing = named.filter((name) => {
    if (name.includes("*") || name.startsWith("scripts/")) return false;
    return !sources.some((source) => folders.some((folder) => existsSync(source + folder + name)));
  });
  expect(missing).toEqual([]);
});
