/** What is read in portions is the same, in the same order, with any pauses in between, over a real connection. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { readInPortions } from "./portions.ts";

const PORTION = 64;

const open: { destroy(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

/** Both ends of a connection of this machine. */
async function connection(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const far = connect(typeof address === "object" ? (address?.port ?? 0) : 0, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  open.push(near, far);
  return { near, far };
}

describe("a socket that is read in portions", () => {
  it("gives all that comes, in order, in small pieces, and then its end, whenever it is paused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5 * PORTION }), { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        async (pieces, choices) => {
          const { near, far } = await connection();
          readInPortions(near, PORTION);
          const got: Buffer[] = [];
          near.on("data", (portion: Buffer) => {
            got.push(portion);
            if (choices.next().value !== 0) return;
            near.pause();
            setImmediate(() => near.resume());
          });
          const ended = once(near, "end");
          for (const piece of pieces) far.write(piece);
          far.end();
          await ended;
          expect(Buffer.concat(got)).toEqual(Buffer.concat(pieces));
          expect(got.every(({ length }) => length > 0 && length <= PORTION)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("gives nothing more once it is paused, and the rest when it is read again", async () => {
    const { near, far } = await connection();
    readInPortions(near, PORTION);
    const got: Buffer[] = [];
    near.on("data", (portion: Buffer) => {
      got.push(portion);
      near.pause();
    });
    const content = Buffer.from(Array.from({ length: 10 * PORTION - 1 }, (_, at) => at));
    far.write(content);
    while (got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toHaveLength(1);
    for (let n = 2; n <= 10; n++) {
      near.resume();
      while (got.length < n) await new Promise((resolve) => setImmediate(resolve));
      expect(got).toHaveLength(n);
    }
    expect(Buffer.concat(got)).toEqual(content);
  });

  it("is not read by the system while as much as a stream keeps waits in it", async () => {
    const { near, far } = await connection();
    readInPortions(near, PORTION);
    near.on("data", () => near.pause());
    // Until neither end takes more.
    const piece = Buffer.alloc(1_048_576);
    while (far.writableLength < 8 * piece.length) {
      far.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(near.readableLength).toBeLessThanOrEqual(near.readableHighWaterMark + 65_536);
  });
});
