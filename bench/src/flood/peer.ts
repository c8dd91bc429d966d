/**
 * A flooder, as a process of its own: `peer.ts URL ROOM COUNT SOCKETS`. Signs its orphans, says "ready", and sends them
 * through all sockets as fast as they are taken when it reads "go".
 */
import { once } from "node:events";
import { documentId } from "bft-json-crdt";
import { WebSocket } from "ws";
import { orphans } from "./orphans.ts";

/** Bytes that wait in one socket at most. */
const HIGH_BYTES = 262_144;

/** Milliseconds until a full socket is looked at again: a fraction of what it takes the relay to empty it. */
const PAUSE_MS = 20;

const [url = "", room = "", count = "", sockets = ""] = process.argv.slice(2);
const frames = [...orphans(documentId(room), Number(count))];
const open = await Promise.all(Array.from({ length: Number(sockets) }, join));
process.stdout.write("ready\n");
await once(process.stdin, "data");
await Promise.all(open.map((socket, i) => send(socket, i)));
process.stdout.write("sent\n");
// The sockets stay open until the parent ends this process: what is on its way must not be cut off.
await once(process.stdin, "end");
process.exit(0);

async function join(): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "join", room }));
  await once(socket, "message");
  return socket;
}

async function send(socket: WebSocket, first: number): Promise<void> {
  for (let i = first; i < frames.length; i += open.length) {
    while (socket.bufferedAmount > HIGH_BYTES)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    socket.send(frames[i]!);
  }
}
