/** What is in deploy/ agrees with the program: its options, its port, its path, its exit codes, its time limits. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EXIT } from "../src/index.ts";
import { CLOSE_MS, DEFAULT_MAX_SESSIONS, DRAIN_MS } from "../src/limits.ts";
import { completeSettings, flagOf, SETTING_NAMES, variableOf } from "../src/settings.ts";
import { runCommand, startCommand, temporaryFolder } from "./running.ts";

const root = new URL("../../../", import.meta.url);
const folder = new URL("../deploy/", import.meta.url);
const unit = readFileSync(new URL("crdt-relayer.service", folder), "utf8");
const image = readFileSync(new URL("Dockerfile", folder), "utf8");
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly dependencies: { readonly [name: string]: string };
  readonly files: readonly string[];
  readonly bin: { readonly [name: string]: string };
};
const defaults = completeSettings({}, {});
/** Seconds that draining takes at most. */
const longestDrain = (DRAIN_MS + CLOSE_MS) / 1_000 + defaults.drainSeconds;

/** The values of a key in the unit. */
function inUnit(key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gmu"))].map(([, value]) => value!);
}

/** The program's options in a command line. */
function flagsIn(line: string): string[] {
  return [...line.matchAll(/ --([a-z-]+)/gu)].map(([, flag]) => flag!);
}

describe("the systemd unit", () => {
  it("starts the command with options that it has", async () => {
    const [start] = inUnit("ExecStart");
    expect(start).toMatch(/^\/usr\/local\/bin\/crdt-relayer /u);
    expect(Object.keys(manifest.bin)).toEqual(["crdt-relayer"]);
    const known = [...SETTING_NAMES.map(flagOf), "config"];
    expect(flagsIn(start!)).toEqual(["config", "data"]);
    for (const flag of flagsIn(start!)) expect(known).toContain(flag);
    // What it says about making the file works.
    expect(unit).toContain("crdt-relayer config > /etc/crdt-relayer/config.toml");
    const file = join(temporaryFolder(), "config.toml");
    writeFileSync(file, (await runCommand(["config"])).stdout);
    const data = temporaryFolder();
    const relay = await startCommand(["--config", file, "--data", data]);
    relay.process.kill("SIGTERM");
    expect(await relay.outcome).toMatchObject({ code: 0 });
  });

  it("does not start again what a person must see to, and starts everything else", () => {
    expect(inUnit("Restart")).toEqual(["on-failure"]);
    expect(inUnit("RestartPreventExitStatus")).toEqual([`${EXIT.usage} ${EXIT.damaged}`]);
    // Otherwise systemd starts it five times within ten seconds, and then never again.
    expect(inUnit("StartLimitIntervalSec")).toEqual(["0"]);
  });

  it("waits as long as draining takes, and allows as many files as there are connections", () => {
    expect(inUnit("KillSignal")).toEqual(["SIGTERM"]);
    expect(inUnit("ExecReload")).toEqual(["kill -HUP $MAINPID"]);
    expect(Number(inUnit("TimeoutStopSec")[0])).toBeGreaterThan(longestDrain);
    expect(Number(inUnit("LimitNOFILE")[0])).toBeGreaterThan(2 * DEFAULT_MAX_SESSIONS);
  });

  it("is locked down, but lets Node compile", () => {
    expect(inUnit("ProtectSystem")).toEqual(["strict"]);
    expect(inUnit("DynamicUser")).toEqual(["yes"]);
    expect(inUnit("NoNewPrivileges")).toEqual(["yes"]);
    expect(inUnit("MemoryDenyWriteExecute")).toEqual([]);
    expect(inUnit("StateDirectory")).toEqual(["crdt-relayer"]);
  });

  it.runIf(spawnSync("systemd-analyze", ["--version"]).status === 0)(
    "is understood by systemd, and little exposed",
    () => {
      // Where the command is not installed, another stands for it.
      const copy = join(temporaryFolder(), "crdt-relayer.service");
      writeFileSync(copy, unit.replace("/usr/local/bin/crdt-relayer", process.execPath));
      const verified = spawnSync("systemd-analyze", ["verify", copy], { encoding: "utf8" });
      expect([verified.status, verified.stderr]).toEqual([0, ""]);
      const rated = spawnSync(
        "systemd-analyze",
        ["security", "--offline=yes", "--threshold=20", "--no-pager", copy],
        { encoding: "utf8" },
      );
      expect(rated.status, rated.stdout + rated.stderr).toBe(0);
    },
  );
});

describe("the Dockerfile", () => {
  const [, making = "", made = ""] = image.split(/^FROM /mu);

  it("has two stages, both with a Node that it supports, and the second is not root", () => {
    expect(image.match(/^FROM .*$/gmu)).toEqual([
      "FROM node:22-slim AS packed",
      "FROM node:22-slim",
    ]);
    expect(made.match(/^USER .*$/gmu)).toEqual(["USER node"]);
    expect(made.indexOf("\nUSER node\n")).toBeGreaterThan(made.lastIndexOf("\nRUN "));
    expect(made).toMatch(/^STOPSIGNAL SIGTERM$/mu);
    expect(made).toMatch(/^ENTRYPOINT \["crdt-relayer"\]$/mu);
  });

  it("installs what this clone packs, and nothing else that is ours", () => {
    const ours = Object.entries(manifest.dependencies)
      .filter(([, range]) => range.startsWith("workspace:"))
      .map(([name]) => name);
    const wanted = [...ours, "crdt-relayer"].sort();
    const [, built] = /node scripts\/build\.js ([\w -]+?) *\\?$/mu.exec(making)!;
    expect(built!.split(" ").sort()).toEqual(wanted);
    const packed = [...making.matchAll(/ --filter (\S+)/gu)].map(([, name]) => name!);
    expect(packed.sort()).toEqual(wanted);
    expect(making).toMatch(/ install --frozen-lockfile /u);
    const [, packedTo] = / --pack-destination (\S+)$/mu.exec(making)!;
    expect(made.match(/^COPY .*$/gmu)).toEqual([`COPY --from=packed ${packedTo} ${packedTo}`]);
    expect(made.match(/npm install .*$/gmu)).toEqual([
      `npm install --global --no-audit --no-fund ${packedTo}/*.tgz \\`,
    ]);
  });

  it("is told to be built where it can be, and to be given the time that draining takes", () => {
    const [, path] = /^#   docker build --file (\S+) --tag crdt-relayer \.$/mu.exec(image)!;
    expect(fileURLToPath(new URL(path!, root))).toBe(fileURLToPath(new URL("Dockerfile", folder)));
    expect(Number(/ --stop-timeout (\d+) /u.exec(image)![1])).toBeGreaterThan(longestDrain);
  });

  it("is made of nothing that git leaves out", () => {
    const lines = (name: string): string[] =>
      readFileSync(new URL(name, root), "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));
    const left = lines(".dockerignore");
    expect(left).toContain(".git");
    // git means any folder by a name alone, docker only the root's.
    const untracked = lines(".gitignore")
      .map((line) => line.replace(/\/\*?$/u, ""))
      .map((line) => (line.includes("/") ? line : `**/${line}`));
    const isLeft = (line: string): boolean =>
      left.some((each) => line === each || line.startsWith(`${each}/`));
    expect(untracked.length).toBeGreaterThan(3);
    expect(untracked.filter((line) => !isLeft(line))).toEqual([]);
  });

  it("sets variables that there are, and opens the port that they name", () => {
    const variables = [...image.matchAll(/(SIDE_[A-Z_]+)=(\S+)/gu)].map(([, name, value]) => [
      name,
      value,
    ]);
    const known = SETTING_NAMES.map(variableOf);
    for (const [name] of variables) expect(known).toContain(name);
    expect(Object.fromEntries(variables)).toEqual({
      SIDE_RELAYER_HOST: "0.0.0.0",
      SIDE_RELAYER_PORT: String(defaults.port),
      SIDE_RELAYER_DATA: "/data",
    });
    expect(image).toMatch(/^VOLUME \/data$/mu);
    expect(/^EXPOSE (\d+)$/mu.exec(image)?.[1]).toBe(String(defaults.port));
  });

  it("has a check of health that sees a relay that serves, one that hangs, and one that is gone", async () => {
    const [, timeout, json] = /HEALTHCHECK .*--timeout=(\d+)s .*CMD (\[.*\])$/mu.exec(image)!;
    const [program, option, code] = JSON.parse(json!) as [string, string, string];
    expect(program).toBe("node");
    // It ends by itself before it is ended: not everything that runs images ends it.
    const [limit, milliseconds] = /AbortSignal\.timeout\((\d+)\)/u.exec(code)!;
    expect(Number(milliseconds)).toBeLessThan(Number(timeout) * 1_000);
    const relay = await startCommand(["--data", ":memory:"]);
    const { port } = new URL(relay.url);
    const healthy = (asked: string): number | null =>
      spawnSync(process.execPath, [option, asked], { env: { SIDE_RELAYER_PORT: port } }).status;
    expect(healthy(code)).toBe(0);
    relay.process.kill("SIGSTOP");
    expect(healthy(code.replace(limit, "AbortSignal.timeout(100)"))).toBe(1);
    relay.process.kill("SIGCONT");
    relay.process.kill("SIGTERM");
    await relay.outcome;
    expect(healthy(code)).toBe(1);
  });
});

describe("the package", () => {
  it("brings the folder", () => {
    expect(manifest.files).toContain("deploy");
  });
});
