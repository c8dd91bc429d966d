// docs/operations.md says what the program does: the tables of codes are those of the code, and every option and command
// that it names is there.
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandOf } from "../packages/crdt-node/test/processes.ts";
import { tables, written } from "../scripts/operations-page.ts";

const page = readFileSync(new URL("../docs/operations.md", import.meta.url), "utf8");
const command = commandOf("crdt-relayer");

test("the tables of codes are made from the code (tsx scripts/operations-page.ts)", () => {
  expect(written(page)).toBe(page);
  for (const rows of tables().values()) expect(rows.split("\n").length).toBeGreaterThan(5);
});

test("every option of crdt-relayer that the page names is one", () => {
  const help = ["", "config", "doctor"].map((name) =>
    execFileSync(process.execPath, [command, ...(name === "" ? [] : [name]), "--help"], {
      encoding: "utf8",
    }),
  );
  const known = new Set(help.join("\n").match(/--[a-z-]+/gu));
  // Options of docker are Docker's.
  const ours = page.replaceAll(/^docker .*$/gmu, "");
  const named = [...ours.matchAll(/(?:crdt-relayer[^`\n]*|`)(--[a-z-]+)/gu)].map(
    ([, flag]) => flag!,
  );
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((flag) => !known.has(flag))).toEqual([]);
});
