import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GROUP_ENTRY_OVERHEAD } from "../change/index.ts";
import { MisuseError } from "../result.ts";
import { Outbound } from "./outbound.ts";
import { SliceCache } from "./slices.ts";
import type { SyncHistory } from "./tips.ts";

const slice = (end: number, bytes: number) => ({ end, bytes, groups: [new Uint8Array(bytes)] });

/** A history of closed groups that end before these indexes; a group is encoded as the indexes of its changes. */
function historyOf(ends: readonly number[], bodySize = 100) {
  let encoded = 0;
  const history: Pick<SyncHistory, "groupRange" | "groupsFor" | "bodySizeAt"> = {
    groupRange: (index) => {
      const at = ends.findIndex((end) => index < end);
      return [ends[at - 1] ?? 0, ends[at]!];
    },
    groupsFor: (indexes) => {
      encoded += indexes.length;
      return [new Uint8Array(new Uint16Array(indexes).buffer)];
    },
    bodySizeAt: () => bodySize,
  };
  return { history: history as SyncHistory, encoded: () => encoded };
}

const decoded = (frame: Uint8Array): number[] => [...new Uint16Array(frame.slice().buffer)];

describe("slices that sessions keep for each other", () => {
  it("are found by their history and where they begin", () => {
    const cache = new SliceCache(1_000);
    const { history } = historyOf([10]);
    const other = historyOf([10]).history;
    cache.keep(history, 3, slice(5, 100));
    expect(cache.take(history, 3)?.end).toBe(5);
    expect(cache.take(history, 4)).toBe(null);
    expect(cache.take(other, 3)).toBe(null);
    expect([cache.has(history, 3), cache.has(history, 4), cache.has(other, 3)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("take up so many bytes at most, and what was not sent for longest goes first", () => {
    const cache = new SliceCache(300);
    const { history } = historyOf([100]);
    for (const start of [0, 1, 2]) cache.keep(history, start, slice(50, 100));
    cache.take(history, 0);
    cache.keep(history, 3, slice(50, 150));
    expect([0, 1, 2, 3].map((start) => cache.has(history, start))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(cache.bytes).toBe(250);
    cache.keep(history, 3, slice(60, 50));
    expect(cache.bytes).toBe(150);
    expect(cache.take(history, 3)?.end).toBe(60);
    cache.keep(history, 4, slice(50, 301));
    expect([cache.has(history, 4), cache.bytes]).toEqual([false, 150]);
  });

  it("have a bound that is a number of bytes", () => {
    for (const bytes of [-1, 0.5, Number.NaN, Infinity])
      expect(() => new SliceCache(bytes)).toThrow(MisuseError);
  });

  it("bring to each peer what it lacks, and nothing else, however the peers differ", () => {
    const peer = fc.record({
      lacks: fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 150 })), { maxLength: 4 }),
      sliceBytes: fc.constantFrom(1_000, 4_000, 1_000_000),
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 100, maxLength: 100 }),
        fc.array(peer, { minLength: 2, maxLength: 12 }),
        fc.constantFrom(0, 3_000, 1_000_000),
        (sizes, peers, cacheBytes) => {
          let end = 0;
          const ends = sizes.map((size) => (end += size));
          const { history } = historyOf(ends);
          const slices = new SliceCache(cacheBytes);
          for (const { lacks, sliceBytes } of peers) {
            const missing = new Set<number>();
            for (const [start, count] of lacks) {
              for (let i = start; i < Math.min(end, start + count); i++) missing.add(i);
            }
            const indexes = [...missing].toSorted((a, b) => a - b);
            const frames: number[][] = [];
            const outbound = new Outbound(
              history,
              (frame) => {
                frames.push(decoded(frame as Uint8Array));
                return true;
              },
              undefined,
              sliceBytes,
              slices,
            );
            outbound.changes(indexes);
            outbound.pump(() => null);
            expect(frames.flat()).toEqual(indexes);
            for (const frame of frames) {
              // Of a closed group all that is lacked stands in one frame, and no more groups in it than there is room for.
              const last = frame.at(-1)!;
              const [, groupEnd] = history.groupRange(last);
              for (let i = last + 1; i < groupEnd; i++) expect(missing.has(i)).toBe(false);
              const isOne = frame[0]! >= history.groupRange(last)[0];
              const bytes = frame.length * (100 + GROUP_ENTRY_OVERHEAD);
              if (!isOne) expect(bytes).toBeLessThanOrEqual(sliceBytes);
            }
            expect(slices.bytes).toBeLessThanOrEqual(cacheBytes);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("are encoded once for all who lack everything, and those who lack less join in", () => {
    const ends = Array.from({ length: 1_000 }, (_, i) => i + 1);
    const { history, encoded } = historyOf(ends);
    const slices = new SliceCache(1_000_000);
    const send = (from: number): number[][] => {
      const frames: number[][] = [];
      const take = (frame: unknown) => frames.push(decoded(frame as Uint8Array)) > 0;
      const outbound = new Outbound(history, take, undefined, 10_000, slices);
      outbound.changes(ends.map((end) => end - 1).slice(from));
      outbound.pump(() => null);
      return frames;
    };
    const first = send(0);
    expect(encoded()).toBe(1_000);
    // The last one was not full: it is encoded each time.
    const tail = first.at(-1)!.length;
    expect(first.length).toBeGreaterThan(5);
    expect(send(0)).toEqual(first);
    expect(encoded()).toBe(1_000 + tail);
    const some = send(20);
    expect(some.slice(1)).toEqual(first.slice(1));
    expect(some[0]).toEqual(first[0]!.slice(20));
    expect(encoded()).toBe(1_000 + tail + first[0]!.length - 20 + tail);
  });

  it("are made of a closed group that is too large for a frame, too", () => {
    const { history, encoded } = historyOf([40, 80]);
    const slices = new SliceCache(1_000_000);
    for (let i = 0; i < 3; i++) {
      const outbound = new Outbound(history, () => true, undefined, 1_000, slices);
      outbound.changes(Array.from({ length: 80 }, (_, index) => index));
      outbound.pump(() => null);
    }
    expect(encoded()).toBe(80);
  });
});
