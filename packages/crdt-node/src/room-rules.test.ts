/** What a node makes of the rules of a room that it joins. */
import {
  decodeGroup,
  Document,
  documentId,
  encodeGroup,
  generateKeyPair,
  string,
  struct,
  toHex,
} from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { NO_RULES, RoomRules } from "./room-rules.ts";

const KEYS = [generateKeyPair(), generateKeyPair()] as const;
const [A, B] = KEYS.map(({ publicKey }) => toHex(publicKey)) as [string, string];

const [byA, byB] = KEYS.map((keyPair) => {
  const document = new Document({
    schema: struct({ text: string() }),
    id: documentId("main"),
    keyPair,
  });
  return document.change((doc) => doc.text.set("x")).bytes;
}) as [Uint8Array, Uint8Array];

function both(): Uint8Array {
  const groups = [byA, byB].map((group) => decodeGroup(group));
  return encodeGroup(groups.flatMap((group) => (group.ok ? group.value : [])));
}

describe("the rules of a room", () => {
  it("leave out of a group what is not taken", () => {
    const group = both();
    expect(NO_RULES.taken(group)).toBe(group);
    expect(RoomRules.read({ authors: [B, A] }).taken(group)).toBe(group);
    expect(RoomRules.read({ authors: [A] }).taken(group)).toEqual(byA);
    expect(RoomRules.read({ authors: [B] }).taken(group)).toEqual(byB);
    expect(RoomRules.read({ authors: ["ab"] }).taken(group)).toBeNull();
    expect(RoomRules.read({ authors: [A], readOnly: true }).taken(group)).toBeNull();
  });

  it("are told to those whom they concern", () => {
    expect(NO_RULES.notice(A)).toBeNull();
    expect(RoomRules.read({ authors: [A] }).notice(A)).toBeNull();
    const rest = "what you write stays here, and goes to your other relays and peers";
    expect(RoomRules.read({ authors: [A] }).notice(B)).toEqual({
      code: "author_not_allowed",
      detail: `your key may not write into this room there; ${rest}`,
    });
    expect(RoomRules.read({ authors: [A], readOnly: true }).notice(A)).toEqual({
      code: "room_read_only",
      detail: `this room is read-only there; ${rest}`,
    });
  });

  it.each([
    ["authors that are no list", { authors: A }],
    ["authors that are no texts", { authors: [7] }],
    ["more authors than any relay names", { authors: Array(4_097).fill("ab") }],
    ["read-only in words", { readOnly: "true" }],
    ["nothing", {}],
  ])("are none where they are %s", (_, message) => {
    const group = both();
    expect(RoomRules.read(message).taken(group)).toBe(group);
    expect(RoomRules.read(message).notice(A)).toBeNull();
  });
});
