/**
 * What goes into a call of a contract and comes out of it, in the contract ABI of Solidity. Of its types those are here
 * that the contracts use: words (integers, booleans, addresses, bytes32), structs of words, and lists of either.
 */
import { bytesOf, hex, keccak } from "./ethereum.ts";
import type { Hex } from "./ethereum.ts";

/** A parameter as the compiler describes it. */
export interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly components?: readonly Parameter[];
}

/** A function, an error or an event of a contract. */
export interface AbiEntry {
  readonly type: string;
  readonly name?: string;
  readonly inputs?: readonly Parameter[];
  readonly outputs?: readonly Parameter[];
  /** Of functions and the constructor: "pure", "view", "nonpayable" or "payable". */
  readonly stateMutability?: string;
}

/** An integer or a boolean as bigint, an address or bytes32 in hex, a struct or a list as an array. */
export type AbiValue = bigint | Hex | readonly AbiValue[];

const WORD = 32;

/** Encodes arguments. Throws a RangeError when one is out of the range of its type, and a TypeError when it is of another. */
export function encodeValues(
  parameters: readonly Parameter[],
  values: readonly AbiValue[],
): Uint8Array {
  if (parameters.length !== values.length)
    throw new TypeError(`${parameters.length} arguments are wanted, not ${values.length}`);
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  let offset = parameters.reduce((sum, parameter) => sum + headSize(parameter), 0);
  parameters.forEach((parameter, i) => {
    if (!parameter.type.endsWith("[]")) heads.push(encodeStatic(parameter, values[i]!));
    else {
      const tail = encodeList(parameter, values[i]!);
      heads.push(wordOf(BigInt(offset)));
      tails.push(tail);
      offset += tail.length;
    }
  });
  return joined([...heads, ...tails]);
}

/** Decodes what a call returned. */
export function decodeValues(parameters: readonly Parameter[], bytes: Uint8Array): AbiValue[] {
  let at = 0;
  return parameters.map((parameter) => {
    const value = parameter.type.endsWith("[]")
      ? decodeList(parameter, bytes, Number(readWord(bytes, at)))
      : decodeStatic(parameter, bytes, at);
    at += headSize(parameter);
    return value;
  });
}

/** The first four bytes of the hash of its signature, by which a function or an error is named in a call. */
export function selectorOf(entry: AbiEntry): Uint8Array {
  return topicOf(entry).subarray(0, 4);
}

/** The hash of its signature, by which an event is named in a log. */
export function topicOf(entry: AbiEntry): Uint8Array {
  return keccak(new TextEncoder().encode(`${entry.name}${listOf(entry.inputs)}`));
}

function typeOf({ type, components }: Parameter): string {
  return type.replace("tuple", listOf(components));
}

function listOf(parameters: readonly Parameter[] = []): string {
  return `(${parameters.map(typeOf).join(",")})`;
}

function headSize({ type, components }: Parameter): number {
  if (type !== "tuple") return WORD;
  return (components ?? []).reduce((sum, component) => sum + headSize(component), 0);
}

function itemOf(parameter: Parameter): Parameter {
  return { ...parameter, type: parameter.type.slice(0, -2) };
}

function encodeList(parameter: Parameter, value: AbiValue): Uint8Array {
  const items = arrayOf(value);
  const item = itemOf(parameter);
  return joined([
    wordOf(BigInt(items.length)),
    ...items.map((element) => encodeStatic(item, element)),
  ]);
}

function decodeList(parameter: Parameter, bytes: Uint8Array, at: number): AbiValue {
  const item = itemOf(parameter);
  const length = Number(readWord(bytes, at));
  return Array.from({ length }, (_, i) =>
    decodeStatic(item, bytes, at + WORD + i * headSize(item)),
  );
}

function encodeStatic({ type, components }: Parameter, value: AbiValue): Uint8Array {
  if (type === "tuple") {
    const fields = arrayOf(value);
    if (fields.length !== components?.length) throw new TypeError("a struct has another length");
    return joined(components.map((component, i) => encodeStatic(component, fields[i]!)));
  }
  if (type === "address" || type === "bytes32") {
    const bytes = typeof value === "string" ? bytesOf(value) : null;
    const size = type === "address" ? 20 : WORD;
    if (bytes?.length !== size) throw new TypeError(`${type} is written in ${size} bytes of hex`);
    return joined([new Uint8Array(WORD - size), bytes]);
  }
  if (typeof value !== "bigint") throw new TypeError(`${type} is written as a bigint`);
  const bits = type === "bool" ? 1 : Number(/^uint(\d+)$/.exec(type)?.[1]);
  if (Number.isNaN(bits)) throw new TypeError(`${type} is not among the types that are known`);
  if (BigInt.asUintN(bits, value) !== value) throw new RangeError(`${value} is no ${type}`);
  return wordOf(value);
}

function decodeStatic({ type, components }: Parameter, bytes: Uint8Array, at: number): AbiValue {
  if (type === "tuple") {
    let offset = at;
    return (components ?? []).map((component) => {
      const value = decodeStatic(component, bytes, offset);
      offset += headSize(component);
      return value;
    });
  }
  if (type === "address") return hex(bytes.subarray(at + 12, at + WORD));
  if (type === "bytes32") return hex(bytes.subarray(at, at + WORD));
  return readWord(bytes, at);
}

function arrayOf(value: AbiValue): readonly AbiValue[] {
  if (typeof value === "object") return value;
  throw new TypeError("a struct or a list is written as an array");
}

function readWord(bytes: Uint8Array, at: number): bigint {
  if (at + WORD > bytes.length) throw new RangeError("the answer ends too early");
  return BigInt(hex(bytes.subarray(at, at + WORD)));
}

/** A number of 0 to 2^256 − 1 in 32 bytes. */
export function wordOf(value: bigint): Uint8Array {
  return bytesOf(value.toString(16).padStart(2 * WORD, "0"))!;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
