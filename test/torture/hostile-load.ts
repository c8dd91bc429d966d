/**
 * The honest among the hostile, as a process of its own: `hostile-load.ts URL ROOM`. Some write in rooms of their own, two in
 * ROOM, each from its own address, and somebody new comes into one of these rooms now and then. Reads a line for each phase that
 * begins, and, after "finish", waits until all that was written is delivered and acknowledged, looks at the rooms as
 * somebody new, and says what each phase was like. Prints lines of JSON.
 */
import { once } from "node:events";
import { open as openFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { openLines } from "../../packages/crdt-relayer/test/participant.ts";
import { Client, pause } from "./client.ts";
import { Ledger } from "./ledger.ts";
import { percentile } from "./numbers.ts";
import { takeFirstPriority } from "./priorities.ts";

const OWN_ROOMS = 4;
const WRITERS_IN_ATTACKED_ROOM = 2;

/** Milliseconds between two lines of each writer, and between two newcomers. */
const LINE_EVERY_MS = 50;
const NEWCOMER_EVERY_MS = 500;

/** Bytes of a line in the relay's store, about, and milliseconds between two of them that this process writes beside it. */
const DISK_BYTES = 300;
const DISK_EVERY_MS = 50;

/** Milliseconds after which a newcomer gives up. */
const NEWCOMER_PATIENCE_MS = 10_000;

/** Milliseconds in which what was written must be delivered once the attackers are gone. */
const PATIENCE_MS = 30_000;

/** What stands in front of the number of a line. */
const SIGN = "~#";
const DIGITS = 8;

/** What one phase was like. Milliseconds. */
export interface PhaseResult {
  readonly name: string;
  readonly written: number;
  /** How long until others had the lines, in rooms of one's own and in the attacked one. */
  readonly own: Spread;
  readonly attacked: Spread;
  readonly all: Spread;
  /** How much later than due the lines were written: what this process itself added. */
  readonly lag: Spread;
  /** How long the disk took for a line of this process's own: what every line of the relay takes at least. */
  readonly disk: Spread;
  /** How long until newcomers were in a room, and how many were not let in. */
  readonly entering: Spread;
  readonly refused: number;
}

/** How long something took. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

/** What it comes to. */
export interface Outcome {
  readonly phases: readonly PhaseResult[];
  readonly written: number;
  readonly acknowledged: number;
  /** Deliveries, and how many there should be. */
  readonly delivered: number;
  readonly expected: number;
  /** Acknowledged lines that somebody new does not see, or sees twice. */
  readonly lost: number;
  readonly twice: number;
  /** Connections of honest clients that were lost, and complaints that they heard. */
  readonly cut: number;
  readonly errors: readonly string[];
}

class Phase {
  readonly name: string;
  written = 0;
  refused = 0;
  readonly own: number[] = [];
  readonly attacked: number[] = [];
  readonly lag: number[] = [];
  readonly disk: number[] = [];
  readonly entering: number[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get result(): PhaseResult {
    const { name, written, refused, own, attacked } = this;
    return {
      name,
      written,
      refused,
      own: spreadOf(own),
      attacked: spreadOf(attacked),
      all: spreadOf([...own, ...attacked]),
      lag: spreadOf(this.lag),
      disk: spreadOf(this.disk),
      entering: spreadOf(this.entering),
    };
  }
}

const isFirst = takeFirstPriority();

// Ctrl-C goes to all; the parent ends this process, or is gone itself.
process.on("SIGINT", () => undefined);

const [url = "", attackedRoom = ""] = process.argv.slice(2);
const ledger = new Ledger();
const lines: { readonly phase: Phase; readonly due: number; readonly isAttacked: boolean }[] = [];
const phases: Phase[] = [new Phase("warm-up")];
let addresses = 0;
let delivered = 0;
let expected = 0;
let cut = 0;
const ending = new AbortController();

const rooms = Array.from({ length: OWN_ROOMS }, (_, n) => `honest ${n}`);
const writers = [
  ...rooms.map((room) => writerIn(room)),
  ...Array.from({ length: WRITERS_IN_ATTACKED_ROOM }, () => writerIn(attackedRoom)),
];
for (const writer of writers) {
  writer.open();
  await writer.until("its room", () => writer.isSynced);
  await listen(writer.room);
}
const writing = writers.map((writer, n) => write(writer, (n * LINE_EVERY_MS) / writers.length));
const coming = comeAndGo();
const watching = watchDisk();
say({ event: "ready", isFirst });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "finish") break;
  phases.push(new Phase(line));
}
ending.abort();
await Promise.all([...writing, coming, watching]);
const deadline = performance.now() + PATIENCE_MS;
const isWhole = (): boolean =>
  delivered >= expected && writers.every(({ isAcknowledged }) => isAcknowledged);
while (!isWhole() && performance.now() < deadline) await pause(10);
let lost = 0;
let twice = 0;
for (const room of [...rooms, attackedRoom]) {
  const shown = await look(room);
  const difference = ledger.compare(room, shown);
  lost += difference.lost.length;
  twice += difference.twice.length;
}
const outcome: Outcome = {
  phases: phases.map((phase) => phase.result),
  written: lines.length,
  acknowledged: ledger.total,
  delivered,
  expected,
  lost,
  twice,
  cut,
  errors: writers.flatMap(({ errors }) => errors).slice(0, 3),
};
say({ event: "finished", ...outcome });
say({ event: "over" });
process.exit(0);

/** An address of this machine that nobody else has; attackers have 127.1.*. */
function nextAddress(): string {
  addresses++;
  return `127.0.${1 + (addresses >> 8)}.${addresses & 255}`;
}

function writerIn(room: string): Client {
  let isIn = false;
  return new Client({
    url: () => url,
    room,
    localAddress: nextAddress(),
    onAcknowledged: (line) => {
      ledger.acknowledge(room, line);
    },
    onAttempt: (what) => {
      if (what === "joined") isIn = true;
      else if (isIn) cut++;
    },
  });
}

/** Writes a line when it is due, and not before; how long it takes is counted from then. */
async function write(writer: Client, offset: number): Promise<void> {
  const isAttacked = writer.room === attackedRoom;
  const start = performance.now() + offset;
  for (let i = 0; !ending.signal.aborted; i++) {
    const due = start + i * LINE_EVERY_MS;
    await pause(Math.max(0, due - performance.now()));
    const phase = phases[phases.length - 1]!;
    phase.written++;
    phase.lag.push(performance.now() - due);
    expected += isAttacked ? WRITERS_IN_ATTACKED_ROOM : 1;
    lines.push({ phase, due, isAttacked });
    writer.write(`${SIGN}${String(lines.length - 1).padStart(DIGITS, "0")}`);
  }
}

/** Somebody new each half second, from a new address, who is gone again when it has what the room has. */
async function comeAndGo(): Promise<void> {
  for (let n = 0; !ending.signal.aborted; n++) {
    const phase = phases[phases.length - 1]!;
    const due = performance.now() + NEWCOMER_EVERY_MS;
    const room = n % 2 === 0 ? rooms[(n / 2) % rooms.length]! : attackedRoom;
    const start = performance.now();
    const socket = open();
    const isIn = await Promise.race([
      entered(socket, room).catch(() => false),
      pause(NEWCOMER_PATIENCE_MS).then(() => false),
    ]);
    if (isIn) phase.entering.push(performance.now() - start);
    else phase.refused++;
    socket.terminate();
    await pause(Math.max(0, due - performance.now()));
  }
}

/** Writes to the disk that the relay's store is on, again and again, and measures how long that takes. */
async function watchDisk(): Promise<void> {
  const file = await openFile(join(process.env["SIDE_HOME"] ?? tmpdir(), "disk"), "w");
  const line = Buffer.alloc(DISK_BYTES);
  while (!ending.signal.aborted) {
    const phase = phases[phases.length - 1]!;
    const start = performance.now();
    await file.write(line);
    await file.datasync();
    phase.disk.push(performance.now() - start);
    await pause(DISK_EVERY_MS);
  }
  await file.close();
}

/** Listens in a room, without a document: what is measured is the relay. */
async function listen(room: string): Promise<void> {
  const socket = open();
  // What comes in one group may come again in another one.
  const heard = new Set<number>();
  socket.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return;
    for (let at = data.indexOf(SIGN); at >= 0; at = data.indexOf(SIGN, at + 1)) {
      const digits = data.toString("latin1", at + SIGN.length, at + SIGN.length + DIGITS);
      // The sign may stand in a signature by chance, also at the end of one.
      const number = /^\d{8}$/u.test(digits) ? Number(digits) : -1;
      const line = lines[number];
      if (line === undefined || heard.has(number)) continue;
      heard.add(number);
      delivered++;
      (line.isAttacked ? line.phase.attacked : line.phase.own).push(performance.now() - line.due);
    }
  });
  await entered(socket, room);
  socket.on("close", () => {
    cut++;
  });
}

function open(): WebSocket {
  const socket = new WebSocket(url, { perMessageDeflate: false, localAddress: nextAddress() });
  socket.on("error", () => undefined);
  return socket;
}

/** Joins, and says that it has all that the relay has: then it hears what comes from now on. False when it is sent away. */
async function entered(socket: WebSocket, room: string): Promise<boolean> {
  await once(socket, "open");
  const ready = new Promise<boolean>((resolve) => {
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary || !data.includes('"have"')) return;
      socket.send(data.toString("utf8"));
      resolve(true);
    });
    socket.on("close", () => {
      resolve(false);
    });
  });
  socket.send(JSON.stringify({ type: "join", room }));
  return ready;
}

/** What somebody new gets of a room. */
async function look(room: string): Promise<readonly string[]> {
  const client = new Client({
    url: () => url,
    room,
    document: openLines(room),
    localAddress: nextAddress(),
  });
  client.open();
  await client.until(`all of ${room}`, () => client.isSynced);
  const shown = client.document.view().lines;
  client.hold();
  return shown;
}

function spreadOf(values: readonly number[]): Spread {
  return {
    count: values.length,
    median: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    most: values.reduce((most, value) => Math.max(most, value), 0),
  };
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
