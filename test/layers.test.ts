// The layering rules must fire: each is broken here, in every form an import can take, in a small workspace of its own. This
// workspace is checked by `pnpm layers`, which `pnpm test` runs before all tests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkLayers } from "../scripts/layers.js";

const core = "packages/bft-json-crdt";
const workspaces: string[] = [];

afterEach(() => {
  for (const folder of workspaces.splice(0)) rmSync(folder, { recursive: true });
});

/** Checks a workspace that holds these files, and answers with `file:line message` for each violation. */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  workspaces.push(root);
  const manifests = {
    "package.json": `{ "devDependencies": { "vitest": "*", "bft-json-crdt": "*" } }`,
    [`${core}/package.json`]: `{ "dependencies": { "@noble/hashes": "*" } }`,
    "packages/crdt-node/package.json": `{ "dependencies": { "bft-json-crdt": "*" } }`,
  };
  for (const [name, text] of Object.entries({ ...manifests, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkLayers(root).map(({ file, line, message }) => `${file}:${line} ${message}`);
}

const inHistory = `${core}/src/history/history.ts`;

describe("an upward import is found in every form", () => {
  test.each([
    ["static", `import { Document } from "../document/document.ts";`],
    ["for its side effects", `import "../document/document.ts";`],
    ["of a type", `import type { Document } from "../document/document.ts";`],
    ["of one type among values", `import { type Document } from "../document/document.ts";`],
    ["re-export", `export { Document } from "../document/document.ts";`],
    ["re-export of everything", `export * from "../document/document.ts";`],
    ["re-export of a type", `export type { Document } from "../document/document.ts";`],
    ["dynamic", `export const later = () => import("../document/document.ts");`],
    ["dynamic, template", "export const later = () => import(`../document/document.ts`);"],
    ["type query", `export type D = import("../document/document.ts").Document;`],
    ["import equals", `import document = require("../document/document.ts");`],
    ["require", `const { Document } = require("../document/document.ts");`],
    ["reference", `/// <reference path="../document/document.ts" />`],
    ["through a detour", `import { Document } from "../encoding/../document/document.ts";`],
  ])("%s", (_form, line) => {
    const found = check({ [inHistory]: line });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${inHistory}:1 history may not import document`);
  });

  test("the line is the line of the import", () => {
    const found = check({ [inHistory]: `// one\n\nimport "../types/list.ts";\n` });
    expect(found).toEqual([expect.stringContaining(`${inHistory}:3 history may not import types`)]);
  });
});

test.each([
  ["limits.ts", "./encoding/bytes.ts"],
  ["encoding/a.ts", "../crypto/index.ts"],
  ["crypto/a.ts", "../change/body.ts"],
  ["encoding/a.ts", "#backend"],
  ["change/a.ts", "../history/history.ts"],
  ["types/a.ts", "../schema/schema.ts"],
  ["schema/a.ts", "../document/document.ts"],
  ["document/a.ts", "../index.ts"],
  ["sync/a.ts", "../types/list.ts"],
  ["sync/a.ts", "../store/change-log.ts"],
  ["inspect/a.ts", "../document/document.ts"],
  ["store/a.ts", "../document/document.ts"],
  ["history/a.ts", "../sync/session.ts"],
  ["helpers/a.ts", "../result.ts"],
  ["document/a.ts", "../helpers/a.ts"],
])("src/%s may not import %s", (file, specifier) => {
  expect(check({ [`${core}/src/${file}`]: `import "${specifier}";` })).toHaveLength(1);
});

describe("the core does no I/O", () => {
  test.each([
    ["Node's module", `import { readFileSync } from "node:fs";`],
    ["Node's module without its prefix", `import { readFileSync } from "fs";`],
    ["a submodule", `import { readFile } from "node:fs/promises";`],
    ["the type of one", `import type { Buffer } from "node:buffer";`],
    ["a dynamic one", `export const later = () => import("node:crypto");`],
    ["a re-export", `export { createHash } from "node:crypto";`],
    ["Node's types", `/// <reference types="node" />`],
    ["a computed name", `export const later = (name: string) => import(name);`],
    ["an undeclared package", `import { WebSocket } from "ws";`],
    ["the relayer", `import "crdt-relayer";`],
    ["its own entry by name", `import "bft-json-crdt/src/index.ts";`],
  ])("%s is refused", (_what, line) => {
    expect(check({ [`${core}/src/index.ts`]: line })).toHaveLength(1);
  });

  test.each(["./list.model.ts", "./list.test.ts", "../../test/simulator.ts"])(
    "code does not import %s",
    (specifier) => {
      const line = `import "${specifier}";`;
      expect(check({ [`${core}/src/types/list.ts`]: line })).toHaveLength(1);
      expect(check({ [`${core}/src/types/list.model.ts`]: line })).toEqual([]);
    },
  );

  test("only the native backend may use Node, and tests may", () => {
    const useNode = `import { createHash } from "node:crypto";`;
    expect(
      check({
        [`${core}/src/crypto/backend-node.ts`]: useNode,
        [`${core}/src/crypto/crypto.test.ts`]: useNode + `import "../document/document.ts";`,
        [`${core}/test/simulator.ts`]: useNode,
      }),
    ).toEqual([]);
    expect(check({ [`${core}/src/change/backend-node.ts`]: useNode })).toHaveLength(1);
  });
});

describe("packages meet at their public entries", () => {
  test.each([
    ["the library's source", `import "../../bft-json-crdt/src/history/history.ts";`],
    ["the library's inside by name", `import "bft-json-crdt/dist/history/history.js";`],
    ["the relayer's source", `import type { Room } from "../../crdt-relayer/src/room.ts";`],
    ["the relayer", `import "crdt-relayer";`],
    ["a package of the root only", `import "vitest";`],
  ])("the node may not import %s", (_what, line) => {
    expect(check({ "packages/crdt-node/src/cli.ts": line })).toHaveLength(1);
  });

  test.each([
    ["packages/crdt-node/test/room.test.ts", "../../crdt-relayer/src/room.ts"],
    ["packages/crdt-node/src/cli.test.ts", "../../bft-json-crdt/src/index.ts"],
    ["examples/chat/main.ts", "../../packages/bft-json-crdt/src/index.ts"],
    ["bench/src/main.ts", "../../packages/bft-json-crdt/src/types/list.ts"],
  ])("%s may not import %s", (file, specifier) => {
    expect(check({ [file]: `import "${specifier}";` })).toHaveLength(1);
  });
});

test("what the rules allow passes", () => {
  expect(
    check({
      [`${core}/src/index.ts`]: `export { a } from "./document/a.ts"; export * from "./sync/a.ts";`,
      [`${core}/src/document/a.ts`]: `import "../schema/a.ts"; import "../result.ts"; import "./b.ts";`,
      [`${core}/src/sync/a.ts`]: `import "../history/a.ts"; import "../encoding/a.ts";`,
      [`${core}/src/crypto/index.ts`]: `import "#backend"; import "@noble/hashes/sha2.js";`,
      "packages/crdt-node/src/cli.ts": `import "bft-json-crdt"; import "node:fs"; import "./a.ts";`,
      "packages/crdt-node/test/a.test.ts": `import "vitest"; import "../src/cli.ts";`,
      "examples/chat/main.ts": `import "bft-json-crdt"; import "node:fs"; import "../../README.md";`,
    }),
  ).toEqual([]);
});
