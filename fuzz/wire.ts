/**
 * Trees as bytes: the canonical encoding of what they hold where there is one, and on purpose also what no honest
 * encoder writes. An object with a key "@" stands for something special; its field "of" says of what:
 *
 *     raw     these very bytes                    wide    an integer with a head of 9 bytes
 *     wrap    bytes that hold the encoding        open    a text, bytes or array of indefinite length
 *     head    [major type, number]: a head alone  pairs   a map of these [key, value], in this order
 *     deep    that many arrays around each other  id      the change id of the encoding as a body
 *     signed  a group's entry of the encoding as a body, signed by person number "by"
 */
import { changeId, signedMessage } from "../packages/bft-json-crdt/src/change/index.ts";
import { sign } from "../packages/bft-json-crdt/src/crypto/index.ts";
import {
  compareBytes,
  encodeValue,
  isWellFormed,
} from "../packages/bft-json-crdt/src/encoding/index.ts";
import { person } from "../packages/bft-json-crdt/test/forge.ts";
import { asArray, asBytes, asIndex, fieldOf, isArray, isObject } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** People who sign. */
export const PEOPLE = 4;

/** Arrays around each other that `deep` makes at most. */
const MAX_DEEP = 100_000;

/** The bytes that a tree stands for; never throws. */
export function wire(tree: Tree): Uint8Array {
  const parts: Uint8Array[] = [];
  write(tree, parts);
  return new Uint8Array(Buffer.concat(parts));
}

function write(tree: Tree, parts: Uint8Array[]): void {
  if (tree === null || typeof tree === "boolean") {
    parts.push(encodeValue(tree));
  } else if (typeof tree === "number") {
    parts.push(Number.isFinite(tree) ? encodeValue(tree) : notFinite(tree));
  } else if (typeof tree === "bigint") {
    // Beyond the greatest integer of the format; what is longer is written all the same.
    parts.push(tree.toString(16).length < 2_000 ? encodeValue(tree) : longInteger(tree));
  } else if (typeof tree === "string") {
    const bytes = isWellFormed(tree) ? new TextEncoder().encode(tree) : surrogates(tree);
    parts.push(head(3, bytes.length), bytes);
  } else if (tree instanceof Uint8Array) {
    parts.push(head(2, tree.length), tree);
  } else if (isArray(tree)) {
    parts.push(head(4, tree.length));
    for (const item of tree) write(item, parts);
  } else if (typeof fieldOf(tree, "@") === "string") {
    writeSpecial(tree, parts);
  } else if (isObject(tree)) {
    const entries = Object.keys(tree).map((key) => [wire(key), wire(tree[key]!)] as const);
    entries.sort(([a], [b]) => compareBytes(a, b));
    parts.push(head(5, entries.length), ...entries.flat());
  }
}

function writeSpecial(tree: Tree, parts: Uint8Array[]): void {
  const of = fieldOf(tree, "of") ?? null;
  switch (fieldOf(tree, "@")) {
    case "raw":
      parts.push(asBytes(of));
      return;
    case "wrap":
      return write(wire(of), parts);
    case "wide":
      parts.push(head(0, asIndex(of, 2 ** 53), 27));
      return;
    case "head": {
      const [major, number] = asArray(of);
      parts.push(head(asIndex(major, 8), asIndex(number, 2 ** 53)));
      return;
    }
    case "deep": {
      const depth = asIndex(of, MAX_DEEP);
      parts.push(new Uint8Array(depth).fill(0x81), Uint8Array.of(0x80));
      return;
    }
    case "open": {
      const major = typeof of === "string" ? 0x7f : of instanceof Uint8Array ? 0x5f : 0x9f;
      parts.push(Uint8Array.of(major));
      for (const item of isArray(of) ? of : [of]) write(item, parts);
      parts.push(Uint8Array.of(0xff));
      return;
    }
    case "pairs": {
      const pairs = asArray(of);
      parts.push(head(5, pairs.length));
      for (const pair of pairs) for (const item of asArray(pair)) write(item, parts);
      return;
    }
    case "id":
      return write(changeId(wire(of)), parts);
    case "signed": {
      const body = wire(of);
      return write(
        [body, signatureOf(changeId(body), asIndex(fieldOf(tree, "by"), PEOPLE))],
        parts,
      );
    }
    default:
      return write(null, parts);
  }
}

/** A person's signature of a change id; made once for each, since the same bodies come again and again. */
export function signatureOf(id: Uint8Array, by: number): Uint8Array {
  const key = `${by} ${Buffer.from(id).toString("latin1")}`;
  let signature = signatures.get(key);
  if (signature === undefined) {
    if (signatures.size >= 20_000) signatures.clear();
    signature = sign(signedMessage(id), person(by).secretKey);
    signatures.set(key, signature);
  }
  return signature;
}

const signatures = new Map<string, Uint8Array>();

/** A head of CBOR, in its shortest form unless told otherwise (24 to 27: 1 to 8 bytes follow). */
function head(major: number, number: number, form = 0): Uint8Array {
  const needed =
    number < 24 ? 0 : number < 2 ** 8 ? 24 : number < 2 ** 16 ? 25 : number < 2 ** 32 ? 26 : 27;
  const chosen = Math.max(form, needed);
  if (chosen === 0) return Uint8Array.of((major << 5) | number);
  const bytes = new Uint8Array(1 + (1 << (chosen - 24)));
  bytes[0] = (major << 5) | chosen;
  let rest = BigInt(number);
  for (let at = bytes.length - 1; at > 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
  return bytes;
}

function notFinite(number: number): Uint8Array {
  return Uint8Array.of(0xf9, Number.isNaN(number) ? 0x7e : number > 0 ? 0x7c : 0xfc, 0);
}

function longInteger(integer: bigint): Uint8Array {
  const size = integer < 0n ? -1n - integer : integer;
  const digits = size.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length & 1), "0"), "hex");
  return Buffer.concat([Uint8Array.of(integer < 0n ? 0xc3 : 0xc2), head(2, bytes.length), bytes]);
}

/** UTF-8 in which half a pair stands as three bytes, as careless encoders write it. */
function surrogates(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isHalf = code >= 0xd800 && code <= 0xdfff;
    parts.push(
      isHalf
        ? Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
        : new TextEncoder().encode(character),
    );
  }
  return Buffer.concat(parts);
}
