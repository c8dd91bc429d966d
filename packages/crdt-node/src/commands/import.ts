/** `import`: verifies an exported file as if a stranger had sent it, and takes its changes in. */
import { readFileSync } from "node:fs";
import {
  decodeSaved,
  documentId,
  equalBytes,
  fromHex,
  History,
  type Saved,
  toHex,
} from "bft-json-crdt";
import type { Access } from "../access.ts";
import { CommandError, EXIT, type ExitCode, messageOf } from "../exit-codes.ts";
import { count, print } from "../output.ts";
import { ask } from "../requests.ts";
import { withNode } from "./with-node.ts";

/** Options of the command, as typed. */
export interface ImportOptions {
  readonly room?: string;
  readonly json?: boolean;
}

/** Takes in all changes of the file, or none of them when any is damaged; `-` is stdin. */
export function importFile(name: string, file: string, options: ImportOptions): Promise<ExitCode> {
  const saved = readSaved(file);
  return withNode(name, options, "import", async (access) => {
    const document = await documentOf(access);
    if (!equalBytes(document, saved.document)) {
      throw new CommandError(EXIT.refused, {
        what: `${shownName(file)} holds another document than this room (wrong_document)`,
        why: `it is of document ${toHex(saved.document)}, the room is document ${toHex(document)}`,
        next: `crdt-node import ${name} ${file} --room THE-OTHER-ROOM`,
      });
    }
    checkAll(saved, file);
    let [added, known, pending] = [0, 0, 0];
    for (const group of saved.groups) {
      const imported = await ask(access.call, "import", {
        group: Buffer.from(group).toString("base64"),
      });
      added += imported.added;
      known += imported.known;
      pending += imported.pending;
    }
    if (options.json === true) print(JSON.stringify({ added, known, pending }));
    else
      print(
        `${count(added, "change")} added, ${known} known already, ${pending} waiting for others`,
      );
    return EXIT.ok;
  });
}

async function documentOf({ call }: Access): Promise<Uint8Array> {
  const { room, document } = await ask(call, "status", {});
  return fromHex(document) ?? documentId(room);
}

function readSaved(file: string): Saved {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new CommandError(EXIT.failure, {
      what: `cannot read ${shownName(file)}`,
      why: messageOf(error),
    });
  }
  const saved = decodeSaved(bytes);
  if (saved.ok) return saved.value;
  const { code, detail } = saved.error;
  throw new CommandError(code === "unsupported_version" ? EXIT.refused : EXIT.damaged, {
    what: `${shownName(file)} cannot be imported (${code})`,
    why: detail,
    next: `crdt-node export NAME FILE makes files that can`,
  });
}

/** Receives all of it into an empty history first: every hash, link and signature is checked before anything is kept. */
function checkAll({ document, groups }: Saved, file: string): void {
  const history = new History({ document });
  let position = 0;
  for (const group of groups) {
    const { status, code, results } = history.receive(group, "file");
    position++;
    if (status !== "rejected" && status !== "unsupported") continue;
    const fault = results.find((result) => result.status === status);
    const which = fault === undefined ? `group ${position - 1}` : `change ${toHex(fault.id)}`;
    throw new CommandError(status === "unsupported" ? EXIT.refused : EXIT.damaged, {
      what: `${shownName(file)} is damaged at ${which} (${code ?? "malformed"})`,
      why: "nothing was imported",
      next: `crdt-node verify NAME, where it was exported, and export again`,
    });
  }
}

function shownName(file: string): string {
  return file === "-" ? "the input" : file;
}
