// Who asks a script of this workspace for help gets it, which is no mistake; who makes one is told on stderr.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./page-blocks.ts";

function run(name: string, option: string): [code: number | null, stdout: string, stderr: string] {
  const args = ["--import", "tsx", join(root, "scripts", `${name}.ts`), option];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
  });
  return [status, stdout, stderr];
}

describe.each(["simulate", "model-check", "mutants", "torture", "fuzz", "scenarios"])(
  "pnpm %s",
  (name) => {
    test("--help prints its usage and ends with 0", () => {
      const [code, stdout, stderr] = run(name, "--help");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(new RegExp(`^usage: pnpm ${name} `, "u"));
    });

    test("with an option that it does not know ends with 2, and says so on stderr", () => {
      const [code, stdout, stderr] = run(name, "--hlep");
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).not.toBe("");
    });
  },
);

test("an example that is not there is told of with those that are, within 80 columns", () => {
  const args = [join(root, "scripts/example.js"), "oracl"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain('there is no example "oracl"');
  expect(stderr).toContain("state-channel");
  expect(stderr.split("\n").filter((line) => line.length > 80)).toEqual([]);
});
