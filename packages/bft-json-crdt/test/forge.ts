/**
 * Hand-made changes, honest and dishonest, for tests: any header field, any op, any signature, any group.
 *
 * Without `lies` a change says the truth about what it is built on; then only what a test puts in deliberately is wrong.
 */
import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import {
  changeId,
  encodeGroup,
  FORMAT_VERSION,
  signedMessage,
  writeBodyHead,
} from "../src/change/index.ts";
import type { ChangeHeader, SignedBody } from "../src/change/index.ts";
import { generateKeyPair, sign } from "../src/crypto/index.ts";
import type { KeyPair } from "../src/crypto/index.ts";
import { ByteWriter, compareBytes, encodeValue, toHex } from "../src/encoding/index.ts";
import type { Value } from "../src/encoding/index.ts";

/** One hand-made change; `signature` is its author's, over the true id. */
export interface Forged {
  readonly id: Uint8Array;
  readonly hex: string;
  readonly header: ChangeHeader;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** The change as it travels live: a group of one, signed. */
  readonly group: Uint8Array;
}

/** What a change is made of. */
export interface Recipe {
  readonly document: Uint8Array;
  readonly author: KeyPair;
  readonly chain?: bigint;
  /** The change before it on its chain. */
  readonly prev?: Forged | null;
  readonly parents?: readonly Forged[];
  readonly refs?: readonly Forged[];
  readonly time?: number | null;
  /** Ops as bytes, one each (see `op`). */
  readonly ops?: readonly Uint8Array[];
  /** Header fields to be written in the place of the true ones. */
  readonly lies?: Partial<ChangeHeader>;
  /** Who really signs; the author when it is left out. */
  readonly signer?: KeyPair;
}

/** The key pair of a test person: the same for equal numbers. */
export function person(number: number): KeyPair {
  const known = people.get(number);
  if (known !== undefined) return known;
  const seed = new Uint8Array(32).fill(0x5e);
  new DataView(seed.buffer).setUint32(0, number);
  const keys = generateKeyPair(seed);
  people.set(number, keys);
  return keys;
}

const people = new Map<number, KeyPair>();

/** Makes a change. Parents and refs are sorted, and those that stand elsewhere left out, as an honest author does it. */
export function forge(recipe: Recipe): Forged {
  const { document, author, prev = null, ops = [] } = recipe;
  const parents = sortedIds(recipe.parents ?? [], [prev]);
  const refs = sortedIds(recipe.refs ?? [], [prev, ...(recipe.parents ?? [])]);
  const lamports = [prev, ...(recipe.parents ?? []), ...(recipe.refs ?? [])].map(
    (dependency) => dependency?.header.lamport ?? 0,
  );
  const header: ChangeHeader = {
    document,
    author: author.publicKey,
    chain: recipe.chain ?? 0n,
    seq: (prev?.header.seq ?? 0) + 1,
    prev: prev?.id ?? null,
    parents,
    lamport: Math.max(...lamports) + 1,
    time: recipe.time ?? null,
    refs,
    ...recipe.lies,
  };
  return signed(bodyOf(header, ops), header, recipe.signer ?? author);
}

/** The body that says just this, whether or not it is true or even canonical. */
export function bodyOf(header: ChangeHeader, ops: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  writeBodyHead(writer, header, ops.length);
  for (const bytes of ops) writer.raw(bytes);
  return writer.take();
}

/** The body as a value of the codec, to be taken apart and put together otherwise. */
export function bodyValue(header: ChangeHeader, ops: readonly Value[]): Value[] {
  const { document, author, chain, seq, prev, parents, lamport, time, refs } = header;
  return [FORMAT_VERSION, document, author, chain, seq, prev, parents, lamport, time, refs, ops];
}

/** Signs bytes, whatever they are, as if they were a change body. */
export function signed(body: Uint8Array, header: ChangeHeader, signer: KeyPair): Forged {
  const id = changeId(body);
  const signature = sign(signedMessage(id), signer.secretKey);
  const group = encodeGroup([{ body, signature }]);
  return { id, hex: toHex(id), header, body, signature, group };
}

/** One group of these changes, each signed unless `unsigned` says otherwise. */
export function groupOf(
  changes: readonly Forged[],
  unsigned: (change: Forged, at: number) => boolean = () => false,
): Uint8Array {
  return encodeGroup(changes.map((change, at) => entryOf(change, unsigned(change, at))));
}

/** One group of these changes in which only those are signed that no other of them builds on in their chain. */
export function coveredGroup(changes: readonly Forged[]): Uint8Array {
  const covered = new Set(changes.map(({ header }) => header.prev && toHex(header.prev)));
  return groupOf(changes, ({ hex }) => covered.has(hex));
}

/** A change as it stands in a group. */
export function entryOf({ body, signature }: Forged, isUnsigned = false): SignedBody {
  return { body, signature: isUnsigned ? null : signature };
}

/** A copy with one bit flipped. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** An op as bytes, its parts as they stand on the wire. A fifth part makes its content detached. */
export function op(kind: Value, made: Value, targets: Value, ...content: Value[]): Uint8Array {
  return encodeValue([kind, made, targets, ...content]);
}

/** A place on the wire: a path from the root, or from the element `[ref, back, index]`. */
export type WirePlace = readonly (number | string)[];

/** A range of elements on the wire. */
export type WireRange = readonly [ref: number, back: number, first: number, count: number];

/** Honest ops, by what they do. A ref is 0 for the change itself, 1 for `prev`, then parents, then refs. */
export const ops = {
  insert: (place: WirePlace, ...values: Value[]): Uint8Array =>
    op(1, values.length, [place], values),
  insertBy: (side: 0 | 1, element: readonly number[], ...values: Value[]): Uint8Array =>
    op(1, values.length, [side, ...element], values),
  text: (place: WirePlace, text: string): Uint8Array => op(2, [...text].length, [place], text),
  textBy: (side: 0 | 1, element: readonly number[], text: string): Uint8Array =>
    op(2, [...text].length, [side, ...element], text),
  remove: (...ranges: WireRange[]): Uint8Array => op(3, 0, ranges.flat(), null),
  assign: (place: WirePlace, value: Value, ...replaced: WireRange[]): Uint8Array =>
    op(4, 1, [place, ...replaced.flat()], value),
  clear: (place: WirePlace, ...replaced: WireRange[]): Uint8Array =>
    op(4, 0, [place, ...replaced.flat()], null),
  increment: (place: WirePlace, amount: Value): Uint8Array => op(5, 0, [place], amount),
  add: (place: WirePlace, value: Value, ...replaced: WireRange[]): Uint8Array =>
    op(6, 1, [place, ...replaced.flat()], value),
};

/** The ids of changes, sorted, each once, without those that are named in another place. */
function sortedIds(
  changes: readonly Forged[],
  elsewhere: readonly (Forged | null)[],
): Uint8Array[] {
  const taken = new Set(elsewhere.map((change) => change?.hex));
  const ids = changes.filter(({ hex }) => !taken.has(hex) && taken.add(hex)).map(({ id }) => id);
  return ids.toSorted(compareBytes);
}

/** Another signature of an author under the same message: anyone can make any number of their own. */
export function signAgain(
  message: Uint8Array,
  { publicKey, secretKey }: KeyPair,
  nonce: bigint,
): Uint8Array {
  const order = Point.CURVE().n;
  const r = Point.BASE.multiply(nonce).toBytes();
  const expanded = sha512(secretKey).slice(0, 32);
  expanded[0]! &= 248;
  expanded[31] = (expanded[31]! & 127) | 64;
  const k = littleEndian(sha512(new Uint8Array([...r, ...publicKey, ...message])));
  let s = (nonce + k * littleEndian(expanded)) % order;
  const signature = new Uint8Array(64);
  signature.set(r);
  for (let at = 32; at < 64; at++, s >>= 8n) signature[at] = Number(s & 255n);
  return signature;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}
