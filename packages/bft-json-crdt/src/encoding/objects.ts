/**
 * Objects as data: which ones can be written without losing something, and new ones whose keys strangers choose.
 */

import { MisuseError } from "../result.ts";

/** Whether this is a byte string; one of another realm (a test environment, an iframe) is one too. */
export function isBytes(object: object): object is Uint8Array {
  if (object instanceof Uint8Array) return true;
  return (
    ArrayBuffer.isView(object) && Object.prototype.toString.call(object) === "[object Uint8Array]"
  );
}

/** The object as a record if it is plain; throws a MisuseError for an instance of a class. */
export function fieldsOf(object: object): Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new MisuseError("bad_value", "an instance of a class is not a value: use a plain object");
  }
  return object as Readonly<Record<string, unknown>>;
}

/**
 * An object without a prototype, so that every key is only a key. Set there and not by Object.create(null), because V8
 * then treats it like any other small object: half the time to build and a third of the memory.
 */
export function emptyObject<T>(): Record<string, T> {
  return Object.setPrototypeOf({}, null) as Record<string, T>;
}

/**
 * Whether V8 would make room in an object for all the indexes up to this key: 12 kilobytes for the key "1023". Strangers
 * could turn a megabyte of small objects into gigabytes, so call {@link keepSparse} before storing such a key.
 */
export function isSmallIndex(key: string): boolean {
  const first = key.charCodeAt(0);
  return key.length <= 4 && first >= 0x30 && first <= 0x39;
}

/** Makes V8 keep the keys of an object that look like indexes in a dictionary; for an object that has none yet. */
export function keepSparse(object: Record<string, unknown>): void {
  object[FARTHEST_INDEX] = null;
  delete object[FARTHEST_INDEX];
}

const FARTHEST_INDEX = "4294967294";
