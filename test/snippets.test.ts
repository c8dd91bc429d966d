// Every fenced block of every page is executed by a test, or stands in a table here that says who executes it, or why there is
// nothing to execute. Those that no other test has are typed here into real commands, as the page has them: only ports are free
// ones, keys are keys, and what is installed on a machine (`npm install --global`) is ours already. test/packaging.test.ts installs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
import { bundle } from "./bundle.ts";
import { allPages, type Block, blockOf, blocksIn, blocksOfPage, root } from "./page-blocks.ts";
import { Desk } from "./terminal.ts";
import { collect, stepsOf, wordsOf } from "./transcript.ts";

const NODE = "packages/crdt-node/README.md";
const RELAYER = "packages/crdt-relayer/README.md";
const LIBRARY = "packages/bft-json-crdt/README.md";
const CLIENT = "examples/python-client/README.md";
const OPERATIONS = "docs/operations.md";

/** What this file executes. */
const executed = new Set<string>();

/** A block of a page that a test below executes. */
function shown(page: string, begins: string): string {
  const block = blockOf(page, begins);
  executed.add(nameOf(block));
  return block.text;
}

function nameOf({ page, line }: Block): string {
  return `${page}:${line}`;
}

const withRelay = shown(NODE, "npm install --global crdt-node crdt-relayer\n");
const listens = shown(NODE, "crdt-node init alice\ncrdt-node run alice --listen ");
const connects = shown(NODE, "crdt-node init bob\n");
const python = shown(CLIENT, "python3 client.py ");
const installRelay = shown(OPERATIONS, "npm install --global crdt-relayer\n");
const startRelay = shown(RELAYER, "npm install --global crdt-relayer\n");
const settings = shown(OPERATIONS, "crdt-relayer config ");
const doctor = shown(OPERATIONS, "crdt-relayer doctor ");
const rules = shown(OPERATIONS, 'hosts = ["relay.example"]');
const access = shown(RELAYER, 'hosts = ["relay.example"]');
const rooms = shown(OPERATIONS, "crdt-relayer --rooms ");
const farewell = shown(OPERATIONS, "the relay is stopping; ");
const image = shown(OPERATIONS, "docker build ");
const library = shown(LIBRARY, "npm install bft-json-crdt\n");

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

describe("blocks of commands that take long", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: { readonly [name: string]: string };
  };
  const commands = allPages()
    .flatMap(blocksOfPage)
    .filter(({ text }) => isOfScripts(text))
    .flatMap((block) => {
      executed.add(nameOf(block));
      return block.text.trimEnd().split("\n");
    })
    .map((line) => wordsOf(line.replace(SCRIPT, "").replace(/ +# .*$/u, "")));
  /** Those with a help. */
  const long = commands.filter(([name]) => !["demo", "test", "example"].includes(name!));

  test("each is a script of the workspace", () => {
    expect(commands.length).toBeGreaterThan(20);
    expect(commands.filter(([name]) => scripts[name!] === undefined)).toEqual([]);
    expect(new Set(long.map(([name]) => name)).size).toBe(7);
  });

  test("an example that is named alone is in the transcript of its README", () => {
    const names = commands.filter(([name]) => name === "example").map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      const typed = blocksOfPage(`examples/${name}/README.md`)
        .filter(({ opening }) => opening === "```console")
        .flatMap(({ text }) => stepsOf(text).map(({ command }) => command));
      expect(typed).toContain(`npx --yes pnpm@10 example ${name}`);
    }
  });

  test("each option is in the help of its command, and so is each name that has to be one of several", async () => {
    // One process for all, with one library: each loads it.
    const sourceOf = (name: string): string => /(?:^| )(\S+)\.ts$/u.exec(scripts[name]!)![1]!;
    const sources = new Set(long.map(([name = ""]) => sourceOf(name)));
    const entries = [...sources].map((source) => ({ in: `${source}.ts`, out: source }));
    await bundle(entries, desk.home, { isSharing: true, workspace: root });
    const calls = long.map(([name = "", ...args]) => {
      return { file: join(desk.home, `${sourceOf(name)}.js`), args };
    });
    // On stderr is the help of those for which --help is no option.
    const program = `
      process.stderr.write = process.stdout.write.bind(process.stdout);
      for (const [index, { file, args }] of ${JSON.stringify(calls)}.entries()) {
        process.argv.splice(2, Infinity, ...args, "--help");
        console.log("call " + index);
        await import("file://" + file + "?" + index);
      }
      process.exit(0);
    `;
    const script = join(desk.home, "helps.mjs");
    writeFileSync(script, program);
    const { out, code } = await collect([script], { cwd: root, env: process.env });
    expect(code, out.join("\n")).toBe(0);
    const helps = out
      .join("\n")
      .split(/^call \d+\n/mu)
      .slice(1);
    expect(helps).toHaveLength(long.length);
    for (const [index, [name = "", ...words]] of long.entries()) {
      const help = helps[index]!;
      expect(help).toMatch(name === "bench" ? / {2}--suite NAME /u : `usage: pnpm ${name} `);
      const known: readonly string[] = help.match(/(?<![\w-])--?[a-z][a-z-]*|[\w-]+/gu)!;
      const chosen = words.filter((word, at) => {
        if (word.startsWith("--")) return true;
        if (name === "scenarios") return /^[a-z]/u.test(word);
        const option = words[at - 1];
        return (
          ["--suite", "--target"].includes(option!) || `${name} ${option}` === "torture --only"
        );
      });
      expect(chosen.filter((word) => !known.includes(word))).toEqual([]);
    }
  });

  test("what is to be replayed is where findings are written", () => {
    const files = long.flatMap((words) => words.filter((_, at) => words[at - 1] === "--replay"));
    expect(files).toHaveLength(1);
    for (const file of files) expect(existsSync(join(root, file, ".."))).toBe(true);
  });
});

/** Blocks that other tests find by themselves: of which pages, with what behind the fence (all, if null), and by whom. */
const KINDS: readonly {
  readonly pages: RegExp;
  readonly info: readonly string[] | null;
  readonly by: string;
}[] = [
  {
    pages: /^(?:(?:examples|packages)\/[^/]+\/)?README\.md$/u,
    info: ["console", "ts"],
    by: "test/transcripts.test.ts",
  },
  {
    pages: /^docs\/(?:first-document|coming-from)\.md$/u,
    info: ["console", "ts"],
    by: "test/guides.test.ts",
  },
  { pages: /^docs\/first-document\.md$/u, info: ["sh"], by: "test/packaging.test.ts" },
  { pages: /^docs\/oracle-deployment\.md$/u, info: ["sh network"], by: "test/packaging.test.ts" },
  {
    pages: /^docs\/oracle-deployment\.md$/u,
    info: ["sh", "console"],
    by: "test/oracle-deployment.test.ts",
  },
  {
    pages: /^docs\/oracle-deployment\.md$/u,
    info: ["sh root relay", "sh root oracle", "console root relay", "console root oracle"],
    by: "test/deployment/page.machines.test.ts",
  },
  {
    pages: /^docs\/local-api\.md$/u,
    info: ["jsonl", "js"],
    by: "packages/crdt-node/test/local-api.test.ts",
  },
  // That test lists what is behind the fences, and finds what it does not know.
  {
    pages: /^docs\/wire-format\.md$/u,
    info: null,
    by: "packages/bft-json-crdt/test/wire-format.test.ts",
  },
];

interface Other {
  readonly page: string;
  readonly begins: string;
  readonly why: string;
  /** How many of the page begin so; 1 if left out. */
  readonly count?: number;
}

/** All others: how they begin, and the test that executes or makes them, or why there is nothing to execute. */
const OTHERS: readonly Other[] = [
  { page: "README.md", begins: "alice   a1 ─── a2", why: "a picture" },
  { page: "docs/architecture.md", begins: "bytes ─▶ encoding", why: "a picture" },
  { page: "docs/architecture.md", begins: "Alice's node  ", why: "a picture" },
  { page: "docs/architecture.md", begins: "Alice   ", why: "test/architecture.test.ts" },
  { page: "docs/architecture.md", begins: "flowchart RL\n", why: "test/architecture.test.ts" },
  { page: "docs/backplane.md", begins: " nodes ──▶ load balancer", why: "a picture" },
  { page: "docs/backplane.md", begins: "apt-get install ", why: "test/snippets.nats.test.ts" },
  { page: "docs/backplane.md", begins: "authorization {", why: "test/snippets.nats.test.ts" },
  { page: "docs/complexity.md", begins: "Node v20", why: "what was measured" },
  { page: "docs/complexity.md", begins: "worst cases  ", why: "what was measured", count: 2 },
  {
    page: OPERATIONS,
    begins: "systemctl stop crdt-relayer\n",
    why: "test/deployment/page.machines.test.ts",
  },
  { page: "docs/oracle-deployment.md", begins: " sources ──► feed.py", why: "a picture" },
  { page: "docs/use-cases/defi-platform.md", begins: " identity ────", why: "a picture" },
  { page: "docs/use-cases/oracle-consumer.md", begins: " oracles ── signed", why: "a picture" },
  { page: "docs/use-cases/oracle-network.md", begins: "exchanges ──answers", why: "a picture" },
];

/** The blocks that nobody executes, and for which nobody says why. */
function idleOf(blocks: readonly Block[]): Block[] {
  return blocks.filter((block) => {
    const isOther = OTHERS.some((other) => isOf(block, other));
    return !(isOther || executed.has(nameOf(block)) || KINDS.some((kind) => isKind(block, kind)));
  });
}

function isOf({ page, text }: Block, other: Other): boolean {
  return page === other.page && text.startsWith(other.begins);
}

/** The tests that are named find blocks by plain fences at the beginning of a line. */
function isKind({ page, opening }: Block, { pages, info }: (typeof KINDS)[number]): boolean {
  if (!pages.test(page) || !/^```(?!`)/u.test(opening)) return false;
  return info === null || info.includes(opening.slice(3));
}

describe("every block", () => {
  const all = allPages().flatMap(blocksOfPage);

  test("is executed by a test, or it is said here why not", () => {
    expect(all.length).toBeGreaterThan(100);
    expect(idleOf(all).map((block) => `${nameOf(block)} ${block.opening}`)).toEqual([]);
  });

  test("that is spoken of here is there, once, and so is the test that is named", () => {
    for (const other of OTHERS) {
      const { page, begins, why, count = 1 } = other;
      expect(
        all.filter((block) => isOf(block, other)),
        begins,
      ).toHaveLength(count);
      if (why.endsWith(".ts")) expect(sourceOf(why)).toContain(basename(page));
    }
    for (const kind of KINDS) {
      const found = all.filter((block) => isKind(block, kind));
      const behind = new Set(found.map(({ opening }) => opening.slice(3)));
      if (kind.info !== null) expect([...behind].sort()).toEqual([...kind.info].sort());
      expect(found.length).toBeGreaterThan(0);
      for (const { page } of found) expect(sourceOf(kind.by)).toContain(basename(page));
    }
  });

  test("that nobody executes is found, wherever and however it is written", () => {
    const added = [
      ["README.md", "```sh\nrm --recursive here\n```"],
      ["README.md", "* a list\n\n  ```console\n  $ crdt-node view bob\n  ```"],
      ["README.md", "~~~ts\nvoid 0;\n~~~"],
      ["README.md", "````ts\nvoid 0;\n````"],
      ["README.md", "> ```ts\n> void 0;\n> ```"],
      ["README.md", "```console \n$ crdt-node view bob\n```"],
      ["docs/bounds.md", "```ts\nvoid 0;\n```"],
      ["docs/oracle-deployment.md", "```sh root\nreboot\n```"],
      ["docs/torture.md", "```\n$ pnpm torture\n$ rm here\n```"],
      ["docs/new.md", "```console\n$ crdt-node view bob\n```"],
      ["packages/crdt-node/README.md", "```\ncrdt-node init carol\n```"],
    ] as const;
    for (const [page, text] of added) {
      const before = page === "docs/new.md" ? "" : readFileSync(join(root, page), "utf8");
      const blocks = blocksIn(page, `${before}\n${text}\n`);
      const ours = blocks.filter((block) => isOfScripts(block.text));
      for (const block of ours) executed.add(nameOf(block));
      expect(idleOf(blocks), text).toEqual([blocks.at(-1)]);
    }
    expect(() => blocksIn("x", "```ts\nvoid 0;\n")).toThrow("x:1: this block does not end");
    expect(blocksIn("x", "```a``` ```b\n`c`\n")).toEqual([]);
  });
});

const SCRIPT = /^(?:\$ pnpm|npx --yes pnpm@10) (?=[a-z])/u;

/** Whether all lines are scripts of the workspace, so that "blocks of commands that take long" looks at them. */
function isOfScripts(text: string): boolean {
  return text
    .trimEnd()
    .split("\n")
    .every((line) => SCRIPT.test(line));
}

function sourceOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

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
