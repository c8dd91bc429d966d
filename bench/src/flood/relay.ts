/**
 * The flood against a relay: processes of their own and real sockets over loopback. Measured is the time from the moment
 * at which one participant gives a change to its socket until another has applied it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";
import { WebSocket } from "ws";
import { expectEqual } from "../measure.ts";
import { Latencies, printComparison } from "./latencies.ts";

const SOCKETS = 8;
const ROOM = "bench";

/** Milliseconds between two honest changes, and changes that are measured at least. */
const PAUSE_MS = 10;
const LEAST = 500;

/**
 * Keeps a core busy, for a minute at most: a flood takes processor time on the same machine, and every thread of a relay
 * waits for that, whatever the relay does.
 */
const SPIN = "const end = Date.now() + 60_000; while (Date.now() < end);";

const RELAYER = fileURLToPath(
  new URL("../../../packages/crdt-relayer/bin/crdt-relayer.js", import.meta.url),
);
const PEER = fileURLToPath(new URL("peer.ts", import.meta.url));

const schema = struct({ lines: list(string()) });

/** Prints how long honest changes take through a relay, without and with a flood of orphans from eight sockets. */
export async function floodRelay(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-flood-"));
  const children: ChildProcess[] = [];
  const start = (args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    return child;
  };
  try {
    // What is measured here is the queue, so whoever floods is not closed for it.
    const settings = ["--log-level", "warn", "--session-faults", "0"];
    const relay = start([RELAYER, "--port", "0", "--data", folder, ...settings]);
    const url = (await lineOf(relay)).replace("listening ", "");
    const pair = await Pair.join(url);
    await pair.measure(() => pair.count >= 200);
    const calm = await pair.measure((taken) => taken >= LEAST);
    const before = peakOf(relay);

    const spinning = cpus().map(() => start(["-e", SPIN]));
    const busy = await pair.measure((taken) => taken >= LEAST);
    for (const child of spinning) child.kill("SIGKILL");
    await Promise.all(spinning.map((child) => once(child, "exit")));

    const flooder = start(["--import", "tsx", PEER, url, ROOM, String(count), String(SOCKETS)]);
    expectEqual(await lineOf(flooder), "ready", "what the flooder says");
    flooder.stdin!.write("go\n");
    const began = performance.now();
    const health = url.replace(/^ws/u, "http").replace(/websocket$/u, "healthz");
    const handled = await startedWatch(health, count);
    const flooded = await pair.measure(() => handled.isDone);
    const seconds = (performance.now() - began) / 1_000;
    pair.leave();
    printComparison("relay: sent to applied elsewhere", calm, flooded);
    printComparison("relay: no flood, but busy cores", calm, busy);
    process.stdout.write(
      `  ${count.toLocaleString("en-US")} orphans from ${SOCKETS} sockets in ${seconds.toFixed(1)} s, ` +
        `${flooded.count} honest changes meanwhile; peak memory of the relay ${before} before, ${peakOf(relay)} after\n`,
    );
  } finally {
    for (const child of children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two honest participants; one writes, the other reads. */
class Pair {
  readonly #writer: WebSocket;
  readonly #alice = new Document({ schema, id: documentId(ROOM), keyPair: generateKeyPair() });
  readonly #bob = new Document({ schema, id: documentId(ROOM) });
  readonly #reader: WebSocket;
  #applied: () => void = () => undefined;

  private constructor(writer: WebSocket, reader: WebSocket) {
    this.#writer = writer;
    this.#reader = reader;
    reader.on("message", (data: Buffer, isBinary) => {
      if (isBinary && this.#bob.receive(data, "relay").status === "applied") this.#applied();
    });
  }

  static async join(url: string): Promise<Pair> {
    const [writer, reader] = await Promise.all([connect(url), connect(url)]);
    return new Pair(writer, reader);
  }

  get count(): number {
    return this.#bob.history.length;
  }

  /** Sends changes one after the other until told that it is enough. */
  async measure(isEnough: (taken: number) => boolean): Promise<Latencies> {
    const measured: number[] = [];
    while (!isEnough(measured.length)) {
      const { bytes } = this.#alice.change(({ lines }) => lines.push(`line ${this.count}`));
      const applied = new Promise<void>((resolve) => {
        this.#applied = resolve;
      });
      const start = performance.now();
      this.#writer.send(bytes);
      await applied;
      measured.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return new Latencies(measured);
  }

  leave(): void {
    this.#writer.terminate();
    this.#reader.terminate();
  }
}

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "join", room: ROOM }));
  await once(socket, "message");
  // Nothing is here and nothing is asked for, so that changes are passed on live from now on.
  socket.send(JSON.stringify({ type: "have", heads: [] }));
  return socket;
}

/** Looks now and then whether the relay has judged so many orphans. */
async function startedWatch(health: string, count: number): Promise<{ readonly isDone: boolean }> {
  const watch = { isDone: false };
  const look = async (): Promise<void> => {
    while (!watch.isDone) {
      const status = (await (await fetch(health)).json()) as {
        readonly changes: { readonly pending: number; readonly rejected: number };
      };
      watch.isDone = status.changes.pending + status.changes.rejected >= count;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  await Promise.resolve();
  void look();
  return watch;
}

async function lineOf(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  return line;
}

/** The most memory that a process has had in use (Linux only). */
function peakOf({ pid }: ChildProcess): string {
  const file = `/proc/${pid}/status`;
  const kibibytes = existsSync(file)
    ? /VmHWM:\s+(\d+)/u.exec(readFileSync(file, "utf8"))?.[1]
    : undefined;
  return kibibytes === undefined ? "unknown" : `${Math.round(Number(kibibytes) / 1_024)} MiB`;
}
