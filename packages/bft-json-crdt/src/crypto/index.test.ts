import { describe, expect, test } from "vitest";
import { toHex } from "../encoding/bytes.ts";
import {
  generateKeyPair,
  isValidPublicKey,
  publicKeyOf,
  randomBytes,
  sha256,
  sign,
  signerOf,
  verify,
  verifyMany,
} from "./index.ts";

const message = new TextEncoder().encode("alice -> bob 10");

describe("the crypto of the platform", () => {
  test("verifies what it signed, and nothing else", () => {
    const { publicKey, secretKey } = generateKeyPair();
    const signature = sign(message, secretKey);
    expect(isValidPublicKey(publicKey)).toBe(true);
    expect(verify(signature, message, publicKey)).toBe(true);
    expect(verify(signature, sha256(message), publicKey)).toBe(false);
    expect(verify(signature, message, generateKeyPair().publicKey)).toBe(false);
  });

  test("verifies many as it verifies one, and signs alike with a key made ready", async () => {
    const { publicKey, secretKey } = generateKeyPair();
    const signature = signerOf(secretKey)(message, new Uint8Array(64));
    expect(signature).toEqual(sign(message, secretKey));
    const checks = [message, sha256(message)].map((text) => ({
      signature,
      message: text,
      publicKey,
    }));
    expect(await verifyMany(checks)).toEqual([true, false]);
  });

  test("makes the same keys from the same seed, which it copies", () => {
    const seed = randomBytes(32);
    const pair = generateKeyPair(seed);
    expect(pair.publicKey).toEqual(publicKeyOf(seed));
    expect(pair.secretKey).toEqual(seed);
    seed.fill(0);
    expect(pair.secretKey).not.toEqual(seed);
  });

  test.each([0, 31, 33, 64])("refuses a secret key of %d bytes as misuse", (size) => {
    const secretKey = new Uint8Array(size);
    for (const use of [
      () => sign(message, secretKey),
      () => signerOf(secretKey),
      () => publicKeyOf(secretKey),
      () => generateKeyPair(secretKey),
    ]) {
      expect(use).toThrow(expect.objectContaining({ name: "MisuseError", code: "bad_key" }));
    }
  });

  test("gives as many random bytes as asked for, to the last one", () => {
    for (const count of [0, 1, 32, 65_536, 65_537, 200_000]) {
      const bytes = randomBytes(count);
      expect(bytes.length).toBe(count);
      if (count > 32) expect(toHex(bytes.subarray(-32))).not.toBe("00".repeat(32));
    }
  });
});
