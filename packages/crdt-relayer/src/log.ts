/**
 * The log, on stderr: one JSON object per line for machines (pino), or a short line for a person at a terminal.
 */
import { styleText } from "node:util";
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { LogLevel } from "./settings.ts";

const COLOURS: { readonly [level: string]: Parameters<typeof styleText>[0] } = {
  fatal: "red",
  error: "red",
  warn: "yellow",
  debug: "dim",
  trace: "dim",
};

/** A log that says what `level` allows. Writes are synchronous, so that nothing is lost when the process ends. */
export function openLog(level: LogLevel): Logger {
  const { stderr } = process;
  const destination = stderr.isTTY
    ? new TerminalLines(stderr)
    : pino.destination({ fd: stderr.fd, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** Turns pino's lines into `12:34:56 joined room="main"`; what nests is for machines, but for an error, which a person needs. */
class TerminalLines implements DestinationStream {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  write(line: string): void {
    const { level, time, msg, ...fields } = JSON.parse(line) as { readonly [key: string]: unknown };
    const colour = COLOURS[String(level)];
    const name =
      colour === undefined ? "" : `${styleText(colour, String(level), { stream: this.#stream })} `;
    const clock = styleText("dim", String(time).slice(11, 19), { stream: this.#stream });
    const details = Object.entries(fields)
      .filter(([key, value]) => key === "err" || !isNested(value))
      .map(([key, value]) => ` ${key}=${shown(value)}`);
    this.#stream.write(`${clock} ${name}${String(msg)}${details.join("")}\n`);
  }
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value on one line: hex ids short, and whatever steers a terminal or the direction of text written as \u{…}. */
function shown(value: unknown): string {
  if (typeof value === "string" && /^[0-9a-f]{64}$/u.test(value)) return value.slice(0, 8);
  const text =
    typeof value === "string" && /^[\w.:/[\]-]+$/u.test(value) ? value : JSON.stringify(value);
  return text.replace(
    /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u{061c}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
