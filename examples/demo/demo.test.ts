// The demo as people start it. What it shows when it is left alone is in the READMEs, whose transcripts are tested.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const built = process.env["BUILT_PROGRAMS"];
/** Built, where the tests' setup has built it, else in the sources. */
const PROGRAM =
  built === undefined
    ? ["--import", "tsx", fileURLToPath(new URL("main.ts", import.meta.url))]
    : [join(built, "examples/demo/main.js")];

/** A demo that is under way. */
interface Demo {
  readonly child: ChildProcess;
  /** Where its home is while it runs. */
  readonly scratch: string;
  printed(): string;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts it in a group of its own, as a shell does: Ctrl-C reaches all of it. */
function start(...args: string[]): Demo {
  const scratch = mkdtempSync(join(tmpdir(), "demo-test-"));
  const child = spawn(process.execPath, [...PROGRAM, ...args], {
    detached: true,
    env: { ...process.env, NO_COLOR: "1", TMPDIR: scratch },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve)).then(
    (code) => ({ code, stdout, stderr }),
  );
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
    await ended;
    rmSync(scratch, { recursive: true, force: true });
  });
  return { child, scratch, printed: () => stdout, ended };
}

test.each([
  ["--help", 0],
  ["-h", 0],
  ["--fast", 2],
])("with %s it prints its usage, and plays nothing", async (option, code) => {
  const outcome = await start("--", option).ended;
  const [told, other] =
    code === 0 ? [outcome.stdout, outcome.stderr] : [outcome.stderr, outcome.stdout];
  expect([outcome.code, other]).toEqual([code, ""]);
  expect(told).toMatch(/^usage: pnpm demo\n/u);
  expect(told.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test("Ctrl-C while it makes a node ends it without a complaint, and leaves nothing behind", async () => {
  const demo = start();
  while (!demo.printed().includes("listening") && demo.child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 10));
  // What makes the node has begun by now, and takes longer than this.
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.kill(-demo.child.pid!, "SIGINT");
  expect(await demo.ended).toMatchObject({ code: 130, stderr: "" });
  expect(demo.printed()).not.toContain("made a key");
  expect(readdirSync(demo.scratch).filter((name) => name.startsWith("crdt-demo-"))).toEqual([]);
});
