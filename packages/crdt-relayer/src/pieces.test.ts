import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { settle } from "../test/session-world.ts";
import {
  CHEAP_PIECE_MS,
  DEAR_PIECE_MS,
  FIRST_PIECE_BYTES,
  FRAGMENT_BYTES,
  LEAST_PIECE_BYTES,
  MOST_PIECE_BYTES,
} from "./limits.ts";
import { giveBack, Pieces, whenFirstRead } from "./pieces.ts";

const nothing = (): void => undefined;

function streamOf(): Duplex {
  return new Duplex({ read: nothing, write: (_chunk, _encoding, done) => done() });
}

/** Bytes that tell where they stood. */
function bytesOf(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (from + at) % 251);
}

/** A stream that flows, and the lengths and the bytes that were read of it. */
async function reading(comes: () => void = nothing) {
  const stream = streamOf();
  const lengths: number[] = [];
  const all: number[] = [];
  const pieces = new Pieces(stream, comes);
  stream.on("data", (chunk: Uint8Array) => {
    lengths.push(chunk.length);
    all.push(...chunk);
  });
  await settle();
  return { stream, pieces, lengths, all };
}

describe("what one read of a socket brings", () => {
  it("is handed on in pieces that are no greater than they may be, all of it and in its order, whenever it is paused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ bytes: fc.nat({ max: 6 * FIRST_PIECE_BYTES }) }),
            fc.record({ pauseAfter: fc.nat({ max: 3 }) }),
            fc.record({ read: fc.nat({ max: 4 }) }),
            fc.constant({ resume: true }),
          ),
          { maxLength: 20 },
        ),
        async (steps) => {
          const { stream, pieces, lengths, all } = await reading();
          let sent = 0;
          let pauseAfter = Infinity;
          stream.on("data", () => {
            if (pauseAfter-- <= 0) stream.pause();
          });
          for (const step of steps) {
            if ("bytes" in step) {
              stream.push(bytesOf(step.bytes, sent));
              sent += step.bytes;
            } else if ("pauseAfter" in step) {
              pauseAfter = step.pauseAfter;
            } else if ("read" in step) {
              stream.pause();
              for (let n = 0; n < step.read && pieces.hasMore; n++) pieces.read();
            } else {
              pauseAfter = Infinity;
              stream.resume();
              await settle();
            }
            expect(all.length + stream.readableLength).toBe(sent);
          }
          pauseAfter = Infinity;
          stream.resume();
          await settle();
          expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(FIRST_PIECE_BYTES);
          expect(Buffer.from(all).equals(bytesOf(sent))).toBe(true);
          expect(pieces.hasMore).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is known to be more while a piece of it is read", async () => {
    const { stream, pieces } = await reading();
    const more: boolean[] = [];
    stream.on("data", () => more.push(pieces.hasMore));
    stream.push(bytesOf(2 * FIRST_PIECE_BYTES));
    expect(more).toEqual([true, false]);
  });

  it("comes in smaller pieces while they are dear, and in greater ones while they are cheap and full", async () => {
    const { stream, pieces, lengths } = await reading();
    const next = (): number => {
      lengths.length = 0;
      stream.push(bytesOf(MOST_PIECE_BYTES + 1));
      return lengths[0]!;
    };
    pieces.took(FIRST_PIECE_BYTES, DEAR_PIECE_MS);
    pieces.took(FIRST_PIECE_BYTES, CHEAP_PIECE_MS);
    pieces.took(FIRST_PIECE_BYTES - 1, 0);
    expect(next()).toBe(FIRST_PIECE_BYTES);
    pieces.took(1, DEAR_PIECE_MS * 1.1);
    expect(next()).toBe(FIRST_PIECE_BYTES / 2);
    for (let n = 0; n < 20; n++) pieces.took(1, DEAR_PIECE_MS * 1.1);
    expect(next()).toBe(LEAST_PIECE_BYTES);
    for (let n = 0; n < 20; n++) pieces.took(MOST_PIECE_BYTES, CHEAP_PIECE_MS * 0.9);
    expect(next()).toBe(MOST_PIECE_BYTES);
  });

  it("waits as a whole when the socket is paused as soon as it comes", async () => {
    const paused: { stream?: Duplex } = {};
    const { stream, pieces, lengths } = await reading(() => paused.stream?.pause());
    paused.stream = stream;
    stream.push(bytesOf(3 * FIRST_PIECE_BYTES));
    expect([lengths, stream.readableLength]).toEqual([[], 3 * FIRST_PIECE_BYTES]);
    pieces.read();
    expect(lengths).toEqual([FIRST_PIECE_BYTES]);
  });

  it("is not taken any more once the connection is gone, but for a piece", async () => {
    const left = [FIRST_PIECE_BYTES, FIRST_PIECE_BYTES + 1].map(async (length) => {
      const { stream } = await reading();
      let taken = -1;
      // As ws takes what is left.
      stream.on("close", () => {
        taken = ((stream.read(stream.readableLength) ?? []) as Uint8Array).length;
      });
      stream.pause();
      stream.push(bytesOf(length));
      stream.destroy();
      await settle();
      return taken;
    });
    expect(await Promise.all(left)).toEqual([FIRST_PIECE_BYTES, 0]);
  });

  it("is not handed on any further when the connection is cut in the midst of it", async () => {
    const { stream, lengths } = await reading();
    stream.on("data", () => stream.destroy());
    stream.push(bytesOf(5 * FIRST_PIECE_BYTES));
    await settle();
    expect(lengths).toHaveLength(1);
  });
});

describe("the first read of a socket", () => {
  function waiting(stream: Duplex | null) {
    const socket = { readyState: WebSocket.OPEN, _socket: stream } as unknown as WebSocket;
    let calls = 0;
    const heard: number[] = [];
    const first = (): void => {
      calls++;
      stream?.on("data", ({ length }: Uint8Array) => heard.push(length));
    };
    whenFirstRead(socket, first);
    return { heard, calls: () => calls };
  }

  it("is told of just before it is read, once", async () => {
    const stream = streamOf();
    stream.resume();
    await settle();
    const { heard, calls } = waiting(stream);
    expect(calls()).toBe(0);
    stream.push(bytesOf(3));
    stream.push(bytesOf(4));
    await settle();
    expect([calls(), heard]).toEqual([1, [3, 4]]);
  });

  it("is never told of where the connection just ends", async () => {
    const stream = streamOf();
    stream.resume();
    const { calls } = waiting(stream);
    stream.push(null);
    await settle();
    expect([calls(), stream.readableEnded]).toEqual([0, true]);
  });

  it("is taken for granted where something has come before, or it cannot be told", () => {
    const stream = streamOf();
    giveBack(stream, bytesOf(1));
    expect(waiting(stream).calls()).toBe(1);
    expect(waiting(null).calls()).toBe(1);
  });

  it("is of pieces, too, when it was read with the request", async () => {
    const stream = streamOf();
    giveBack(stream, bytesOf(2.5 * FIRST_PIECE_BYTES));
    const lengths: number[] = [];
    const all: number[] = [];
    stream.on("data", (chunk: Uint8Array) => {
      lengths.push(chunk.length);
      all.push(...chunk);
    });
    await settle();
    expect(Math.max(...lengths)).toBe(FIRST_PIECE_BYTES);
    expect(Buffer.from(all).equals(bytesOf(2.5 * FIRST_PIECE_BYTES))).toBe(true);
  });

  it("is divided also where somebody has waited for it and was not told", async () => {
    const stream = streamOf();
    const { calls } = waiting(stream);
    const lengths: number[] = [];
    const pieces = new Pieces(stream, nothing);
    stream.on("data", ({ length }: Uint8Array) => lengths.push(length));
    await settle();
    stream.push(bytesOf(2 * FIRST_PIECE_BYTES));
    expect([calls(), lengths, pieces.hasMore]).toEqual([
      0,
      [FIRST_PIECE_BYTES, FIRST_PIECE_BYTES],
      false,
    ]);
  });
});

describe("what is whole", () => {
  /** A frame: how many bytes it holds, and whether a message, or a control frame, is whole with it. */
  type Frame = readonly [bytes: number, whole: "message" | "control" | null];

  /** What is found of frames that are read in chunks of these sizes by turns: fragments more than there may be, of each message. */
  function counted(frames: readonly Frame[], chunks: readonly number[]): number[] {
    const pieces = new Pieces(streamOf(), nothing);
    const ends: [end: number, whole: Frame[1], bytes: number][] = [];
    let end = 0;
    let content = 0;
    for (const [bytes, whole] of frames) {
      end += bytes + (bytes < 126 ? 6 : bytes < 65_536 ? 8 : 14);
      if (whole !== "control") content += bytes;
      ends.push([end, whole, whole === "message" ? content : bytes]);
      if (whole === "message") content = 0;
    }
    const found: number[] = [];
    let read = 0;
    for (let n = 0; read < end; n++) {
      const length = Math.min(chunks[n % chunks.length]!, end - read);
      // As ws does: what is whole is told of while the chunk is taken apart, and counted after it.
      for (const [at, whole, bytes] of ends) {
        if (at <= read || at > read + length) continue;
        if (whole === "control") pieces.control(bytes);
        else if (whole === "message") found.push(pieces.message(bytes));
      }
      pieces.took(length, 0);
      read += length;
    }
    return found;
  }

  const sizes = fc.oneof(fc.nat({ max: 130 }), fc.nat({ max: 3_000 }), fc.constant(70_000));
  const chunkSizes = (max: number) =>
    fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 5 });

  it("is never found to be in fragments when it is one frame, or they are fair, however it is read", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            sizes.map((bytes): Frame[] => [[bytes, "message"]]),
            fc.nat({ max: 125 }).map((bytes): Frame[] => [[bytes, "control"]]),
            fc
              .record({ bytes: fc.nat({ max: 125 }), parts: fc.integer({ min: 1, max: 30 }) })
              .map(({ bytes, parts }): Frame[] => [
                ...Array.from({ length: parts }, (): Frame => [2 * FRAGMENT_BYTES, null]),
                [bytes, "control"],
                [2 * FRAGMENT_BYTES, "message"],
              ]),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        fc.oneof(chunkSizes(5_000), chunkSizes(MOST_PIECE_BYTES)),
        (messages, chunks) => {
          expect(Math.max(0, ...counted(messages.flat(), chunks))).toBe(0);
        },
      ),
    );
  });

  it("is found to be in crumbs when it is, all but for the last that was read", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 100 }),
        fc.integer({ min: 0, max: 3 }),
        chunkSizes(5_000),
        (parts, bytes, chunks) => {
          const message: Frame[] = [
            ...Array.from({ length: parts }, (): Frame => [bytes, null]),
            [bytes, "message"],
          ];
          const messages = 3 + Math.ceil(5_000 / (6 * parts));
          const all = Array.from({ length: messages }, () => message).flat();
          const found = counted(all, chunks).reduce((sum, more) => sum + more, 0);
          const unseen = (Math.max(...chunks) + 1) / 6 + messages;
          expect(found).toBeLessThanOrEqual(parts * messages);
          expect(found).toBeGreaterThanOrEqual(parts * messages - unseen);
        },
      ),
    );
  });
});
