/**
 * Real processes for tests: nodes, a relayer, and a TCP proxy between them that can be cut. Everything is on the
 * loopback interface and in temporary folders, and is gone when the test is over.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, connect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_BIN = commandOf("crdt-node");
const RELAYER_BIN = commandOf("crdt-relayer");

/** Milliseconds after which a wait gives up; far above what a loaded machine needs. */
const PATIENCE_MS = 60_000;

/** The file of a command: built, where the tests' setup has built it (see test/built-programs.ts of the workspace), else in the sources. */
export function commandOf(name: "crdt-node" | "crdt-relayer"): string {
  const built = process.env["BUILT_PACKAGES"];
  const packages = built ?? fileURLToPath(new URL("../..", import.meta.url));
  return join(packages, name, "bin", `${name}.js`);
}

/** The address of a relay where nobody listens: the port belongs to a service that no machine runs any more. */
export const NOWHERE = "ws://127.0.0.1:9/websocket";

/**
 * The environment for a node's command that keeps it from the default relay. Whoever runs the tests may have one there, and
 * what a test writes must never stand in their room. A command that is told where to connect is left alone.
 */
export function awayFromDefaultRelay(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return isToldWhereToConnect(args, env) ? env : { ...env, SIDE_RELAY: NOWHERE };
}

/** True when an option, a variable or the node's config file names relays or peers, or says that there are none. */
function isToldWhereToConnect(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (args.some((argument) => /^--(?:(?:no-)?relay|peer|listen)(?:=|$)/u.test(argument)))
    return true;
  if (["SIDE_RELAY", "SIDE_PEER", "SIDE_LISTEN"].some((name) => (env[name] ?? "") !== ""))
    return true;
  const [, name = ""] = args;
  try {
    const config = readFileSync(join(env["SIDE_HOME"] ?? "", name, "config.toml"), "utf8");
    return /^(?:relays|peers|listen)\s*=/mu.test(config);
  } catch {
    // There is no such node, or it has no such file.
    return false;
  }
}

/** What a command that has ended left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process whose lines are kept and can be waited for. */
export class Program {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly errorLines: string[] = [];
  readonly exited: Promise<Outcome>;
  readonly #waiting = new Set<() => void>();
  readonly #label: string;

  /** `isApart`: in a session of its own, which no Ctrl-C reaches and which the system schedules apart. */
  constructor(bin: string, args: readonly string[], env: NodeJS.ProcessEnv, isApart = false) {
    this.#label = args.join(" ");
    this.child = spawn(process.execPath, [bin, ...args], { env, stdio: "pipe", detached: isApart });
    // A process that was killed in the middle of its input.
    this.child.stdin?.on("error", () => undefined);
    const texts = { stdout: "", stderr: "" };
    const collect = (name: "stdout" | "stderr", lines: string[]): void => {
      let rest = "";
      const stream = this.child[name];
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        texts[name] += text;
        const parts = (rest + text).split("\n");
        rest = parts.pop() ?? "";
        lines.push(...parts);
        this.#wake();
      });
    };
    collect("stdout", this.lines);
    collect("stderr", this.errorLines);
    this.exited = new Promise((resolve) => {
      this.child.on("close", (code) => {
        resolve({ code, ...texts });
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Writes to the process's input. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Resolves when the condition holds; it is looked at whenever a line has come. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!condition()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null || Date.now() > deadline) {
        const tail = [...this.lines.slice(-10), "stderr:", ...this.errorLines.slice(-10)].join(
          "\n",
        );
        throw new Error(`"${this.#label}" never came to: ${what}\n${tail}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 1_000);
        const waiting = this.#waiting;
        function wake(): void {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  /** Resolves to the first line of stdout that fits. */
  async line(pattern: RegExp): Promise<string> {
    await this.until(`a line like ${pattern}`, () => this.lines.some((line) => pattern.test(line)));
    return this.lines.find((line) => pattern.test(line)) ?? "";
  }

  /** Resolves to the first line of stderr that fits. */
  async errorLine(pattern: RegExp): Promise<string> {
    await this.until(`an error line like ${pattern}`, () =>
      this.errorLines.some((line) => pattern.test(line)),
    );
    return this.errorLines.find((line) => pattern.test(line)) ?? "";
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals = "SIGTERM"): Promise<Outcome> {
    this.child.kill(signal);
    return this.exited;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** A home for nodes and relayers, and all that runs in it. */
export class Place {
  readonly home: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #programs: Program[] = [];
  readonly #proxies: Proxy[] = [];

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.home = mkdtempSync(join(tmpdir(), "side-test-"));
    const { PATH, HOME, TMPDIR } = process.env;
    this.#env = { PATH, HOME, TMPDIR, NO_COLOR: "1", SIDE_HOME: this.home, ...env };
  }

  /** Starts a crdt-node that is to stay up, or to be watched while it works; it reaches no relay but those that it is told of. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    return this.#start(NODE_BIN, args, awayFromDefaultRelay(args, { ...this.#env, ...env }));
  }

  /** Runs a crdt-node command to its end. */
  run(args: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const program = this.start(args, env);
    program.child.stdin?.end(input);
    return program.exited;
  }

  /** Starts a relayer on a free port, or on the given one; resolves when it listens. */
  async relay(data: string, port = 0): Promise<{ program: Program; port: number; url: string }> {
    const args = ["--port", String(port), "--data", data, "--log-level", "warn"];
    const program = this.#start(RELAYER_BIN, args, this.#env);
    const line = await program.line(/^listening ws:/u);
    const url = line.replace("listening ", "");
    return { program, port: Number(new URL(url).port), url };
  }

  /** A proxy to a port of this machine. */
  async proxy(port: number): Promise<Proxy> {
    const proxy = await Proxy.to(port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Ends what still runs and removes all that was made. */
  async clear(): Promise<void> {
    for (const proxy of this.#proxies) proxy.close();
    await Promise.all(
      this.#programs.map((program) => {
        program.child.kill("SIGKILL");
        return program.exited;
      }),
    );
    rmSync(this.home, { recursive: true, force: true });
  }

  #start(bin: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
    const program = new Program(bin, args, env);
    this.#programs.push(program);
    return program;
  }
}

/** Passes bytes on, until it is cut; then it takes no connections either, until it is mended. */
export class Proxy {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async to(port: number): Promise<Proxy> {
    const server = createServer((near) => {
      if (proxy.#isCut) {
        near.destroy();
        return;
      }
      const far = connect(port, "127.0.0.1");
      for (const socket of [near, far]) {
        proxy.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          proxy.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    const proxy = new Proxy(server, `ws://127.0.0.1:${address.port}/websocket`);
    return proxy;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
