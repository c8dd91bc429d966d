import { expect, it } from "vitest";
import { backend } from "#backend";
import { generateKeyPair, sign, verify } from "../src/crypto/index.ts";
import { rememberVerdicts } from "./remembered-verdicts.ts";

const { publicKey, secretKey } = generateKeyPair(new Uint8Array(32).fill(5));
const MESSAGE = Uint8Array.of(1, 2, 3);
const SIGNATURE = sign(MESSAGE, secretKey);

it("says what the real code says, of whatever differs by a bit or a byte", () => {
  const before = backend.verify;
  const forget = [rememberVerdicts(), rememberVerdicts()];
  const remembering = backend.verify;
  expect(remembering).not.toBe(before);
  const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  for (let time = 0; time < 2; time++) {
    expect(verify(SIGNATURE, MESSAGE, publicKey)).toBe(true);
    for (let at = 0; at < 64; at++)
      expect(verify(flipped(SIGNATURE, at), MESSAGE, publicKey)).toBe(false);
    for (let at = 0; at < 32; at++)
      expect(verify(SIGNATURE, MESSAGE, flipped(publicKey, at))).toBe(false);
    for (const message of [flipped(MESSAGE, 1), MESSAGE.subarray(1), Uint8Array.of(...MESSAGE, 3)])
      expect(verify(SIGNATURE, message, publicKey)).toBe(false);
    expect(verify(SIGNATURE.subarray(1), Uint8Array.of(0, ...MESSAGE), publicKey)).toBe(false);
  }
  forget[0]!();
  expect(backend.verify).toBe(remembering);
  forget[1]!();
  expect(backend.verify).not.toBe(remembering);
  expect(verify(SIGNATURE, MESSAGE, publicKey)).toBe(true);
});
