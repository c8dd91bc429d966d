/**
 * Reads LevelDB's manifest for the journal that it names. LevelDB notices when a table is missing that it names, but takes a
 * missing journal for an empty one, though all that was written last may have been in it. A journal is in its folder, durably, before the
 * manifest names it, so that no crash leaves one without the other.
 *
 * A manifest has the form of a journal (journal.ts). Each write in it is an edit: fields, each of a tag and numbers or texts; numbers
 * are of seven bits a byte, the least first, and texts come behind their lengths.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writesIn } from "./journal.ts";

/** What follows each tag: `n` is a number, `t` a text. Tag 8 is no longer used. */
const FIELDS: Readonly<Record<number, string>> = {
  1: "t",
  2: "n",
  3: "n",
  4: "n",
  5: "nt",
  6: "nn",
  7: "nnntt",
  9: "n",
};

const JOURNAL = 2;

/** The journal that a database's manifest names and that is not there; null when it is, or when there is no manifest to read. */
export function missingJournal(folder: string): string | null {
  let manifest: Buffer;
  try {
    const current = readFileSync(join(folder, "CURRENT"), "latin1");
    const [, name] = /^(MANIFEST-\d+)\n$/u.exec(current) ?? [];
    if (name === undefined) return null;
    manifest = readFileSync(join(folder, name));
  } catch {
    // The database says so itself.
    return null;
  }
  const number = journalNamedIn(manifest);
  // One that was repaired has none.
  if (number === 0) return null;
  const file = `${String(number).padStart(6, "0")}.log`;
  return existsSync(join(folder, file)) ? null : file;
}

/** The number of the journal that a manifest names last; 0 when it names none, or cannot be read. */
export function journalNamedIn(manifest: Uint8Array): number {
  let journal = 0;
  for (const edit of writesIn(manifest)) {
    const reader = new EditReader(edit);
    while (!reader.isDone) {
      const tag = reader.number();
      for (const kind of FIELDS[tag] ?? "?") {
        if (kind === "n") {
          const number = reader.number();
          if (tag === JOURNAL) journal = number;
        } else if (kind === "t") {
          reader.skip(reader.number());
        } else {
          return 0;
        }
      }
    }
    if (reader.isBeyond) return 0;
  }
  return journal;
}

/** Reads the fields of an edit. */
class EditReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** True when it was read beyond its end. */
  get isBeyond(): boolean {
    return this.#at > this.#bytes.length;
  }

  number(): number {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
    }
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }
}
