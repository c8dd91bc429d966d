/**
 * Where a node keeps its state: `$SIDE_HOME` or `~/.side`, and in it one folder per node, readable by its owner only.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
  CommandError,
  EXIT,
  type ExitCode,
  messageOf,
  systemCode,
  writeReason,
} from "./exit-codes.ts";
import { nearest } from "./nearest.ts";

/** The paths of one node. */
export interface NodeHome {
  readonly name: string;
  readonly folder: string;
  /** PKCS#8 PEM, mode 0600. */
  readonly keys: string;
  readonly config: string;
  /** The LevelDB folder; its own lock (released by the system however a process ends) is what makes it exclusive. */
  readonly store: string;
  /** Names the process that has the store open, for messages only. */
  readonly lock: string;
  /** Which chain this store writes to (see chain.ts). */
  readonly chain: string;
  /** What the store must still hold (see mark.ts). */
  readonly mark: string;
  readonly socket: string;
  /** Where the socket is when the path above is too long for one. */
  readonly socketPointer: string;
}

/** The longest name of a node, in characters; it is also a folder's name. */
const MAX_NAME_CHARACTERS = 64;

/** `crdt-relayer` keeps its rooms under this name, next to the nodes. */
const RELAYER_FOLDER = "relayer";

/** The folder that holds all nodes of this user. */
export function sideHome(env: NodeJS.ProcessEnv): string {
  const override = env["SIDE_HOME"] ?? "";
  return override === "" ? join(userHome(), ".side") : resolve(override);
}

/** Where HOME is empty or relative, keys would end up wherever a command is typed. */
function userHome(): string {
  const home = homedir();
  if (isAbsolute(home)) return home;
  throw new CommandError(EXIT.failure, {
    what: "there is no home folder to keep nodes in",
    why: `HOME is ${JSON.stringify(home)}, which is no absolute path`,
    next: "SIDE_HOME=/a/folder/you/own crdt-node …",
  });
}

/** The paths of the node of that name, whether it exists or not; throws CommandError for what cannot be a name. */
export function nodeHome(name: string, env: NodeJS.ProcessEnv): NodeHome {
  const folder = join(sideHome(env), checkName(name));
  return {
    name,
    folder,
    keys: join(folder, "keys.pem"),
    config: join(folder, "config.toml"),
    store: join(folder, "store"),
    lock: join(folder, "lock"),
    chain: join(folder, "chain.json"),
    mark: join(folder, "mark"),
    socket: join(folder, "control.sock"),
    socketPointer: join(folder, "control.path"),
  };
}

/** The paths of a node that exists and is closed to others; throws CommandError otherwise. */
export function existingHome(name: string, env: NodeJS.ProcessEnv): NodeHome {
  const home = nodeHome(name, env);
  let mode: number;
  try {
    mode = statSync(home.folder).mode;
  } catch (error) {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") {
      throw new CommandError(EXIT.failure, {
        what: `cannot open ${home.folder}`,
        why: messageOf(error),
      });
    }
    const others = nodeNames(env);
    const meant = nearest(name, others);
    throw new CommandError(EXIT.failure, {
      what: `there is no node named "${name}" in ${sideHome(env)}`,
      why: others.length === 0 ? undefined : `nodes there: ${others.slice(0, 8).join(", ")}`,
      next:
        meant === undefined
          ? `crdt-node init ${name}`
          : `the same with ${meant}, if you meant that`,
    });
  }
  refuseLooseMode(home.folder, mode, 0o700, "it holds a private key");
  if (!existsSync(home.keys) && !existsSync(home.store)) throw holdsNoNode(home, EXIT.failure);
  return home;
}

/** For something that has the place of a node, and neither a key nor a store in it. */
export function holdsNoNode({ name, folder }: NodeHome, exitCode: ExitCode): CommandError {
  return new CommandError(exitCode, {
    what: `there is no node named "${name}", but something else in its place: ${folder}`,
    why: "it holds neither a key nor a store",
    next: `mv ${quoted(folder)} ${quoted(`${folder}.old`)} && crdt-node init ${name}`,
  });
}

/** The names of all nodes of this user. */
export function nodeNames(env: NodeJS.ProcessEnv): string[] {
  try {
    const entries = readdirSync(sideHome(env), { withFileTypes: true });
    return entries
      .filter(
        (entry) =>
          entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== RELAYER_FOLDER,
      )
      .map((entry) => entry.name)
      .toSorted();
  } catch {
    return [];
  }
}

/** Makes the folder of all nodes if it is not there. */
export function ensureSideHome(env: NodeJS.ProcessEnv): string {
  const folder = sideHome(env);
  try {
    makeFolder(folder);
  } catch (error) {
    throw new CommandError(EXIT.failure, {
      what: `cannot make the folder ${folder}`,
      why: writeReason(error),
      next: "SIDE_HOME=/a/folder/you/own crdt-node …",
    });
  }
  return folder;
}

/** Makes a folder and those above it. Node's own recursive mkdir spins for ever where none can be made (/proc). */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) === "EEXIST" && statSync(folder).isDirectory()) return;
    if (existsSync(dirname(folder))) throw error;
    makeFolder(dirname(folder));
    makeFolder(folder);
  }
}

/** Throws unless others have no rights at all on the file or folder with this mode. */
export function refuseLooseMode(path: string, mode: number, wanted: number, why: string): void {
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  const found = (mode & 0o777).toString(8).padStart(4, "0");
  throw new CommandError(EXIT.refused, {
    what: `other users can get at ${path} (mode ${found})`,
    why,
    next: `chmod ${wanted.toString(8)} ${quoted(path)}`,
  });
}

/** `path` as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w./:@%+=-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function checkName(name: string): string {
  const bad =
    name === ""
      ? "it is empty"
      : name.length > MAX_NAME_CHARACTERS
        ? `it is longer than ${MAX_NAME_CHARACTERS} characters`
        : !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/u.test(name)
          ? "a name is made of the letters a–z and A–Z, digits, dots, underscores and hyphens, and begins with a letter, digit or underscore"
          : name === RELAYER_FOLDER
            ? "crdt-relayer keeps its rooms under that name"
            : null;
  if (bad === null) return name;
  throw new CommandError(EXIT.usage, {
    what: `${JSON.stringify(name.slice(0, 80))} cannot be the name of a node`,
    why: bad,
  });
}
