/** The local API: the examples of docs/local-api.md are typed to a real node, and its clients are run beside one. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Place, type Program } from "./processes.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const page = readFileSync(join(root, "docs/local-api.md"), "utf8");

let place: Place;
let node: Program;
let socketPath = "";
const sockets: Socket[] = [];

beforeEach(async () => {
  place = new Place();
  const relay = await place.relay(join(place.home, "relayer"));
  await place.run(["init", "alice"]);
  node = place.start(["run", "alice", "--relay", relay.url]);
  await node.errorLine(/is running/u);
  socketPath = join(place.home, "alice", "control.sock");
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await place.clear();
});

interface Talk {
  readonly socket: Socket;
  /** The next line; null when the node has hung up. */
  next(): Promise<string | null>;
  /** The next line that is an answer to that request, read as JSON. */
  reply(id: number | null): Promise<Reply>;
}

interface Reply {
  readonly part?: { readonly [key: string]: unknown };
  readonly result?: { readonly [key: string]: unknown };
  readonly error?: { readonly code: string };
}

/** Connects; the hello is the first line. */
function talk(): Talk {
  const socket = connect(socketPath);
  socket.on("error", () => undefined);
  sockets.push(socket);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<string | null> => {
    const { done, value } = await lines.next();
    return done === true ? null : value;
  };
  const reply = async (id: number | null): Promise<Reply> => {
    for (;;) {
      const line = await next();
      if (line === null) throw new Error("the node has hung up");
      const value = JSON.parse(line) as Reply & { readonly id?: number | null };
      if (value.id === id) return value;
    }
  };
  return { socket, next, reply };
}

function ask(socket: Socket, id: number, method: string, params: object = {}): void {
  socket.write(`${JSON.stringify({ id, method, params })}\n`);
}

function blocksOf(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    (match) => match[1]!,
  );
}

test("the examples of the page are what a node answers", async () => {
  const blocks = blocksOf("jsonl");
  expect(blocks.length).toBeGreaterThanOrEqual(6);
  let answers = 0;
  for (const block of blocks) {
    const { socket, next } = talk();
    let line = await next();
    for (const step of block.trimEnd().split("\n")) {
      if (step.startsWith("→ ")) socket.write(`${step.slice(2)}\n`);
      else {
        if (!step.includes('"hello"')) line = await next();
        const source = step
          .slice(2)
          .split("…")
          .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/gu, String.raw`\$&`))
          .join(".*");
        expect(line).toMatch(new RegExp(`^${source}$`, "u"));
        answers++;
      }
    }
    socket.destroy();
  }
  expect(answers).toBeGreaterThanOrEqual(16);
});

test("the client in Python follows a node and sends a transaction", async () => {
  const found = spawnSync("python3", ["--version"]);
  expect(found.error, "python3 is needed for this test: apt-get install python3").toBeUndefined();
  const script = join(root, "examples/python-client/client.py");
  const code = readFileSync(script, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  expect(code.length).toBeLessThanOrEqual(15);
  const arguments_ = [script, socketPath, "zoë -> bob 10 lunch"];
  const printed = await printedBy("python3", arguments_, /'acknowledged': True/u);
  expect(printed).toContain("'event': 'view'");
  expect(printed).toContain("'origin': 'local'");
  expect(printed).toContain("'stored'");
  expect((await place.run(["view", "alice"])).stdout).toBe("zoë -> bob 10 lunch\n");
});

test("the client in Python shows what others write, and ends when the node does", async () => {
  const script = join(root, "examples/python-client/client.py");
  const client = spawn("python3", [script, socketPath, "alice -> bob 1"]);
  const ended = once(client, "exit");
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  await place.run(["init", "bob"]);
  const { relays } = JSON.parse((await place.run(["status", "alice", "--json"])).stdout) as {
    readonly relays: readonly { readonly url: string }[];
  };
  await place.run(["send", "bob", "bob -> carol 2", "--relay", relays[0]!.url]);
  for (;;) {
    const { value, done } = await lines.next();
    expect(done).not.toBe(true);
    if (/'remote'.*'carol'/u.test(value)) break;
  }
  await node.end();
  expect(await ended).toEqual([0, null]);
});

test("the client in Python ends with the error that it was answered", () => {
  const script = join(root, "examples/python-client/client.py");
  const { status, stderr } = spawnSync("python3", [script, socketPath, "alice -> bob ten"]);
  expect(status).toBe(1);
  expect(stderr.toString()).toContain("bad_params");
});

test("the client in Python says how it is called, with the code of a usage error", () => {
  const script = join(root, "examples/python-client/client.py");
  for (const given of [[], [socketPath], [socketPath, "a -> b 1", "a -> b 2"]]) {
    const { status, stdout, stderr } = spawnSync("python3", [script, ...given]);
    expect([status, stdout.toString()]).toEqual([2, ""]);
    expect(stderr.toString()).toMatch(/^usage: client\.py .*control\.sock TRANSACTION\n$/u);
  }
});

test("the client for Node on the page prints what happens", async () => {
  const [block = ""] = blocksOf("js");
  const file = join(place.home, "client.mjs");
  writeFileSync(file, block);
  const printed = await printedBy(process.execPath, [file, socketPath], /last: true/u);
  expect(printed).toMatch(/^\{ event: 'subscribed',/u);
  expect(printed).not.toContain("undefined");
});

/** What a program that does not end on its own has printed when that matches. */
async function printedBy(command: string, args: readonly string[], until: RegExp): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = new Promise((resolve) => child.once("close", resolve));
  let printed = "";
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (until.test(printed)) break;
  }
  child.kill();
  await closed;
  expect(printed).toMatch(until);
  return printed;
}

test("only the owner can reach the socket", () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  expect(statSync(join(socketPath, "..")).mode & 0o777).toBe(0o700);
});

test("a transaction that is too long for a change is refused, and the node goes on", async () => {
  const { socket, reply } = talk();
  const memo = "x".repeat(1_100_000);
  for (const method of ["send", "append"]) {
    ask(socket, 1, method, { transactions: [{ from: "a", to: "b", amount: 1, memo }] });
    expect((await reply(1)).error?.code).toBe("bad_params");
  }
  ask(socket, 2, "send", { transactions: ["x".repeat(65_536)], timeoutMs: 0 });
  expect(await reply(2)).toHaveProperty("part.stored");
  expect(node.child.exitCode).toBeNull();
});

test("a subscriber that reads nothing is told the view instead of what it has missed, and holds up nobody", async () => {
  const slow = talk();
  await slow.next();
  slow.socket.pause();
  ask(slow.socket, 1, "subscribe");
  const quick = talk();
  const memo = "m".repeat(60_000);
  const transactions = Array.from({ length: 16 }, () => ({ from: "a", to: "b", amount: 1, memo }));
  // 10 MB: more than the socket's buffers and the bound together.
  for (let id = 1; id <= 10; id++) {
    ask(quick.socket, id, "append", { transactions });
    expect(await quick.reply(id)).toHaveProperty("result.ids");
  }
  ask(quick.socket, 11, "append", { transactions: [{ from: "last", to: "b", amount: 1 }] });
  await quick.reply(11);
  ask(quick.socket, 12, "view");
  let view = "";
  for (let step = await quick.reply(12); step.result === undefined; step = await quick.reply(12))
    view += String(step.part);
  const events: string[] = [];
  let told = "";
  slow.socket.resume();
  for (let last = false; !last;) {
    const { part = {} } = await slow.reply(1);
    events.push(String(part["event"]));
    if (part["event"] === "view") told += String(part["text"]);
    last = part["last"] === true && part["length"] === 161;
  }
  expect(events[0]).toBe("subscribed");
  expect(events.filter((event) => event === "lagged")).toHaveLength(1);
  expect(told).toBe(view);
});

test("a program that never closes its requests gets an answer to each, and hostile lines an error", async () => {
  const deep = `{"id":1,"method":"view","params":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  const hostile: [string | Buffer, string][] = [
    [deep, "bad_request"],
    [`{"id":1,"method":"view","params":{"a":${"[".repeat(40)}${"]".repeat(40)}}}`, "bad_request"],
    ['{"id":1,"method":"view","params":{"a":1,"\\u0061":2}}', "bad_request"],
    [Buffer.from([0x22, 0xff, 0x22]), "not_utf8"],
    ["x".repeat(2_097_153), "line_too_long"],
  ];
  for (const [line, code] of hostile) {
    const { socket, reply, next } = talk();
    socket.write(line);
    socket.write("\n");
    expect((await reply(null)).error?.code).toBe(code);
    expect(await next()).toBeNull();
  }
  const { socket, reply } = talk();
  socket.write(
    '{"id":7,"method":"send","params":{"transactions":[{"__proto__":{"from":"a"},"to":"b","amount":1}]}}\n',
  );
  expect((await reply(7)).error?.code).toBe("bad_params");
  socket.write('{"id":8,"method":"sta');
  socket.write('tus","__proto__":{"x":1}}\n');
  expect(await reply(8)).toHaveProperty("result.changes", 0);
});
