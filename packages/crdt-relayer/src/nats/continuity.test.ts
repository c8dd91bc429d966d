import type { StreamInfo } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { BackplaneError } from "../backplane.ts";
import { NATS_DOUBT_MS } from "../limits.ts";
import { Continuity, LogLostError } from "./continuity.ts";
import type { StreamReader } from "./stream.ts";

const MESSAGE = { subject: "rooms.x", data: new Uint8Array([1, 2]), seq: 5 };

function info(last_seq = 5, created = "today"): StreamInfo {
  return { config: { name: "rooms" }, created, state: { last_seq } } as unknown as StreamInfo;
}

/** What a server would say: of the stream, and of the message. */
function server(answer: StreamInfo | Error, stored: Uint8Array | Error | null): StreamReader {
  const say = <T>(one: T | Error): Promise<T> =>
    one instanceof Error ? Promise.reject(one) : Promise.resolve(one);
  const streams = {
    info: () => say(answer),
    getMessage: () =>
      stored instanceof Uint8Array ? say({ subject: MESSAGE.subject, data: stored }) : say(stored),
  };
  return { streams } as unknown as StreamReader;
}

/** What comes of a check after five messages; when it is doubted, also of one some time later. */
async function verdicts(reader: StreamReader): Promise<string[]> {
  const continuity = new Continuity(info(3), null);
  continuity.followed(MESSAGE);
  const found: string[] = [];
  for (const now of [1_000, 1_000 + NATS_DOUBT_MS - 1, 1_000 + NATS_DOUBT_MS]) {
    const error: unknown = await continuity.check(reader, now).catch((error: unknown) => error);
    found.push(
      error instanceof LogLostError
        ? "lost"
        : error instanceof BackplaneError
          ? "doubted"
          : error instanceof Error
            ? "failed"
            : "same",
    );
  }
  return found;
}

describe("a stream", () => {
  it("is the same as long as it holds what was seen, or that was deleted on purpose", async () => {
    const same = ["same", "same", "same"];
    expect(await verdicts(server(info(), MESSAGE.data))).toEqual(same);
    expect(await verdicts(server(info(9), MESSAGE.data))).toEqual(same);
    expect(await verdicts(server(info(), null))).toEqual(same);
    expect(await verdicts(server(info(), new Error("no message found")))).toEqual(same);
  });

  it("is lost when it was made anew, or holds something else in the place of what was seen", async () => {
    const lost = ["lost", "lost", "lost"];
    expect(await verdicts(server(info(9, "tomorrow"), new Uint8Array([7])))).toEqual(lost);
    expect(await verdicts(server(info(9, "tomorrow"), null))).toEqual(lost);
    const unseen = new Continuity(info(3), null);
    const anew = server(info(9, "tomorrow"), MESSAGE.data);
    await expect(unseen.check(anew)).rejects.toBeInstanceOf(LogLostError);
    expect(await verdicts(server(info(9), new Uint8Array([1, 3])))).toEqual(lost);
  });

  it("is lost when it is missing, or ends too early, for longer than a new leader may be behind", async () => {
    const late = ["doubted", "doubted", "lost"];
    expect(await verdicts(server(new Error("stream not found"), null))).toEqual(late);
    expect(await verdicts(server(info(4), MESSAGE.data))).toEqual(late);
    const unread = new Continuity(info(3), null);
    await expect(unread.check(server(info(2), null))).rejects.toThrow("its last messages");
  });

  it("is lost when another message stands in the place of its last one of the beginning", async () => {
    const unread = new Continuity(info(5), MESSAGE);
    await unread.check(server(info(6), MESSAGE.data));
    const refilled = server(info(6), new Uint8Array([7]));
    await expect(unread.check(refilled)).rejects.toBeInstanceOf(LogLostError);
    const elsewhere = new Continuity(info(5), { ...MESSAGE, subject: "rooms.y" });
    await expect(elsewhere.check(server(info(6), MESSAGE.data))).rejects.toThrow("got others");
  });

  it("is judged by what was read in order, and by what a room has read ahead of that", async () => {
    const continuity = new Continuity(info(3), null);
    continuity.followed(MESSAGE);
    continuity.read({ ...MESSAGE, seq: 7, data: new Uint8Array([8]) });
    continuity.read({ ...MESSAGE, seq: 6, data: new Uint8Array([9]) });
    await expect(continuity.check(server(info(6), null))).rejects.toThrow("its last messages");
    const stored = new Map([
      [5, MESSAGE.data],
      [7, new Uint8Array([8])],
    ]);
    const streams = {
      info: () => Promise.resolve(info(7)),
      getMessage: (_: string, { seq }: { readonly seq: number }) =>
        Promise.resolve({ subject: MESSAGE.subject, data: stored.get(seq) }),
    };
    const reader = { streams } as unknown as StreamReader;
    await continuity.check(reader);
    for (const seq of [5, 7]) {
      const before = stored.get(seq)!;
      stored.set(seq, new Uint8Array([0]));
      await expect(continuity.check(reader)).rejects.toBeInstanceOf(LogLostError);
      stored.set(seq, before);
    }
  });

  it("that two relays made at once is the same, whatever time each was told", async () => {
    const same = ["same", "same", "same"];
    expect(await verdicts(server(info(9, "tomorrow"), MESSAGE.data))).toEqual(same);
    await new Continuity(info(0), null).check(server(info(0, "tomorrow"), null));
  });

  it("is doubted anew after it was found again", async () => {
    const continuity = new Continuity(info(5), null);
    const gone = server(new Error("stream not found"), null);
    await expect(continuity.check(gone, 0)).rejects.not.toBeInstanceOf(LogLostError);
    await continuity.check(server(info(5), null), 1);
    const later = 2 * NATS_DOUBT_MS;
    await expect(continuity.check(gone, later)).rejects.not.toBeInstanceOf(LogLostError);
    await expect(continuity.check(gone, 2 * later)).rejects.toBeInstanceOf(LogLostError);
  });

  it("that cannot be asked is not judged", async () => {
    const failed = ["failed", "failed", "failed"];
    expect(await verdicts(server(new Error("timeout"), null))).toEqual(failed);
    expect(await verdicts(server(info(), new Error("timeout")))).toEqual(failed);
  });
});
