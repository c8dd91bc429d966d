/** One challenge by itself: what answers it, and what does not. */
import {
  authenticationMessage,
  documentId,
  fromHex,
  generateKeyPair,
  sign,
  toHex,
} from "bft-json-crdt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Challenge } from "./authentication.ts";
import { MAX_PROOF_LENGTH } from "./limits.ts";

const KEYS = generateKeyPair();
const AUTHOR = toHex(KEYS.publicKey);
const document = documentId("main");
const HOST = "relay.example";

const open: Challenge<{ readonly document: Uint8Array }>[] = [];

function asked(onExpired: () => void = () => undefined): (typeof open)[number] {
  const challenge = new Challenge({ document }, HOST, 5, onExpired);
  open.push(challenge);
  return challenge;
}

function nonceOf(challenge: (typeof open)[number]): Uint8Array {
  const { nonce } = JSON.parse(challenge.question) as { readonly nonce: string };
  return fromHex(nonce)!;
}

function proofOf(
  nonce: Uint8Array,
  { at = document, host = HOST, keys = KEYS, author = AUTHOR, signature = "" } = {},
): string {
  const signed = toHex(sign(authenticationMessage(nonce, at, host), keys.secretKey));
  return JSON.stringify({
    type: "proof",
    author,
    signature: signature === "" ? signed : signature,
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  for (const challenge of open.splice(0)) challenge.end();
  vi.useRealTimers();
});

describe("a challenge", () => {
  it("asks for the signature of 32 bytes that are new each time", () => {
    const questions = [asked(), asked()].map(({ question }) => question);
    for (const question of questions)
      expect(question).toMatch(/^\{"type":"challenge","nonce":"[0-9a-f]{64}"\}$/u);
    expect(questions[0]).not.toBe(questions[1]);
  });

  it("is answered by the signature of nonce, document and host, and tells whose it is", () => {
    const challenge = asked();
    expect(challenge.take(proofOf(nonceOf(challenge)))).toEqual({ ok: true, value: AUTHOR });
  });

  it.each([
    ["of another nonce", (nonce: Uint8Array) => proofOf(nonce.map((byte) => byte ^ 1))],
    ["for another document", (nonce: Uint8Array) => proofOf(nonce, { at: documentId("other") })],
    ["for another host", (nonce: Uint8Array) => proofOf(nonce, { host: "evil.example" })],
    ["for another port", (nonce: Uint8Array) => proofOf(nonce, { host: `${HOST}:80` })],
    ["by another key", (nonce: Uint8Array) => proofOf(nonce, { keys: generateKeyPair() })],
    ["without a key", (nonce: Uint8Array) => proofOf(nonce, { author: "" })],
    [
      "by a key of small order",
      (nonce: Uint8Array) =>
        proofOf(nonce, { author: `01${"0".repeat(62)}`, signature: `01${"0".repeat(126)}` }),
    ],
    [
      "that is no hexadecimal",
      (nonce: Uint8Array) => proofOf(nonce, { signature: "x".repeat(128) }),
    ],
    ["that is cut off", (nonce: Uint8Array) => proofOf(nonce, { signature: "ab" })],
    ["that is no text", () => `{"type":"proof","author":"${AUTHOR}","signature":7}`],
    ["that is missing", () => `{"type":"proof","author":"${AUTHOR}"}`],
  ])("takes no proof %s", (_, answer) => {
    const challenge = asked();
    expect(challenge.take(answer(nonceOf(challenge)))).toMatchObject({
      ok: false,
      error: { code: "wrong_proof", close: "wrongProof" },
    });
  });

  it.each([
    ["bytes", new Uint8Array(200)],
    ["no JSON", "hello"],
    ["nothing", "null"],
    ["a command", "/who"],
    ["another message", '{"type":"have","heads":[]}'],
    ["a proof within a list", '[{"type":"proof"}]'],
  ])("takes no answer that is %s", (_, frame) => {
    expect(asked().take(frame)).toMatchObject({
      ok: false,
      error: { code: "not_proven", close: "notProven" },
    });
  });

  it("reads no answer that is much longer than a proof, however right it is", () => {
    const challenge = asked();
    const proof = proofOf(nonceOf(challenge));
    const padded = (length: number): string => proof + " ".repeat(length - proof.length);
    expect(challenge.take(padded(MAX_PROOF_LENGTH))).toMatchObject({ ok: true });
    const other = asked();
    const long = proofOf(nonceOf(other));
    expect(other.take(long + " ".repeat(MAX_PROOF_LENGTH + 1 - long.length))).toMatchObject({
      error: { code: "not_proven" },
    });
  });

  it("is over after a time, and not when it was answered, rightly or wrongly", () => {
    const expired = vi.fn<() => void>();
    asked(expired);
    const right = asked(expired);
    right.take(proofOf(nonceOf(right)));
    asked(expired).take("hello");
    asked(expired).end();
    vi.advanceTimersByTime(4_999);
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(expired).toHaveBeenCalledTimes(1);
  });
});
