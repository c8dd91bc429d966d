import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLOSE } from "../src/index.ts";
import { Client, Participant } from "./participant.ts";
import {
  runCommand,
  runInto,
  runUnread,
  startCommand,
  startInTerminal,
  temporaryFolder,
} from "./running.ts";

describe("crdt-relayer", () => {
  it("prints help with every option and examples, within 80 columns", async () => {
    const { code, stdout, stderr } = await runCommand(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const part of [
      "--host",
      "--port",
      "--data",
      "--config",
      "--log-level",
      "--max-rooms",
      "Examples:",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("ends quietly when nobody reads on", async () => {
    expect(await runUnread(["--help"])).toMatchObject({ code: 0, stderr: "" });
    expect(await runUnread(["config"])).toMatchObject({ code: 0, stderr: "" });
  });

  it.runIf(existsSync("/dev/full"))("says so when what it prints cannot be written", async () => {
    for (const args of [["--help"], ["config"], ["config", "--json"]]) {
      const { code, stderr } = await runInto("/dev/full", args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^crdt-relayer: cannot write what was asked for\n {2}why: {2}ENOSPC/u);
    }
  });

  it("prints its version", async () => {
    expect(await runCommand(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/u) as string,
    });
  });

  it.each([
    [
      ["--prot", "1"],
      /^crdt-relayer: unknown option '--prot'; did you mean --port\?\n {2}next: crdt-relayer --help\n$/u,
    ],
    [
      ["--port", "99999"],
      /--port cannot be "99999"\n {2}why: {2}it must be a number from 0 to 65535/u,
    ],
    [["--port"], /argument missing/u],
    [
      ["extra"],
      /^crdt-relayer: unknown command "extra"\n {2}why: {2}the commands are config and doctor\n {2}next: crdt-relayer --help\n$/u,
    ],
    [["doktor"], /^crdt-relayer: unknown command "doktor"; did you mean "doctor"\?\n/u],
    [["config", "extra"], /too many arguments for 'config'/u],
    [["--log-level", "loud"], /--log-level cannot be "loud"/u],
    [["--max-frame-bytes", "1000"], /--max-frame-bytes cannot be "1000"/u],
    [
      ["--pending-bytes", "1000"],
      /--pending-bytes cannot be "1000"\n {2}why: {2}it must be a whole number of at least 1048576: a change of the greatest size must fit/u,
    ],
    [["--room-pending-byte", "1"], /; did you mean --room-pending-bytes\?/u],
    [["--send-hard-bytes", "70000"], /--send-hard-bytes cannot be 70000/u],
    [["--config", "/nowhere/config.toml"], /cannot read the config file \/nowhere\/config.toml/u],
  ])("ends with 2 and a hint for %j", async (args, message) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  it("takes settings from flags, then variables, then the config file", async () => {
    const home = temporaryFolder();
    mkdirSync(join(home, "relayer"));
    writeFileSync(
      join(home, "relayer", "config.toml"),
      'log-level = "silent"\nmax-room-sessions = 1\nmax-rooms = 1\n',
    );
    const { url, process, outcome } = await startCommand(["--data", ":memory:"], {
      SIDE_HOME: home,
      SIDE_RELAYER_MAX_ROOMS: "2",
    });
    const rooms = ["one", "two", "one", "three"];
    const answers: string[] = [];
    for (const room of rooms) {
      const client = await Client.open(url);
      answers.push(await client.ask(`/join ${room}`));
    }
    expect(answers).toEqual([
      expect.stringMatching(/^joined/u),
      expect.stringMatching(/^joined/u),
      "error: this room takes no more than 1 session at once",
      "error: this relay holds no more than 2 rooms at once",
    ]);
    process.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
  });

  it("refuses a config file with a mistake", async () => {
    const file = join(temporaryFolder(), "relayer.toml");
    writeFileSync(file, "prot = 1\n");
    expect(await runCommand(["--config", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown setting "prot"') as string,
    });
    writeFileSync(file, "port = \n");
    expect(await runCommand(["--config", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("line 1") as string,
    });
  });

  it("keeps rooms in ~/.side/relayer unless told otherwise", async () => {
    const home = temporaryFolder();
    for (let run = 0; run < 2; run++) {
      const relay = await startCommand([], { SIDE_HOME: home });
      const alice = await Participant.join(relay.url, "main");
      await alice.untilLines(run);
      await alice.untilDurable(alice.write(`run ${run}`));
      relay.process.kill("SIGTERM");
      expect(await relay.outcome).toMatchObject({ code: 0 });
    }
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "drains on %s, tells the sessions, and ends with 0",
    async (signal) => {
      const relay = await startCommand(["--data", temporaryFolder(), "--log-level", "silent"]);
      const alice = await Participant.join(relay.url, "main");
      await alice.untilDurable(alice.write("hello"));
      relay.process.kill(signal);
      expect(await alice.client.closed).toEqual({
        code: CLOSE.stopping.code,
        reason: expect.stringMatching(/^the relay is stopping; retry in \d+ ms$/u) as string,
      });
      expect(await relay.outcome).toEqual({
        code: 0,
        stdout: `listening ${relay.url}\n`,
        stderr: "",
      });
    },
  );

  it.each([
    ["all", 'exec "$@"'],
    ["its input", 'exec "$@" >&3 2>&3'],
    ["its output", 'exec "$@" < /dev/null 2>&3'],
    ["its log", 'exec "$@" < /dev/null >&3'],
  ])(
    "drains as well when the terminal is closed that it was started in (%s), and ends by that signal",
    async (_what, script) => {
      const relay = await startInTerminal(script, ["--data", temporaryFolder()]);
      const alice = await Participant.join(relay.url, "main");
      await alice.untilDurable(alice.write("hello"));
      relay.closeTerminal();
      expect(await alice.client.closed).toMatchObject({ code: CLOSE.stopping.code });
      expect(await relay.ended).toBe(-constants.signals.SIGHUP);
    },
  );

  it("says in one short line of its log in a terminal that it stops", async () => {
    const relay = await startInTerminal('exec "$@"', ["--data", ":memory:"]);
    relay.type("\x03");
    const line = await relay.says(/ (stopping .*?)\r?\n/u);
    expect(line).toMatch(
      /^stopping signal=SIGINT status=ok uptime=[\d.]+ ready=true rooms=0 sessions=0$/u,
    );
    expect(await relay.ended).toBe(0);
  });

  it("reads its settings again on SIGHUP in a terminal that is open", async () => {
    const relay = await startInTerminal('exec "$@"', ["--data", ":memory:"]);
    process.kill(Number(await relay.says(/^process (\d+)$/mu)), "SIGHUP");
    await relay.says(/(settings reloaded|settings are as they were)/u);
    const alice = await Participant.join(relay.url, "main");
    await alice.untilDurable(alice.write("hello"));
    relay.closeTerminal();
    await relay.ended;
  });

  it("says what to type when the port is taken", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runCommand(["--data", ":memory:", "--port", String(port)]);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(stderr).toContain(`maybe a relay left running: curl -s http://127.0.0.1:${port}/info\n`);
    expect(stderr).toContain(`next: crdt-relayer --port ${port + 1}`);
  });

  it("says how to see whether it is a relay that has the port, and that answers", async () => {
    const { url } = await startCommand(["--data", ":memory:"]);
    const { port } = new URL(url);
    // Where every address of the machine is asked for, one of them is named.
    for (const host of ["127.0.0.1", "0.0.0.0"]) {
      const { stderr } = await runCommand(["--data", ":memory:", "--host", host, "--port", port]);
      const [, asked = ""] = /maybe a relay left running: curl -s (\S+)\n/u.exec(stderr)!;
      expect(await (await fetch(asked)).json()).toMatchObject({ name: "crdt-relayer" });
    }
  });

  it("leaves a folder to the relayer that uses it, and ends with 4", async () => {
    const data = temporaryFolder();
    await startCommand(["--data", data]);
    expect(await runCommand(["--data", data, "--port", "0"])).toMatchObject({
      code: 4,
      stdout: "",
      stderr: expect.stringContaining(`another relayer is using ${data}`) as string,
    });
  });

  it.runIf(existsSync("/proc/self"))(
    "says that a data folder cannot be made where nothing can be, and ends with 1",
    async () => {
      expect(await runCommand(["--data", "/proc/crdt-relayer/rooms", "--port", "0"])).toMatchObject(
        {
          code: 1,
          stdout: "",
          stderr: expect.stringContaining("cannot make the data folder /proc/") as string,
        },
      );
    },
  );

  it("ends with 5 on a damaged store", async () => {
    const data = temporaryFolder();
    mkdirSync(join(data, "store"));
    writeFileSync(join(data, "store", "CURRENT"), "junk\n");
    expect(await runCommand(["--data", data, "--port", "0"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("is damaged") as string,
    });
  });
});
