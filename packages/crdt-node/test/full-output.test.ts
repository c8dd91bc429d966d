/** Commands whose output cannot be written, since its disk is full. */
import { closeSync, existsSync, openSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandOf, NOWHERE, Place } from "./processes.ts";

/** What Linux has for a disk that is full. */
const FULL = "/dev/full";

const place = new Place();

beforeAll(async () => {
  await place.run(["init", "anna"]);
  await place.run(["send", "anna", "--no-relay", "a -> b 1"]);
});
afterAll(() => place.clear());

/** Runs a command with its output to a full disk; resolves to its exit code and what it says. */
async function intoFull(args: readonly string[]): Promise<{ code: unknown; stderr: string }> {
  const { PATH, HOME } = process.env;
  const output = openSync(FULL, "w");
  const child = spawn(process.execPath, [commandOf("crdt-node"), ...args], {
    env: { PATH, HOME, NO_COLOR: "1", SIDE_HOME: place.home, SIDE_RELAY: NOWHERE },
    stdio: ["pipe", output, "pipe"],
  });
  closeSync(output);
  let stderr = "";
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  const [code] = (await once(child, "close")) as unknown[];
  return { code, stderr };
}

const isThere = existsSync(FULL);

test
  .runIf(isThere)
  .for([
    [["view", "anna"]],
    [["log", "anna"]],
    [["status", "anna"]],
    [["whoami", "anna"]],
    [["verify", "anna"]],
    [["dag", "anna"]],
    [["export", "anna", "-"]],
    [["run", "anna"]],
    [["--help"]],
  ] as const)("%j says that the disk is full, with code 1", async ([args]) => {
  const { code, stderr } = await intoFull(args);
  expect(code).toBe(1);
  expect(stderr).toContain("crdt-node: the output could not be written\n");
  expect(stderr).toContain("  why:  the disk is full\n  next: the same command with its output");
  expect(stderr).not.toContain("bug");
});

test.runIf(isThere).for([[[]], [["--json"]]] as const)(
  "send %j says that what is stored is not to be sent again",
  async ([options]) => {
    const { code, stderr } = await intoFull(["send", "anna", "--no-relay", "a -> b 2", ...options]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "the output could not be written; 1 transaction stored, to be delivered later, and not to be sent again\n",
    );
    expect(stderr).toContain("  why:  the disk is full\n  next: crdt-node log anna\n");
    expect((await place.run(["view", "anna"])).stdout).toContain("a -> b 2\n");
    expect(existsSync(join(place.home, "anna", "lock"))).toBe(false);
  },
);
