/**
 * One line of text is one transaction. Three forms:
 *
 *     alice -> bob 10 lunch       from, to, amount, and what is left is the memo
 *     {"from":"alice","to":"bob","amount":10,"memo":"lunch"}
 *     any other text              {from: <the text>, to: "Bob", amount: 1}, as in the prototype
 *
 * A line with `->` (or `→`) in it, or one that begins with `{`, is meant as one of the first two; if it does not
 * fit, it is an error and never taken for bare text; so is what looks like a command or a slip of the keyboard (`/quit`,
 * `:q`, `help`, `status`, `alice status`, `crdt-node view alice`, `[1]`, `-5`, `a => b`, `a > b 10`, `a - b 10`), because
 * what is signed cannot be taken back. For the same reason a line in any form holds no control character but tabs (an arrow
 * key leaves one) and no U+FFFD (bytes that were no UTF-8 do); the texts of the JSON form may say both with an escape. An
 * amount is greater than zero (a negative one would take money instead of giving it) and one that a JSON number holds
 * without losing a digit.
 */

/** A payment as people type it; `memo` is absent, never undefined or empty, when none was given. */
export interface Transaction {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly memo?: string;
}

/** What a line turned out to be; `message` is one line that names what was expected. */
export type ParsedLine =
  | { readonly kind: "transaction"; readonly transaction: Transaction }
  | { readonly kind: "empty" }
  | { readonly kind: "error"; readonly message: string };

/** UTF-8 bytes of one input line: far above any memo, far below what a change holds. */
export const MAX_LINE_BYTES = 65_536;

const ARROW = /->|→/u;
const AFTER_ARROW = /^(\S+)\s+(\S+)(?:\s+(\S.*))?$/su;
/** What the program itself is told elsewhere, before or after the name of a node. */
const OWN_COMMANDS =
  "init run send view log status verify export import dag forks whoami verify-proof".split(" ");
/** Those, and what people type to be rid of a program, or to learn about it. */
const COMMANDS: ReadonlySet<string> = new Set([
  ..."quit exit bye stop q help ? clear cls ls".split(" "),
  ...OWN_COMMANDS,
]);
/** A command with what looks like a node's name, and nothing else. */
const COMMAND_OF_NODE = new RegExp(
  `^(?:[\\w.-]+\\s+(?:${OWN_COMMANDS.join("|")})|(?:${OWN_COMMANDS.join("|")})\\s+[\\w.-]+)$`,
  "iu",
);
/** A hyphen or dash where the arrow belongs: after one word, or after two and before a word and a number. */
const DASH_FOR_ARROW = /^\S+\s+(?:[-–—]{1,2}\s+\S|\S+\s+[-–—]{1,2}\s+\S+\s+\d)/u;

/** What no keyboard means: control characters but tabs, and U+FFFD, which stands for bytes that were no UTF-8. */
const STRAY = /[^\P{Cc}\t]|\u{fffd}/u;
/** JSON may have line breaks between its parts; in its texts they are broken JSON. */
const STRAY_IN_JSON = /[^\P{Cc}\t\n\r]|\u{fffd}/u;
/** What JSON.stringify leaves as it is of those. */
const STRAY_UNESCAPED = /[\u{7f}-\u{9f}\u{fffd}]/gu;

const EXPECTED = 'expected "alice -> bob 10 lunch" or {"from":"alice","to":"bob","amount":10}';

const DECIMAL = /^\d+(?:\.\d+)?$/u;
const SIGNIFICANT_DIGITS = 15;

/** Reads one line (without its line break); never throws. */
export function parseTransaction(line: string): ParsedLine {
  const text = line.trim();
  if (text === "") return { kind: "empty" };
  const isJson = text.startsWith("{");
  const stray = (isJson ? STRAY_IN_JSON : STRAY).exec(text);
  if (stray !== null) return failure(strayMessage(stray[0]));
  if (isJson) return parseJsonForm(text);
  const arrow = ARROW.exec(text);
  if (arrow !== null) {
    return parseArrowForm(
      text.slice(0, arrow.index).trimEnd(),
      text.slice(arrow.index + arrow[0].length).trimStart(),
    );
  }
  if (COMMANDS.has(text.toLowerCase()))
    return failure(
      `"${text}" is no command here (Ctrl-C ends, "crdt-node --help" helps); ${EXPECTED}`,
    );
  if (/^(?:[/[]|:[a-z]|-\S|crdt-\w+\s)/iu.test(text) || /=>|\s[>=]\s|\s--[a-z]/iu.test(text))
    return failure(`"${shorten(text)}" looks like something else; ${EXPECTED}`);
  if (COMMAND_OF_NODE.test(text))
    return failure(
      `"${shorten(text)}" looks like a command, which is for a shell ("crdt-node --help" helps); ${EXPECTED}`,
    );
  if (DASH_FOR_ARROW.test(text))
    return failure(`"${shorten(text)}" has a dash where the arrow "->" belongs; ${EXPECTED}`);
  if (!text.isWellFormed()) return failure("the text is not well-formed Unicode");
  return success(text, "Bob", 1, undefined);
}

/** The line that {@link parseTransaction} reads back as the same transaction: the arrow form where it can be. */
export function formatTransaction(transaction: Transaction): string {
  const { from, to, amount, memo } = transaction;
  const line = `${from} -> ${to} ${amount}${memo === undefined ? "" : ` ${memo}`}`;
  const parsed = parseTransaction(line);
  const same =
    !/[\r\n]/u.test(line) &&
    parsed.kind === "transaction" &&
    parsed.transaction.from === from &&
    parsed.transaction.to === to &&
    parsed.transaction.amount === amount &&
    parsed.transaction.memo === memo;
  return same ? line : jsonLine(transaction);
}

/** JSON in one line that {@link parseTransaction} takes, whatever its texts hold. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(STRAY_UNESCAPED, escapeOf);
}

/** As it is written in a text of JSON. */
function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function strayMessage(character: string): string {
  if (character === "\u{fffd}")
    return "the text holds bytes that are not UTF-8, or U+FFFD, which stands for such; type it again";
  if (character === "\n" || character === "\r")
    return `the text holds a line break, and a transaction is one line; ${EXPECTED}`;
  return (
    `the text holds a control character (${escapeOf(character)}), which arrow keys, Esc and the like leave in a line; ` +
    "type it again without them"
  );
}

/** `from` is what stands before the first arrow, `rest` what stands after it. */
function parseArrowForm(from: string, rest: string): ParsedLine {
  const match = AFTER_ARROW.exec(rest);
  if (match === null || from === "" || /\s/u.test(from)) {
    return failure(
      'expected "FROM -> TO AMOUNT [MEMO]", as in "alice -> bob 10 lunch" (a name with spaces needs the JSON form)',
    );
  }
  const [, to = "", written = "", memo] = match;
  if (!DECIMAL.test(written)) {
    return failure(
      `the amount after "${shorten(to)}" must be a number like 10 or 2.50, not "${shorten(written)}"`,
    );
  }
  const amount = Number(written);
  if (losesDigits(written, amount))
    return failure(`the amount ${shorten(written)} has more digits than can be kept exactly`);
  return success(from, to, amount, memo);
}

/** True when a number in decimal notation says more than is kept of it. */
function losesDigits(written: string, amount: number): boolean {
  const digits = written.replace(/e.*$/iu, "").replace(".", "").replace(/^0+/u, "");
  return (
    digits.length > SIGNIFICANT_DIGITS &&
    !(Number.isSafeInteger(amount) && !/[.e]/iu.test(written)) &&
    // What this program itself writes for a number reads back as that number.
    written !== String(amount)
  );
}

const FIELDS: ReadonlySet<string> = new Set(["from", "to", "amount", "memo"]);

function parseJsonForm(text: string): ParsedLine {
  const expected = 'expected {"from": text, "to": text, "amount": number, "memo"?: text}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failure(`broken JSON; ${expected}`);
  }
  // The text begins with a brace, so what it holds is an object.
  const record = value as { readonly [key: string]: unknown };
  const unknown = Object.keys(record).find((key) => !FIELDS.has(key));
  if (unknown !== undefined) return failure(`unknown field "${shorten(unknown)}"; ${expected}`);
  const { from, to, amount, memo } = record;
  if (typeof from !== "string" || from === "")
    return failure(`"from" must be a text that is not empty; ${expected}`);
  if (typeof to !== "string" || to === "")
    return failure(`"to" must be a text that is not empty; ${expected}`);
  if (typeof amount !== "number") return failure(`"amount" must be a number; ${expected}`);
  const written = lastAmountIn(text);
  if (written !== null && amount <= Number.MAX_SAFE_INTEGER && losesDigits(written, amount))
    return failure(`the amount ${shorten(written)} has more digits than can be kept exactly`);
  if (memo !== undefined && typeof memo !== "string")
    return failure(`"memo" must be a text; ${expected}`);
  return success(from, to, amount, memo === "" ? undefined : memo);
}

/** The amount of a JSON object of texts and numbers as it was written; the last one counts, as for JSON.parse. */
function lastAmountIn(json: string): string | null {
  let written: string | null = null;
  // Strings are stepped over whole, so that nothing in a memo is taken for a member.
  for (const [, name, value] of json.matchAll(
    /("(?:[^"\\]|\\.)*")(?:\s*:\s*(-?\d[\d.eE+-]*))?/gsu,
  )) {
    if (value !== undefined && JSON.parse(name ?? "") === "amount") written = value;
  }
  return written;
}

function success(from: string, to: string, amount: number, memo: string | undefined): ParsedLine {
  if (Number.isNaN(amount) || amount <= 0) return failure("the amount must be greater than 0");
  if (amount > Number.MAX_SAFE_INTEGER)
    return failure("the amount is too large: greater than can be kept exactly (2^53 - 1)");
  if (![from, to, memo ?? ""].every((text) => text.isWellFormed())) {
    return failure("a text is not well-formed Unicode (half of a surrogate pair)");
  }
  return {
    kind: "transaction",
    transaction: memo === undefined ? { from, to, amount } : { from, to, amount, memo },
  };
}

function failure(message: string): ParsedLine {
  return { kind: "error", message };
}

/** What was typed, short enough to be quoted in one line of an error, with nothing in it that moves a cursor. */
function shorten(text: string): string {
  const points = [...text];
  const short = points.length <= 40 ? text : `${points.slice(0, 40).join("")}…`;
  return short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}
