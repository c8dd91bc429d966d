/**
 * Holds the format of saved files still: what docs/saved-format.md says is read by a second reader, which was written from it,
 * and by the library alike; frozen files open as they did. `WIRE_FORMAT=write` writes fixtures that do not exist yet.
 * Deflate has many ways to write one thing, so that a file is not promised to come out the same.
 */
import { createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Document,
  decodeGroup,
  decodeSaved,
  fromHex,
  generateKeyPair,
  toHex,
} from "../src/index.ts";
import { BYTE_COLUMNS, NUMBER_COLUMNS } from "../src/saved/layout.ts";
import type { Schema } from "../src/schema/index.ts";
import { CHANGES, DOCUMENT, SCHEMA } from "./fixtures/wire-v1/scenario.ts";
import { groupOf } from "./fixtures/wire-v1/writer.ts";
import { anySchema, EVERYTHING } from "./random-edits.ts";
import { readSecond } from "./second-reader.ts";
import type { Window } from "./second-reader.ts";
import { ID, step, Trial } from "./trial.ts";

const FIXTURE = new URL("fixtures/saved-v2/files.json", import.meta.url);
const KEYS = generateKeyPair(new Uint8Array(32).fill(7));

describe("a second reader, written from the document alone,", () => {
  it("reads the same groups out of a file as the library", () => {
    const schemas = fc.oneof(fc.constant<Schema>(EVERYTHING), anySchema);
    const steps = fc.array(step, { minLength: 1, maxLength: 30, size: "max" });
    fc.assert(
      fc.property(schemas, steps, fc.nat(), (schema, given, seed) => {
        const trial = new Trial(schema);
        for (const each of given) trial.run(each);
        const [document] = trial.settle(seed);
        const typist = new Document({ schema, id: ID, keyPair: KEYS, chain: 1n });
        typist.merge(document!.save());
        typist.batch((change) => {
          for (let i = 0; i < 3; i++) change(() => undefined, { time: 2 ** 40 + i });
        });
        const file = typist.save();
        const second = readSecond(file);
        expect(second.windows.map(hexOf)).toEqual(groupsOf(file));
        expect(second.document.toString("hex")).toBe(toHex(ID));
        const { author, message, signature } = second.seal!;
        expect(author.toString("hex")).toBe(toHex(KEYS.publicKey));
        expect(isGenuine(signature, message, author)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("reads typing, erasing and pasting, over many windows", () => {
    const document = new Document({ schema: EVERYTHING, id: ID, keyPair: KEYS, chain: 1n });
    document.batch((change) => {
      for (let i = 0; i < 1_500; i++) {
        change(
          ({ body }) => {
            if (i % 7 === 6) body.delete(body.length - 1);
            else if (i % 31 === 30) body.delete(i % (body.length - 3), 1 + (i % 3));
            else
              body.insert(
                i % 50 === 0 ? i % (body.length + 1) : body.length,
                i % 9 === 0 ? "éx" : "a",
              );
          },
          { time: i % 3 === 0 ? null : 1_700_000_000_000 + 40 * i },
        );
      }
    });
    const file = document.save();
    expect(readSecond(file).windows.map(hexOf)).toEqual(groupsOf(file));
    expect(readSecond(file).windows.length).toBe(2);
  });
});

describe("the frozen files of version 2", () => {
  it("open as they did, sealed or not", () => {
    const made = makeFiles();
    if (process.env["WIRE_FORMAT"] === "write" && !existsSync(FIXTURE)) {
      writeFileSync(FIXTURE, `${JSON.stringify(made, null, 2)}\n`);
    }
    const frozen = JSON.parse(readFileSync(FIXTURE, "utf8")) as typeof made;
    expect({ ...made, plain: "", sealed: "" }).toEqual({ ...frozen, plain: "", sealed: "" });
    for (const file of [frozen.plain, frozen.sealed].map((hex) => fromHex(hex)!)) {
      for (const keyPair of [KEYS, generateKeyPair()]) {
        const loaded = Document.load(file, { schema: SCHEMA, id: DOCUMENT, keyPair });
        if (!loaded.ok) throw new Error(loaded.error.detail);
        expect(loaded.value.viewJson()).toBe(frozen.view);
        expect(loaded.value.frontier().map(toHex)).toEqual(frozen.frontier);
      }
      expect(groupsOf(file)).toEqual(frozen.groups);
      expect(readSecond(file).windows.map(hexOf)).toEqual(frozen.groups);
    }
    const { seal } = readSecond(fromHex(frozen.sealed)!);
    expect(isGenuine(seal!.signature, seal!.message, seal!.author)).toBe(true);
  });
});

describe("docs/saved-format.md", () => {
  it("names the columns in their order", () => {
    const text = readFileSync(new URL("../../../docs/saved-format.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| (\d+) \| ([a-z ]+) \|/gmu)].map(([, n, name]) => [n, name]);
    const names = [...NUMBER_COLUMNS, ...BYTE_COLUMNS];
    expect(rows.slice(0, names.length)).toEqual(
      names.map((name, i) => [String(i), name === "nameTexts" ? "name texts" : name]),
    );
  });
});

function makeFiles() {
  const document = new Document({ schema: SCHEMA, id: DOCUMENT, keyPair: KEYS, chain: 0n });
  for (const change of Object.values(CHANGES)) {
    expect(document.receive(groupOf([change])).status).toBe("applied");
  }
  const plain = document.save({ seal: false });
  return {
    plain: toHex(plain),
    sealed: toHex(document.save()),
    view: document.viewJson(),
    frontier: document.frontier().map(toHex),
    groups: groupsOf(plain),
  };
}

/** Bodies and signatures of each group of a file. */
function groupsOf(file: Uint8Array): string[][] {
  const saved = decodeSaved(file);
  if (!saved.ok) throw new Error(saved.error.detail);
  return [...saved.value.groups].map((group) => {
    const decoded = decodeGroup(group);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    return decoded.value.map(({ body, signature }) => line(body, signature));
  });
}

function hexOf(window: Window): string[] {
  return window.map(({ body, signature }) => line(body, signature));
}

function line(body: Uint8Array, signature: Uint8Array | null): string {
  return `${toHex(body)} ${signature === null ? "-" : toHex(signature)}`;
}

function isGenuine(signature: Uint8Array, message: Uint8Array, author: Uint8Array): boolean {
  const key = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), author]);
  return verify(null, message, createPublicKey({ key, format: "der", type: "spki" }), signature);
}
