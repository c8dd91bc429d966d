/** `crdt-relayer config`, and what SIGHUP makes of the file: the command as a process of its own. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKeyPair, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { Client } from "./participant.ts";
import { type RelayProcess, runCommand, startCommand, temporaryFolder } from "./running.ts";

interface Listed {
  readonly file: { readonly path: string; readonly isThere: boolean };
  readonly settings: { readonly [name: string]: { readonly value: unknown } };
}

async function listed(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Listed> {
  const { code, stdout, stderr } = await runCommand(["config", "--json", ...args], env);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Listed;
}

describe("crdt-relayer config", () => {
  it("prints every setting with its unit and where it comes from", async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, "relayer"));
    const file = join(home, "relayer", "config.toml");
    writeFileSync(file, "max-rooms = 7\nmax-sessions = 8\nport = 9\n");
    const env = { SIDE_HOME: home, SIDE_RELAYER_MAX_SESSIONS: "88", SIDE_RELAYER_PORT: "99" };
    const { file: read, settings } = await listed(["--port", "999"], env);
    expect(read).toEqual({ path: file, isThere: true });
    expect(settings).toMatchObject({
      "max-rooms": {
        value: 7,
        unit: "rooms",
        origin: "file",
        source: `"max-rooms" in ${file}`,
        needsRestart: false,
      },
      "max-sessions": {
        value: 88,
        unit: "connections",
        origin: "variable",
        source: "SIDE_RELAYER_MAX_SESSIONS",
      },
      port: { value: 999, unit: "", origin: "flag", source: "--port", needsRestart: true },
      "ping-seconds": { value: 25, unit: "seconds", origin: "default", source: "default" },
      "send-bytes": { value: 1_073_741_824, unit: "bytes", origin: "default" },
      data: { value: join(home, "relayer"), origin: "default" },
    });
    const { stdout } = await runCommand(["config", "--port", "999"], env);
    expect(stdout).toContain(`# rooms; "max-rooms" in ${file}\nmax-rooms = 7\n`);
    expect(stdout).toContain("# --port; a change needs a restart\nport = 999\n");
    expect(stdout).toContain("# seconds; default\nping-seconds = 25\n");
  });

  it("shows no password", async () => {
    const args = ["--backplane", "nats://me:s3cret@a:4222,nats://you:s3cret@b"];
    for (const format of [[], ["--json"]]) {
      const { stdout } = await runCommand(["config", ...format, ...args]);
      expect(stdout).toContain("nats://***@a:4222,nats://***@b");
      expect(stdout).not.toContain("s3cret");
    }
  });

  it("prints what can be used as the config file, whatever the values are", async () => {
    const folder = temporaryFolder();
    const data = join(folder, 'a "strange" \\ folder\t\u{7f}é');
    const args = ["--data", data, "--room-grace-seconds", "0.25", "--port", "0"];
    const { stdout } = await runCommand(["config", ...args]);
    const file = join(folder, "relayer.toml");
    writeFileSync(file, stdout);
    const before = await listed(args);
    const after = await listed(["--config", file]);
    expect(values(after)).toEqual(values(before));
    expect(after.settings["data"]).toMatchObject({ value: data, origin: "file" });
  });

  it("prints no table below which a line that is added would be lost, when no room has rules", async () => {
    const file = join(temporaryFolder(), "relayer.toml");
    const { stdout } = await runCommand(["config"]);
    writeFileSync(file, `${stdout.replace(/^port = .*$/mu, "")}port = 4\n`);
    expect((await listed(["--config", file])).settings["port"]).toMatchObject({ value: 4 });
  });

  it("prints the rules of rooms so that they are read as they were, from options, a variable and a file", async () => {
    const folder = temporaryFolder();
    const [a, b] = [1, 2].map(() => toHex(generateKeyPair().publicKey));
    const args = [
      "--rooms",
      `main authors=${a},${b}`,
      "--rooms",
      `a%20b%0A%22 readers=${a} read-only`,
    ];
    const rooms = { main: { authors: [a, b] }, 'a b\n"': { readers: [a], "read-only": true } };
    const given = await listed([...args, "--authenticate", "--hosts", "Relay.example,b:1"]);
    expect(given.settings["rooms"]).toMatchObject({ value: rooms, origin: "flag" });
    const { stdout } = await runCommand(["config", ...args, "--authenticate", "--hosts", "a"]);
    const file = join(folder, "relayer.toml");
    writeFileSync(file, stdout);
    const { settings } = await listed(["--config", file]);
    expect(settings).toMatchObject({
      rooms: { value: rooms, origin: "file" },
      authenticate: { value: true, origin: "file" },
      hosts: { value: ["a"], origin: "file" },
    });
    const variables = {
      SIDE_RELAYER_ROOMS: "x read-only;y",
      SIDE_RELAYER_AUTHENTICATE: "true",
      SIDE_RELAYER_HOSTS: "c",
    };
    expect(
      (await listed(["--config", file, "--authenticate", "false"], variables)).settings,
    ).toMatchObject({
      rooms: { value: { x: { "read-only": true }, y: {} }, origin: "variable" },
      authenticate: { value: false, origin: "flag" },
      hosts: { value: ["c"], origin: "variable" },
    });
  });

  it("says when there is no file, and refuses what a relay would refuse", async () => {
    const home = temporaryFolder();
    const { stdout } = await runCommand(["config"], { SIDE_HOME: home });
    expect(stdout).toContain(
      `# Config file: ${join(home, "relayer", "config.toml")} (not there)\n`,
    );
    expect(await runCommand(["config", "--port", "x"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining('--port cannot be "x"') as string,
    });
  });

  it.each([["config"], ["doctor"]])("has help for %s within 80 columns", async (command) => {
    const { code, stdout } = await runCommand([command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`crdt-relayer ${command} [options]`);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

function values({ settings }: Listed): unknown {
  return Object.entries(settings).map(([name, { value }]) => [name, value]);
}

describe("crdt-relayer on SIGHUP", () => {
  it("reads its file again, applies what can be applied, and says what needs a restart", async () => {
    const { relay, file, line } = await withFile("max-room-sessions = 1\nlog-level = 'info'\n");
    const first = await Client.open(relay.url);
    expect(await first.ask("/join main")).toMatch(/^joined/u);
    expect(await refusal(relay)).toContain("no more than 1 session at once");

    writeFileSync(file, "max-room-sessions = 2\nhost = '127.0.0.2'\nping-seconds = 5\n");
    relay.process.kill("SIGHUP");
    expect(await line("settings reloaded")).toMatchObject({
      changed: ["max-room-sessions", "ping-seconds"],
    });
    expect(await line("with a restart only")).toMatchObject({ level: "warn", settings: ["host"] });
    const second = await Client.open(relay.url);
    expect(await second.ask("/join main")).toMatch(/^joined/u);
    expect(await refusal(relay)).toContain("no more than 2 sessions at once");
  });

  it("changes nothing when the file is wrong, says why, and goes on", async () => {
    const { relay, file, line } = await withFile("max-room-sessions = 1\n");
    const first = await Client.open(relay.url);
    await first.ask("/join main");
    for (const [text, why] of [
      ["max-room-sessions = 5\nmax-rooms = 'many'\n", '"max-rooms" in'],
      ["max-room-sessions = 5\nmax-room = 1\n", "cannot use"],
      ["max-room-sessions = \n", "cannot use"],
    ] as const) {
      writeFileSync(file, text);
      relay.process.kill("SIGHUP");
      expect(await line("nothing was changed")).toMatchObject({
        level: "error",
        reason: expect.stringContaining(why) as string,
      });
    }
    rmSync(file);
    relay.process.kill("SIGHUP");
    expect(await line("nothing was changed")).toMatchObject({
      reason: expect.stringContaining("cannot read the config file") as string,
    });
    expect(await refusal(relay)).toContain("no more than 1 session at once");
  });

  it("changes how much the log says, of sessions that are there too", async () => {
    const { relay, file, line } = await withFile("log-level = 'info'\n");
    const client = await Client.open(relay.url);
    await client.ask("/join main");
    writeFileSync(file, "log-level = 'debug'\n");
    relay.process.kill("SIGHUP");
    await line("settings reloaded");
    await client.leave();
    expect(await line("session closed")).toMatchObject({ level: "debug" });
  });
});

/** A relay that has read a file; `line` gives the next line of its log that holds some words. */
async function withFile(text: string): Promise<{
  relay: RelayProcess;
  file: string;
  line: (words: string) => Promise<{ readonly [key: string]: unknown }>;
}> {
  const file = join(temporaryFolder(), "relayer.toml");
  writeFileSync(file, text);
  const relay = await startCommand(["--data", ":memory:", "--config", file]);
  const lines: string[] = [];
  let rest = "";
  let arrived: (() => void) | null = null;
  relay.process.stderr!.on("data", (data: Buffer) => {
    const parts = (rest + data.toString()).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    arrived?.();
  });
  const line = async (words: string): Promise<{ readonly [key: string]: unknown }> => {
    for (;;) {
      for (let next = lines.shift(); next !== undefined; next = lines.shift()) {
        const message = JSON.parse(next) as { readonly [key: string]: unknown };
        if (String(message["msg"]).includes(words)) return message;
      }
      await new Promise<void>((resolve) => (arrived = resolve));
    }
  };
  return { relay, file, line };
}

/** How a relay refuses someone who comes into its room now. */
async function refusal(relay: RelayProcess): Promise<string> {
  const client = await Client.open(relay.url);
  return client.ask("/join main");
}
