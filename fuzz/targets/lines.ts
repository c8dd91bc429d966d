/**
 * Lines that people type: however the bytes are chopped up, the same lines come out; each is a transaction, nothing, or
 * an error of one line with a hint; and what is accepted is written as a line that means the same.
 */
import { isDeepStrictEqual } from "node:util";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { LineSplitter } from "../../packages/crdt-node/src/lines.ts";
import type { Line } from "../../packages/crdt-node/src/lines.ts";
import {
  formatTransaction,
  MAX_LINE_BYTES,
  parseTransaction,
} from "../../packages/crdt-node/src/transaction.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asBytes, asIndex, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";

/** What is fed; a test may put a broken one in the place of any. */
export interface LineReaders {
  readonly parse: typeof parseTransaction;
  readonly format: typeof formatTransaction;
}

/** Bytes of a line at most: few, so that long lines are reached. The parser gets texts of up to the real bound. */
const SHORT_LINE = 64;

/** The splitter and the parser of lines. Input: `{bytes or text, cuts: [length, …]}`. */
export function linesTarget(
  readers: LineReaders = { parse: parseTransaction, format: formatTransaction },
): Target {
  return {
    name: "lines",
    about: "bytes on the node's stdin as lines, and lines as transactions",
    words: [
      "->",
      "→",
      "{",
      '"from":',
      '"to":',
      '"amount":',
      '"memo":',
      "1e3",
      "2.50",
      "\n",
      "/quit",
      "=>",
    ],
    fresh,
    run: (input) => {
      const bytes = asBytes(fieldOf(input, "text"));
      const cuts = asArray(fieldOf(input, "cuts"));
      for (const most of [SHORT_LINE, MAX_LINE_BYTES]) {
        const whole = split([bytes], most);
        promise(
          isDeepStrictEqual(split(chopped(bytes, cuts), most), whole),
          "lines depend on how the bytes were chopped up",
        );
        promise(
          isDeepStrictEqual(whole, naiveLines(bytes, most)),
          "lines are not those of the text",
        );
        for (const line of whole) if (line.ok) checkLine(line.text, readers);
      }
      const text = fieldOf(input, "text");
      if (typeof text === "string") checkLine(text, readers);
    },
  };
}

function split(chunks: readonly Uint8Array[], most: number): Line[] {
  const splitter = new LineSplitter(most);
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  const last = splitter.end();
  return last === null ? lines : [...lines, last];
}

function chopped(bytes: Uint8Array, cuts: readonly Tree[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const cut of cuts) {
    const to = Math.min(bytes.length, from + asIndex(cut, 100));
    chunks.push(bytes.subarray(from, to));
    from = to;
  }
  return [...chunks, bytes.subarray(from)];
}

/** The definition: cut at LF, take one CR off, then bound and decode each. */
function naiveLines(bytes: Uint8Array, most: number): Line[] {
  const text = Buffer.from(bytes).toString("latin1");
  const pieces = text.split("\n");
  if (pieces.at(-1) === "") pieces.pop();
  return pieces.map((piece): Line => {
    const line = Buffer.from(piece.replace(/\r$/u, ""), "latin1");
    if (line.length > most) return { ok: false, reason: "too_long" };
    try {
      return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(line) };
    } catch {
      return { ok: false, reason: "not_utf8" };
    }
  });
}

function checkLine(text: string, { parse, format }: LineReaders): void {
  const parsed = parse(text);
  switch (parsed.kind) {
    case "empty":
      promise(text.trim() === "", "a line with something in it is taken for an empty one");
      return;
    case "error":
      promise(parsed.message.length > 0 && parsed.message.length < 400, "an error without measure");
      promise(!/[\p{Cc}\p{Cs}]/u.test(parsed.message), "an error holds control characters");
      return;
    case "transaction": {
      const { from, to, amount } = parsed.transaction;
      promise(
        from !== "" && to !== "" && amount > 0 && Number.isFinite(amount),
        "a senseless payment",
      );
      const line = format(parsed.transaction);
      promise(!/[\r\n]/u.test(line), "a transaction is written on two lines");
      promise(
        isDeepStrictEqual(parse(line), parsed),
        "a transaction is read back otherwise than it was written",
      );
    }
  }
}

const EXAMPLES = [
  "alice -> bob 10 lunch",
  "alice → bob 2.50",
  '{"from":"alice","to":"bob","amount":10,"memo":"lunch"}',
  "just text",
  "a => b",
  "[1]",
  "help",
  "{}",
  "alice -> bob 0.1234567890123456789",
];

function fresh(choices: Choices): Tree {
  const lines = Array.from({ length: 1 + choices.below(3) }, () => choices.pick(EXAMPLES));
  const text = lines.join(choices.pick(["\n", "\r\n"])) + choices.pick(["", "\n"]);
  const cuts = Array.from({ length: choices.below(4) }, () => choices.below(30));
  return { text: choices.oneIn(3) ? new TextEncoder().encode(text) : text, cuts };
}
