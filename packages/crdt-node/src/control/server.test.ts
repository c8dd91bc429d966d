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
import {
  MAX_CONTROL_CONNECTIONS,
  MAX_ANSWER_LINE_BYTES,
  MAX_CONTROL_LINE_BYTES,
  MAX_WAITING_REQUESTS,
} from "./protocol.ts";
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
    { id: 1, error: { code: "refused", exitCode: EXIT.refused, what: "no" } },
    { id: 2, part: "first" },
    { id: 2, error: { code: "failed", exitCode: EXIT.failure, what: "a mistake" } },
  ]);
});

test.each([
  ["no JSON", "bad_request", Buffer.from("hello\n")],
  ["no UTF-8", "not_utf8", Buffer.from([0xff, 0x0a])],
  [
    "too long",
    "line_too_long",
    Buffer.from(`{"id":1,"method":"${"x".repeat(MAX_CONTROL_LINE_BYTES)}"}\n`),
  ],
])(
  "a line that is %s is answered with an error, and the connection ends",
  async (_, code, line) => {
    const { socket, next } = await client(nothing);
    socket.write(line);
    expect(await next()).toMatchObject({ id: null, error: { code, exitCode: EXIT.usage } });
    expect(await next()).toBeNull();
  },
);

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

/** Says one part, then waits for its signal. */
const waiting: Answer = async function* (_method, _params, signal) {
  yield "begun";
  if (!signal.aborted) await once(signal, "abort");
  return "ended";
};

test("one subscription at a time goes on beside other requests until it is ended", async () => {
  const { socket, next } = await client(waiting);
  socket.write('{"id":1,"method":"unsubscribe"}\n{"id":2,"method":"subscribe"}\n');
  expect(await next()).toMatchObject({ id: 1, error: { code: "not_subscribed" } });
  expect(await next()).toEqual({ id: 2, part: "begun" });
  socket.write('{"id":3,"method":"subscribe"}\n{"id":2,"method":"send"}\n');
  expect(await next()).toMatchObject({ id: 3, error: { code: "already_subscribed" } });
  expect(await next()).toMatchObject({ id: 2, error: { code: "id_in_use" } });
  socket.write('{"id":4,"method":"unsubscribe"}\n');
  const replies = [await next(), await next()];
  expect(replies).toContainEqual({ id: 4, result: {} });
  expect(replies).toContainEqual({ id: 2, result: "ended" });
  socket.write('{"id":2,"method":"subscribe"}\n');
  expect(await next()).toEqual({ id: 2, part: "begun" });
});

test("what waits for a relay is bounded, and ends when its client has hung up", async () => {
  let begun = 0;
  let ended = 0;
  let allEnded = (): void => undefined;
  const end = new Promise<void>((resolve) => (allEnded = resolve));
  let goOn = (): void => undefined;
  const { socket, next } = await client(async function* (method, _params, signal) {
    const number = ++begun;
    yield number;
    if (method !== "send") return number;
    const acknowledged = new Promise<void>((resolve) => {
      if (number === 1) goOn = resolve;
    });
    await Promise.race([acknowledged, once(signal, "abort")]);
    if (++ended === MAX_WAITING_REQUESTS) allEnded();
    return number;
  });
  for (let id = 1; id <= MAX_WAITING_REQUESTS; id++) socket.write(`{"id":${id},"method":"send"}\n`);
  socket.write('{"id":0,"method":"view"}\n');
  for (let id = 1; id <= MAX_WAITING_REQUESTS; id++) expect(await next()).toEqual({ id, part: id });
  goOn();
  // Not before there is room.
  expect(await next()).toEqual({ id: 1, result: 1 });
  expect(await next()).toMatchObject({ id: 0, part: MAX_WAITING_REQUESTS + 1 });
  socket.destroy();
  await end;
});

test("more connections than there may be are told so, and there is room again when one ends", async () => {
  await client(nothing);
  const { socket } = nodeHome("alice", { SIDE_HOME: folder });
  const open = async (): Promise<{ socket: Socket; first: unknown }> => {
    const another = connect(socket);
    another.on("error", () => undefined);
    sockets.push(another);
    const { value } = await linesOf(createInterface({ input: another })).next();
    return { socket: another, first: JSON.parse(value ?? "null") };
  };
  for (let n = 1; n < MAX_CONTROL_CONNECTIONS; n++)
    expect((await open()).first).toEqual({ hello: HELLO });
  const refused = await open();
  expect(refused.first).toMatchObject({ id: null, error: { code: "too_many_connections" } });
  const [first] = sockets;
  first?.destroy();
  // The server learns of it in its own time.
  await expect
    .poll(async () => (await open()).first, { timeout: 10_000 })
    .toEqual({ hello: HELLO });
});

test("a line of an answer that would be too long is an error, and the connection goes on", async () => {
  const { socket, next } = await client(async function* (method) {
    await Promise.resolve();
    if (method === "long") yield "x".repeat(MAX_ANSWER_LINE_BYTES);
    return method;
  });
  socket.write('{"id":1,"method":"long"}\n{"id":2,"method":"short"}\n');
  expect(await next()).toMatchObject({ id: 1, error: { code: "answer_too_long" } });
  expect(await next()).toEqual({ id: 2, result: "short" });
});

test("however many answers wait for a client that does not read, nobody is warned, and all of them come", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): number => warnings.push(name);
  process.on("warning", onWarning);
  let fill = (): void => undefined;
  const full = new Promise<void>((resolve) => (fill = resolve));
  const { socket, next } = await client(async function* (method) {
    yield "begun";
    if (method === "send") {
      await full;
      return "sent";
    }
    // Once this much is on its way to the client, the others are done.
    setImmediate(fill);
    yield "x".repeat(MAX_ANSWER_LINE_BYTES / 2);
    return "viewed";
  });
  const ids = Array.from({ length: MAX_WAITING_REQUESTS - 1 }, (_, i) => i);
  for (const id of ids) socket.write(`{"id":${id},"method":"send"}\n`);
  for (const id of ids) expect(await next()).toEqual({ id, part: "begun" });
  socket.write('{"id":-1,"method":"view"}\n');
  const results: unknown[] = [];
  for (let replies = 0; replies < ids.length + 3; replies++) {
    const reply = (await next()) as { id: number; result?: string };
    if (reply.result !== undefined) results.push(reply.result);
  }
  expect(results.toSorted()).toEqual([...ids.map(() => "sent"), "viewed"]);
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
