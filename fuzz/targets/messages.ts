/**
 * Control messages of the sync protocol, as trees: parsing never throws, and what was read is written as the same
 * message. A text of the form `#N` stands for the id of change N.
 */
import { isDeepStrictEqual } from "node:util";
import type { MadeChange } from "../history.ts";
import { toHex } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import {
  encodeMessage,
  MAX_TEXT_LENGTH,
  parseMessage,
} from "../../packages/bft-json-crdt/src/sync/index.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asIndex, isArray, isObject } from "../tree.ts";
import type { Tree } from "../tree.ts";

/** Words of the protocol. */
export const MESSAGE_WORDS: readonly string[] = [
  ...["have", "done", "known", "want", "ack", "tips", "lacks", "buckets", "differ", "probe"],
  ...["samples", "error", "join", "joined", "type", "heads", "digest", "again", "ids", "page"],
  ...["cursor", "epoch", "position", "order", "recovered", "ab".repeat(16)],
  ...["chains", "of", "at", "hashes", "code", "detail", "room", "document", "main"],
  ...["/join ", "/who", "/leave", "/help", "18446744073709551615", '"', "{", "}", "[", "]"],
  ...["#0", "#1", "#2", "ab".repeat(32), "0".repeat(64)],
];

/** Codes for which a text is refused. */
const CODES: ReadonlySet<string> = new Set(["malformed", "too_large", "unknown_type"]);

/** The parser of control messages. Input: a text, or an object that is written as JSON. */
export function messagesTarget(parse: typeof parseMessage = parseMessage): Target {
  return {
    name: "messages",
    about: "text frames as control messages",
    words: MESSAGE_WORDS,
    fresh: (choices) => {
      const message = freshMessage(3, choices);
      return choices.oneIn(3) ? textOf(message, []) : message;
    },
    run: (input) => {
      const text = frameOf(input, []);
      const message = parse(text);
      if (!message.ok) {
        promise(CODES.has(message.error.code), `the code ${message.error.code} is new`);
        promise(!/\p{Cc}/u.test(message.error.detail), "a detail holds control characters");
        return;
      }
      const written = encodeMessage(message.value);
      promise(written.length <= MAX_TEXT_LENGTH, "a message is written too long");
      const again = parse(written);
      promise(
        again.ok && isDeepStrictEqual(again.value, message.value),
        "a message is read back otherwise than it was written",
      );
    },
  };
}

/** A text frame: the text itself, or the JSON of anything else. */
export function frameOf(tree: Tree | undefined, changes: readonly MadeChange[]): string {
  return typeof tree === "string" ? tree : textOf(tree ?? null, changes);
}

function textOf(tree: Tree, changes: readonly MadeChange[]): string {
  return JSON.stringify(jsonOf(tree, changes));
}

function jsonOf(tree: Tree, changes: readonly MadeChange[]): unknown {
  if (typeof tree === "string") {
    const number = /^#(\d+)$/u.exec(tree)?.[1];
    if (number === undefined) return tree;
    const change = changes[asIndex(Number(number), changes.length)];
    return change === undefined ? number.padStart(64, "0").slice(-64) : toHex(change.id);
  }
  if (typeof tree === "bigint") return tree.toString();
  if (tree instanceof Uint8Array) return toHex(tree);
  if (isArray(tree)) return tree.map((item) => jsonOf(item, changes));
  if (!isObject(tree)) return tree;
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, jsonOf(value, changes)]),
  );
}

/** A message as honest ends send it, about some of so many changes. */
export function freshMessage(count: number, choices: Choices): Tree {
  const id = (): Tree => (choices.oneIn(8) ? "ab".repeat(32) : `#${choices.below(count + 1)}`);
  const ids = (): Tree[] => Array.from({ length: choices.below(5) }, id);
  const author = "cd".repeat(32);
  switch (choices.below(13)) {
    case 0:
      return { type: "have", heads: ids(), ...(choices.oneIn(2) ? { again: true } : {}) };
    case 1:
      return { type: choices.pick(["have", "done"]), digest: id() };
    case 2:
      return { type: "done", heads: ids() };
    case 3:
      return { type: "known", ids: ids() };
    case 4:
      return { type: "want", ids: ids() };
    case 5:
      return { type: "ack", ids: ids() };
    case 6:
      return {
        type: "tips",
        page: choices.below(4),
        chains: [[author, "0", 1 + choices.below(4), id()]],
      };
    case 7:
      return { type: "lacks", of: choices.below(4), at: [0], tips: ids() };
    case 8: {
      const hashes = Array.from({ length: 256 }, () => "00".repeat(32));
      return { type: "buckets", page: choices.below(4), hashes };
    }
    case 9:
      return { type: "differ", of: choices.below(4), buckets: [0, 17, 255] };
    case 10:
      return choices.oneIn(2)
        ? { type: "probe", tips: ids() }
        : { type: "samples", of: id(), ids: [[1 + choices.below(4), id()]] };
    case 11:
      return { type: "cursor", ...freshCursor(choices) };
    default:
      return { type: "error", code: "malformed", detail: "something", of: id() };
  }
}

/** A cursor that looks like one, and mostly is not a place in anything. */
export function freshCursor(choices: Choices): { readonly [key: string]: Tree } {
  const position = choices.pick<Tree>([0, 1, 2, 5, -1, 0.5, 2 ** 53, "1"]);
  return {
    epoch: choices.pick(["ab", "0", "#"]).repeat(16),
    position,
    order: choices.oneIn(3) ? "0".repeat(64) : "ab".repeat(32),
  };
}
