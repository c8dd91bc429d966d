import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandError, EXIT, type ExitCode } from "./exit-codes.ts";
import { existingHome, nodeHome, nodeNames, sideHome } from "./home.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "home-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function exitCode(run: () => unknown): ExitCode {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.exitCode;
    throw error;
  }
  return EXIT.ok;
}

test("a name is a folder's name and cannot lead out of the home of all nodes", () => {
  for (const name of ["alice", "A_1", "n.o-d.e", "7", "_", "a".repeat(64)]) {
    expect(nodeHome(name, { SIDE_HOME: folder }).folder).toBe(join(folder, name));
  }
  const bad = [
    "",
    ".",
    "..",
    ".hidden",
    "-x",
    "a/b",
    "a\\b",
    "a b",
    "é",
    "a\n",
    "a".repeat(65),
    "relayer",
  ];
  for (const name of bad) expect(exitCode(() => nodeHome(name, {}))).toBe(EXIT.usage);
});

test("SIDE_HOME says where nodes are, ~/.side otherwise", () => {
  expect(sideHome({ SIDE_HOME: folder })).toBe(folder);
  expect(sideHome({})).toMatch(/[/\\]\.side$/u);
  expect(sideHome({ SIDE_HOME: "" })).toMatch(/[/\\]\.side$/u);
});

test("a node's folder that others can get at is refused", () => {
  const env = { SIDE_HOME: folder };
  expect(exitCode(() => existingHome("alice", env))).toBe(EXIT.failure);
  mkdirSync(join(folder, "alice", "store"), { recursive: true });
  chmodSync(join(folder, "alice"), 0o700);
  expect(exitCode(() => existingHome("alice", env))).toBe(EXIT.ok);
  chmodSync(join(folder, "alice"), 0o750);
  expect(exitCode(() => existingHome("alice", env))).toBe(EXIT.refused);
  mkdirSync(join(folder, "relayer"));
  mkdirSync(join(folder, ".init-123"));
  expect(nodeNames(env)).toEqual(["alice"]);
});

test("a folder with neither a key nor a store is no node", () => {
  const env = { SIDE_HOME: folder };
  const empty = join(folder, "empty");
  mkdirSync(empty, { mode: 0o700 });
  expect(() => existingHome("empty", env)).toThrow(
    expect.objectContaining({
      complaint: {
        what: `there is no node named "empty", but something else in its place: ${empty}`,
        why: "it holds neither a key nor a store",
        next: `mv ${empty} ${empty}.old && crdt-node init empty`,
      },
    }),
  );
  rmSync(empty, { recursive: true });
});

test("a node's folder that cannot be looked at is told of, and not taken for one that is not there", () => {
  symlinkSync("circle", join(folder, "circle"));
  expect(() => existingHome("circle", { SIDE_HOME: folder })).toThrow(/cannot open .*circle/u);
  rmSync(join(folder, "circle"));
});

test("of several names that are nearly the one that was typed, the nearest is meant", () => {
  const base = mkdtempSync(join(tmpdir(), "home-"));
  try {
    for (const name of ["Alica", "alice", "alina"])
      mkdirSync(nodeHome(name, { SIDE_HOME: base }).folder, { recursive: true });
    expect(() => existingHome("alic", { SIDE_HOME: base })).toThrow(
      expect.objectContaining({
        complaint: expect.objectContaining({ next: "the same with alice, if you meant that" }),
      }),
    );
  } finally {
    rmSync(base, { recursive: true });
  }
});
