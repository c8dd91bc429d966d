/**
 * The image of packages/crdt-relayer/deploy/Dockerfile, built and run by the commands that stand in its head: who the relay is in
 * there, what it can write, health, reload, crash and stop, with nodes of this machine that sync through it. Run by
 * `pnpm test:image`. It needs docker, or a command that takes the same arguments, named by the variable DOCKER.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandOf } from "../../packages/crdt-node/test/processes.ts";
import { run } from "../installed-packages.ts";
import { DOCKER } from "./needs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = readFileSync(join(root, "packages/crdt-relayer/deploy/Dockerfile"), "utf8");
const scratch = mkdtempSync(join(tmpdir(), "image-"));
/** That of the image, of the container and, with an ending, of the volume. */
const name = `crdt-relayer-test-${process.pid}`;
const volume = `${name}-rooms`;
/** Mounted: a file in a folder of this machine. */
const settings = join(scratch, "settings");
const MOUNTED = "/etc/crdt-relayer";

/** What the tool prints on stdout, without white space at its end. Rejects with all that it printed when it fails. */
async function docker(...args: readonly string[]): Promise<string> {
  return (await run(DOCKER, args, { cwd: root })).trimEnd();
}

/** The arguments of a command in the head of the Dockerfile, with something else in one place. */
function shown(verb: string, before: string, replaced: string): string[] {
  const [, line] = new RegExp(`^#   docker (${verb} .*)$`, "mu").exec(file) ?? [];
  expect(line).toContain(before);
  return line!.replace(before, replaced).split(" ");
}

/** What the relay has logged since it was first started. */
async function log(): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(DOCKER, ["logs", name]);
  return stdout + stderr;
}

/** Waits until it has logged what fits, so many times. Rejects when it has ended; the test's own time limit ends a vain wait. */
async function logged(wanted: RegExp, times = 1): Promise<void> {
  for (;;) {
    const running = await docker("inspect", "--format", "{{.State.Running}}", name);
    const text = await log();
    if ([...text.matchAll(new RegExp(wanted, "gu"))].length >= times) return;
    if (running !== "true") throw new Error(`the relay ended:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Where this machine reaches it: Docker may take another port at each start. */
async function address(): Promise<string> {
  const [first] = (await docker("port", name, "8080/tcp")).split("\n");
  return `ws://${first}/websocket`;
}

/** Types into a shell in the container, as the relay's user. */
function inside(script: string): Promise<string> {
  return docker("exec", name, "sh", "-c", script);
}

/** The command that the image gives for the check of health. */
async function check(): Promise<string[]> {
  const shownCheck = await docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", name);
  const [kind, ...command] = JSON.parse(shownCheck) as string[];
  expect(kind).toBe("CMD");
  return command;
}

/** A command of a node on this machine. */
function node(...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], HOME: scratch, NO_COLOR: "1" };
  return run(process.execPath, [commandOf("crdt-node"), ...args], { cwd: scratch, env });
}

/** Writes as a node, which fetches too, until it has what fits; the test's own time limit ends a vain wait. */
async function seen(who: string, wanted: RegExp): Promise<void> {
  do await node("send", who, "--relay", await address(), `${who} -> carol 1`);
  while (!wanted.test(await node("view", who)));
}

beforeAll(async () => {
  await docker("version");
  await docker(...shown("build", "--tag crdt-relayer", `--tag ${name}`));
  mkdirSync(settings);
  writeFileSync(join(settings, "config.toml"), "max-rooms = 7\n");
  const options = shown("run", "127.0.0.1:8080:8080", "127.0.0.1::8080")
    .slice(1)
    .map((each) => each.replace(/^rooms:/u, `${volume}:`));
  expect(options.pop()).toBe("crdt-relayer");
  // All that the relay does without: what else it would write, and every right.
  const less = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
  const mounted = ["--volume", `${settings}:${MOUNTED}:ro`];
  const given = ["--config", `${MOUNTED}/config.toml`, "--log-level", "info"];
  await docker(
    ...["run", "--detach", "--name", name],
    ...options,
    ...less,
    ...mounted,
    name,
    ...given,
  );
  await logged(/"msg":"started"/u);
}, 900_000);

afterAll(async () => {
  for (const args of [
    ["rm", "--force", name],
    ["volume", "rm", volume],
    ["rmi", name],
  ])
    await docker(...args).catch(() => undefined);
  rmSync(scratch, { recursive: true, force: true });
}, 120_000);

it("holds what is published, and nothing that it was made with", async () => {
  const { version } = JSON.parse(
    readFileSync(join(root, "packages/crdt-relayer/package.json"), "utf8"),
  ) as { version: string };
  expect(await inside("crdt-relayer --version")).toBe(version);
  const modules = (await inside("ls $(npm root --global)")).split("\n");
  expect(modules).toEqual(expect.arrayContaining(["bft-json-crdt", "crdt-relayer"]));
  expect(modules).not.toContain("crdt-node");
  expect(await inside("ls $(npm root --global)/crdt-relayer")).not.toMatch(/^(src|test)$/mu);
  const made = ["typescript", "vitest", "tsx", "pnpm", "clone", "tarballs"];
  const names = made.map((each) => `-name ${each}`).join(" -o ");
  // npm itself brings a folder of such a name.
  const found = `find / -xdev -type d \\( -path '*/node_modules/npm' -prune -o \\( ${names} \\) -print \\)`;
  expect(await inside(`${found} 2> /dev/null || true`)).toBe("");
});

it("is nobody, and writes in /data and nowhere else", async () => {
  const status = await inside("cat /proc/1/status");
  expect(status).toMatch(/^Name:\t(?:node|crdt-relayer|MainThread)$/mu);
  expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/mu);
  expect(status).toMatch(/^CapEff:\t0+$/mu);
  expect(await inside("id --user --name; stat --format '%U %a' /data")).toBe("node\nnode 700");
  // Everything else is read-only; that it serves and stores is seen below.
  expect(await inside("ls /data")).toBe("store");
});

it("is healthy while it serves, and neither while it hangs nor where nothing serves", async () => {
  const command = await check();
  await docker("exec", name, ...command);
  await docker("kill", "--signal", "STOP", name);
  await expect(docker("exec", name, ...command)).rejects.toThrow(/failed/u);
  await docker("kill", "--signal", "CONT", name);
  await docker("exec", name, ...command);
  const [program, ...args] = command;
  const without = docker("run", "--rm", "--entrypoint", program!, name, ...args);
  await expect(without).rejects.toThrow(/failed/u);
  // It was that command that failed, not the running of it.
  const asked = args.map((each) => each.replace("exit(1)", "exit(0)"));
  await docker("run", "--rm", "--entrypoint", program!, name, ...asked);
});

it("carries what nodes of this machine write, and has it after a kill", async () => {
  for (const who of ["ann", "ben"]) await node("init", who);
  await node("send", "ann", "--relay", await address(), "ann -> ben 10");
  await docker("kill", "--signal", "KILL", name);
  await docker("wait", name);
  await docker("start", name);
  await logged(/"msg":"started"/u, 2);
  await seen("ben", /ann\W+ben\W+10/u);
});

it("reads its settings again at SIGHUP", async () => {
  // As an editor does it.
  writeFileSync(join(settings, "new"), "max-rooms = 8\n");
  renameSync(join(settings, "new"), join(settings, "config.toml"));
  await docker("kill", "--signal", "HUP", name);
  await logged(/"changed":\[[^\]]*max-?rooms[^\]]*\],"msg":"settings reloaded"/iu);
});

it("drains when it is stopped, and ends with 0", async () => {
  await docker("stop", name);
  expect(await docker("inspect", "--format", "{{.State.ExitCode}}", name)).toBe("0");
  expect(await log()).toContain("stopped; everything received is stored");
});
