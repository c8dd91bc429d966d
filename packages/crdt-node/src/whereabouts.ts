/**
 * Where a file is: on which machine, under which host name, on which mount. Whoever copies a whole file system (an image of
 * which several containers are made, a snapshot that becomes another volume) copies all that files say of themselves, inodes and
 * times included; this is what differs then. It stays the same when a machine or a container is started again.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { sha256, toHex } from "bft-json-crdt";

/** Says where a file is; short, and to be compared only. Throws what the file system throws when it is not there. */
export function whereabouts(path: string): string {
  const real = realpathSync(path);
  // Systems without /proc have no containers that share their inodes.
  const mount =
    mountOf(textOf("/proc/self/mountinfo"), real) ??
    statSync(real, { bigint: true }).dev.toString();
  const all = [textOf("/etc/machine-id"), hostname(), mount].join("\n");
  return toHex(sha256(new TextEncoder().encode(all)).subarray(0, 16));
}

/**
 * The mount that an absolute path is on, in the words of the system: which part of which file system, of which layers. Numbers of
 * devices are left out, since some are given anew at each start. Null when none is listed.
 */
export function mountOf(mountInfo: string, path: string): string | null {
  let longest = 0;
  let mount: string | null = null;
  for (const line of mountInfo.split("\n")) {
    const [where = "", what] = line.split(" - ");
    const [, , , root, point] = where.split(" ");
    if (what === undefined || point === undefined) continue;
    const folder = `${plain(point)}/`.replace(/\/+$/u, "/");
    // What is mounted later over the same place hides what was there.
    if (folder.length < longest || !`${path}/`.startsWith(folder)) continue;
    longest = folder.length;
    mount = `${root} ${what}`;
  }
  return mount;
}

/** Blanks and the like are written in octal. */
function plain(path: string): string {
  return path.replace(/\\([0-7]{3})/gu, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 8)),
  );
}

/** The text of a file that not every system has. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
