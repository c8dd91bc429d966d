// Blocks of pages, typed into real commands as the page has them: only ports are free ones, keys are keys, and what is installed
// on a machine (`npm install --global`) is ours already. test/packaging.test.ts installs. Which they are: typed-blocks.ts.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  authenticationMessage,
  documentId,
  fromHex,
  generateKeyPair,
  type KeyPair,
  sign,
  toHex,
} from "bft-json-crdt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Client, openLines, Participant } from "../packages/crdt-relayer/test/participant.ts";
import { CLOSE, reasonOf } from "../packages/crdt-relayer/src/close-codes.ts";
import { root } from "./page-blocks.ts";
import { Desk } from "./terminal.ts";
import { wordsOf } from "./transcript.ts";
import { typedTexts } from "./typed-blocks.ts";

const NODE = "packages/crdt-node/README.md";
const OPERATIONS = "docs/operations.md";

const {
  withRelay,
  listens,
  connects,
  python,
  installRelay,
  startRelay,
  settings,
  doctor,
  rules,
  access,
  rooms,
  farewell,
  image,
  library,
} = typedTexts();

let desk: Desk;

beforeEach(() => {
  desk = new Desk();
});
afterEach(async () => {
  await desk.close();
});

describe(NODE, () => {
  test("a relay, a node, a line; and beside them the client in Python, as its README says", async () => {
    const terminal = desk.terminal({ SIDE_RELAYER_PORT: "0" });
    const [relay = "", ...rest] = withoutInstall(withRelay).split(/(?<=\n)/u);
    expect(relay).toBe("crdt-relayer &\n");
    terminal.type(relay);
    const url = await terminal.listening();
    const shownUrl = "ws://127.0.0.1:8080/websocket";
    expect(rest.join("")).toContain(shownUrl);
    terminal.type(rest.join("").replace(shownUrl, url));
    await terminal.until(/ you {2}alice -> bob 10 for coffee$/mu);

    const beside = desk.terminal({}, join(root, "examples/python-client"));
    beside.type(python);
    await beside.until(/'acknowledged': True/u);
    expect(beside.printed).toContain("for coffee");
    await terminal.until(/ you {2}alice -> bob 10 lunch$/mu);
  });

  test("two nodes without a relay: each shows what is typed into the other", async () => {
    const readme = readFileSync(join(root, NODE), "utf8").replaceAll(/\s+/gu, " ");
    const [alice, bob] = [desk.terminal(), desk.terminal()];
    expect(listens).toMatch(/ --listen 9001\n$/u);
    alice.type(listens.replace("9001", "0"));
    const url = await alice.listening();
    expect(readme).toContain("It says `listening ws://127.0.0.1:9001/websocket`");
    const shownUrl = "ws://127.0.0.1:9001";
    expect(connects).toContain(shownUrl);
    bob.type(connects.replace(shownUrl, url.replace("/websocket", "")));
    expect(readme).toContain("It says `connected to ws://127.0.0.1:9001/websocket`");
    await bob.until(new RegExp(`^connected to ${url}$`, "mu"));
    expect(readme).toContain("Alice's terminal `1 peer connected to this node`");
    await alice.until(/^1 peer connected to this node$/mu);

    const [, first = "", second = ""] = /type `([^`]+)` into the first and `([^`]+)`/u.exec(
      readme,
    )!;
    alice.type(`${first}\n`);
    bob.type(`${second}\n`);
    for (const terminal of [alice, bob]) {
      for (const line of [first, second]) await terminal.until(new RegExp(` ${line}$`, "mu"));
    }
    // What the page says of a third one, and of the digests.
    const [, init = ""] = /`(crdt-node init carol)`/u.exec(readme)!;
    const [, send = ""] = /`(crdt-node send carol [^`]+)`/u.exec(readme)!;
    expect(send).toContain(shownUrl);
    const third = desk.terminal();
    await third.run(`${init}\n${send.replace(shownUrl, url.replace("/websocket", ""))}`);
    await bob.until(/ carol -> all 1$/mu);
    const digests = await third.run(`for name in alice bob; do crdt-node status $name; done`);
    const [ofAlice, ofBob, ...more] = digests.match(/digest\b.*/gu)!;
    expect([ofBob, more]).toEqual([ofAlice, []]);
  });
});

describe("a relay as the pages start it", () => {
  test("operations.md: it keeps rooms in the folder, and the doctor finds them sound, with and without --repair", async () => {
    const terminal = desk.terminal();
    terminal.type(onFreePort(inHome(withoutInstall(installRelay))));
    const url = await terminal.listening();
    expect((await fetch(httpOf(url, "/healthz"))).status).toBe(200);
    const alice = await Participant.join(url, "main");
    await alice.untilDurable(alice.write("hello"));
    await alice.leave();
    await terminal.end();
    const printed = await desk.terminal().run(inHome(doctor));
    expect(printed.match(/^1 room, sound: .*$|^.*\ball sound\b.*$/gmu)).toHaveLength(2);
    expect(printed).not.toContain("quarantine");
  });

  test("its README: it says where it listens, answers /healthz, and keeps the folder", async () => {
    const terminal = desk.terminal();
    terminal.type(onFreePort(withoutInstall(startRelay)));
    const url = await terminal.listening();
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/websocket$/u);
    expect((await fetch(httpOf(url, "/healthz"))).status).toBe(200);
    expect(existsSync(join(desk.home, "relayer-data/store"))).toBe(true);
  });

  test("operations.md: what `config` prints is a config file, which gives the same settings", async () => {
    const lines = settings.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    const terminal = desk.terminal({ SIDE_RELAYER_PORT: "0", SIDE_RELAYER_MAX_ROOMS: "7" });
    const printed = await terminal.run(lines[0]!);
    expect(await terminal.run(lines[1]!)).toBe("");
    const file = readFileSync(join(desk.home, "relayer.toml"), "utf8");
    expect(file).toBe(printed);
    const { settings: known } = JSON.parse(await terminal.run(lines[2]!)) as {
      readonly settings: { readonly [name: string]: { readonly value: unknown } };
    };
    expect(known["max-rooms"]?.value).toBe(7);
    // Every one, with its unit and where it comes from.
    expect(Object.keys(known).length).toBeGreaterThan(40);
    for (const name of Object.keys(known)) {
      expect(file).toMatch(new RegExp(`^(?:# )?(?:${name} =|\\[?${name}\\b)`, "mu"));
    }
    expect(file).toMatch(/^# rooms; SIDE_RELAYER_MAX_ROOMS\nmax-rooms = 7$/mu);
    const config = lines[3]!.replace("crdt-relayer", "crdt-relayer config");
    const again = await desk.terminal().run(config);
    const valuesOf = (text: string): string[] =>
      text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(valuesOf(again)).toEqual(valuesOf(file));
    const serving = desk.terminal();
    serving.type(`${lines[3]}\n`);
    expect((await fetch(httpOf(await serving.listening(), "/readyz"))).status).toBe(200);
  });

  test("operations.md: a client reads from a close frame when to come back", () => {
    expect(farewell).toBe(`${reasonOf(CLOSE.stopping, 1234)}\n`);
    const [, form = ""] = /`\/(\S*retry in .*?)\/`/u.exec(
      readFileSync(join(root, OPERATIONS), "utf8"),
    )!;
    expect(new RegExp(form, "u").exec(farewell.trimEnd())?.[1]).toBe("1234");
  });

  test("operations.md: the image is built and run as its Dockerfile says, which `pnpm test:image` does", () => {
    const file = readFileSync(join(root, "packages/crdt-relayer/deploy/Dockerfile"), "utf8");
    const lines = file.match(/^#   docker .*$/gmu)!.map((line) => line.slice(4));
    expect(image).toBe(`${lines.join("\n")}\n`);
  });
});

describe("rules of rooms", () => {
  const [author, reader, other, stranger] = [0, 1, 2, 3].map(() => generateKeyPair()) as [
    KeyPair,
    KeyPair,
    KeyPair,
    KeyPair,
  ];
  const people = { author, reader, other, stranger };

  /** What each of them may do in a room. */
  async function rights(url: string, room: string, host?: string): Promise<object> {
    const asked = Object.entries(people).map(async ([name, keyPair]) => {
      return [name, await rightsOf(url, room, keyPair, host)] as const;
    });
    return Object.fromEntries(await Promise.all(asked));
  }

  /** Starts a relay with what a block says in its config file, after `config` has taken it. */
  async function relayWith(block: string, keys: readonly KeyPair[]): Promise<string> {
    let count = 0;
    const text = block.replaceAll("<64 hex digits>", () => keyOf(keys[count++]!));
    expect(count).toBe(keys.length);
    writeFileSync(join(desk.home, "rules.toml"), text);
    const terminal = desk.terminal({ SIDE_RELAYER_PORT: "0", SIDE_RELAYER_DATA: ":memory:" });
    const printed = await terminal.run("crdt-relayer config --config rules.toml");
    for (const keyPair of keys) expect(printed).toContain(keyOf(keyPair));
    expect(printed).toMatch(/^hosts = \[ ?"relay\.example" ?\]$/mu);
    terminal.type("crdt-relayer --config rules.toml\n");
    return terminal.listening();
  }

  test("operations.md: anybody may read main, board only those that are named, and nobody may write archive", async () => {
    const url = await relayWith(rules, [author, reader, other]);
    expect(await rights(url, "main", "relay.example")).toEqual({
      ...{ author: "writes", reader: "reads", other: "reads", stranger: "reads" },
    });
    expect(await rights(url, "board", "relay.example")).toEqual({
      ...{ author: "not_allowed", reader: "reads", other: "writes", stranger: "not_allowed" },
    });
    expect(await rights(url, "archive", "relay.example")).toEqual({
      ...{ author: "reads", reader: "reads", other: "reads", stranger: "reads" },
    });
    expect(await rightsOf(url, "board", other, "elsewhere.example")).toBe("wrong_host");
    expect(await rightsOf(url, "any", stranger, "relay.example")).toBe("writes");
  });

  test("the relayer's README: in main some write, others read, and nobody else comes in", async () => {
    const url = await relayWith(access, [author, reader]);
    expect(await rights(url, "main", "relay.example")).toEqual({
      ...{ author: "writes", reader: "reads", other: "not_allowed", stranger: "not_allowed" },
    });
    expect(await rightsOf(url, "main", author)).toBe("wrong_host");
    expect(await rightsOf(url, "archive", author, "relay.example")).toBe("reads");
  });

  test("operations.md: --rooms says the same in a command", async () => {
    const keys = [author, other, reader];
    let count = 0;
    const terminal = desk.terminal({ SIDE_RELAYER_PORT: "0", SIDE_RELAYER_DATA: ":memory:" });
    terminal.type(rooms.replaceAll(/\bKEY\b/gu, () => keyOf(keys[count++]!)));
    expect(count).toBe(3);
    const url = await terminal.listening();
    expect(await rights(url, "main")).toEqual({
      ...{ author: "writes", reader: "reads", other: "writes", stranger: "reads" },
    });
    expect(await rights(url, "my room")).toEqual({
      ...{ author: "not_allowed", reader: "writes", other: "not_allowed", stranger: "not_allowed" },
    });
    expect(await rightsOf(url, "archive", author)).toBe("reads");
  });
});

test("what pages tell npm to install are our packages", () => {
  const installed = [withRelay, installRelay, startRelay, library].flatMap((block) => {
    const [line = ""] = block.split("\n");
    return wordsOf(line.replace(/^npm install (?:--global )?/u, ""));
  });
  expect(installed).toHaveLength(5);
  for (const name of installed) {
    const manifest = readFileSync(join(root, "packages", name, "package.json"), "utf8");
    expect(JSON.parse(manifest)).toMatchObject({ name });
  }
  expect(library).toBe("npm install bft-json-crdt\n");
});

/** A block without its first line, which installs. */
function withoutInstall(block: string): string {
  expect(block).toMatch(/^npm install --global [a-z -]+\n/u);
  return block.slice(block.indexOf("\n") + 1);
}

/** Folders of a server, in the home of the test. */
function inHome(text: string): string {
  const folder = join(desk.home, "srv");
  mkdirSync(folder, { recursive: true });
  expect(text).toContain(" /srv/");
  return text.replaceAll(" /srv/", ` ${folder}/`);
}

function onFreePort(text: string): string {
  expect(text).toContain("--port 8080");
  return text.replace("--port 8080", "--port 0");
}

function httpOf(url: string, path: string): string {
  return url.replace("ws:", "http:").replace("/websocket", path);
}

function keyOf({ publicKey }: KeyPair): string {
  return toHex(publicKey);
}

/** What the owner of a key may do in a room: "writes", "reads"; or the code with which he is not let in. */
async function rightsOf(
  url: string,
  room: string,
  keyPair: KeyPair,
  host = new URL(url).host,
): Promise<string> {
  const client = new Client(url, { headers: { host } });
  await client.opened;
  client.send(JSON.stringify({ type: "join", room }));
  let answer = await client.message();
  if (answer["type"] === "challenge") {
    const nonce = fromHex(String(answer["nonce"]))!;
    const message = authenticationMessage(nonce, documentId(room), host);
    const signature = toHex(sign(message, keyPair.secretKey));
    client.send(JSON.stringify({ type: "proof", author: keyOf(keyPair), signature }));
    answer = await client.message();
  }
  if (answer["type"] !== "joined") return String(answer["code"]);
  const person = new Participant(client, openLines(room, keyPair));
  const id = person.write("a line");
  await person.until(() => person.acknowledged.has(id) || person.errors.length > 0);
  const [error = ""] = person.errors;
  if (error !== "") expect(error).toMatch(/\((?:room_read_only|author_not_allowed)\)/u);
  await person.leave();
  return error === "" ? "writes" : "reads";
}
