import { describe, expect, it } from "vitest";
import { Gate } from "./gate.ts";

describe("a gate", () => {
  it("lets so many in, and others in their order as places become free", async () => {
    const gate = new Gate(2);
    const entered: number[] = [];
    const enter = (n: number) => gate.enter().then((leave) => (entered.push(n), leave));
    const leaves = [enter(0), enter(1), enter(2), enter(3)];
    const leave = await leaves[0]!;
    await leaves[1];
    expect(entered).toEqual([0, 1]);
    leave();
    // Leaving twice gives no second place.
    leave();
    await leaves[2];
    await new Promise((resolve) => setImmediate(resolve));
    expect(entered).toEqual([0, 1, 2]);
    (await leaves[1]!)();
    await leaves[3];
    (await leaves[2]!)();
    (await leaves[3]!)();
    await gate.enter();
    await gate.enter();
    expect(entered).toEqual([0, 1, 2, 3]);
  });
});
