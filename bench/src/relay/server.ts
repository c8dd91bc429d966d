/**
 * A server to measure, as a process of its own: `server.js KIND DIR`. Tells its parent where it listens, and then how
 * many bytes of memory it has, whenever it is asked.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createRelay } from "crdt-relayer";
import { WebSocket, WebSocketServer } from "ws";
import { Authors } from "./groups.ts";

/** The relay; a loop over all clients that neither verifies nor stores; and one that only sends, all that is read. */
export type Kind = "ours" | "naive" | "blaster";

/** Changes in one write of the blaster: as many as a busy relay has for a socket at once. */
const BLASTED_AT_ONCE = 16;

/** Collections before memory is looked at: what one has freed, the next gives back. */
const COLLECTIONS = 3;

const [kind = "", folder = ""] = process.argv.slice(2);
const start: Readonly<Record<Kind, () => Promise<string>>> = {
  ours: startOurs,
  naive: startNaive,
  blaster: startBlaster,
};
const url = await start[kind as Kind]();
process.send!({ url });
process.on("message", () => {
  for (let i = 0; i < COLLECTIONS; i++) globalThis.gc?.();
  process.send!(process.memoryUsage().rss);
});
process.once("disconnect", () => process.exit(0));

async function startOurs(): Promise<string> {
  const unlimited = Number.MAX_SAFE_INTEGER;
  const relay = await createRelay({
    port: 0,
    data: folder,
    logLevel: "error",
    // All come from one address and write into one room: what is measured here is how fast it is, not that it is bounded.
    maxAddressSessions: 10_000,
    sessionRateBytes: unlimited,
    addressRateBytes: unlimited,
    roomRateBytes: unlimited,
    keyRateBytes: unlimited,
  });
  return relay.url;
}

async function startNaive(): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) return;
      for (const client of server.clients) {
        if (client !== socket && client.readyState === WebSocket.OPEN)
          client.send(data, { binary: true });
      }
    });
  });
  await once(server, "listening");
  return urlOf(server.address() as AddressInfo);
}

async function startBlaster(): Promise<string> {
  const [group] = new Authors(1).next(1);
  const frame = Buffer.concat([
    Buffer.from([0x82, 126, group!.length >> 8, group!.length & 255]),
    group!,
  ]);
  const chunk = Buffer.concat(Array.from({ length: BLASTED_AT_ONCE }, () => frame));
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    // The first message of any session makes it one that is blasted.
    socket.on("data", (data: Buffer) => {
      if (data[0] === 0x82) sockets.add(socket);
    });
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  const blast = (): void => {
    for (const socket of sockets) if (socket.writableLength === 0) socket.write(chunk);
    setImmediate(blast);
  };
  blast();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return urlOf(server.address() as AddressInfo);
}

function urlOf({ port }: AddressInfo): string {
  return `ws://127.0.0.1:${port}/`;
}
