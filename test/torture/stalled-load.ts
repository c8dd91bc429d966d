/**
 * The load of the part about a stalled session, as a process of its own: `stalled-load.ts URL SESSIONS SECONDS CELLS`.
 *
 * All sessions are in one room. One is a client with a document, which reads nothing in some cells and everything in the
 * others; one writes; all others take what comes and note when. CELLS says what each cell is, such as "ABBA": A calm, B
 * stalled. Each cell begins with a burst that fills the socket of whoever does not read, before the many join; so
 * the cells differ in nothing else. Prints a line of JSON for each.
 */
import { once } from "node:events";
import { WebSocket } from "ws";
import { Client, pause } from "./client.ts";
import { binned, percentile } from "./numbers.ts";

const ROOM = "stalled";

/** Milliseconds between two changes: each is delivered to all. */
const CHANGE_EVERY_MS = 100;

/** More than the kernel takes for a socket that nobody reads (4 MiB to send and 128 KiB to receive), and the soft mark. */
const BURST_CHANGES = 128;
const BURST_CHARACTERS = 65_536;

/** Changes of a cell that are not counted. */
const WARM_UP = 20;

/** Connections that are made at once. */
const AT_ONCE = 50;

/** Milliseconds of the bins in which latencies are counted. */
const BIN_MS = 0.2;

/** What stands in front of the number of a change. */
const SIGN = "~#";
const DIGITS = 8;

// Ctrl-C goes to all; the parent ends this process, or is gone itself.
process.on("SIGINT", () => undefined);
process.stdin.resume().on("end", () => process.exit(1));

const [url = "", sessions = "", seconds = "", cells = ""] = process.argv.slice(2);
/** When each change was due, by its number. */
const due: number[] = [];
let measured: number[] | null = null;
/** Changes before this number belong to the warm-up of the cell, however late they come. */
let firstMeasured = 0;

const writer = new Client({ url: () => url, room: ROOM });
const slow = new Client({ url: () => url, room: ROOM });
for (const client of [writer, slow]) {
  client.open();
  await client.until("the room", () => client.isSynced);
}
for (const cell of cells) await run(cell === "B");
for (const client of [writer, slow]) await client.leave();
say({ event: "over" });
process.exit(0);

async function run(isStalled: boolean): Promise<void> {
  slow.stall(isStalled);
  for (let i = 0; i < BURST_CHANGES; i++) writer.write("x".repeat(BURST_CHARACTERS));
  await writer.until("the burst to be stored", () => writer.isAcknowledged);
  const sockets: WebSocket[] = [];
  while (sockets.length < Number(sessions) - 2) {
    const count = Math.min(AT_ONCE, Number(sessions) - 2 - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, listen))));
  }
  say({ event: "joined", isStalled });
  const latencies: number[] = [];
  firstMeasured = due.length + WARM_UP;
  measured = latencies;
  const start = performance.now() + CHANGE_EVERY_MS;
  const total = WARM_UP + Math.ceil((Number(seconds) * 1_000) / CHANGE_EVERY_MS);
  for (let i = 0; i < total; i++) {
    // From when it was due, not from when there was time for it.
    const at = start + i * CHANGE_EVERY_MS;
    await pause(Math.max(0, at - performance.now()));
    due.push(at);
    writer.write(`${SIGN}${String(due.length - 1).padStart(DIGITS, "0")}`);
  }
  const expected = (total - WARM_UP) * sockets.length;
  const deadline = performance.now() + 30_000;
  while (latencies.length < expected && performance.now() < deadline) await pause(10);
  measured = null;
  const behind = writer.document.history.length - slow.document.history.length;
  say({
    event: "cell",
    isStalled,
    delivered: latencies.length,
    expected,
    behind,
    median: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    binMs: BIN_MS,
    bins: binned(latencies, BIN_MS),
  });
  for (const socket of sockets) socket.terminate();
  const began = performance.now();
  slow.stall(false);
  await slow.until("the stalled one to be in step", () => slow.frontier() === writer.frontier());
  const isEqual = slow.document.viewDigest() === writer.document.viewDigest();
  say({ event: "caught up", isStalled, isEqual, ms: performance.now() - began, behind });
}

/** A session that has no document: it says that it has what the relay has, and takes what comes from then on. */
async function listen(): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  await once(socket, "open");
  const ready = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) {
        take(data);
      } else if (data.includes('"have"')) {
        socket.send(data.toString("utf8"));
        resolve();
      }
    });
  });
  socket.send(JSON.stringify({ type: "join", room: ROOM }));
  await ready;
  return socket;
}

function take(data: Buffer): void {
  if (measured === null) return;
  const at = data.indexOf(SIGN);
  if (at < 0) return;
  const number = Number(data.toString("latin1", at + SIGN.length, at + SIGN.length + DIGITS));
  const from = due[number];
  if (from !== undefined && number >= firstMeasured) measured.push(performance.now() - from);
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
