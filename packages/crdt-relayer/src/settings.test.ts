import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { generateKeyPair, MAX_GROUP_BYTES, toHex } from "bft-json-crdt";
import { afterAll, describe, expect, it } from "vitest";
import { RelayError } from "./exit-codes.ts";
import {
  completeSettings,
  flagOf,
  loadSettings,
  SETTING_NAMES,
  SETTINGS,
  textOf,
  variableOf,
} from "./settings.ts";

const home = mkdtempSync(join(tmpdir(), "crdt-relayer-settings-"));
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});
const env = { SIDE_HOME: home };

function configFile(text: string): string {
  const file = join(home, "given.toml");
  writeFileSync(file, text);
  return file;
}

function complaint(load: () => unknown): Pick<RelayError, "why" | "next"> & { what: string } {
  try {
    load();
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return { what: error.message, why: error.why, next: error.next };
  }
  throw new Error("it was accepted");
}

describe("settings", () => {
  it("have defaults that their own rules accept", () => {
    const settings = loadSettings({}, undefined, env);
    expect(settings).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      data: join(home, "relayer"),
      logLevel: "info",
    });
    for (const name of SETTING_NAMES) {
      expect(SETTINGS[name].read(settings[name])).toEqual(settings[name]);
      expect(SETTINGS[name].read(textOf(settings[name]))).toEqual(settings[name]);
    }
  });

  it("are named alike in flags, variables and the file", () => {
    expect(flagOf("maxRoomSessions")).toBe("max-room-sessions");
    expect(variableOf("maxRoomSessions")).toBe("SIDE_RELAYER_MAX_ROOM_SESSIONS");
  });

  it("come from flags before variables before the file", () => {
    const config = configFile('host = "::1"\nport = 1\nmax-rooms = 1\n');
    const variables = {
      ...env,
      SIDE_RELAYER_PORT: "2",
      SIDE_RELAYER_MAX_ROOMS: "2",
      SIDE_RELAYER_HOST: "",
    };
    expect(loadSettings({ port: "3" }, config, variables)).toMatchObject({
      host: "::1",
      port: 3,
      maxRooms: 2,
    });
  });

  it("name the place of a wrong value", () => {
    const wrong: readonly (readonly [() => unknown, string])[] = [
      [() => loadSettings({ port: "x" }, undefined, env), "--port"],
      [() => loadSettings({}, undefined, { ...env, SIDE_RELAYER_PORT: "-1" }), "SIDE_RELAYER_PORT"],
      [() => loadSettings({}, configFile("ping-seconds = 0"), env), '"ping-seconds" in'],
      [() => loadSettings({}, configFile("host = true"), env), '"host" in'],
      [() => completeSettings({ port: 1.5 }, env), "port"],
    ];
    for (const [load, place] of wrong) {
      expect(load).toThrow(RelayError);
      expect(load).toThrow(place);
    }
  });

  it("bound what waits in memory, never below what the greatest change takes", () => {
    const budgets = SETTING_NAMES.filter(
      (name) => name.endsWith("Bytes") && name !== "resendBytes",
    );
    expect(budgets.length).toBeGreaterThan(8);
    for (const name of budgets) {
      const reader = SETTINGS[name].read;
      for (const wrong of ["-1", "x", "1.5", 1.5, -1, NaN, Infinity, "", "9".repeat(17)])
        expect(reader(wrong)).toBeNull();
    }
    for (const name of ["pendingBytes", "roomPendingBytes", "inboxBytes", "sendBytes"] as const) {
      expect(() => completeSettings({ [name]: MAX_GROUP_BYTES - 1 }, env)).toThrow(RelayError);
      expect(completeSettings({ [name]: MAX_GROUP_BYTES }, env)[name]).toBe(MAX_GROUP_BYTES);
      expect(SETTINGS[name].accepts).toContain("a change of the greatest size must fit");
    }
  });

  it("are in the README, every bound with its default", () => {
    const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `--([a-z-]+)` \| (\d+) \|/gmu)].map(([, ...row]) => row);
    const bounds = SETTING_NAMES.filter((name) => SETTINGS[name].isBound);
    expect(rows).toEqual(
      bounds.map((name) => [flagOf(name), String(SETTINGS[name].standard(env))]),
    );
  });

  it("take lists as text or as an array", () => {
    const config = configFile(
      'origins = ["https://a.example", "*"]\ntrust-proxy = "::1, 10.0.0.0/8"\n',
    );
    expect(loadSettings({}, config, env)).toMatchObject({
      origins: ["https://a.example", "*"],
      trustProxy: ["::1", "10.0.0.0/8"],
    });
    const flags = { origins: "https://A.example/ , only-browsers", trustProxy: "" };
    expect(loadSettings(flags, undefined, env)).toMatchObject({
      origins: ["https://a.example", "only-browsers"],
      trustProxy: [],
    });
    for (const wrong of ["", "only-browsers", "a.example", "*,/", 7, ["*", 7], [], null])
      expect(SETTINGS.origins.read(wrong)).toBeNull();
    for (const wrong of ["10.0.0.0/33", "::1 ::2", 7, [7], { 0: "::1" }])
      expect(SETTINGS.trustProxy.read(wrong)).toBeNull();
  });

  it("turn a switch on and off in words", () => {
    const { read } = SETTINGS.authenticate;
    expect(["true", true, "false", false].map(read)).toEqual([true, true, false, false]);
    expect(["", "yes", 1, null, undefined].map(read)).toEqual([null, null, null, null, null]);
  });

  it("take names of the relay, in one way of writing them", () => {
    expect(SETTINGS.hosts.read("Relay.example, [::1]:80")).toEqual(["relay.example", "[::1]:80"]);
    for (const wrong of ["https://relay.example", ["a b"], 7])
      expect(SETTINGS.hosts.read(wrong)).toBeNull();
  });

  it("take a table for each room, or text", () => {
    const { publicKey } = generateKeyPair();
    const key = toHex(publicKey);
    const config = configFile(
      `port = 1\n[rooms."a b"]\nauthors = ["${key}"]\n[rooms.c]\nread-only = true\n`,
    );
    const rooms = { "a b": { authors: [key] }, c: { "read-only": true } };
    expect(loadSettings({}, config, env)).toMatchObject({ port: 1, rooms });
    const text = textOf(rooms);
    expect(text).toBe(`a%20b authors=${key}; c read-only`);
    expect(loadSettings({ rooms: text }, undefined, env).rooms).toEqual(rooms);
    expect(() => loadSettings({}, configFile("[rooms.x]\nauthors = ['no']\n"), env)).toThrow(
      '"rooms" in',
    );
  });

  it.each([
    [
      "authors = ['ab']",
      'room "x": "authors" holds "ab", which is 2 characters long and no public key of 64 hex digits',
    ],
    ["author = []", 'room "x": "author" is no rule; did you mean "authors"?'],
    ['read-only = "yes"', 'room "x": "read-only" must be true or false, not "yes"'],
    [
      "port = 1",
      'room "x": "port" is no rule (rules are authors, readers, read-only; other settings stand above all tables of a file)',
    ],
  ])("say what is wrong in the table of a room: %s", (line, why) => {
    const file = configFile(`[rooms.x]\n${line}\n`);
    expect(complaint(() => loadSettings({}, file, env))).toEqual({
      what: `"rooms" in ${file} cannot be used`,
      why,
      next: 'write authors = ["KEY"], readers = ["KEY"] or read-only = true below [rooms."NAME"]',
    });
  });

  it("say that a line below the tables is no setting", () => {
    const { why } = complaint(() => loadSettings({}, configFile("[rooms]\nprot = 4\n"), env));
    expect(why).toBe(
      'room "prot" has no table of rules, but is 4: what is no room stands above all tables of a file',
    );
  });

  it("pass on why a file is not TOML", () => {
    const file = configFile("port = 1\nport = 2\n");
    expect(complaint(() => loadSettings({}, file, env))).toEqual({
      what: `cannot use ${file}`,
      why: "line 2, column 1 is not TOML: trying to redefine an already defined table or value",
      next: `\${EDITOR:-vi} ${file}`,
    });
  });

  it("guess which line of the file was meant, and say what to write there", () => {
    const of = (text: string) => complaint(() => loadSettings({}, configFile(text), env));
    expect(of("prot = 1\n").why).toBe('unknown setting "prot"; did you mean "port"?');
    expect(of("colour = 1\n").why).toBe(
      'unknown setting "colour" (crdt-relayer config prints all)',
    );
    expect(of("port = -1\n").next).toBe("write port = 8080, which is the default");
    expect(of('origins = ["x"]\n').next).toBe('write origins = [ "*" ], which is the default');
    expect(of('tls-cert = "a.pem"\n').next).toBe('write tls-key = "key.pem" below it');
    expect(of("send-hard-bytes = 70000\n").next).toMatch(/^write send-hard-bytes = \d+$/u);
  });

  it("refuse a variable that is none of them, and guess which was meant", () => {
    const of = (variables: NodeJS.ProcessEnv) =>
      complaint(() => loadSettings({}, undefined, { ...env, ...variables }));
    expect(of({ SIDE_RELAYER_MAX_ROMS: "4" })).toMatchObject({
      what: 'unknown variable SIDE_RELAYER_MAX_ROMS; did you mean "SIDE_RELAYER_MAX_ROOMS"?',
      next: "unset SIDE_RELAYER_MAX_ROMS",
    });
    expect(of({ SIDE_RELAYER_COLOUR: "red" }).what).toBe("unknown variable SIDE_RELAYER_COLOUR");
    const unset = { SIDE_RELAYER_MAX_ROMS: "", SIDE_RELAY: "ws://other", OTHER: "1" };
    expect(loadSettings({}, undefined, { ...env, ...unset }).port).toBe(8080);
  });

  it("take a port for metrics, the same, or none", () => {
    const { read } = SETTINGS.metricsPort;
    expect(["", "0", 0, "9090", "off", false].map(read)).toEqual([0, 0, 0, 9_090, "off", "off"]);
    expect(["on", true, -1, "65536", null].map(read)).toEqual([null, null, null, null, null]);
  });

  it("want a certificate and its key together, or neither", () => {
    expect(completeSettings({ tlsCert: "a.pem", tlsKey: "b.pem" }, env)).toMatchObject({
      tlsCert: resolve("a.pem"),
      tlsKey: resolve("b.pem"),
    });
    expect(() => completeSettings({ tlsCert: "a.pem" }, env)).toThrow(
      "--tls-cert is given without --tls-key",
    );
    expect(() => completeSettings({ tlsKey: "a.pem" }, env)).toThrow(
      "--tls-key is given without --tls-cert",
    );
    for (const wrong of ["a\0b", 7, true]) expect(SETTINGS.tlsCert.read(wrong)).toBeNull();
  });

  it("make a folder absolute, and leave :memory: alone", () => {
    expect(loadSettings({ data: "rooms" }, undefined, env).data).toBe(resolve("rooms"));
    expect(loadSettings({ data: ":memory:" }, undefined, env).data).toBe(":memory:");
  });
});
