import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { pino } from "pino";
import { WebSocket } from "ws";
import { beforeAll, describe, expect, it } from "vitest";
import { CLOSE, type Relay } from "../src/index.ts";
import { MIN_FRAME_BYTES } from "../src/limits.ts";
import { Client, openLines, Participant, writeLine } from "./participant.ts";
import { startRelay } from "./running.ts";

/** Times that a history of some MB is sent again at most: three, and a few MB. */
const MAX_REPEATS = 6;

/** The relay still works for others. */
async function expectAlive(relay: Relay): Promise<void> {
  const [alice, bob] = await Promise.all([
    Participant.join(relay.url, "alive"),
    Participant.join(relay.url, "alive"),
  ]);
  const before = alice.document.view().lines.length;
  alice.write("still there");
  await bob.until(() => bob.document.view().lines.length > before);
  await Promise.all([alice.leave(), bob.leave()]);
}

describe("a client that sends anything", () => {
  const deep = "[".repeat(50_000);
  const cases: {
    readonly [name: string]: readonly [frame: string | Uint8Array, answer: string | RegExp];
  } = {
    "bytes before joining": [writeLine(openLines("main"), "hello"), /"code":"not_joined"/u],
    "a sync message before joining": ['{"type":"have","heads":[]}', /"code":"not_joined"/u],
    "junk text": ["hello?", /^error: .*\/help/u],
    "no text at all": ["", /^error: .*\/help/u],
    "broken JSON": ['{"type":"join"', /"code":"malformed"/u],
    "deep JSON": [deep, /^error: /u],
    "a deep join": [
      `{"type":"join","room":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
      /"code":"bad_join"/u,
    ],
    "a join with no room": ['{"type":"join"}', /"code":"bad_join"/u],
    "a join with an empty room": ['{"type":"join","room":""}', /"code":"bad_join"/u],
    "a join with half a character": ['{"type":"join","room":"\\ud800"}', /"code":"bad_join"/u],
    "a join with a number": ['{"type":"join","room":7}', /"code":"bad_join"/u],
    "a join with a room and a document": [
      `{"type":"join","room":"a","document":"${"0".repeat(64)}"}`,
      /"code":"bad_join"/u,
    ],
    "a join with a short document": ['{"type":"join","document":"00"}', /"code":"bad_join"/u],
    "a room that is inherited": [
      '{"type":"join","__proto__":{"room":"main"}}',
      /"code":"bad_join"/u,
    ],
    "a type that is inherited": [
      '{"__proto__":{"type":"join"},"room":"main"}',
      /"code":"not_joined"/u,
    ],
    "/join with no room": [
      "/join",
      "error: /join needs the name of a room, for example: /join main",
    ],
    "/join with spaces only": [
      "/join   ",
      "error: /join needs the name of a room, for example: /join main",
    ],
    "a mistyped command": ["/jion main", 'error: unknown command "/jion"; did you mean /join?'],
    "an unknown command": ["/quit\u0007", 'error: unknown command "/quit\\u0007"; type /help'],
    "a command named like an object's own": [
      "/__proto__",
      'error: unknown command "/__proto__"; type /help',
    ],
  };

  it.each(Object.entries(cases))("gets an error reply for %s", async (_name, [frame, answer]) => {
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    const reply = await client.ask(frame);
    if (typeof answer === "string") expect(reply).toBe(answer);
    else expect(reply).toMatch(answer);
    // It can go on as if nothing had been.
    expect(await client.ask('{"type":"join","room":"main"}')).toMatch(/"type":"joined"/u);
  });

  it("is told of each fault after joining too, and stays", async () => {
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    await client.ask('{"type":"join","room":"main"}');
    await client.text();
    for (const frame of [
      new Uint8Array(0),
      new Uint8Array([0x9f]),
      "{}",
      "junk",
      '{"type":"hello"}',
      `{"a":${deep}`,
    ]) {
      expect(JSON.parse(await client.ask(frame))).toMatchObject({ type: "error" });
    }
    expect(await client.ask("/who")).toBe('room "main": 1 program and 0 people here');
  });

  it("can send any frames in any order and never ends the relay", async () => {
    const relay = await startRelay();
    const pieces = fc.oneof(
      fc.string(),
      fc.json(),
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(
        "/join main",
        "/leave",
        "/who",
        "/help",
        '{"type":"join","room":"main"}',
        '{"type":"have","heads":[]}',
        `{"type":"want","ids":["${"0".repeat(64)}"]}`,
        writeLine(openLines("main"), "hello"),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 20 }), async (frames) => {
        const client = await Client.open(relay.url);
        for (const frame of frames) client.send(frame);
        client.send("/help");
        for (;;) {
          const reply = await client.next();
          if (typeof reply === "string" && reply.startsWith("commands:")) break;
        }
        client.socket.terminate();
      }),
      { numRuns: 100 },
    );
    await expectAlive(relay);
  });
});

describe("a client that breaks a bound", () => {
  it("is closed for a frame over the greatest one; the greatest one is taken", async () => {
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    expect(await client.ask(new Uint8Array(MIN_FRAME_BYTES))).toMatch(/not_joined/u);
    client.send(new Uint8Array(MIN_FRAME_BYTES + 1));
    expect(await client.closed).toMatchObject({ code: CLOSE.tooLarge.code });
    await expectAlive(relay);
  });

  it("is closed for text that is not UTF-8", async () => {
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    client.socket.send(new Uint8Array([0xff, 0xfe]), { binary: false });
    expect(await client.closed).toMatchObject({ code: CLOSE.notText.code });
    await expectAlive(relay);
  });

  it("is closed when it does not speak WebSocket any more", async () => {
    const relay = await startRelay();
    const client = await Client.open(relay.url);
    // A frame from a client must be masked; this one is not.
    rawSocketOf(client.socket).write(new Uint8Array([0x81, 0x01, 0x41]));
    expect(await client.closed).toMatchObject({ code: CLOSE.protocol.code });
    await expectAlive(relay);
  });

  it("is closed when it joins no room in time", async () => {
    const relay = await startRelay({ joinSeconds: 0.05 });
    const client = await Client.open(relay.url);
    expect(await client.closed).toEqual({
      code: CLOSE.notJoined.code,
      reason: CLOSE.notJoined.reason,
    });
  });

  it("is turned away when too many are connected in its room, or too many rooms are in use", async () => {
    const relay = await startRelay({
      maxRoomSessions: 1,
      maxRooms: 1,
      joinSeconds: 60,
    });
    const first = await Client.open(relay.url);
    await first.ask('{"type":"join","room":"main"}');

    const second = await Client.open(relay.url);
    expect(JSON.parse(await second.ask('{"type":"join","room":"main"}'))).toMatchObject({
      code: "room_full",
    });
    expect(await second.closed).toMatchObject({ code: CLOSE.roomFull.code });

    const third = await Client.open(relay.url);
    expect(await third.ask("/join other")).toMatch(
      /^error: this relay holds no more than 1 room at once/u,
    );
    expect(await third.closed).toMatchObject({ code: CLOSE.tooManyRooms.code });
  });

  it("gives way, when too many are connected, if it has joined no room; else who comes is turned away", async () => {
    const relay = await startRelay({ maxSessions: 3 });
    const first = await Client.open(relay.url);
    await first.ask('{"type":"join","room":"main"}');
    const silent = await Client.open(relay.url);
    const later = await Client.open(relay.url);
    const newcomer = await Client.open(relay.url);
    expect(await silent.closed).toMatchObject({ code: 1006 });
    for (const client of [later, newcomer]) await client.ask('{"type":"join","room":"main"}');
    const another = await Client.open(relay.url);
    expect(await another.closed).toMatchObject({ code: CLOSE.tooManySessions.code });
    await first.text();
    expect(await first.ask("/who")).toBe('room "main": 3 programs and 0 people here');
  });

  it("makes nobody give way when it would be turned away anyhow", async () => {
    const relay = await startRelay({ maxSessions: 2, maxAddressSessions: 2 });
    const silent = [await Client.open(relay.url), await Client.open(relay.url)];
    const another = await Client.open(relay.url);
    expect(await another.closed).toMatchObject({ code: CLOSE.tooManySessions.code });
    for (const client of silent) expect(await client.ask("/help")).toMatch(/^commands:/u);
  });

  it("is cut when it does not answer pings", async () => {
    const relay = await startRelay({ pingSeconds: 0.2 });
    const silent = new Client(relay.url, { autoPong: false });
    const good = await Client.open(relay.url);
    await silent.opened;
    await silent.closed;
    expect(good.socket.readyState).toBe(WebSocket.OPEN);
  });

  it("is closed as a slow reader when it asks for more than it reads", async () => {
    const closing = new PassThrough();
    const logger = pino(closing);
    const relay = await startRelay(
      { sendSoftBytes: 65_536, sendHardBytes: 65_536 + MIN_FRAME_BYTES },
      { logger },
    );
    const client = await Client.open(relay.url);
    client.socket.pause();
    closing.on("data", (line) => {
      // It reads again when it has been closed, so that it can read why.
      if (String(line).includes("slow reader")) client.socket.resume();
    });
    // Much more than the kernel takes on the way to someone who does not read.
    for (let i = 0; i < 80_000; i++) client.send("/help");
    expect(await client.closed).toEqual({
      code: CLOSE.slowReader.code,
      reason: CLOSE.slowReader.reason,
    });
    await expectAlive(relay);
  });
});

describe("a client that reads and floods the relay with questions", () => {
  const COUNT = 3_000;
  const again = JSON.stringify({ type: "have", heads: [], again: true });
  let groups: Uint8Array[];
  let size: number;

  beforeAll(() => {
    const lines = openLines("main");
    for (let i = 0; i < COUNT; i++) writeLine(lines, `line ${i} ${"x".repeat(800)}`);
    const { history } = lines;
    groups = history.groupsFor(Array.from({ length: COUNT }, (_, i) => i));
    size = groups.reduce((sum, group) => sum + group.length, 0);
  });

  /** A relay whose room has the history, and two sockets that are open and in no room. */
  async function prepare(): Promise<[Client, Client]> {
    // What it asks is answered at once, as far as its rates are concerned.
    const relay = await startRelay({ sessionRateBytes: 2 ** 32, sessionBurstBytes: 2 ** 32 });
    const writer = await Client.open(relay.url);
    await writer.ask('{"type":"join","room":"main"}');
    for (const group of groups) writer.send(group);
    for (const _ of groups) await read(writer, isOf("ack"));
    await writer.leave();
    return [await Client.open(relay.url), await Client.open(relay.url)];
  }

  /** Reads until a condition; returns what came. */
  async function read(
    client: Client,
    isLast: (frame: string | Uint8Array) => boolean,
  ): Promise<(string | Uint8Array)[]> {
    const frames: (string | Uint8Array)[] = [];
    for (;;) {
      const frame = await client.next();
      frames.push(frame);
      if (isLast(frame)) return frames;
    }
  }

  const bytesIn = (frames: readonly (string | Uint8Array)[]): number =>
    frames.reduce((sum, frame) => sum + (typeof frame === "string" ? 0 : frame.length), 0);
  const isOf = (type: string) => (frame: string | Uint8Array) =>
    typeof frame === "string" && frame.includes(`"type":"${type}"`);

  it("gets the history a few times, is told why no more, and others are served meanwhile", async () => {
    const [flooder, other] = await prepare();
    const order: string[] = [];
    flooder.send('{"type":"join","room":"main"}');
    for (let i = 0; i < 10_000; i++) flooder.send(again);
    flooder.send("/who");
    other.send('{"type":"join","room":"main"}');
    other.send('{"type":"have","heads":[]}');
    const [flood, served] = await Promise.all([
      read(flooder, (frame) => typeof frame === "string" && frame.startsWith("room ")).then(
        (frames) => {
          order.push("the flood is over");
          return frames;
        },
      ),
      read(other, isOf("done")).then((frames) => {
        order.push("the other is served");
        return frames;
      }),
    ]);
    expect(order).toEqual(["the other is served", "the flood is over"]);
    expect(bytesIn(served)).toBe(size);
    expect(bytesIn(flood)).toBeGreaterThanOrEqual(size);
    expect(bytesIn(flood)).toBeLessThan((1 + MAX_REPEATS) * size);
    expect(flood.filter(isOf("error"))).toEqual([expect.stringContaining('"code":"flooding"')]);
  });

  it("cannot get it more often by joining anew", async () => {
    const [flooder] = await prepare();
    let bytes = 0;
    for (let i = 0; i < 100; i++) {
      flooder.send('{"type":"join","room":"main"}');
      flooder.send('{"type":"have","heads":[]}');
      bytes += bytesIn(await read(flooder, isOf("done")));
    }
    expect(bytes).toBeGreaterThanOrEqual(size);
    expect(bytes).toBeLessThan((1 + MAX_REPEATS) * size);
  });

  it("cannot have one group sent without end", async () => {
    const [flooder] = await prepare();
    flooder.send('{"type":"join","room":"main"}');
    const [done] = (await read(flooder, isOf("have"))).slice(-1);
    const { heads } = JSON.parse(String(done)) as { readonly heads: readonly string[] };
    for (let i = 0; i < 1_000; i++) flooder.send(JSON.stringify({ type: "want", ids: heads }));
    flooder.send("/who");
    const frames = await read(
      flooder,
      (frame) => typeof frame === "string" && frame.startsWith("room "),
    );
    expect(bytesIn(frames)).toBeLessThan((1 + MAX_REPEATS) * size);
  });

  it("loses none of the changes that it sent just before it left", async () => {
    const relay = await startRelay();
    const lines = openLines("main");
    const client = await Client.open(relay.url);
    await client.ask('{"type":"join","room":"main"}');
    for (let i = 0; i < 500; i++) client.send(writeLine(lines, `line ${i}`));
    await client.leave();
    const bob = await Participant.join(relay.url, "main");
    await bob.untilLines(500);
  });
});

describe("a slow reader", () => {
  it("costs the relay no more than a bound, is fed from the history, and gets everything", async () => {
    const bound = 65_536 + MIN_FRAME_BYTES;
    const relay = await startRelay({ sendSoftBytes: 65_536, sendHardBytes: bound });
    const alice = await Participant.join(relay.url, "main");
    const slow = await Participant.join(relay.url, "main");
    slow.client.socket.pause();
    const large = "x".repeat(500_000);
    let last = "";
    for (let line = 0; line < 40; line++) last = alice.write(`${line} ${large}`);
    await alice.untilDurable(last);
    slow.client.socket.resume();
    await slow.untilLines(40);
    expect(slow.document.viewDigest()).toBe(alice.document.viewDigest());
  });
});

describe("the HTTP server", () => {
  it("grants upgrades on one path only", async () => {
    const relay = await startRelay();
    for (const path of ["/", "/websocket/x", "/websockets", "//websocket", "/%77ebsocket"]) {
      const status = await upgradeStatus(relay.port, path);
      expect([path, status]).toEqual([path, 404]);
    }
    const client = await Client.open(`${relay.url}?anything=here`);
    expect(await client.ask("/who")).toMatch(/^error: /u);
  });

  it("survives whatever else comes over TCP", async () => {
    const relay = await startRelay();
    const lines = [
      "\r\n\r\n",
      "GET /websocket HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "\0\xff\0\xff",
    ];
    for (const line of lines) {
      const socket = connect(relay.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.resume();
      socket.end(Buffer.from(line, "latin1"));
      await once(socket, "close");
    }
    await expectAlive(relay);
  });
});

function upgradeStatus(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const key = Buffer.alloc(16).toString("base64");
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
    };
    const asked = request({ host: "127.0.0.1", port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The TCP socket below a WebSocket, which ws keeps to itself. */
function rawSocketOf(socket: WebSocket): { write(bytes: Uint8Array): void } {
  return (socket as unknown as { readonly _socket: { write(bytes: Uint8Array): void } })._socket;
}
