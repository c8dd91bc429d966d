/**
 * Who a program is: it is asked to sign a nonce with its key before it is let into a room that wants to know.
 *
 *     relay    {"type":"challenge","nonce":<64 hex digits>}
 *     client   {"type":"proof","author":<64 hex digits>,"signature":<128 hex digits>}
 *
 * What is signed binds the nonce, the document and the host that the client has dialled (authenticationMessage). A nonce is
 * good for one answer, right or wrong, and for a time. Until the proof is there no room is loaded and nothing else is
 * answered or taken; a wrong answer ends the connection, so that each costs one signature at most.
 */
import {
  authenticationMessage,
  fromHex,
  NONCE_BYTES,
  randomBytes,
  type Result,
  toHex,
  verify,
} from "bft-json-crdt";
import type { CloseName } from "./close-codes.ts";
import { MAX_PROOF_LENGTH } from "./limits.ts";

/** Why a program that was asked who it is does not come in, and how the session ends for it. */
export interface Unproven {
  readonly code: "not_proven" | "wrong_proof" | "wrong_host" | "not_allowed";
  readonly detail: string;
  readonly close: CloseName;
}

/** The relay does not know what the client has signed, or would have. */
export const WRONG_HOST: Unproven = {
  code: "wrong_host",
  detail:
    "this relay does not go by the name that you call it by; its operator lists its names with --hosts",
  close: "wrongHost",
};

/** The key is the client's, and may not come in. */
export const NOT_ALLOWED: Unproven = {
  code: "not_allowed",
  detail: "your key may not come into this room",
  close: "notAllowed",
};

/** People type, and do not sign. */
export const NOT_FOR_PEOPLE = "error: this room asks for a key; a program with one can join it";

/** One question, which is answered once. */
export class Challenge<Destination extends { readonly document: Uint8Array }> {
  /** Where the client goes when it has answered. */
  readonly destination: Destination;
  readonly #nonce = randomBytes(NONCE_BYTES);
  readonly #host: string;
  readonly #timer: NodeJS.Timeout;

  /** `host` is what the client has dialled; `onExpired` is called after `seconds` unless {@link Challenge.take} was. */
  constructor(destination: Destination, host: string, seconds: number, onExpired: () => void) {
    this.destination = destination;
    this.#host = host;
    this.#timer = setTimeout(onExpired, seconds * 1_000).unref();
  }

  /** What the client is asked. */
  get question(): string {
    return JSON.stringify({ type: "challenge", nonce: toHex(this.#nonce) });
  }

  /** Takes the one answer: the key (in hex) that it proves. */
  take(frame: string | Uint8Array): Result<string, Unproven> {
    this.end();
    const proof = typeof frame === "string" ? readProof(frame) : null;
    if (proof === null) {
      return unproven("not_proven", "a challenge is answered by a proof before anything else");
    }
    const { author, signature } = proof;
    const message = authenticationMessage(this.#nonce, this.destination.document, this.#host);
    return verify(signature, message, author)
      ? { ok: true, value: toHex(author) }
      : unproven("wrong_proof", "the proof is not this key's signature of what was asked");
  }

  /** The answer does not matter any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Bytes of any length; what is no hexadecimal text has none, and verifies nothing. */
interface Proof {
  readonly author: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads a proof; null for everything else. */
function readProof(text: string): Proof | null {
  if (text.length > MAX_PROOF_LENGTH) return null;
  let message: { readonly [key: string]: unknown };
  try {
    // Whatever is not an object has no fields.
    message = Object(JSON.parse(text)) as typeof message;
  } catch {
    return null;
  }
  if (message["type"] !== "proof") return null;
  return { author: bytesOf(message["author"]), signature: bytesOf(message["signature"]) };
}

function bytesOf(value: unknown): Uint8Array {
  return (typeof value === "string" ? fromHex(value) : null) ?? new Uint8Array(0);
}

function unproven(
  code: "not_proven" | "wrong_proof",
  detail: string,
): { readonly ok: false; readonly error: Unproven } {
  const close = code === "not_proven" ? "notProven" : "wrongProof";
  return { ok: false, error: { code, detail, close } };
}
