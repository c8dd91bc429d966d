/**
 * Where the control socket of a node is. The path of a Unix socket has about 100 bytes (108 on Linux, 104 on macOS, with
 * the final zero); when the node's folder is deeper than that, the socket lies in a private folder under the system's
 * temporary one, and a file in the node's folder tells where.
 *
 * The temporary folder is everybody's, and is emptied now and then. So that folder is believed only if it is this user's own,
 * closed to others, and says that it was made for this node: a copy of a node's folder has the copied file, too.
 */
import { lstatSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { NodeHome } from "../home.ts";

/** Longest path, in bytes, that is used for a socket. */
const MAX_SOCKET_PATH_BYTES = 100;

/** What the names of private folders begin with. */
const PREFIX = "side-";

/** The file in a private folder that says whose it is. */
const OWNER = "node";

/** The path to listen on, made ready; what a node that was killed left there is removed. Only for the store's owner. */
export function claimAddress(home: NodeHome): string {
  releaseAddress(home);
  if (Buffer.byteLength(home.socket) <= MAX_SOCKET_PATH_BYTES) return home.socket;
  // mkdtemp makes the folder with mode 0700, so nobody else can put a socket of theirs in it.
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, OWNER), realpathSync(home.folder), { mode: 0o600 });
  const path = join(folder, "control.sock");
  writeFileSync(home.socketPointer, path, { mode: 0o600 });
  return path;
}

/** The path to connect to; whether anybody listens there is another question. */
export function findAddress(home: NodeHome): string {
  return pointedAt(home) ?? home.socket;
}

/** Removes the socket, and the folder made for it. */
export function releaseAddress(home: NodeHome): void {
  const elsewhere = pointedAt(home);
  if (elsewhere !== null) rmSync(dirname(elsewhere), { recursive: true, force: true });
  rmSync(home.socketPointer, { force: true });
  rmSync(home.socket, { force: true });
}

function pointedAt(home: NodeHome): string | null {
  if (Buffer.byteLength(home.socket) <= MAX_SOCKET_PATH_BYTES) return null;
  try {
    const path = readFileSync(home.socketPointer, "utf8");
    return isFolderFor(home, dirname(path)) ? path : null;
  } catch {
    return null;
  }
}

/** Whether a private folder was made for this node; throws when there is none. */
function isFolderFor(home: NodeHome, folder: string): boolean {
  const found = lstatSync(folder);
  const isOwn = found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  return (
    isOwn &&
    found.isDirectory() &&
    basename(folder).startsWith(PREFIX) &&
    readFileSync(join(folder, OWNER), "utf8") === realpathSync(home.folder)
  );
}
