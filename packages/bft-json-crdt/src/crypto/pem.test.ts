import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import { decodePrivateKeyPem, encodePrivateKeyPem } from "./pem.ts";

/** RFC 8410 §10.3, the first example. */
const EXAMPLE = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const EXAMPLE_SEED = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("a key file", () => {
  test("is the example of RFC 8410 for its seed, both ways", () => {
    const decoded = decodePrivateKeyPem(EXAMPLE);
    expect(decoded.ok && toHex(decoded.value)).toBe(EXAMPLE_SEED);
    expect(decoded.ok && encodePrivateKeyPem(decoded.value)).toBe(EXAMPLE);
  });

  test("reads back any seed, and is the file that node:crypto writes for it", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pem = encodePrivateKeyPem(seed);
        expect(decodePrivateKeyPem(pem)).toEqual({ ok: true, value: seed });
        const key = createPrivateKey(pem);
        expect(key.export({ format: "jwk" }).d).toBe(Buffer.from(seed).toString("base64url"));
        expect(key.export({ format: "pem", type: "pkcs8" })).toBe(pem);
      }),
      { numRuns: 50 },
    );
  });

  test("made by node:crypto is read", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const decoded = decodePrivateKeyPem(
      privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    );
    expect(decoded.ok && Buffer.from(decoded.value).toString("base64url")).toBe(
      privateKey.export({ format: "jwk" }).d,
    );
  });

  test("may have CRLF line ends, and none after the last line", () => {
    for (const text of [
      EXAMPLE,
      EXAMPLE.trimEnd(),
      EXAMPLE.replaceAll("\n", "\r\n"),
      EXAMPLE.replaceAll("\n", "\r\n").trimEnd(),
    ]) {
      expect(decodePrivateKeyPem(text).ok).toBe(true);
    }
  });

  test.each([
    ["nothing", ""],
    ["another label", EXAMPLE.replaceAll("PRIVATE KEY", "PUBLIC KEY")],
    ["an encrypted key", EXAMPLE.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")],
    [
      "an RSA key",
      generateKeyPairSync("rsa", { modulusLength: 1024 })
        .privateKey.export({ format: "pem", type: "pkcs8" })
        .toString(),
    ],
    [
      "an X25519 key",
      generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    ],
    [
      "an Ed448 key",
      generateKeyPairSync("ed448").privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    ],
    ["a line before", `x\n${EXAMPLE}`],
    ["a line after", `${EXAMPLE}\n`],
    ["two keys", EXAMPLE + EXAMPLE],
    ["a space in the base64", EXAMPLE.replace("MC4C", "MC4 ")],
    ["URL-safe base64", EXAMPLE.replace("p+K", "p-K")],
    ["padding", EXAMPLE.replace("dVhC", "dVg=")],
    ["a line too few", EXAMPLE.replace(/\n.*\n/, "\n")],
    ["a missing end", EXAMPLE.slice(0, 90)],
    ["another version of PKCS#8", EXAMPLE.replace("MC4CAQAw", "MC4CAQEw")],
  ])("is refused when it is %s", (_, text) => {
    const decoded = decodePrivateKeyPem(text);
    expect(decoded).toMatchObject({ ok: false, error: { code: "malformed" } });
  });

  test("that is refused does not show in the message", () => {
    const decoded = decodePrivateKeyPem(EXAMPLE.replace("MC4CAQAw", "MC4CAQEw"));
    expect(decoded.ok ? "" : decoded.error.detail).not.toContain("5E1hK1bb");
  });

  test("never makes the reader throw, whatever a character is changed to", () => {
    fc.assert(
      fc.property(
        fc.nat(EXAMPLE.length),
        fc.string({ unit: "binary", maxLength: 2 }),
        (at, change) => {
          const text = EXAMPLE.slice(0, at) + change + EXAMPLE.slice(at + 1);
          const decoded = decodePrivateKeyPem(text);
          if (decoded.ok)
            expect(encodePrivateKeyPem(decoded.value).trimEnd()).toBe(
              text.replaceAll("\r", "").trimEnd(),
            );
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([0, 31, 33, 64])("is not made for a seed of %d bytes", (size) => {
    expect(() => encodePrivateKeyPem(new Uint8Array(size))).toThrow(
      expect.objectContaining({ code: "bad_key" }),
    );
  });
});
