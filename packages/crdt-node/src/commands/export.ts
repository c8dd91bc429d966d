/** `export`: the whole signed history as one file, which needs no more trust than a peer. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { CommandError, EXIT, type ExitCode, messageOf, systemCode } from "../exit-codes.ts";
import { count, note, printed } from "../output.ts";
import { collect } from "../requests.ts";
import { withReader } from "./with-node.ts";

/** Writes the history to a new file, whole or not at all; `-` is stdout. */
export function exportFile(
  name: string,
  file: string,
  options: { readonly room?: string },
): Promise<ExitCode> {
  return withReader(name, options, "export", async ({ call }) => {
    const target = file === "-" ? new StandardOutput() : new NewFile(file);
    try {
      const { changes } = await collect(call, "export", {}, (part) => {
        target.write(Buffer.from(part, "base64"));
      });
      await target.finish();
      note(`${count(changes, "change")} exported${file === "-" ? "" : ` to ${file}`}`);
      return EXIT.ok;
    } finally {
      target.abandon();
    }
  });
}

interface Target {
  write(bytes: Uint8Array): void;
  finish(): Promise<void>;
  /** After finish() it does nothing. */
  abandon(): void;
}

class StandardOutput implements Target {
  write(bytes: Uint8Array): void {
    process.stdout.write(bytes);
  }

  finish(): Promise<void> {
    return printed();
  }

  abandon(): void {
    // What is written to a pipe cannot be taken back; import tells that it is cut off.
  }
}

/** Written under another name and renamed when it is whole, so that a half-written export is never mistaken for one. */
class NewFile implements Target {
  readonly #path: string;
  readonly #draft: string;
  #file: number | null;

  constructor(path: string) {
    this.#path = path;
    this.#draft = `${path}.${process.pid}.part`;
    try {
      // Taken first, so that two exports to one name cannot overwrite each other.
      closeSync(openSync(path, "wx", 0o644));
      this.#file = openSync(this.#draft, "w", 0o644);
    } catch (error) {
      if (systemCode(error) === "EEXIST") {
        throw new CommandError(EXIT.refused, {
          what: `${path} exists`,
          why: "an export never overwrites a file",
        });
      }
      throw new CommandError(EXIT.failure, { what: `cannot write ${path}`, why: messageOf(error) });
    }
  }

  write(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) start += writeSync(this.#file!, bytes, start);
  }

  finish(): Promise<void> {
    fsyncSync(this.#file!);
    closeSync(this.#file!);
    this.#file = null;
    renameSync(this.#draft, this.#path);
    return Promise.resolve();
  }

  abandon(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    rmSync(this.#draft, { force: true });
    rmSync(this.#path, { force: true });
  }
}
