// What the relay's benchmark counts: changes in frames that are cut anywhere, and what is not over in time.
import { type AddressInfo, createServer } from "node:net";
import { batchesOf } from "bft-json-crdt";
import { describe, expect, test } from "vitest";
import { cpuOf } from "../src/relay/cpu.ts";
import { Authors, changesIn, numbersIn } from "../src/relay/groups.ts";
import { Load } from "../src/relay/load.ts";
import { binaryFrame, FrameCounter } from "../src/relay/socket.ts";

/** A frame as a server sends it. */
function framed(opcode: number, content: Uint8Array): Buffer {
  const { length } = content;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, content]);
}

function merged(groups: readonly Uint8Array[]): Uint8Array {
  return batchesOf(groups.map((group, index) => ({ group, indexes: [index] })))[0]!.group;
}

describe("changes", () => {
  test.each([1, 23, 24, 255, 256])("%d of them are counted and found in one group", (count) => {
    const groups = new Authors(3).next(count);
    const group = merged(groups);
    expect(changesIn(group, 0)).toBe(count);
    expect(numbersIn(group)).toEqual(groups.map((_, number) => number));
  });

  test("are numbered on, and what is none is an error", () => {
    const authors = new Authors(2);
    authors.next(2);
    const [group] = authors.next(1);
    expect(numbersIn(group!)).toEqual([2]);
    expect(() => changesIn(Buffer.from("{}"), 0)).toThrow("no group");
    expect(() => numbersIn(Buffer.concat([group!, Buffer.from([0])]))).toThrow("follows");
    const other = group!.slice();
    other[other.length - 68] = 0x40;
    expect(() => numbersIn(other)).toThrow("without a number");
  });
});

describe("frames", () => {
  const groups = new Authors(1).next(400);
  const frames = [
    framed(2, groups[0]!),
    framed(1, Buffer.from('{"type":"ack"}')),
    framed(9, Buffer.alloc(0)),
    framed(2, merged(groups.slice(1, 10))),
    framed(2, merged(groups.slice(10))),
    framed(1, Buffer.from("ß".repeat(300))),
  ];
  const bytes = Buffer.concat(frames);
  expect(frames[4]!.length).toBeGreaterThan(65_536);

  test.each([1, 2, 3, 7, 1_000, 65_536, bytes.length])(
    "are counted in pieces of %d bytes, and looked at by those who want to",
    (size) => {
      for (const isLooking of [false, true]) {
        const seen: number[] = [];
        const texts: string[] = [];
        let pings = 0;
        const counter = new FrameCounter(
          {
            counted: () => undefined,
            ended: (why) => {
              throw new Error(why);
            },
            ...(isLooking && {
              group: (group) => seen.push(...numbersIn(group)),
              text: (text) => texts.push(text),
            }),
          },
          () => pings++,
        );
        // One byte at a time takes long where the whole of a large frame is wanted.
        const [from, to] = isLooking && size < 7 ? [0, 2_000] : [0, bytes.length];
        for (let at = from; at < to; at += size)
          counter.take(bytes.subarray(at, Math.min(to, at + size)));
        if (to < bytes.length) counter.take(bytes.subarray(to));
        expect([counter.changes, pings]).toEqual([400, 1]);
        expect(seen).toEqual(isLooking ? groups.map((_, number) => number) : []);
        expect(texts).toEqual(isLooking ? ['{"type":"ack"}', "ß".repeat(300)] : []);
      }
    },
  );

  test("that close a session are told, and those of a client hold what they are given", () => {
    let ended = "";
    new FrameCounter(
      { counted: () => undefined, ended: (why) => (ended = why) },
      () => undefined,
    ).take(framed(8, Buffer.from([3, 232])));
    expect(ended).toContain("closed");
    const frame = binaryFrame(groups[0]!);
    expect(frame.subarray(0, 2)).toEqual(Buffer.from([0x82, 0xfe]));
    expect(frame.subarray(8)).toEqual(Buffer.from(groups[0]!));
    expect(() => binaryFrame(Buffer.alloc(65_536))).toThrow("longer");
  });
});

test("a server that says nothing ends the load at its deadline, with how far it came", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const load = new Load(url, false, 50);
  try {
    await expect(load.open(1)).rejects.toThrow(/not over after 50 ms: 0 sessions, 0 changes sent/u);
  } finally {
    load.close();
    server.close();
  }
});

test.runIf(process.platform === "linux")("processor time is that of the process", () => {
  const { user, system } = process.cpuUsage();
  expect(cpuOf(process.pid)).toBeGreaterThanOrEqual((user + system) / 1_000 - 20);
  expect(cpuOf(2 ** 30)).toBeNaN();
});
