import { describe, expect, it } from "vitest";
import { ReadBack } from "./read-back.ts";

const BYTES = new Uint8Array([1, 2]);
const MESSAGE = { subject: "rooms.x", data: BYTES.slice(), seq: 5 };
const LONG_MS = 600_000;

describe("what was published", () => {
  it("is back when just these bytes were read on its subject", async () => {
    const all = new ReadBack();
    const one = all.expect("rooms.x", BYTES);
    const news = one.news(LONG_MS);
    all.saw({ ...MESSAGE, subject: "rooms.y" });
    all.saw({ ...MESSAGE, data: new Uint8Array([1, 3]) });
    expect(one.isBack).toBe(false);
    all.saw(MESSAGE);
    await news;
    expect(one.isBack).toBe(true);
    await one.news(LONG_MS);
  });

  it("is looked after in time, and when there is reason to", async () => {
    const all = new ReadBack();
    const [one, other] = [all.expect("rooms.x", BYTES), all.expect("rooms.y", BYTES)];
    await one.news(1);
    let woken = 0;
    const wait = async (): Promise<void> => {
      await other.news(LONG_MS);
      woken++;
    };
    const waits = wait();
    all.wake("rooms.x");
    await one.news(1);
    expect(woken).toBe(0);
    all.wake("rooms.y");
    await waits;
    const both = Promise.all([one.news(LONG_MS), other.news(LONG_MS)]);
    all.wake();
    await both;
    expect([one.isBack, other.isBack]).toEqual([false, false]);
  });

  it("is not mistaken for what was published before on its subject", () => {
    const all = new ReadBack();
    const before = all.expect("rooms.x", BYTES);
    const one = all.expect("rooms.x", BYTES);
    all.forget("rooms.x", before);
    all.saw(MESSAGE);
    expect([before.isBack, one.isBack]).toEqual([false, true]);
    all.forget("rooms.x", one);
    const next = all.expect("rooms.x", new Uint8Array([3]));
    all.saw(MESSAGE);
    expect(next.isBack).toBe(false);
  });
});
