import { describe, expect, it } from "vitest";
import { MAX_WANTED_GROUPS } from "./bounds.ts";
import { Outbound } from "./outbound.ts";
import type { SyncHistory } from "./tips.ts";

/** A history of closed groups of `groupSize` changes with bodies of `bodySize` bytes; notes what is encoded. */
function recorder(groupSize: number, bodySize: number) {
  const encoded: number[][] = [];
  const history: Pick<SyncHistory, "groupRange" | "groupsFor" | "bodySizeAt"> = {
    groupRange: (index) => {
      const start = index - (index % groupSize);
      return [start, start + groupSize];
    },
    groupsFor: (indexes) => {
      encoded.push([...indexes]);
      return [new Uint8Array(1)];
    },
    bodySizeAt: () => bodySize,
  };
  return { history: history as SyncHistory, encoded };
}

const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

describe("what is still to be sent", () => {
  it("is encoded one frame at a time, and only while the transport has room", () => {
    const { history, encoded } = recorder(1, 100);
    let room = 2;
    const outbound = new Outbound(history, () => --room > 0);
    outbound.changes(range(0, 5_000));
    outbound.pump(() => null);
    expect(encoded.map((indexes) => indexes.length)).toEqual([1_024, 1_024]);
    outbound.pump(() => null);
    expect(encoded).toHaveLength(2);
    room = 100;
    outbound.resume();
    outbound.pump(() => null);
    expect(encoded.flat()).toEqual(range(0, 5_000));
    expect(outbound.isIdle).toBe(true);
  });

  it("is cut where closed groups end, and before the bytes of a frame are exceeded", () => {
    const small = recorder(100, 100);
    const outbound = new Outbound(small.history, () => true);
    outbound.changes(range(50, 2_200));
    outbound.pump(() => null);
    expect(small.encoded.map((indexes) => indexes.at(-1))).toEqual([999, 1_999, 2_199]);
    const large = recorder(2, 300_000);
    const other = new Outbound(large.history, () => true);
    other.changes(range(0, 6));
    other.pump(() => null);
    expect(large.encoded).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });

  it("is cut sooner, where the host wants to turn to others", () => {
    const { history, encoded } = recorder(2, 400);
    const outbound = new Outbound(history, () => true, undefined, 3_000);
    outbound.changes(range(0, 20));
    outbound.pump(() => null);
    expect(encoded.map((indexes) => indexes.length)).toEqual([6, 6, 6, 2]);
    // A closed group is never cut.
    const large = recorder(4, 2_000);
    const other = new Outbound(large.history, () => true, undefined, 3_000);
    other.changes(range(0, 8));
    other.pump(() => null);
    expect(large.encoded.map((indexes) => indexes.length)).toEqual([4, 4]);
  });

  it("holds each group that was asked for once, and none that is on its way anyway", () => {
    const { history, encoded } = recorder(10, 100);
    const outbound = new Outbound(history, () => true);
    outbound.changes(range(100, 110));
    for (const index of [3, 4, 103, 27, 9]) outbound.wanted(index);
    outbound.pump(() => null);
    expect(encoded).toEqual([range(0, 10), range(20, 30), range(100, 110)]);
    for (let i = 0; i < 2 * MAX_WANTED_GROUPS; i++) outbound.wanted(i * 10);
    outbound.pump(() => null);
    expect(encoded).toHaveLength(3 + MAX_WANTED_GROUPS);
  });

  it("goes out in order when the transport answers in the middle of it", () => {
    const { history } = recorder(1, 100);
    const sent: string[] = [];
    const outbound = new Outbound(history, (frame) => {
      sent.push(typeof frame === "string" ? frame.slice(9, 13) : "group");
      if (sent.length === 1) {
        outbound.message({ type: "want", ids: [] });
        outbound.pump(() => null);
      }
      return true;
    });
    outbound.changes([0]);
    outbound.message({ type: "have", frontier: { heads: [] }, again: false });
    outbound.pump(() => null);
    expect(sent).toEqual(["have", "want", "group"]);
  });

  it("holds as many bytes of control messages as it may while the transport is full, and one in any case", () => {
    const { history } = recorder(1, 1);
    let most = 0;
    const sent: (string | Uint8Array)[] = [];
    const outbound = new Outbound(
      history,
      (frame) => {
        sent.push(frame);
        return true;
      },
      () => most,
    );
    const message = { type: "known", ids: [new Uint8Array(32)] } as const;
    const length = outbound.message(message);
    expect(length).toBeGreaterThan(0);
    expect(outbound.message(message)).toBe(0);
    most = 3 * length;
    expect([1, 2, 3].map(() => outbound.message(message))).toEqual([length, length, 0]);
    outbound.pump(() => null);
    expect(sent).toHaveLength(3);
  });
});
