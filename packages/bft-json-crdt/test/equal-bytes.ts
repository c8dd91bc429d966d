/** Byte arrays that are equal are told so at once: Vitest itself makes a string of each index of both, and compares by those. */
import { expect } from "vitest";

const TOLD = Symbol.for("bft-json-crdt/test/equal-bytes");

/** For `toEqual` and its like, once for all files of this process. */
export function tellBytesQuickly(): void {
  const process = globalThis as { [TOLD]?: true };
  if (process[TOLD]) return;
  process[TOLD] = true;
  expect.addEqualityTesters([areEqualBytes]);
}

/** True of two plain byte arrays with the same bytes; of all else it says nothing, and Vitest compares as ever. */
function areEqualBytes(one: unknown, other: unknown): true | undefined {
  if (!isPlain(one) || !isPlain(other) || one.length !== other.length) return undefined;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return undefined;
  return true;
}

/** No subclass: a Buffer is not strictly equal to a Uint8Array. */
function isPlain(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && Object.getPrototypeOf(value) === Uint8Array.prototype;
}
