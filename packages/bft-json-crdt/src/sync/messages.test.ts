import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import {
  MAX_IDS,
  MAX_LISTED_HEADS,
  MAX_PAGE_ENTRIES,
  MAX_PROBE_TIPS,
  MAX_TEXT_LENGTH,
} from "./bounds.ts";
import { encodeMessage, parseMessage } from "./messages.ts";
import type { SyncMessage } from "./messages.ts";

const id = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ids = fc.array(id, { maxLength: 5 });
const count = fc.maxSafeNat();
const frontier = fc.oneof(
  ids.map((heads) => ({ heads })),
  id.map((digest) => ({ digest })),
);

/** Any message that a session may send. */
const message: fc.Arbitrary<SyncMessage> = fc.oneof(
  fc.record({ type: fc.constant("have" as const), frontier, again: fc.boolean() }),
  fc.record({ type: fc.constant("done" as const), frontier }),
  fc.record({ type: fc.constant("known" as const), ids }),
  fc.record({ type: fc.constant("want" as const), ids }),
  fc.record({ type: fc.constant("ack" as const), ids }),
  fc.record({
    type: fc.constant("tips" as const),
    page: count,
    chains: fc.array(
      fc.record({
        author: id,
        chain: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        seq: fc.integer({ min: 1 }),
        id,
      }),
      { maxLength: 4 },
    ),
  }),
  fc.record({ type: fc.constant("lacks" as const), of: count, at: fc.array(count), tips: ids }),
  fc.record({
    type: fc.constant("buckets" as const),
    page: count,
    hashes: id.map((hash) => Array.from({ length: 256 }, () => hash)),
  }),
  fc.record({
    type: fc.constant("differ" as const),
    of: count,
    buckets: fc.uniqueArray(fc.nat(255)).map((list) => list.toSorted((a, b) => a - b)),
  }),
  fc.record({ type: fc.constant("probe" as const), tips: ids }),
  fc.record({
    type: fc.constant("samples" as const),
    of: id,
    ids: fc.array(fc.record({ seq: fc.integer({ min: 1 }), id }), { maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant("cursor" as const),
    cursor: fc.record({
      epoch: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex),
      position: count,
      order: id.map(toHex),
    }),
  }),
  fc.record(
    {
      type: fc.constant("error" as const),
      code: fc.string({ maxLength: 20 }),
      detail: fc.string({ maxLength: 20 }),
      of: id,
    },
    { requiredKeys: ["type", "code", "detail"] },
  ),
);

const hash = toHex(new Uint8Array(32).fill(7));
const list = (length: number): string[] => Array.from({ length }, () => hash);

describe("control messages", () => {
  it("read back as they were written", () => {
    fc.assert(
      fc.property(message, (each) => {
        expect(parseMessage(encodeMessage(each))).toEqual({ ok: true, value: each });
      }),
    );
  });

  it("are read without an exception, whatever the text", () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" }));
    fc.assert(fc.property(text, (each) => typeof parseMessage(each).ok === "boolean"));
    expect(parseMessage("[".repeat(MAX_TEXT_LENGTH)).ok).toBe(false);
    expect(
      parseMessage(`{"type":"have","heads":${"[".repeat(100_000)}${"]".repeat(100_000)}}`).ok,
    ).toBe(false);
  });

  it("are read without an exception when one field of a good one is replaced", () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.jsonValue(), (each, at, value) => {
        const fields = JSON.parse(encodeMessage(each)) as Record<string, unknown>;
        const names = Object.keys(fields);
        fields[names[at % names.length]!] = value;
        const result = parseMessage(JSON.stringify(fields));
        // Whatever is still accepted is written and read again as the same.
        if (result.ok) expect(parseMessage(encodeMessage(result.value))).toEqual(result);
      }),
    );
  });

  it.each([
    ["no JSON", "have", "malformed"],
    ["no object", "[1]", "malformed"],
    ["null", "null", "malformed"],
    ["no type", `{"heads":[]}`, "malformed"],
    ["a type that every object has", `{"type":"toString"}`, "unknown_type"],
    ["a type of another protocol", `{"type":"__proto__"}`, "unknown_type"],
    ["neither heads nor digest", `{"type":"have"}`, "malformed"],
    ["both heads and digest", `{"type":"done","heads":[],"digest":"${hash}"}`, "malformed"],
    ["an id in capitals", `{"type":"want","ids":["${hash.replaceAll("7", "A")}"]}`, "malformed"],
    ["a short id", `{"type":"want","ids":["${hash.slice(2)}"]}`, "malformed"],
    ["a number for an id", `{"type":"want","ids":[7]}`, "malformed"],
    ["an object for a list", `{"type":"want","ids":{"length":0}}`, "malformed"],
    ["a negative page", `{"type":"tips","page":-1,"chains":[]}`, "malformed"],
    ["a chain of 65 bits", tipsWith("18446744073709551616", 1), "malformed"],
    ["a chain with a leading zero", tipsWith("01", 1), "malformed"],
    ["a seq of zero", tipsWith("0", 0), "malformed"],
    ["a seq beyond the safe integers", tipsWith("0", 2 ** 53), "malformed"],
    ["255 buckets", JSON.stringify({ type: "buckets", page: 1, hashes: list(255) }), "malformed"],
    ["buckets out of order", `{"type":"differ","of":1,"buckets":[2,1]}`, "malformed"],
    ["bucket 256", `{"type":"differ","of":1,"buckets":[256]}`, "malformed"],
    [
      "too many heads",
      JSON.stringify({ type: "have", heads: list(MAX_LISTED_HEADS + 1) }),
      "malformed",
    ],
    ["too many ids", JSON.stringify({ type: "want", ids: list(MAX_IDS + 1) }), "malformed"],
    [
      "too many tips",
      JSON.stringify({ type: "probe", tips: list(MAX_PROBE_TIPS + 1) }),
      "malformed",
    ],
    ["too long a text", " ".repeat(MAX_TEXT_LENGTH + 1), "too_large"],
  ])("with %s are refused", (_, text, code) => {
    const result = parseMessage(text);
    expect(result.ok ? "accepted" : result.error.code).toBe(code);
  });

  it("at their greatest fit into one frame", () => {
    const bytes = new Uint8Array(32).fill(255);
    const entry = { author: bytes, chain: 2n ** 64n - 1n, seq: Number.MAX_SAFE_INTEGER, id: bytes };
    const page = Number.MAX_SAFE_INTEGER;
    const chains = Array.from({ length: MAX_PAGE_ENTRIES }, () => entry);
    for (const each of [
      { type: "tips", page, chains },
      { type: "lacks", of: page, at: chains.map((_, i) => i), tips: chains.map((tip) => tip.id) },
    ] satisfies SyncMessage[]) {
      const text = encodeMessage(each);
      expect(text.length).toBeLessThan(MAX_TEXT_LENGTH / 2);
      expect(parseMessage(text).ok).toBe(true);
    }
  });

  it("may hold fields that a later version adds", () => {
    expect(parseMessage(`{"type":"want","ids":["${hash}"],"soon":true}`).ok).toBe(true);
  });

  it("carry a stranger's words without control characters, cut to a bound", () => {
    const text = JSON.stringify({
      type: "error",
      code: "x\n",
      detail: "\u001b[2J\u0085".repeat(1_000),
    });
    const result = parseMessage(text);
    if (!result.ok || result.value.type !== "error") throw new Error("expected an error message");
    expect(result.value.code).toBe("x?");
    expect(result.value.detail).toBe("?[2J?".repeat(1_000).slice(0, 256));
  });

  it("say of a bad error that it is one, so that it is not answered", () => {
    expect(parseMessage(`{"type":"error","code":1}`)).toMatchObject({ error: { isError: true } });
    expect(parseMessage(`{"type":"want","ids":1}`)).toMatchObject({ error: { isError: false } });
  });
});

function tipsWith(chain: string, seq: number): string {
  return JSON.stringify({ type: "tips", page: 1, chains: [[hash, chain, seq, hash]] });
}
