import { once } from "node:events";
import { createServer, type AddressInfo, connect, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MAX_UNREAD_BYTES, Outlet } from "./outlet.ts";

let server: Server;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("what nobody reads is held up to a bound and then left out, which is told in its place when somebody reads on", async () => {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection");
  const near = connect(port, "127.0.0.1");
  const [far] = (await accepted) as [Socket];
  sockets.push(near, far);
  far.pause();
  const write = (text: string): void => void near.write(text);
  const outlet: Outlet = new Outlet(near, write, (lines) => {
    outlet.write(`${lines} left out\n`);
  });
  const line = `${"x".repeat(65_535)}\n`;
  let written = 0;
  for (; near.writableLength <= MAX_UNREAD_BYTES; written++) {
    outlet.write(line);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const held = near.writableLength;
  expect(held).toBeLessThanOrEqual(MAX_UNREAD_BYTES + line.length);
  for (let i = 0; i < 100; i++) outlet.write(line + line);
  outlet.write("");
  expect(near.writableLength).toBe(held);

  let text = "";
  far.setEncoding("utf8");
  far.on("data", (piece: string) => (text += piece));
  far.resume();
  await once(near, "drain");
  outlet.write("and on\n");
  near.end();
  await once(far, "end");
  expect(text).toBe(`${line.repeat(written)}200 left out\nand on\n`);
});
