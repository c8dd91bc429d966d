/**
 * The load, as a process of its own, the same for every server: `generator.js URL ROOM SESSIONS`. Opens all sessions; then
 * for each {@link Load} that its parent sends, writers among them send signed changes, everybody else counts what arrives,
 * and the parent gets a {@link Report}.
 */
import { once } from "node:events";
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";
import { binaryFrame, CountingSocket } from "./socket.ts";

/** What to send. */
export interface Load {
  readonly messages: number;
  /** Messages a second on a schedule that is kept whatever the server does; null: as fast as it goes. */
  readonly rate: number | null;
}

/** What came of it. */
export interface Report {
  /** Milliseconds from the first message until the last has arrived everywhere. */
  readonly time: number;
  readonly deliveries: number;
  /** Milliseconds of processor time of this process meanwhile. */
  readonly cpu: number;
  /** Milliseconds from when a message was due until it arrived, at those few sessions that look at what they get. */
  readonly latencies: readonly number[];
}

/** Sessions that write. */
const WRITERS = 8;

/** Sessions that look at what they get. */
const LOOKING = 8;

/** Messages that are on their way at once, when it goes as fast as it goes: enough that the server never waits for one. */
const WINDOW = 512;

/** Sessions that are opened at a time. */
const OPENING = 50;

const [url = "", room = "", count = ""] = process.argv.slice(2);
const schema = struct({ lines: list(string()) });

let delivered = 0;
let onDelivered: () => void = () => undefined;
const sockets: CountingSocket[] = [];
for (let left = Number(count); left > 0; left -= OPENING)
  sockets.push(...(await Promise.all(Array.from({ length: Math.min(OPENING, left) }, join))));
const authors = Array.from(
  { length: Math.min(WRITERS, sockets.length) },
  () => new Document({ schema, id: documentId(room), keyPair: generateKeyPair() }),
);
process.send!("ready");
process.on("message", (load: Load) => {
  void run(load).then((report) => process.send!(report));
});
await once(process, "disconnect");
process.exit(0);

async function join(): Promise<CountingSocket> {
  const socket = await CountingSocket.open(url, () => {
    delivered++;
    onDelivered();
  });
  socket.sendText(JSON.stringify({ type: "join", room }));
  // Nothing is asked for, so that changes are passed on live.
  socket.sendText(JSON.stringify({ type: "have", heads: [] }));
  return socket;
}

async function run({ messages, rate }: Load): Promise<Report> {
  const groups = Array.from({ length: messages }, (_, i) => {
    const { bytes } = authors[i % authors.length]!.change(({ lines }) =>
      lines.push(`${i} of a line that somebody has typed`),
    );
    return bytes;
  });
  const frames = groups.map(binaryFrame);
  // A signature ends each group, and no two are the same.
  const due = new Map(groups.map((group) => [signatureOf(group), 0]));
  const latencies: number[] = [];
  for (const socket of sockets.slice(-LOOKING)) {
    socket.onBytes = (content) => {
      const at = due.get(signatureOf(content));
      if (at !== undefined) latencies.push(performance.now() - at);
    };
  }
  const others = sockets.length - 1;
  const first = delivered;
  const all = first + messages * others;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  let sent = 0;
  const send = (at: number): void => {
    due.set(signatureOf(groups[sent]!), at);
    sockets[sent % authors.length]!.sendFrame(frames[sent]!);
    sent++;
  };
  await new Promise<void>((resolve) => {
    const timer = rate === null ? null : setInterval(sendDue, 1);
    function sendDue(): void {
      const until = Math.min(messages, ((performance.now() - start) / 1_000) * rate!);
      for (let next = sent; next < until; next++) send(start + (next * 1_000) / rate!);
    }
    onDelivered = () => {
      if (delivered === all) {
        if (timer !== null) clearInterval(timer);
        resolve();
      } else if (rate === null) {
        fill();
      }
    };
    function fill(): void {
      const until = Math.min(messages, (delivered - first) / others + WINDOW);
      for (let next = sent; next < until; next++) send(performance.now());
    }
    if (rate === null) fill();
  });
  const time = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  onDelivered = () => undefined;
  for (const socket of sockets) socket.onBytes = null;
  return { time, deliveries: messages * others, cpu: (user + system) / 1_000, latencies };
}

/** The last 16 bytes of a group. */
function signatureOf(group: Uint8Array): string {
  return Buffer.from(group.buffer, group.byteOffset + group.length - 16, 16).toString("latin1");
}
