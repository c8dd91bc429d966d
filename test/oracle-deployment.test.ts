// docs/oracle-deployment.md does what it says: its commands are typed into one shell, in order, and print what the page shows;
// its units, rules and settings name only what is there. In what is printed `…` stands for anything; a line of just `…` for any lines.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandOf } from "../packages/crdt-node/test/processes.ts";
import { completeSettings } from "../packages/crdt-relayer/src/settings.ts";
import { pattern, stepsOf } from "./page-steps.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "docs/oracle-deployment.md"), "utf8");
const files = join(root, "docs/oracle-deployment");
const scratch = mkdtempSync(join(tmpdir(), "oracles-"));

/** What the page and its files call by a number that may be taken here. */
const ports = new Map([
  ["8443", ""],
  ["9464", ""],
  ["8555", ""],
]);
let shell: Shell | null = null;
const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", HOME: scratch };

beforeAll(async () => {
  for (const name of ports.keys()) ports.set(name, String(await freePort()));
  for (const name of ["SIDE_HOME", "SIDE_RELAY", "SIDE_ROOM", "SIDE_PEER", "SIDE_LISTEN"])
    delete env[name];
  // The commands as a global installation would have them.
  const bin = join(scratch, "bin");
  mkdirSync(bin);
  for (const name of ["crdt-node", "crdt-relayer"] as const) {
    const script = commandOf(name);
    writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  env["PATH"] = `${bin}${delimiter}${process.env["PATH"]}`;
  const guide = join(scratch, "docs/oracle-deployment");
  cpSync(files, guide, { recursive: true });
  for (const name of readdirSync(guide)) {
    const file = join(guide, name);
    writeFileSync(file, withPorts(readFileSync(file, "utf8")));
  }
});
afterAll(async () => {
  await shell?.end();
  rmSync(scratch, { recursive: true, force: true });
});

test("the commands of the page, typed in order, print what it shows", async () => {
  const steps = stepsOf(withPorts(page), "user");
  expect(steps.length).toBeGreaterThan(25);
  shell = new Shell();
  for (const { commands, expected } of steps) {
    const printed = await shell.run(commands);
    if (expected !== null) expect(printed, `$ ${commands}`).toMatch(pattern(expected));
  }
  // Alerts speak of names that there are.
  const printed = await shell.run(
    withPorts(
      "curl --silent http://127.0.0.1:9464/metrics; cat ann.feed.prom; SIDE_HOME=side sh $GUIDE/node-metrics.sh ben",
    ),
  );
  const known = new Set([
    ...printed.match(/^[a-z_]+/gmu)!,
    // What Prometheus and node_exporter say themselves.
    ...["up", "node_textfile_mtime_seconds"],
  ]);
  const named = readFileSync(join(files, "alerts.yml"), "utf8")
    .split("\n")
    .flatMap((line) => /expr: (?:time\(\) - |rate\()?([a-z_]+)/u.exec(line)?.[1] ?? []);
  expect(named.length).toBe(9);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
}, 300_000);

test("every block of the page is a command that is run, or is marked as root's or the network's", () => {
  const languages = [...page.matchAll(/^```(.*)\n(?:(?!^```)[\s\S])*?^```$/gmu)].map(
    ([, language]) => language,
  );
  expect(new Set(languages)).toEqual(
    new Set([
      ...["", "sh", "console", "sh network"],
      ...["sh root relay", "console root relay", "sh root oracle", "console root oracle"],
    ]),
  );
  expect(languages.filter((language) => language === "").length).toBe(1);
});

const analyze = spawnSync("systemd-analyze", ["--version"]);

test.skipIf(analyze.error !== undefined)("systemd takes the units as they are", () => {
  const units = join(scratch, "units");
  mkdirSync(units);
  const names = readdirSync(files).filter((name) => /@\.(?:service|timer)$/u.test(name));
  expect(names).toHaveLength(5);
  for (const name of names) {
    // Where the programs are on this machine: systemd looks whether they are there.
    const text = readFileSync(join(files, name), "utf8")
      .replace("/usr/local/bin/crdt-node", join(scratch, "bin/crdt-node"))
      .replace("/usr/bin/python3", "/bin/sh")
      .replace("/usr/local/lib/oracle/node-metrics.sh", "/bin/sh");
    writeFileSync(join(units, name.replace("@", "@ann")), text);
  }
  const made = readdirSync(units).map((name) => join(units, name));
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", ...made], {
    encoding: "utf8",
  });
  expect(`${stdout}${stderr}`).toBe("");
  expect(status).toBe(0);
});

test("the units start what the rehearsal starts, and read what the page writes", () => {
  expect(execStart("oracle-node@.service")).toBe("/usr/local/bin/crdt-node run %i");
  const feed = execStart("oracle-feed@.service");
  expect(feed).toContain("/usr/local/lib/oracle/feed.py --metrics ");
  expect(feed).toMatch(/%i \$PAIR \$SOURCES$/u);
  expect(page).toContain(String.raw`printf 'PAIR=%s\nSOURCES=%s\n'`);
});

test("what is watched of a node that does not run is still what Prometheus reads", () => {
  const home = { ...env, SIDE_HOME: join(scratch, "still") };
  expect(spawnSync("crdt-node", ["init", "ann"], { env: home }).status).toBe(0);
  const script = join(files, "node-metrics.sh");
  const file = join(scratch, "ann.node.prom");
  const asked = spawnSync("sh", [script, "ann", file], { env: home, encoding: "utf8" });
  expect([asked.status, asked.stdout, asked.stderr]).toEqual([0, "", ""]);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toContain('oracle_node_running{node="ann"} 0');
  // One line that is none, and node_exporter shows nothing of the file.
  for (const line of lines) expect(line).toMatch(/^oracle_node_[a-z_]+\{node="ann"\} \d+$/u);
});

test("the node's unit lets a person see what happens, and gives up only where a person must act", () => {
  const unit = readFileSync(join(files, "oracle-node@.service"), "utf8");
  // Node tries a system call that the filter does not have; being killed for it is the default.
  expect(unit).toMatch(/^SystemCallFilter=@system-service$/mu);
  expect(unit).toMatch(/^SystemCallErrorNumber=EPERM$/mu);
  // By default it goes where stdout goes.
  expect(unit).toMatch(/^StandardOutput=null$/mu);
  expect(unit).toMatch(/^StandardError=journal$/mu);
  expect(unit).toMatch(/^StartLimitIntervalSec=0$/mu);
  expect(unit).toMatch(/^RestartPreventExitStatus=2 5$/mu);
});

test("nginx waits for longer than a relay is silent, and believes no client about himself", () => {
  const proxy = readFileSync(join(files, "nginx.conf"), "utf8");
  const { pingSeconds } = completeSettings({}, {});
  for (const side of ["read", "send"]) {
    const [, seconds] = new RegExp(`proxy_${side}_timeout (\\d+)s;`, "u").exec(proxy)!;
    expect(Number(seconds)).toBeGreaterThan(2 * pingSeconds);
  }
  expect(proxy).toContain("proxy_set_header X-Forwarded-For $remote_addr;");
  expect(proxy).toContain('proxy_set_header X-Forwarded-Host "";');
  // Both speak of one port and of one name.
  const settings = readFileSync(join(files, "relayer-nginx.toml"), "utf8");
  expect(proxy).toContain("proxy_pass http://127.0.0.1:8080;");
  expect(settings).toMatch(/^port = 8080$/mu);
  expect(settings).toMatch(/^hosts = \["relay\.example"\]$/mu);
  const file = join(files, "relayer-nginx.toml");
  const read = spawnSync("crdt-relayer", ["config", "--config", file], { env, encoding: "utf8" });
  expect([read.status, read.stderr]).toEqual([0, ""]);
});

/** One shell for the whole page: what a block sets, the next ones have. */
class Shell {
  readonly #shell = spawn("bash", ["--noprofile", "--norc"], {
    env,
    cwd: scratch,
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  readonly #closed = new Promise((resolve) => this.#shell.once("close", resolve));
  readonly #chunks = this.#shell.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  #count = 0;

  constructor() {
    this.#shell.stdin.on("error", () => {}); // it has ended: `run` says so
    this.#shell.stdin.write("set -eu -o pipefail; exec 2>&1\n");
  }

  /** What the commands have printed, on either stream. Throws when one fails. */
  async run(commands: string): Promise<string> {
    const file = join(scratch, `step-${++this.#count}.sh`);
    writeFileSync(file, `${commands}\n`);
    const mark = `done-${this.#count}-`;
    this.#shell.stdin.write(`source ${file} < /dev/null; echo ${mark}\n`);
    let printed = "";
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new Error(`this failed:\n${commands}\n${printed}`);
      printed += value.toString();
      if (printed.endsWith(`${mark}\n`)) return printed.slice(0, -mark.length - 1).trimEnd();
    }
  }

  /** Ends it and what it has started. */
  async end(): Promise<void> {
    this.#shell.stdout.resume();
    if (this.#shell.exitCode === null) process.kill(-this.#shell.pid!, "SIGTERM");
    await this.#closed;
  }
}

function execStart(unit: string): string {
  return /^ExecStart=(.*)$/mu.exec(readFileSync(join(files, unit), "utf8"))?.[1] ?? "";
}

function withPorts(text: string): string {
  return text.replace(/\b(?:8443|9464|8555)\b/gu, (name) => ports.get(name)!);
}

/** A port of this machine that nobody uses now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
