/**
 * The line that is being typed at a terminal. It can be edited (arrows, Ctrl-U, Home), and what was typed before comes back
 * with the arrow up. Whatever is printed meanwhile stands above it: the line is taken away and shown again as it was, with
 * the cursor where it was. Only what was ended by Enter is a line; nothing else is read, whatever becomes of the terminal.
 */
import { readFileSync } from "node:fs";
import {
  clearScreenDown,
  createInterface,
  cursorTo,
  type Interface,
  moveCursor,
} from "node:readline";
import { printAround, warn } from "./output.ts";

/** Lines that the arrow up goes back to: far more than anyone looks through. */
const HISTORY_LINES = 1_000;

/** Characters of a line: as many as a terminal takes that edits its lines itself; each one typed costs time by its place. */
const MAX_TYPED = 4_096;

/** Lines that wait for the node, as when many are pasted, before no more are read. */
const MAX_WAITING = 10_000;

/** Chunks of whole lines, as they come from a stream. */
export class TypedLine implements AsyncIterable<Buffer> {
  readonly #reader: Interface;
  #waiting: string[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;
  #isOverlong = false;

  /** Only one at a time, and only where {@link canEditLines}. */
  constructor() {
    const { stdin, stdout } = process;
    // Before the reader hears of it, which takes what is half typed for a line then.
    stdin.once("end", () => {
      this.#end();
    });
    this.#reader = createInterface({
      input: stdin,
      output: stdout,
      prompt: "",
      terminal: true,
      historySize: HISTORY_LINES,
    });
    // What came in one piece with more behind it would be put at the end of the line, wherever the cursor is, and would not
    // be counted in rows: the reader takes it for pasted text, within which it wants no completion.
    Object.defineProperty(this.#reader, "isCompletionEnabled", {
      get: () => true,
      set() {
        // The reader turns it off and on with each piece.
      },
    });
    // A terminal that was closed cannot be set as it was; that it is closed is told by a signal.
    stdin.on("error", () => {
      this.#end();
    });
    this.#reader.on("error", () => {
      this.#end();
    });
    this.#reader.on("line", (line) => {
      this.#take(line);
    });
    this.#reader.on("close", () => {
      this.#end();
    });
    this.#reader.on("SIGINT", () => {
      this.#toEnd();
      // As a terminal shows it that edits its lines itself.
      stdout.write("^C");
      this.close();
      process.emit("SIGINT", "SIGINT");
    });
    // Back from Ctrl-Z; the line is shown again.
    this.#reader.on("SIGCONT", () => {
      this.#reader.prompt(true);
    });
    stdin.on("keypress", () => {
      this.#bound();
    });
    printAround((print) => {
      this.#printAbove(print);
    });
  }

  /** Gives the terminal back; the lines that were typed before are still read. */
  close(): void {
    if (this.#isOver) return;
    this.#toEnd();
    this.#reader.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    for (;;) {
      if (this.#waiting.length > 0) {
        const lines = this.#waiting;
        this.#waiting = [];
        if (!this.#isOver) process.stdin.resume();
        yield Buffer.from(lines.map((line) => `${line}\n`).join(""));
      } else if (this.#isOver) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }

  #take(line: string): void {
    if (this.#isOverlong || this.#isOver) {
      this.#isOverlong = false;
      return;
    }
    this.#waiting.push(line);
    if (this.#waiting.length >= MAX_WAITING) process.stdin.pause();
    this.#wake();
  }

  /** A line that is too long is dropped whole: its end alone might be another transaction. */
  #bound(): void {
    if (this.#isOver || this.#reader.line.length <= (this.#isOverlong ? 0 : MAX_TYPED)) return;
    this.#toEnd();
    this.#reader.write(null, { ctrl: true, name: "u" });
    if (this.#isOverlong) return;
    this.#isOverlong = true;
    warn(
      `a line of more than ${MAX_TYPED.toLocaleString("en-US")} characters cannot be typed; it is dropped up to its end`,
    );
  }

  #toEnd(): void {
    if (!this.#isOver) this.#reader.write(null, { ctrl: true, name: "e" });
  }

  #printAbove(print: () => void): void {
    if (this.#reader.line === "") {
      print();
      return;
    }
    const { stdout } = process;
    const { rows } = this.#reader.getCursorPos();
    moveCursor(stdout, 0, -rows);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
    print();
    // The reader draws the line from as many rows above the cursor as the cursor was below the line's first row.
    stdout.write("\n".repeat(rows));
    this.#reader.prompt(true);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    printAround(null);
    this.#wake();
  }
}

/** True where lines are typed at a terminal that shows them, and that this process may set. */
export function canEditLines(): boolean {
  const { stdin, stdout, env } = process;
  return stdin.isTTY && stdout.isTTY && env["TERM"] !== "dumb" && !isInBackground();
}

/** A job in the background (`crdt-node run alice &`) is stopped when it sets the terminal, which another one has. */
function isInBackground(): boolean {
  let stat: string;
  try {
    stat = readFileSync("/proc/self/stat", "latin1");
  } catch {
    // Only Linux tells.
    return false;
  }
  // Behind the name: state, parent, group, session, terminal, and the group that has the terminal.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(foreground) > 0 && foreground !== group;
}
