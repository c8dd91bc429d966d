/**
 * The changes that are sent, and how to find them again in what arrives, without reading more of it than is needed
 * (docs/wire-format.md, section 8). Each is signed, and its body ends in its number.
 */
import { Document, documentId, generateKeyPair, list, string, struct } from "bft-json-crdt";

/** The room that all write into. */
export const ROOM = "bench";

/** Digits of the number at the end of a line. */
const DIGITS = 8;

/** Heads of CBOR: an array, bytes, null. */
const ARRAY = 0x80;
const BYTES = 0x40;
const NULL = 0xf6;

const schema = struct({ lines: list(string()) });

/** Makes changes of so many authors, who take turns and know nothing of each other. */
export class Authors {
  readonly #documents: readonly Document<typeof schema>[];
  #made = 0;

  constructor(count: number) {
    this.#documents = Array.from(
      { length: count },
      () => new Document({ schema, id: documentId(ROOM), keyPair: generateKeyPair() }),
    );
  }

  /** The next changes, numbered on, each a group of its own and signed: the one with number n by author n modulo their count. */
  next(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      const author = this.#documents[this.#made % this.#documents.length]!;
      const number = String(this.#made++).padStart(DIGITS, "0");
      return author.change(({ lines }) => lines.push(`a line that somebody has typed, ${number}`))
        .bytes;
    });
  }
}

/** How many changes a group holds that begins at a place. Throws when none begins there. */
export function changesIn(bytes: Uint8Array, at: number): number {
  return headAt(bytes, at, ARRAY).value;
}

/** The numbers of the changes in a group, in its order. Throws when it is no group of such changes. */
export function numbersIn(group: Uint8Array): number[] {
  const outer = headAt(group, 0, ARRAY);
  let at = outer.end;
  const numbers = Array.from({ length: outer.value }, () => {
    const body = headAt(group, headAt(group, at, ARRAY).end, BYTES);
    const end = body.end + body.value;
    if (group[end] === NULL) {
      at = end + 1;
    } else {
      const signature = headAt(group, end, BYTES);
      at = signature.end + signature.value;
    }
    return numberAt(group, end - DIGITS);
  });
  if (at !== group.length) throw new Error("something follows a group");
  return numbers;
}

function numberAt(bytes: Uint8Array, at: number): number {
  let number = 0;
  for (let i = at; i < at + DIGITS; i++) {
    const digit = bytes[i]! - 48;
    if (!(digit >= 0 && digit <= 9)) throw new Error("a change without a number");
    number = number * 10 + digit;
  }
  return number;
}

/** The head of an array or of bytes (RFC 8949 §3): its length, and where the head ends. */
function headAt(bytes: Uint8Array, at: number, kind: number): { value: number; end: number } {
  const short = bytes[at]! - kind;
  if (short >= 0 && short < 24) return { value: short, end: at + 1 };
  if (short === 24) return { value: bytes[at + 1]!, end: at + 2 };
  if (short === 25) return { value: (bytes[at + 1]! << 8) | bytes[at + 2]!, end: at + 3 };
  throw new Error(`no group: ${bytes[at]} at ${at}`);
}
