/**
 * Editing traces: a real one from a folder (format of github.com/josephg/editing-traces, gzipped JSON), or a generated
 * typing history with bursts, cursor jumps, deletions and pastes when there is none.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { seeded } from "./random.ts";

/** One edit: at `position` delete `deleted` UTF-16 units, then insert `inserted`. */
export type Edit = readonly [position: number, deleted: number, inserted: string];

/** A sequence of edits from the empty text to `end`. */
export interface Trace {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly end: string;
}

/** The trace of that name in a folder, or null when it is not there. */
export function readTrace(folder: string, name: string): Trace | null {
  const file = join(folder, `${name}.json.gz`);
  if (!existsSync(file)) return null;
  const data = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as {
    endContent: string;
    txns: readonly { patches: readonly Edit[] }[];
  };
  return { name, edits: data.txns.flatMap((txn) => txn.patches), end: data.endContent };
}

/** A typing history of about as many edits as one asks for. */
export function generateTrace(count: number, seed = 1): Trace {
  const random = seeded(seed);
  const edits: Edit[] = [];
  const chunks: string[] = [];
  let text = "";
  let cursor = 0;
  const apply = (edit: Edit): void => {
    text = text.slice(0, edit[0]) + edit[2] + text.slice(edit[0] + edit[1]);
    edits.push(edit);
  };
  while (edits.length < count) {
    const dice = random();
    if (dice < 0.03) {
      cursor = Math.floor(random() * (text.length + 1));
    } else if (dice < 0.05) {
      const pasted =
        chunks.length > 0 && random() < 0.5
          ? chunks[Math.floor(random() * chunks.length)]!
          : "pasted text, ";
      apply([cursor, 0, pasted]);
      cursor += pasted.length;
    } else if (dice < 0.2 && cursor > 0) {
      for (let n = 1 + Math.floor(random() * 8); n > 0 && cursor > 0; n--) apply([--cursor, 1, ""]);
    } else {
      let burst = "";
      for (let n = 1 + Math.floor(random() * 30); n > 0; n--) {
        const letter = random() < 0.16 ? " " : String.fromCharCode(97 + Math.floor(random() * 26));
        apply([cursor++, 0, letter]);
        burst += letter;
      }
      if (chunks.length < 100) chunks.push(burst);
    }
  }
  return { name: "generated", edits, end: text };
}
