/** `verify-proof`: checks a proof of equivocation from its bytes alone; needs no node, no store and no relay. */
import { closeSync, openSync, readSync } from "node:fs";
import { decodeForkProof, documentId, MAX_GROUP_BYTES, toHex } from "bft-json-crdt";
import { CommandError, EXIT, type ExitCode, messageOf } from "../exit-codes.ts";
import { changeLines, evidenceOf, placeOf } from "../fork-evidence.ts";
import { print, printable } from "../output.ts";
import { checkRoom } from "../settings.ts";

/** Options of the command, as typed. */
export interface VerifyProofOptions {
  readonly room?: string;
  readonly json?: boolean;
}

/** Bytes that a proof has at most, and one more, so that a larger file is seen to be none. */
const MOST_BYTES = 2 * MAX_GROUP_BYTES + 1_024;

/** Says who is proven to have signed what; exit code 5 when the bytes prove nothing. `-` is stdin. */
export function verifyProof(file: string, options: VerifyProofOptions): ExitCode {
  const room = options.room === undefined ? undefined : checkRoom(options.room, "--room");
  const shown = file === "-" ? "the input" : file;
  const decoded = decodeForkProof(read(file, shown));
  if (!decoded.ok) {
    const { code, detail } = decoded.error;
    throw new CommandError(code === "unsupported_version" ? EXIT.refused : EXIT.damaged, {
      what: `${shown} proves nothing (${code})`,
      why: detail,
    });
  }
  const evidence = evidenceOf(decoded.value);
  if (room !== undefined && evidence.document !== toHex(documentId(room))) {
    throw new CommandError(EXIT.refused, {
      what: `${shown} proves something about another document than room "${printable(room)}"`,
      why: `it is of document ${evidence.document}`,
    });
  }
  if (options.json === true) {
    print(JSON.stringify(evidence));
    return EXIT.ok;
  }
  print(`proven: one key signed two different changes ${placeOf(evidence)}`);
  print(`key       ${evidence.author}`);
  print(
    `document  ${evidence.document}${room === undefined ? "" : `  (room "${printable(room)}")`}`,
  );
  for (const line of changeLines(evidence)) print(line.trimStart());
  return EXIT.ok;
}

/** Reads no more than a proof can have, whatever the file. */
function read(file: string, shown: string): Uint8Array {
  try {
    const descriptor = file === "-" ? 0 : openSync(file, "r");
    try {
      const bytes = Buffer.alloc(MOST_BYTES);
      let length = 0;
      for (let count = -1; count !== 0 && length < bytes.length; length += count)
        count = readSync(descriptor, bytes, length, bytes.length - length, null);
      return bytes.subarray(0, length);
    } finally {
      if (file !== "-") closeSync(descriptor);
    }
  } catch (error) {
    throw new CommandError(EXIT.failure, { what: `cannot read ${shown}`, why: messageOf(error) });
  }
}
