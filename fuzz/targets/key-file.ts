/**
 * Key files: any text is either refused, without being quoted, or the one way to write a key: what was read is written
 * as the same text, and node:crypto, which is laxer, reads the same key out of it.
 */
import { createPrivateKey } from "node:crypto";
import { generateKeyPair } from "../../packages/bft-json-crdt/src/crypto/index.ts";
import {
  decodePrivateKeyPem,
  encodePrivateKeyPem,
} from "../../packages/bft-json-crdt/src/crypto/index.ts";
import { equalBytes } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asText } from "../tree.ts";

const BEGIN = "-----BEGIN PRIVATE KEY-----";
const END = "-----END PRIVATE KEY-----";

/** The reader of key files. Input: a text, or bytes as UTF-8. */
export function keyFileTarget(decode: typeof decodePrivateKeyPem = decodePrivateKeyPem): Target {
  return {
    name: "key-file",
    about: "texts as PEM files with a private key",
    words: [
      BEGIN,
      END,
      "\n",
      "\r\n",
      "-----",
      "MC4CAQAwBQYDK2VwBCIEI",
      "=",
      " ",
      "ENCRYPTED ",
      "RSA ",
    ],
    fresh: (choices) => {
      const pem = encodePrivateKeyPem(new Uint8Array(32).fill(choices.below(256)));
      if (choices.oneIn(3)) return new TextEncoder().encode(pem);
      return choices.oneIn(3) ? pem.replaceAll("\n", "\r\n") : pem;
    },
    run: (input) => {
      const text = asText(input);
      const decoded = decode(text);
      if (!decoded.ok) {
        promise(decoded.error.code === "malformed", `the code ${decoded.error.code} is new`);
        const isQuoted = /[A-Za-z0-9+/]{24}/u.test(decoded.error.detail);
        promise(!isQuoted, "a message quotes the key file");
        return;
      }
      promise(decoded.value.length === 32, "a key of another length");
      const written = encodePrivateKeyPem(decoded.value);
      const plain = text.replaceAll("\r\n", "\n");
      promise(
        written === plain || written === `${plain}\n`,
        "another text than the one that is written",
      );
      const other = createPrivateKey(text).export({ format: "jwk" });
      const isSame =
        other.crv === "Ed25519" &&
        equalBytes(Buffer.from(other.d ?? "", "base64url"), decoded.value) &&
        equalBytes(
          Buffer.from(other.x ?? "", "base64url"),
          generateKeyPair(decoded.value).publicKey,
        );
      promise(isSame, "node:crypto reads another key");
    },
  };
}
