/**
 * A server to measure, as a process of its own: `server.js ours DIR`, or `server.js naive`, which passes bytes on to everybody
 * else and neither verifies nor stores. Tells its parent where it listens, and answers each message with what it has used.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createRelay } from "crdt-relayer";
import { WebSocket, WebSocketServer } from "ws";

/** What a server has used so far. */
export interface Usage {
  /** Milliseconds of processor time, of all threads, and of the thread that serves. */
  readonly cpu: number;
  /** Bytes. */
  readonly resident: number;
}

const [kind = "", folder = ""] = process.argv.slice(2);
const url = kind === "ours" ? await startOurs() : await startNaive();
process.send!({ url });
process.on("message", () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const usage: Usage = { cpu: (user + system) / 1_000, resident: process.memoryUsage().rss };
  process.send!(usage);
});

async function startOurs(): Promise<string> {
  const unlimited = Number.MAX_SAFE_INTEGER;
  const relay = await createRelay({
    port: 0,
    data: folder,
    maxAddressSessions: 10_000,
    // All come from one address and write into one room: what is measured here is how fast it is, not that it is bounded.
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
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
