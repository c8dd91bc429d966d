/**
 * Document ids. `documentId = SHA-256(genesis tag ‖ genesis)`, where genesis is the canonical encoding of
 * `{format, name, nonce, founders, parameters}`. A genesis without nonce and founders is a public square: anyone who
 * uses the same name is in the same document, so names cannot be squatted and are no secret either.
 */
import { compareBytes } from "../encoding/bytes.ts";
import { decodeValue, encodeValue } from "../encoding/value.ts";
import type { Value } from "../encoding/value.ts";
import { sha256 } from "../crypto/index.ts";
import { MAX_KEY_BYTES } from "../limits.ts";
import { MisuseError, ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";
import { ID_BYTES } from "./body.ts";
import { GENESIS_TAG } from "./tags.ts";

/** What a document is founded on. */
export interface Genesis {
  /** What it is called: for people, and part of the id. */
  readonly name: string;
  /** 16 to 64 random bytes make a document that nobody else can mean by accident; null makes a public square. */
  readonly nonce: Uint8Array | null;
  /** Public keys of those who found it, 32 bytes each, in any order (they are sorted when encoded). */
  readonly founders: readonly Uint8Array[];
  /** Anything else that all participants must agree on. */
  readonly parameters: { readonly [key: string]: Value };
}

/**
 * The id (32 bytes) of the document that is meant by a name alone: whoever uses the same name is in the same document. For
 * one that nobody else can mean, see {@link genesisDocumentId}. Throws MisuseError unless the name has 1 to 1,024 UTF-16 units.
 */
export function documentId(name: string): Uint8Array {
  return genesisDocumentId({ name, nonce: null, founders: [], parameters: {} });
}

/** The id (32 bytes) of the document with this genesis. Throws MisuseError for a genesis that breaks the bounds. */
export function genesisDocumentId(genesis: Genesis): Uint8Array {
  const encoded = encodeGenesis(genesis);
  const input = new Uint8Array(GENESIS_TAG.length + encoded.length);
  input.set(GENESIS_TAG);
  input.set(encoded, GENESIS_TAG.length);
  return sha256(input);
}

/** The canonical bytes of a genesis. Throws MisuseError for one that breaks the bounds. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  const fault = faultOf(genesis);
  if (fault !== null) throw new MisuseError("bad_document_id", fault);
  return encodeValue({
    format: 1,
    name: genesis.name,
    nonce: genesis.nonce,
    founders: genesis.founders.toSorted(compareBytes),
    parameters: genesis.parameters,
  });
}

/** Reads a genesis from its canonical bytes. */
export function decodeGenesis(bytes: Uint8Array): Result<Genesis> {
  const decoded = decodeValue(bytes);
  if (!decoded.ok) return decoded;
  const value = decoded.value;
  if (!isObject(value) || Object.keys(value).length !== 5 || value["format"] !== 1)
    return notGenesis();
  const { name, nonce, founders, parameters } = value;
  if (typeof name !== "string" || !(nonce === null || nonce instanceof Uint8Array))
    return notGenesis();
  if (!Array.isArray(founders) || !isObject(parameters)) return notGenesis();
  const keys: Uint8Array[] = [];
  for (const founder of founders as readonly Value[]) {
    if (!(founder instanceof Uint8Array)) return notGenesis();
    keys.push(founder);
  }
  const sorted = keys.every((key, i) => i === 0 || compareBytes(keys[i - 1]!, key) < 0);
  const genesis = { name, nonce, founders: keys, parameters };
  return sorted && faultOf(genesis) === null ? ok(genesis) : notGenesis();
}

function faultOf({ name, nonce, founders }: Genesis): string | null {
  if (name.length === 0 || name.length > MAX_KEY_BYTES) {
    return `a document's name has 1 to ${MAX_KEY_BYTES} characters, not ${name.length}`;
  }
  if (nonce !== null && (nonce.length < 16 || nonce.length > 64))
    return "a nonce has 16 to 64 bytes";
  if (founders.some((key) => key.length !== ID_BYTES))
    return "a founder is a public key of 32 bytes";
  const sorted = founders.toSorted(compareBytes);
  if (sorted.some((key, i) => i > 0 && compareBytes(sorted[i - 1]!, key) === 0)) {
    return "a founder is named twice";
  }
  return null;
}

function isObject(value: Value | undefined): value is { readonly [key: string]: Value } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

function notGenesis(): Result<never> {
  return rejected("malformed", "not a genesis");
}
