/** `init`: makes a node's folder with its key and settings, whole or not at all. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKeyPair, toHex } from "bft-json-crdt";
import { writeUnused } from "../chain.ts";
import { CommandError, EXIT, type ExitCode, systemCode, writeReason } from "../exit-codes.ts";
import { ensureSideHome, holdsNoNode, type NodeHome, nodeHome, quoted, sideHome } from "../home.ts";
import { writeKeyFile } from "../key-file.ts";
import { note, print } from "../output.ts";
import { checkRelay, checkRoom, configText, DEFAULT_ROOM } from "../settings.ts";

/** Options of the command, as typed. */
export interface InitOptions {
  readonly room?: string;
  readonly relay?: readonly string[];
}

/** Makes the node; the last line on stdout is its public key in hex. */
export function init(name: string, options: InitOptions): ExitCode {
  const home = nodeHome(name, process.env);
  const room = checkRoom(options.room ?? DEFAULT_ROOM, "--room");
  const relays = options.relay?.map((address) => checkRelay(address, "--relay")) ?? null;
  if (existsSync(home.folder)) throw exists(home);

  const keyPair = generateKeyPair();
  // Made under another name and then renamed, so that a node without a key is never seen, and none is overwritten.
  const draft = makeDraft(ensureSideHome(process.env));
  try {
    const [keys, store] = [join(draft, "keys.pem"), join(draft, "store")];
    writeKeyFile(keys, keyPair);
    writeFileSync(join(draft, "config.toml"), configText(name, room, relays), { mode: 0o600 });
    mkdirSync(store, { mode: 0o700 });
    writeUnused({ chain: join(draft, "chain.json"), keys, store });
    renameSync(draft, home.folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(systemCode(error))) throw exists(home);
    throw error instanceof CommandError ? error : cannotWrite(sideHome(process.env), error);
  }
  print(`key:    ${home.keys}`);
  print(`config: ${home.config}`);
  print(`store:  ${home.store}`);
  print(toHex(keyPair.publicKey));
  note(`next: crdt-node run ${name}`);
  return EXIT.ok;
}

function makeDraft(folder: string): string {
  try {
    return mkdtempSync(join(folder, ".init-"));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

function cannotWrite(folder: string, error: unknown): CommandError {
  const isFull = systemCode(error) === "ENOSPC";
  return new CommandError(
    EXIT.failure,
    {
      what: `cannot make a node in ${folder}`,
      why: writeReason(error),
      next: isFull ? `df -h ${quoted(folder)}` : "SIDE_HOME=/a/folder/you/own crdt-node init NAME",
    },
    { cause: error },
  );
}

/** What is there already: a node, one that has lost its key, or something else. */
function exists(home: NodeHome): CommandError {
  const { name, folder, keys, store } = home;
  if (existsSync(keys)) {
    return new CommandError(EXIT.refused, {
      what: `there is a node named "${name}" already`,
      why: `${quoted(folder)} holds its key, and a key that is lost cannot be made again`,
      next: `crdt-node whoami ${name}`,
    });
  }
  if (!existsSync(store)) return holdsNoNode(home, EXIT.refused);
  return new CommandError(EXIT.refused, {
    what: `there is a node named "${name}" already, which has lost its key`,
    why: `${quoted(folder)} holds its store and no keys.pem; a new node can import what it holds`,
    next: `crdt-node export ${name} ${name}.changes`,
  });
}
