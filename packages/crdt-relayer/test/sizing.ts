/**
 * What a relay takes: memory for an idle connection, for a room, for a change, and disk for a change. It prints the table
 * of docs/operations.md. The relay runs in a process of its own, whose garbage is collected before each look; the load is
 * on loopback and bounded (2,000 connections, about a minute).
 *
 *     npx tsx packages/crdt-relayer/test/sizing.ts
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRelay } from "../src/index.ts";
import { Client, joined, Participant } from "./participant.ts";

const CONNECTIONS = 2_000;
const ROOMS = 1_000;
const CHANGES = 20_000;

/** Connections that are made at once, and changes that are sent before their acknowledgement is awaited. */
const BATCH = 100;

/** Bytes: what lives on the heap and beside it, and what the system counts. */
interface Memory {
  readonly live: number;
  readonly resident: number;
}

/** The relay's side: tells its address, and then its memory whenever it is asked. */
async function serve(data: string): Promise<void> {
  const relay = await createRelay({
    port: 0,
    data,
    roomGraceSeconds: 3_600,
    maxRooms: ROOMS + 1,
    maxAddressSessions: 10_000,
  });
  process.send!(relay.url);
  process.on("message", () => {
    for (let i = 0; i < 3; i++) global.gc!();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send!({ live: heapUsed + external, resident: rss } satisfies Memory);
  });
  process.once("disconnect", () => {
    void relay.close();
  });
}

/** Starts a relay, lets `work` load it, and looks before and after; `count` is how many things were added. */
async function measure(
  count: number,
  work: (url: string) => Promise<unknown>,
): Promise<Memory & { disk: number }> {
  const data = mkdtempSync(join(tmpdir(), "crdt-relayer-sizing-"));
  const child = fork(fileURLToPath(import.meta.url), [data], {
    execArgv: [...process.execArgv, "--expose-gc"],
  });
  try {
    const [url] = (await once(child, "message")) as [string];
    // What is loaded with the first connection and the first room is not theirs.
    await write(url, "first", 1);
    const before = await memoryOf(child);
    await work(url);
    const after = await memoryOf(child);
    return {
      live: (after.live - before.live) / count,
      resident: (after.resident - before.resident) / count,
      disk: sizeOf(join(data, "store")) / count,
    };
  } finally {
    child.disconnect();
    await once(child, "exit");
    rmSync(data, { recursive: true });
  }
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
  child.send("look");
  const [memory] = (await once(child, "message")) as [Memory];
  return memory;
}

function sizeOf(folder: string): number {
  let bytes = 0;
  for (const file of readdirSync(folder)) bytes += statSync(join(folder, file)).size;
  return bytes;
}

/** Writes lines in a room, some at a time; resolves when they are stored. */
async function write(url: string, room: string, lines: number): Promise<void> {
  const writer = await Participant.join(url, room);
  for (let line = 0; line < lines; line++) {
    const id = writer.write(`line ${line}`);
    if (line % BATCH === BATCH - 1 || line === lines - 1) await writer.untilDurable(id);
  }
  await writer.leave();
}

async function inBatches(count: number, one: (index: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    await Promise.all(Array.from({ length: size }, (_, index) => one(start + index)));
  }
}

async function main(): Promise<void> {
  const start = performance.now();
  const clients: Client[] = [];
  const connections = await measure(CONNECTIONS, (url) =>
    inBatches(CONNECTIONS, async () => clients.push(await joined(url, { room: "main" }))),
  );
  const silent = await measure(CONNECTIONS, (url) =>
    inBatches(CONNECTIONS, async () => clients.push(await Client.open(url))),
  );
  const rooms = await measure(ROOMS, (url) =>
    inBatches(ROOMS, (index) => write(url, `room ${index}`, 1)),
  );
  const changes = await measure(CHANGES, (url) => write(url, "main", CHANGES));
  const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`;
  const bytes = (count: number): string => `${Math.round(count)} B`;
  const rows: readonly (readonly string[])[] = [
    ["for each", "live memory", "resident memory", "disk"],
    ["---", "---", "---", "---"],
    [
      `connection in a room, idle (of ${CONNECTIONS})`,
      kib(connections.live),
      kib(connections.resident),
      "–",
    ],
    [
      `connection in no room, idle (of ${CONNECTIONS})`,
      kib(silent.live),
      kib(silent.resident),
      "–",
    ],
    [
      `room with one change, nobody in it (of ${ROOMS})`,
      kib(rooms.live),
      kib(rooms.resident),
      bytes(rooms.disk),
    ],
    [
      `change of one short line (of ${CHANGES})`,
      bytes(changes.live),
      bytes(changes.resident),
      bytes(changes.disk),
    ],
  ];
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const seconds = Math.round((performance.now() - start) / 1_000);
  process.stdout.write(
    `${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n\n${machine}; ${seconds} s\n`,
  );
}

const [data] = process.argv.slice(2);
if (data === undefined) {
  await main();
  // The connections of earlier relays are gone; nothing is waited for.
  process.exit(0);
} else {
  await serve(data);
}
