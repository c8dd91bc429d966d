/**
 * What attackers talk to in the place of a relay, for a control: it takes every connection, calls it a WebSocket, reads all and throws
 * it away. Says where it listens, and ends with its stdin.
 */
import { createServer, type Socket } from "node:net";
import { takeLowestPriority } from "./priorities.ts";

/** More may come at once than a queue usually holds. */
const BACKLOG = 20_000;

const UPGRADED =
  "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";

/** A text frame that holds an empty object: what an attacker waits for once it has joined. */
const ANSWER = Buffer.from([0x81, 2, 0x7b, 0x7d]);

/** Bytes that a join has at most. */
const JOIN_BYTES = 200;

takeLowestPriority();
const server = createServer((socket: Socket) => {
  let isUpgraded = false;
  socket.on("error", () => undefined);
  socket.on("data", (data: Buffer) => {
    if (!isUpgraded) socket.write(UPGRADED);
    else if (data[0] === ANSWER[0] && data.length < JOIN_BYTES) socket.write(ANSWER);
    isUpgraded = true;
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  process.stdout.write(`${JSON.stringify({ event: "listens", url: `ws://127.0.0.1:${port}/` })}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
