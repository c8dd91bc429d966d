/** What is in deploy/ agrees with the program: its options, its port, its path, its exit codes, its time limits. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../src/index.ts";
import { CLOSE_MS, DEFAULT_MAX_SESSIONS, DRAIN_MS } from "../src/limits.ts";
import { completeSettings, flagOf, SETTING_NAMES, variableOf } from "../src/settings.ts";
import { runCommand, startCommand, temporaryFolder } from "./running.ts";

const folder = new URL("../deploy/", import.meta.url);
const unit = readFileSync(new URL("crdt-relayer.service", folder), "utf8");
const image = readFileSync(new URL("Dockerfile", folder), "utf8");
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
  readonly files: readonly string[];
  readonly bin: { readonly [name: string]: string };
};
const defaults = completeSettings({}, {});

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
    const longest = (DRAIN_MS + CLOSE_MS) / 1_000 + defaults.drainSeconds;
    expect(Number(inUnit("TimeoutStopSec")[0])).toBeGreaterThan(longest);
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
  it("is of this version, with a Node that it supports, and not root", () => {
    expect(/^ARG VERSION=(.*)$/mu.exec(image)?.[1]).toBe(manifest.version);
    expect(image).toMatch(/^FROM node:22-slim$/mu);
    expect(image.indexOf("\nUSER node\n")).toBeGreaterThan(image.indexOf("\nRUN "));
    expect(image).toMatch(/^STOPSIGNAL SIGTERM$/mu);
    expect(image).toMatch(/^ENTRYPOINT \["crdt-relayer"\]$/mu);
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

  it("has a check of health that sees a relay that serves, and one that does not", async () => {
    const command = JSON.parse(/HEALTHCHECK .*CMD (\[.*\])$/mu.exec(image)![1]!) as string[];
    const relay = await startCommand(["--data", ":memory:"]);
    const { port } = new URL(relay.url);
    const healthy = (): number | null =>
      spawnSync(process.execPath, command.slice(1), {
        env: { SIDE_RELAYER_PORT: port },
      }).status;
    expect(command[0]).toBe("node");
    expect(healthy()).toBe(0);
    relay.process.kill("SIGTERM");
    await relay.outcome;
    expect(healthy()).toBe(1);
  });
});

describe("the package", () => {
  it("brings the folder", () => {
    expect(manifest.files).toContain("deploy");
  });
});
