import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeValue, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { sha256 } from "../crypto/index.ts";
import { MisuseError } from "../result.ts";
import { decodeGenesis, documentId, encodeGenesis, genesisDocumentId } from "./genesis.ts";
import type { Genesis } from "./genesis.ts";
import { GENESIS_TAG } from "./tags.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

const anyGenesis: fc.Arbitrary<Genesis> = fc.record({
  name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  nonce: fc.option(fc.uint8Array({ minLength: 16, maxLength: 64 })),
  founders: fc.uniqueArray(key, { selector: toHex, maxLength: 4 }),
  parameters: fc.dictionary(
    fc.string({ unit: "grapheme" }),
    fc.oneof(fc.boolean(), fc.nat(), fc.string({ unit: "grapheme" })),
  ),
});

const SQUARE: Genesis = { name: "main", nonce: null, founders: [], parameters: {} };

function misuse(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof MisuseError) return error.code;
    throw error;
  }
  return "none";
}

describe("a genesis", () => {
  it("says after the journey what it said before, its founders sorted", () => {
    fc.assert(
      fc.property(anyGenesis, (genesis) => {
        const founders = genesis.founders.toSorted((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
        const decoded = decodeGenesis(encodeGenesis(genesis));
        expect(decoded).toEqual({ ok: true, value: { ...genesis, founders } });
      }),
    );
  });

  it("gives one document id, whatever the order of founders and parameters", () => {
    fc.assert(
      fc.property(anyGenesis, (genesis) => {
        const turned: Genesis = {
          ...genesis,
          founders: genesis.founders.toReversed(),
          parameters: Object.fromEntries(Object.entries(genesis.parameters).toReversed()),
        };
        expect(genesisDocumentId(turned)).toEqual(genesisDocumentId(genesis));
      }),
    );
  });

  it("gives another document id as soon as anything in it is different", () => {
    const nonce = new Uint8Array(16);
    const founder = new Uint8Array(32);
    const genesises: Genesis[] = [
      SQUARE,
      { ...SQUARE, name: "Main" },
      { ...SQUARE, nonce },
      { ...SQUARE, nonce: new Uint8Array(17) },
      { ...SQUARE, founders: [founder] },
      { ...SQUARE, founders: [founder, new Uint8Array(32).fill(1)] },
      { ...SQUARE, parameters: { open: true } },
      { ...SQUARE, parameters: { open: "true" } },
      { ...SQUARE, parameters: { ["__proto__"]: true } },
    ];
    const ids = genesises.map((genesis) => toHex(genesisDocumentId(genesis)));
    expect(new Set(ids).size).toBe(genesises.length);
  });

  it("of a public square is its name alone, hashed behind a tag of its own", () => {
    expect(documentId("main")).toEqual(genesisDocumentId(SQUARE));
    const encoded = encodeValue({
      format: 1,
      name: "main",
      nonce: null,
      founders: [],
      parameters: {},
    });
    expect(documentId("main")).toEqual(sha256(new Uint8Array([...GENESIS_TAG, ...encoded])));
  });

  it("that breaks a bound is the caller's mistake", () => {
    const twice = [new Uint8Array(32), new Uint8Array(32)];
    const broken: Genesis[] = [
      { ...SQUARE, name: "" },
      { ...SQUARE, name: "x".repeat(1_025) },
      { ...SQUARE, nonce: new Uint8Array(15) },
      { ...SQUARE, nonce: new Uint8Array(65) },
      { ...SQUARE, founders: [new Uint8Array(31)] },
      { ...SQUARE, founders: twice },
    ];
    for (const genesis of broken) {
      expect(misuse(() => genesisDocumentId(genesis))).toBe("bad_document_id");
    }
    expect(misuse(() => documentId(""))).toBe("bad_document_id");
    expect(misuse(() => documentId("\ud800"))).not.toBe("none");
  });

  const founders = [new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)];
  const written = { format: 1, name: "main", nonce: null, founders: [], parameters: {} };
  const malformed: [string, Value][] = [
    ["that is null", null],
    ["that is an array", []],
    ["of another format", { ...written, format: 2 }],
    ["with one field more", { ...written, more: null }],
    ["without parameters", { format: 1, name: "main", nonce: null, founders: [] }],
    ["whose name is a number", { ...written, name: 7 }],
    ["whose name is empty", { ...written, name: "" }],
    ["whose nonce is text", { ...written, nonce: "0123456789abcdef" }],
    ["whose nonce is short", { ...written, nonce: new Uint8Array(15) }],
    ["whose founders are null", { ...written, founders: null }],
    ["whose founders are not sorted", { ...written, founders }],
    ["whose founders repeat", { ...written, founders: [founders[0]!, founders[0]!] }],
    ["with a founder that is text", { ...written, founders: ["a"] }],
    ["whose parameters are an array", { ...written, parameters: [] }],
    ["whose parameters are bytes", { ...written, parameters: new Uint8Array(0) }],
  ];

  it.each(malformed)("is refused %s", (_what, value) => {
    expect(decodeGenesis(encodeValue(value))).toMatchObject({
      ok: false,
      error: { code: "malformed" },
    });
  });

  it("is read without ever throwing, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, size: "max" }), (bytes) => {
        const decoded = decodeGenesis(bytes);
        if (decoded.ok) expect(encodeGenesis(decoded.value)).toEqual(bytes);
      }),
    );
  });
});
