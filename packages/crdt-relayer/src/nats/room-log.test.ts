/** A room's log against a stream that a test holds in its hand: what comes when, and what is left out. */
import { documentId, History } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { openLines, writeLine } from "../../test/participant.ts";
import { BackplaneError } from "../backplane.ts";
import type { StreamMessage } from "./reader.ts";
import { type LogPort, NatsRoomLog } from "./room-log.ts";

/** A stream in memory; publications wait for the test. */
class HeldStream implements LogPort {
  readonly epoch = "ab".repeat(16);
  readonly messages: StreamMessage[] = [];
  readonly publications: {
    readonly bytes: Uint8Array;
    readonly pass: () => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  readings = 0;
  handed = 0;
  useless = 0;
  isClosed = false;
  /** Called when a number of messages was read. */
  onRead: (message: StreamMessage) => void = () => undefined;

  put(data: Uint8Array): StreamMessage {
    const message = { subject: "rooms.x", data, seq: this.messages.length + 1 };
    this.messages.push(message);
    return message;
  }

  publish(bytes: Uint8Array): Promise<void> {
    return new Promise((pass, fail) => this.publications.push({ bytes, pass, fail }));
  }

  last(): Promise<number> {
    return Promise.resolve(this.messages.length);
  }

  async *read(from: number, to: () => number): AsyncGenerator<StreamMessage, void, void> {
    this.readings++;
    for (let seq = from; seq <= to(); seq++) {
      const message = this.messages[seq - 1]!;
      yield message;
      this.onRead(message);
    }
  }

  delivered(): void {
    this.handed++;
  }

  dropped(): void {
    this.useless++;
  }

  closed(): void {
    this.isClosed = true;
  }
}

async function replayed(log: NatsRoomLog, history: History): Promise<void> {
  for await (const fault of log.replay(history)) expect(fault).toBeNull();
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("a room's log in a stream", () => {
  it("reads up to what came by while it was reading, and hears what comes after, each once", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    const document = openLines("main");
    const groups = Array.from({ length: 6 }, (_, line) => writeLine(document, `line ${line}`));
    for (const group of groups.slice(0, 3)) stream.put(group);
    let hasCome = false;
    stream.onRead = ({ seq }) => {
      if (seq !== 2 || hasCome) return;
      hasCome = true;
      // Two are published and come by live while the second of three is being read.
      for (const group of groups.slice(3, 5)) log.hear(stream.put(group));
    };
    const history = new History({ document: documentId("main") });
    await replayed(log, history);
    expect([history.length, stream.readings]).toEqual([5, 1]);
    const heard: Uint8Array[] = [];
    log.follow((group) => {
      heard.push(group);
      return true;
    });
    // A reader that began anew brings what is known again.
    for (const message of stream.messages) log.hear(message);
    log.hear(stream.put(groups[5]!));
    expect(heard).toEqual([groups[5]]);
    expect([stream.handed, stream.useless]).toEqual([6, 0]);
  });

  it("keeps for its listener what comes just before it listens", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    await replayed(log, new History({ document: documentId("main") }));
    const group = writeLine(openLines("main"), "hello");
    log.hear(stream.put(group));
    const heard: Uint8Array[] = [];
    log.follow((bytes) => {
      heard.push(bytes);
      return true;
    });
    expect(heard).toEqual([group]);
  });

  it("passes over what is no group, or not of this document, and counts it", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    const document = openLines("main");
    const forged = writeLine(openLines("main"), "forged").slice();
    forged[forged.length - 1]! ^= 1;
    for (const bytes of [
      writeLine(document, "first"),
      new Uint8Array(),
      forged,
      writeLine(openLines("other"), "astray"),
      writeLine(document, "second"),
    ])
      stream.put(bytes);
    const history = new History({ document: documentId("main") });
    await replayed(log, history);
    expect(history.length).toBe(2);
    expect([stream.handed, stream.useless]).toEqual([5, 3]);
  });

  it("publishes one message at a time, and what waits with the next", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    const document = openLines("main");
    const done: number[] = [];
    const append = (n: number): Promise<unknown> =>
      log.append([{ ids: [], group: writeLine(document, `line ${n}`) }]).then(() => done.push(n));
    const appends = [append(0), append(1), append(2)];
    const barrier = log.append([]).then(() => done.push(3));
    await turn();
    expect([stream.publications.length, done]).toEqual([1, []]);
    stream.publications[0]!.pass();
    await appends[0];
    await turn();
    expect([stream.publications.length, done]).toEqual([2, [0]]);
    stream.publications[1]!.pass();
    await Promise.all([...appends, barrier]);
    expect(done).toEqual([0, 1, 2, 3]);
    const reader = openLines("main");
    for (const { bytes } of stream.publications) reader.receive(bytes);
    expect(reader.view().lines).toHaveLength(3);
  });

  it("waits for all records of one append", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    const document = openLines("main");
    const records = Array.from({ length: 3 }, () => ({
      ids: [],
      group: writeLine(document, "x".repeat(900_000)),
    }));
    let isDone = false;
    const append = log.append(records).then(() => (isDone = true));
    for (let n = 0; n < 3; n++) {
      await turn();
      expect([stream.publications.length, isDone]).toEqual([n + 1, false]);
      stream.publications[n]!.pass();
    }
    await append;
  });

  it("rejects what waits when it is closed, and everything after", async () => {
    const stream = new HeldStream();
    const log = new NatsRoomLog(stream);
    const group = writeLine(openLines("main"), "hello");
    const appends = [log.append([{ ids: [], group }]), log.append([])];
    const outcomes = Promise.allSettled(appends);
    await turn();
    log.close();
    log.close();
    stream.publications[0]!.fail(new Error("closed"));
    for (const { status } of await outcomes) expect(status).toBe("rejected");
    await expect(log.append([])).rejects.toBeInstanceOf(BackplaneError);
    expect(stream.isClosed).toBe(true);
  });
});
