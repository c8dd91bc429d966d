import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CommandError, EXIT } from "./exit-codes.ts";
import { BUDGET_NAMES, BUDGETS, DEFAULT_BUDGETS, flagOf, variableOf } from "./limits.ts";
import {
  checkListen,
  checkPeer,
  checkRelay,
  checkRoom,
  configText,
  DEFAULT_RELAY,
  loadSettings,
  type Settings,
  strangeVariables,
} from "./settings.ts";

const NO_PEERS = { peers: [], listen: null, maxPeers: 64 };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function config(text: string): string {
  const path = join(folder, "config.toml");
  writeFileSync(path, text);
  return path;
}

function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) {
      expect(error.exitCode).toBe(EXIT.usage);
      return `${error.complaint.what}: ${error.complaint.why ?? ""}`;
    }
    throw error;
  }
  throw new Error("it was accepted");
}

describe("settings", () => {
  const file = `room = "cafe"\nrelays = ["ws://file/websocket"]\n`;

  test("come from flags, then variables, then the file, then the defaults", () => {
    const env = { SIDE_ROOM: "env", SIDE_RELAY: "ws://a, ws://b/path" };
    expect(loadSettings(config(file), { room: "flag", relays: ["ws://flag/"] }, env)).toEqual({
      room: "flag",
      roomIsExplicit: true,
      relays: ["ws://flag/"],
      ...NO_PEERS,
      budgets: DEFAULT_BUDGETS,
    });
    expect(loadSettings(config(file), {}, env)).toEqual({
      room: "env",
      roomIsExplicit: true,
      relays: ["ws://a/websocket", "ws://b/path"],
      ...NO_PEERS,
      budgets: DEFAULT_BUDGETS,
    });
    expect(loadSettings(config(file), {}, {})).toEqual({
      room: "cafe",
      roomIsExplicit: false,
      relays: ["ws://file/websocket"],
      ...NO_PEERS,
      budgets: DEFAULT_BUDGETS,
    });
    const defaults = {
      room: "main",
      roomIsExplicit: false,
      relays: [DEFAULT_RELAY],
      ...NO_PEERS,
      budgets: DEFAULT_BUDGETS,
    };
    expect(loadSettings(join(folder, "none.toml"), {}, { SIDE_ROOM: "", SIDE_RELAY: " " })).toEqual(
      defaults,
    );
  });

  test("in a new config file are the ones it was made with", () => {
    const path = config(
      configText("alice", 'say "hi"', ["ws://one/websocket", "ws://two/websocket"]),
    );
    expect(() => loadSettings(path, {}, {})).toThrow("cannot be the name of a room");
    expect(loadSettings(config(configText("alice", "tea\\room", ["ws://one/x"])), {}, {})).toEqual({
      room: "tea\\room",
      roomIsExplicit: false,
      relays: ["ws://one/x"],
      ...NO_PEERS,
      budgets: DEFAULT_BUDGETS,
    });
  });

  test("say whom to connect to without a relay, and where others may connect", () => {
    const text = 'peers = ["ws://file:1"]\nlisten = 9001\nmax-peers = 3\nrelays = ["ws://relay"]\n';
    const env = { SIDE_PEER: "ws://a:1 ws://b:2/p", SIDE_LISTEN: "[::1]:7", SIDE_MAX_PEERS: "5" };
    const flags = { peers: ["ws://flag/"], listen: { host: "h", port: 1 }, maxPeers: 9 };
    const of = ({ relays, peers, listen, maxPeers }: Settings): object => ({
      relays,
      peers,
      listen,
      maxPeers,
    });
    expect(of(loadSettings(config(text), flags, env))).toEqual({
      relays: ["ws://relay/websocket"],
      ...flags,
    });
    expect(of(loadSettings(config(text), { relays: [] }, env))).toEqual({
      relays: [],
      peers: ["ws://a:1/websocket", "ws://b:2/p"],
      listen: { host: "::1", port: 7 },
      maxPeers: 5,
    });
    expect(of(loadSettings(config(text), {}, { SIDE_LISTEN: "", SIDE_MAX_PEERS: "" }))).toEqual({
      relays: ["ws://relay/websocket"],
      peers: ["ws://file:1/websocket"],
      listen: { host: "127.0.0.1", port: 9001 },
      maxPeers: 3,
    });
    // Who names peers, or lets them connect, and names no relay has none.
    const fresh = config(configText("alice", "main", null));
    expect(loadSettings(fresh, {}, {}).relays).toEqual([DEFAULT_RELAY]);
    expect(loadSettings(fresh, { peers: ["ws://x/"] }, {}).relays).toEqual([]);
    expect(loadSettings(fresh, { listen: { host: "h", port: 0 } }, {}).relays).toEqual([]);
  });

  test("that say where to listen are a port, or a host and a port", () => {
    for (const [text, host, port] of [
      [0, "127.0.0.1", 0],
      ["65535", "127.0.0.1", 65_535],
      ["0.0.0.0:9001", "0.0.0.0", 9001],
      ["node.example:80", "node.example", 80],
      ["[fe80::1]:9001", "fe80::1", 9001],
    ] as const)
      expect(checkListen(text, "--listen")).toEqual({ host, port });
    for (const bad of [
      "",
      "x",
      "65536",
      "-1",
      "1.5",
      ":1",
      "::1:1",
      "a b:1",
      "ws://x:1",
      "h:",
      1e9,
    ])
      expect(complaint(() => checkListen(bad, "--listen"))).toContain("--listen cannot be");
  });

  test("bound each thing that is held in memory: by a flag, a variable and a line of the file of one name", () => {
    expect(flagOf("peerPendingBytes")).toBe("peer-pending-bytes");
    expect(variableOf("peerPendingBytes")).toBe("SIDE_PEER_PENDING_BYTES");
    // The lines in a new config file are comments that say what the defaults are.
    const fresh = configText("alice", "main", []).replaceAll(/^# (\S+ = \d+)$/gmu, "$1");
    expect(loadSettings(config(fresh), {}, {}).budgets).toEqual(DEFAULT_BUDGETS);
    for (const [i, name] of BUDGET_NAMES.entries()) {
      const values = [1, 2, 3].map((factor) => factor * 2_000_000 + i);
      const path = config(`${flagOf(name)} = ${values[0]!}\n`);
      const env = { [variableOf(name)]: String(values[1]) };
      const loaded = [
        loadSettings(path, {}, {}),
        loadSettings(path, {}, { [variableOf(name)]: "" }),
        loadSettings(path, {}, env),
        loadSettings(path, { budgets: { [name]: values[2]! } }, env),
      ];
      expect(loaded.map(({ budgets }) => budgets)).toEqual(
        [values[0], values[0], values[1], values[2]].map((value) => ({
          ...DEFAULT_BUDGETS,
          [name]: value,
        })),
      );
      for (const wrong of ["x", "-1", "1.5", "1e9", "", " ", "99999999999999999999"]) {
        const why = complaint(() => loadSettings(config(`${flagOf(name)} = "${wrong}"\n`), {}, {}));
        expect(why).toContain(`"${flagOf(name)}" in`);
        expect(why).toContain(`at least ${BUDGETS[name].least}`);
      }
      const { least } = BUDGETS[name];
      expect(
        complaint(() => loadSettings(config(`${flagOf(name)} = ${least - 1}\n`), {}, {})),
      ).toContain(least === 0 ? "at least 0" : "a change of the greatest size must fit");
    }
  });

  test("that bound something are in the README with their defaults", () => {
    const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `--([a-z-]+)` \| (\d+) \|/gmu)].map(([, ...row]) => row);
    expect(rows).toEqual(
      BUDGET_NAMES.map((name) => [flagOf(name), String(BUDGETS[name].standard)]),
    );
  });

  test("that are wrong are named with their place", () => {
    expect(complaint(() => loadSettings(config("room = [\n"), {}, {}))).toContain("is not TOML");
    expect(complaint(() => loadSettings(config("rooms = 1\n"), {}, {}))).toContain(
      'unknown setting "rooms"',
    );
    expect(complaint(() => loadSettings(config("room = 1\n"), {}, {}))).toContain(
      "room must be a string",
    );
    expect(complaint(() => loadSettings(config('relays = "ws://x"\n'), {}, {}))).toContain(
      "list of strings",
    );
    expect(complaint(() => loadSettings(config('relays = ["x"]\n'), {}, {}))).toContain(
      '"relays" in',
    );
    for (const [line, why] of [
      ['peers = "ws://x"', "peers must be a list of strings"],
      ['peers = ["x"]', '"peers" in'],
      ["listen = true", "listen must be a port"],
      ['listen = "x"', '"listen" in'],
      ["max-peers = 0", '"max-peers" in'],
      ["max-peers = true", "a whole number from 1 to 10000"],
    ] as const)
      expect(complaint(() => loadSettings(config(`${line}\n`), {}, {}))).toContain(why);
    for (const name of ["SIDE_PEER", "SIDE_LISTEN", "SIDE_MAX_PEERS"])
      expect(complaint(() => loadSettings(config(""), {}, { [name]: "x" }))).toContain(name);
    expect(complaint(() => loadSettings(config(""), {}, { SIDE_ROOM: "a b" }))).toContain(
      "SIDE_ROOM",
    );
  });

  test("that are wrong say why, and what to write where they stand", () => {
    const path = join(folder, "config.toml");
    const next = (run: () => unknown): string | undefined => {
      try {
        run();
      } catch (error) {
        if (error instanceof CommandError) return error.complaint.next;
      }
      throw new Error("it was accepted");
    };
    const inFile = (text: string) => () => loadSettings(config(text), {}, {});
    expect(complaint(inFile('room = "a"\nroom = "b"\n'))).toContain(
      "line 2, column 1 is not TOML: trying to redefine an already defined table or value",
    );
    expect(complaint(inFile("rom = 1\n"))).toContain('unknown setting "rom"; did you mean "room"?');
    expect(complaint(inFile("colour = 1\n"))).toContain("(known: room, relays, ");
    expect(next(inFile("listen = 'x'\n"))).toBe(`write listen = 9001 into ${path}`);
    expect(next(inFile("max-peers = 0\n"))).toBe(`write max-peers = 64 into ${path}`);
    expect(next(inFile("room = 'a b'\n"))).toBe(`write room = "main" into ${path}`);
    expect(next(inFile("peers = ['x']\n"))).toBe(
      `write peers = ["ws://127.0.0.1:9001"] into ${path}`,
    );
    expect(next(inFile("send-bytes = 1\n"))).toBe(`write send-bytes = 4194304 into ${path}`);
    expect(next(() => loadSettings(config(""), {}, { SIDE_LISTEN: "x" }))).toBe("SIDE_LISTEN=9001");
    expect(next(() => checkRelay("x", "--relay"))).toBe(`--relay ${DEFAULT_RELAY}`);
    expect(next(() => checkRoom("", "--room"))).toBe("--room main");
  });

  test("that are variables are told of when they are misspelt, unless they are a relay's", () => {
    const known = { SIDE_HOME: "x", SIDE_DEBUG: "1", SIDE_SEND_BYTES: "1", SIDE_RELAYER_PORT: "1" };
    expect(strangeVariables({ ...known, OTHER: "1", SIDE_LISTENS: "", PATH: "x" })).toEqual([]);
    expect(strangeVariables({ ...known, SIDE_RELAYS: "ws://x", SIDE_COLOUR: "red" })).toEqual([
      'the variable SIDE_RELAYS is no setting of a node; did you mean "SIDE_RELAY"?',
      "the variable SIDE_COLOUR is no setting of a node",
    ]);
  });
});

test("a relay's address is completed with the path that relays listen on", () => {
  expect(checkRelay("ws://127.0.0.1:8080", "--relay")).toBe(DEFAULT_RELAY);
  expect(checkRelay("wss://relay.example/", "--relay")).toBe("wss://relay.example/websocket");
  expect(checkRelay("wss://relay.example/other?token=1", "--relay")).toBe(
    "wss://relay.example/other?token=1",
  );
  for (const bad of [
    "",
    "relay.example",
    "http://relay.example",
    "ws://",
    "ws://u:p@x/",
    "ws://x/#y",
    "file:///etc",
  ]) {
    complaint(() => checkRelay(bad, "--relay"));
  }
  expect(complaint(() => checkRelay("http://relay.example:80", "--relay"))).toContain(
    "try ws://relay.example",
  );
});

test("a peer's address is completed with the path that nodes listen on", () => {
  expect(checkPeer("ws://10.0.0.1:9001", "--peer")).toBe("ws://10.0.0.1:9001/websocket");
  expect(complaint(() => checkPeer("ws://u:p@x/", "--peer"))).toContain(
    "--peer is not the address",
  );
});

test("a room is named by a word", () => {
  for (const room of ["main", "žižkov", "a".repeat(128), "room/1"])
    expect(checkRoom(room, "--room")).toBe(room);
  for (const room of ["", "a b", "a\nb", "a".repeat(129), "\u0000"])
    complaint(() => checkRoom(room, "--room"));
});
