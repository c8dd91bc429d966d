/**
 * What machines of namespaces need of the machine that they are made on: programs, rights, a kernel that makes them; and what the
 * relay's image needs: docker, and what the image is made from.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAMS = [
  ...["setpriv", "unshare", "nsenter", "systemctl", "ip", "nginx", "certbot", "pebble"],
  ...["pebble-challtestsrv", "prometheus", "promtool", "prometheus-node-exporter"],
  ...["prometheus-alertmanager", "amtool", "curl", "jq", "/usr/bin/python3", "openssl"],
  ...["bash", "useradd", "/etc/ssl/certs/ca-certificates.crt"],
];
const LIST = fileURLToPath(new URL("debian-packages.txt", import.meta.url));
const PROBE = fileURLToPath(new URL("probe.sh", import.meta.url));
const DOCKERFILE = fileURLToPath(
  new URL("../../packages/crdt-relayer/deploy/Dockerfile", import.meta.url),
);

/** What makes and runs images: docker, or what takes the same arguments. */
export const DOCKER = process.env["DOCKER"] || "docker";

/** The command that brings the programs, besides what every Debian has. `.ci/run` reads the same list. */
export const INSTALL = `apt-get install ${readFileSync(LIST, "utf8").trim().split("\n").join(" ")}`;

/** The names of programs that are missing. */
export function missingPrograms(): string[] {
  const script = `for name; do [ -r "$name" ] || command -v "$name" > /dev/null || echo "$name"; done`;
  const { stdout } = spawnSync("sh", ["-c", script, "sh", ...PROGRAMS], { encoding: "utf8" });
  // No shell: not a machine for this.
  return stdout === null ? PROGRAMS : stdout.split("\n").filter((name) => name !== "");
}

/** Why no machines can be made here, whatever is installed: who runs this, or what the kernel says; null when they can. */
export function refusal(): string | null {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "this needs root";
  const { status, stderr, error } = spawnSync("sh", [PROBE], { encoding: "utf8" });
  if (status === 0) return null;
  const said = error?.message ?? stderr.trim().replaceAll("\n", "; ");
  return `the kernel, or who guards it, refuses: ${said || `exit code ${status}`}`;
}

/** Why no image can be made here without fetching any, or null when one can. */
export function imageRefusal(): string | null {
  const answers = (...args: readonly string[]): boolean =>
    spawnSync(DOCKER, args, { stdio: "ignore", timeout: 10_000 }).status === 0;
  if (!answers("version")) return `no ${DOCKER} answers here`;
  const [, base = ""] = /^FROM (\S+)$/mu.exec(readFileSync(DOCKERFILE, "utf8")) ?? [];
  return answers("image", "inspect", base)
    ? null
    : `${base} is not here; to run them: ${DOCKER} pull ${base}`;
}
