import { describe, expect, it } from "vitest";
import { sha256 } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import type { ChainTip } from "../history/index.ts";
import { samplesOf } from "./answers.ts";
import { MAX_LISTED_HEADS, MAX_SAMPLES } from "./bounds.ts";
import { bucketOf, frontierOf, sameFrontier, summaryOf, TipSummary } from "./tips.ts";
import type { SyncHistory } from "./tips.ts";

function id(number: number): Uint8Array {
  return sha256(new Uint8Array([number, number >> 8, number >> 16]));
}

function tip(author: number, seq: number, index: number): ChainTip {
  return { author: id(author), chain: BigInt(author % 3), seq, id: id(1_000 + index), index };
}

const tips = Array.from({ length: 2_000 }, (_, i) => tip(i, 1 + (i % 7), i));

describe("the tips of a history", () => {
  it("give the same hashes in whatever order they were applied", () => {
    const summary = new TipSummary({ length: 9_000, tips: () => tips });
    const other = new TipSummary({ length: 9_000, tips: () => tips.toReversed() });
    expect(other.hashes.map(toHex)).toEqual(summary.hashes.map(toHex));
    expect(summary.differing(other.hashes)).toEqual([]);
    expect(summary.count).toBe(2_000);
  });

  it("differ in exactly the buckets of the chains that differ", () => {
    const changed = [5, 600, 1_999];
    const summary = new TipSummary({ length: 9_000, tips: () => tips });
    const others = tips.map((each, i) => (changed.includes(i) ? tip(i, 50, 5_000 + i) : each));
    const other = new TipSummary({ length: 9_003, tips: () => others });
    const expected = new Set(changed.map((i) => bucketOf(tips[i]!)));
    expect(summary.differing(other.hashes)).toEqual([...expected].toSorted((a, b) => a - b));
  });

  it("fall evenly into the buckets, by author and chain", () => {
    const { buckets } = new TipSummary({ length: 9_000, tips: () => tips });
    expect(buckets.every((bucket) => bucket.length < 30)).toBe(true);
    expect(buckets.filter((bucket) => bucket.length > 0).length).toBeGreaterThan(240);
    const same = tip(3, 1, 1);
    expect(bucketOf({ ...same, chain: 77n })).not.toBe(bucketOf(same));
  });

  it("are summarised again when enough has changed, and once for all who ask", () => {
    let calls = 0;
    const history = { length: 9_000, tips: () => (calls++, tips) };
    const first = summaryOf(history);
    history.length += 7;
    expect(summaryOf(history)).toBe(first);
    history.length += 1;
    expect(summaryOf(history)).not.toBe(first);
    expect(calls).toBe(2);
  });
});

describe("the hash of a bucket", () => {
  // As docs/wire-format.md has it: SHA-256(TAG(sync) ‖ 01 ‖ its tips, sorted by author, chain, seq, id).
  it("is that of all its tips behind a tag and a kind of its own", () => {
    const author = new Uint8Array(32).fill(5);
    const at = (chain: bigint, seq: number, fill: number): ChainTip => {
      return { author, chain, seq, id: new Uint8Array(32).fill(fill), index: fill };
    };
    const tips = [at(3n, 2, 9), at(3n, 1, 8)];
    const summary = new TipSummary({ length: 2, tips: () => tips });
    const tag = [...new TextEncoder().encode("bft-json-crdt/1 sync"), 0, 1];
    const number = (value: bigint): number[] => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value);
      return [...bytes];
    };
    const tipBytes = ({ chain, seq, id }: ChainTip): number[] => {
      return [...author, ...number(chain), ...number(BigInt(seq)), ...id];
    };
    const sorted = [tips[1]!, tips[0]!].flatMap(tipBytes);
    const bucket = bucketOf(tips[0]!);
    expect(summary.hashes[bucket]).toEqual(sha256(Uint8Array.from([...tag, ...sorted])));
    expect(summary.hashes[bucket ^ 1]).toEqual(sha256(Uint8Array.from(tag)));
  });
});

describe("a frontier", () => {
  it("is listed up to a bound and hashed beyond it", () => {
    expect(frontierOf(flatHistory(MAX_LISTED_HEADS))).toHaveProperty(
      "heads.length",
      MAX_LISTED_HEADS,
    );
    expect(frontierOf(flatHistory(MAX_LISTED_HEADS + 1))).toHaveProperty("digest.length", 32);
  });

  it("is the same as itself and no other", () => {
    const frontiers = [0, 1, 2, 300, 301].map((length) => frontierOf(flatHistory(length)));
    frontiers.forEach((a, i) => {
      frontiers.forEach((b, j) => expect(sameFrontier(a, b)).toBe(i === j));
    });
  });

  it("of the first changes names what the later ones build on", () => {
    // 0 ← 1 ← 3, 2 ← 3: without 3 the heads are 1 and 2.
    const dependencies = [[], [0], [], [1, 2]];
    const history = {
      length: 4,
      heads: () => [3],
      dependencies: (i: number) => dependencies[i]!,
      idAt: id,
    };
    const named = frontierOf(history, 3);
    expect("heads" in named && named.heads.map(toHex)).toEqual(
      [id(1), id(2)].map(toHex).toSorted(),
    );
  });
});

describe("samples of a chain", () => {
  it("are 1, 2, 4, … changes apart and end with the chain's first", () => {
    expect(distances(100)).toEqual([1, 2, 4, 8, 16, 32, 64, 99]);
    expect(distances(2)).toEqual([1]);
    expect(distances(1)).toEqual([]);
    expect(distances(65)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(distances(Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(MAX_SAMPLES);
  });

  it("of an unknown change are none", () => {
    const history = { indexOf: () => -1 } as unknown as SyncHistory;
    expect(samplesOf(history, id(1))).toEqual({ type: "samples", of: id(1), ids: [] });
  });
});

/** How far before the last of `length` changes of one chain the samples are. */
function distances(length: number): number[] {
  const history: Pick<SyncHistory, "indexOf" | "seqAt" | "ancestorOnChain" | "idAt"> = {
    indexOf: () => length - 1,
    seqAt: (index) => index + 1,
    ancestorOnChain: (index, steps) => (steps > index ? -1 : index - steps),
    idAt: () => id(0),
  };
  const message = samplesOf(history as SyncHistory, id(0));
  return message.type === "samples" ? message.ids.map(({ seq }) => length - seq) : [];
}

/** A history of changes that know nothing of each other. */
function flatHistory(length: number) {
  const heads = Array.from({ length }, (_, i) => i);
  return { length, heads: () => heads, dependencies: () => [], idAt: id };
}
