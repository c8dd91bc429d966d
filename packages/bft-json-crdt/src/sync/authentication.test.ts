import { describe, expect, it } from "vitest";
import { documentId } from "../change/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { MisuseError } from "../result.ts";
import { authenticationMessage, NONCE_BYTES } from "./authentication.ts";

const NONCE = new Uint8Array(NONCE_BYTES).fill(1);
const DOCUMENT = documentId("main");

describe("what a key signs for a relay", () => {
  it("is another one for another nonce, document or host", () => {
    const messages = [
      authenticationMessage(NONCE, DOCUMENT, "relay.example"),
      authenticationMessage(new Uint8Array(NONCE_BYTES), DOCUMENT, "relay.example"),
      authenticationMessage(NONCE, documentId("other"), "relay.example"),
      authenticationMessage(NONCE, DOCUMENT, "relay.example:8443"),
      authenticationMessage(NONCE, DOCUMENT, "relay.exampl\u00e9"),
    ];
    expect(new Set(messages.map(toHex)).size).toBe(messages.length);
  });

  it("is nothing but a nonce and a document of 32 bytes, and a host", () => {
    for (const length of [0, 31, 33, 64]) {
      const other = new Uint8Array(length);
      expect(() => authenticationMessage(other, DOCUMENT, "relay.example")).toThrow(MisuseError);
      expect(() => authenticationMessage(NONCE, other, "relay.example")).toThrow(MisuseError);
    }
    expect(() => authenticationMessage(NONCE, DOCUMENT, "")).toThrow(MisuseError);
  });
});
