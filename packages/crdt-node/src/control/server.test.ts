/** The node's end of the control socket, with answers that a test makes up. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandError, EXIT } from "../exit-codes.ts";
import { nodeHome } from "../home.ts";
import { MAX_CONTROL_LINE_BYTES } from "./protocol.ts";
import { type Answer, ControlServer } from "./server.ts";

const HELLO = { protocol: 1, pid: 1, version: "0", room: "main", document: "ab" };

let folder = "";
let server: ControlServer | null = null;
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "control-"));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
  server = null;
  rmSync(folder, { recursive: true });
});

/** A client of a server with that answer; its next lines, read as JSON. */
async function client(answer: Answer): Promise<{ socket: Socket; next(): Promise<unknown> }> {
  const home = nodeHome("alice", { SIDE_HOME: folder });
  mkdirSync(home.folder, { recursive: true });
  server = await ControlServer.listen(home, HELLO, answer);
  expect(statSync(home.socket).mode & 0o777).toBe(0o600);
  const socket = connect(home.socket);
  socket.on("error", () => undefined);
  sockets.push(socket);
  const lines = linesOf(createInterface({ input: socket }));
  const next = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    return done === true ? null : JSON.parse(value);
  };
  expect(await next()).toEqual({ hello: HELLO });
  return { socket, next };
}

function linesOf(lines: Interface): AsyncIterator<string, undefined> {
  return lines[Symbol.asyncIterator]();
}

// eslint-disable-next-line require-yield
const nothing: Answer = async function* () {
  await Promise.resolve();
  return undefined;
};

test("parts come first and the result last, in the order of the requests", async () => {
  const { socket, next } = await client(async function* (method, params) {
    await Promise.resolve();
    yield method;
    return params;
  });
  socket.write('{"id":1,"method":"a"}\n{"id":2,"method":"b","params":{"x":1}}\n');
  expect([await next(), await next(), await next(), await next()]).toEqual([
    { id: 1, part: "a" },
    { id: 1, result: {} },
    { id: 2, part: "b" },
    { id: 2, result: { x: 1 } },
  ]);
});

test("an answer that fails says how, whether it was meant to or not", async () => {
  const { socket, next } = await client(async function* (method) {
    yield await Promise.resolve("first");
    if (method === "refuse") throw new CommandError(EXIT.refused, { what: "no" });
    throw new Error("a mistake");
  });
  socket.write('{"id":1,"method":"refuse"}\n{"id":2,"method":"other"}\n');
  expect([await next(), await next(), await next(), await next()]).toEqual([
    { id: 1, part: "first" },
    { id: 1, error: { exitCode: EXIT.refused, what: "no" } },
    { id: 2, part: "first" },
    { id: 2, error: { exitCode: EXIT.failure, what: "a mistake" } },
  ]);
});

test.each([
  ["no JSON", Buffer.from("hello\n")],
  ["no UTF-8", Buffer.from([0xff, 0x0a])],
  ["too long", Buffer.from(`{"id":1,"method":"${"x".repeat(MAX_CONTROL_LINE_BYTES)}"}\n`)],
])("a line that is %s is answered with an error, and the connection ends", async (_, line) => {
  const { socket, next } = await client(nothing);
  socket.write(line);
  expect(await next()).toEqual({
    id: null,
    error: { exitCode: EXIT.usage, what: "this line is not a request" },
  });
  expect(await next()).toBeNull();
});

test("an answer ends when its client has hung up", async () => {
  let goOn = (): void => undefined;
  const hungUp = new Promise<void>((resolve) => (goOn = resolve));
  let ended = (): void => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  let parts = 0;
  const { socket, next } = await client(async function* () {
    try {
      yield ++parts;
      await hungUp;
      for (;;) yield ++parts;
    } finally {
      ended();
    }
  });
  socket.write('{"id":1,"method":"view"}\n');
  expect(await next()).toEqual({ id: 1, part: 1 });
  // The server is in the middle of its answer, and learns of it as any reader does.
  socket.destroy();
  await once(socket, "close");
  await new Promise((resolve) => setTimeout(resolve, 20));
  goOn();
  await end;
  expect(parts).toBeLessThan(1_000);
});
