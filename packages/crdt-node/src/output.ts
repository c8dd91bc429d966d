/**
 * What people see. Data goes to stdout, everything else to stderr. Text that others wrote is shown with its control
 * characters made visible, so that a memo can neither move the cursor nor colour or reorder what stands around it.
 */
import { styleText } from "node:util";
import { CommandError, EXIT, systemCode, writeReason } from "./exit-codes.ts";
import { leave } from "./leave.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours `text` when `stream` is a terminal and NO_COLOR is not set. */
export function paint(
  style: Style,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(style, text, { stream, validateStream: true });
}

/** Takes away what stands where the text is to be printed, calls `print`, and puts it back. */
type Around = (print: () => void) => void;

let around: Around | null = null;

/** From now on what goes to a terminal is printed by way of this (see typed-line.ts), or as ever if it is null. */
export function printAround(way: Around | null): void {
  around = way;
}

/** Writes whole lines of data. */
export function show(text: string): void {
  writeTo(process.stdout, text);
}

function writeTo(stream: NodeJS.WriteStream, text: string): void {
  if (around === null || !stream.isTTY) stream.write(text);
  else around(() => stream.write(text));
}

/** Writes one line of data. */
export function print(line: string): void {
  show(`${line}\n`);
}

/** Writes one line for people: progress, warnings, states of a connection. A terminal gets it broken between words. */
export function note(line: string): void {
  write(folded(line, 0));
}

function write(text: string): void {
  writeTo(process.stderr, `${text}\n`);
}

/** Writes a warning for people. */
export function warn(line: string): void {
  note(`${paint("yellow", "warning:", process.stderr)} ${line}`);
}

/**
 * Resolves when everything printed so far has left the process, or has failed to and that was told; needed before a large output
 * is followed by exit.
 */
export function printed(): Promise<void> {
  return new Promise((resolve) => {
    // A stream tells of a failure after it has called back.
    process.stdout.write("", () => setImmediate(resolve));
  });
}

/** Says why a command failed, and what to type next. */
export function complain({ complaint: { what, why, next } }: CommandError): void {
  write(`${paint("red", "crdt-node:", process.stderr)} ${folded(what, "crdt-node: ".length)}`);
  if (why !== undefined) write(`  why:  ${folded(why, COMPLAINT_INDENT)}`);
  // Not folded: it is there to be copied.
  if (next !== undefined) write(`  next: ${paint("bold", next, process.stderr)}`);
}

const COMPLAINT_INDENT = "  why:  ".length;

/** On a terminal, breaks text that begins in column `start` between words; elsewhere a complaint stays one line. */
function folded(text: string, start: number): string {
  const { isTTY, columns } = process.stderr;
  // A terminal that does not know how wide it is says 0.
  if (!isTTY || columns === 0 || start + text.length <= columns) return text;
  const lines: string[] = [];
  let line = "";
  let room = columns - start;
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = "";
      room = columns - COMPLAINT_INDENT;
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(COMPLAINT_INDENT)}`);
}

/** `text` on one line, with whatever steers a terminal or the direction of text, or is not seen, written as \u{…}. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** The first eight hex digits of a key or id: enough to tell apart by eye, never to compare by. */
export function short(hex: string): string {
  return hex.slice(0, 8);
}

/** `3 transactions`, `1 transaction`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString("en-US")} ${n === 1 ? noun : plural}`;
}

/** A claimed time (milliseconds since 1970) in UTC to the second, or a dash; a claim may be any number. */
export function formatTime(time: number | null): string {
  if (time === null) return "-";
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? `?${time}` : date.toISOString().replace(/\.\d+Z$/u, "Z");
}

/**
 * What to do when nobody reads our output any more (`crdt-node log alice | head -1`): end quietly, as every Unix tool
 * does. Where it cannot be written for another reason, as on a full disk, `end` is told of it. `end` lets a running node
 * flush first.
 */
export function onOutputClosed(end: (failure: CommandError | null) => void = endAtOnce): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error");
    stream.on("error", (error) => {
      const code = systemCode(error);
      if (code === "EPIPE" || code === "EIO") end(null);
      else if (/^E[A-Z0-9]+$/u.test(code)) end(unwritten(error));
      else throw error;
    });
  }
}

function endAtOnce(failure: CommandError | null): void {
  if (failure === null) leave(EXIT.ok);
  complain(failure);
  leave(failure.exitCode);
}

function unwritten(error: Error): CommandError {
  return new CommandError(
    EXIT.failure,
    {
      what: "the output could not be written",
      why: writeReason(error),
      next: "the same command with its output elsewhere",
    },
    { cause: error },
  );
}
