/** The rules of rooms as they are written: in tables, in text, and back. */
import { documentId, generateKeyPair, toHex } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { MAX_ROOM_KEYS } from "./limits.ts";
import { documentsOf, faultInRules, readRules, type RulesByRoom, rulesText } from "./room-rules.ts";

const [A, B] = [0, 1].map(() => toHex(generateKeyPair().publicKey)) as [string, string];

const STRANGE = ["a b", "a;b=c,d", "read-only", "100%", "__proto__", "toString", "é\n🌍", " ", "#"];

describe("the rules of rooms", () => {
  it("are read from tables, and keys in one way of writing them", () => {
    const rules = {
      main: { authors: [A.toUpperCase(), B], readers: [B], "read-only": false },
      x: {},
    };
    expect(readRules(rules)).toEqual({
      main: { authors: [A, B], readers: [B], "read-only": false },
      x: {},
    });
    expect(readRules({})).toEqual({});
  });

  it("are read from text, entry by entry", () => {
    const text = ` main authors=${A},${B}  readers=${B} ; my%20room read-only;open;off read-only=false;`;
    expect(readRules(text)).toEqual({
      main: { authors: [A, B], readers: [B] },
      "my room": { "read-only": true },
      open: {},
      off: { "read-only": false },
    });
    expect(readRules("")).toEqual({});
  });

  it("read back from what is written of them, whatever the room is called", () => {
    const rules = Object.fromEntries(
      STRANGE.map((name, at) => [
        name,
        [{ authors: [A, B] }, { readers: [A], "read-only": at > 2 }, {}][at % 3]!,
      ]),
    ) as RulesByRoom;
    expect(Object.keys(readRules(rules)!)).toEqual(STRANGE);
    expect(readRules(rulesText(rules))).toEqual(rules);
    expect(Object.keys(readRules(rulesText(rules))!)).toEqual(STRANGE);
  });

  it.each([
    ["no table", 7],
    ["nothing", null],
    ["a list", [{}]],
    ["a room without a name", { "": {} }],
    ["a name that is too long", { ["x".repeat(1_025)]: {} }],
    ["a name that is no text", { "\ud800": {} }],
    ["a room that is no table", { main: true }],
    ["a room that is a list", { main: [A] }],
    ["a room that is nothing", { main: null }],
    ["an unknown rule", { main: { writers: [A] } }],
    ["authors that are no list", { main: { authors: A } }],
    ["authors that are a number", { main: { authors: 7 } }],
    ["no authors", { main: { authors: [] } }],
    ["too many authors", { main: { authors: Array(MAX_ROOM_KEYS + 1).fill(A) } }],
    ["a key that is no text", { main: { readers: [7] } }],
    ["a key that is too short", { main: { readers: [A.slice(2)] } }],
    ["a key with a sign too many", { main: { readers: [`${A} `] } }],
    ["a point that is no key", { main: { readers: [`01${"0".repeat(62)}`] } }],
    ["read-only as text", { main: { "read-only": "true" } }],
    ["text with an unknown word", "main writable"],
    ["text with a rule twice", `main read-only read-only`],
    ["text with a list twice", `main authors=${A} authors=${B}`],
    ["text with an empty list", "main authors="],
    ["text with a list that is none", "main authors"],
    ["text with a value that is none", "main read-only=maybe"],
    ["text with a name that is none", "%ff read-only"],
    ["text with half an escape", "% read-only"],
    ["a room twice", "main read-only; main"],
  ])("are refused: %s", (_, value) => {
    expect(readRules(value)).toBeNull();
    expect(faultInRules(value)).not.toBe("");
  });

  it.each([
    ["no table", 7, /^it must be rules such as "main authors=KEY/u],
    ["no name", { "": {} }, '"" cannot be the name of a room'],
    ["no list", { main: { authors: A } }, 'room "main": "authors" must be a list of keys'],
    [
      "an empty list",
      { main: { readers: [] } },
      'room "main": "readers" must hold 1 to 1024 keys, not 0',
    ],
    [
      "a key that is no text",
      { main: { readers: [7] } },
      'room "main": "readers" holds 7, which is no text',
    ],
    [
      "a point that is no key",
      { main: { readers: [`01${"0".repeat(62)}`] } },
      `room "main": "readers" holds "01${"0".repeat(62)}", which is no public key`,
    ],
    [
      "no boolean",
      "main read-only=maybe",
      'room "main": "read-only" must be true or false, not "maybe"',
    ],
    ["a rule twice", "main read-only read-only", 'room "main": "read-only" stands twice'],
    [
      "an unknown rule",
      "main reader=x",
      'room "main": "reader" is no rule; did you mean "readers"?',
    ],
    ["an escape that is none", "%ff read-only", 'the name "%ff" is not written as in a URL'],
    ["a room twice", "main; main", 'room "main": other rules are for the same document'],
    [
      "a long key",
      { main: { authors: ["x".repeat(5_000)] } },
      `room "main": "authors" holds "${"x".repeat(65)}…, which is 5000 characters long and no public key of 64 hex digits`,
    ],
  ])("name the room, the rule and the reason: %s", (_, value, fault) => {
    expect(faultInRules(value)).toMatch(fault);
    expect(readRules(value)).toBeNull();
  });

  it("have no fault when they are accepted", () => {
    expect(faultInRules({ main: { authors: [A] } })).toBe("");
  });

  it("hold the most keys, and not one more", () => {
    const authors = Array<string>(MAX_ROOM_KEYS).fill(A);
    expect(readRules({ main: { authors } })).toEqual({ main: { authors } });
  });

  it("are for the document of that name, and for the one with that id", () => {
    const id = toHex(documentId("main"));
    expect(documentsOf("main")).toEqual([id]);
    expect(documentsOf(id)).toEqual([toHex(documentId(id)), id]);
    expect(documentsOf(id.toUpperCase())).toHaveLength(1);
    expect(documentsOf(`${id}0`)).toHaveLength(1);
    // A room that is named in two ways would have two sets of rules.
    expect(readRules({ main: {}, [id]: {} })).toBeNull();
  });
});
