/**
 * Servers of NATS JetStream that a test starts: on free ports of the loopback, in a temporary folder, stopped by their
 * process ids when the test ends. There is no way around a real one: without `nats-server` these tests fail.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Network } from "./namespaces.ts";

/** What is done about a missing server. */
const MISSING = "these tests need nats-server 2.9 or newer: apt-get install nats-server";

/** What a configuration may add. */
export interface ServerOptions {
  /** Lines of the configuration file. */
  readonly lines?: readonly string[];
  /** Without it, the server is one of plain NATS. */
  readonly hasJetStream?: boolean;
  /** Puts each server into a place of its own; else all are on the loopback. */
  readonly network?: Network;
}

/** Where a server runs: its address, and how the program is started there. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly command: readonly string[];
}

/** One server, which can be stopped and started again on its port and folder. */
export class NatsServer {
  readonly name: string;
  readonly #place: Place;
  readonly #config: string;
  readonly #data: string;
  #process: ChildProcess | null = null;

  constructor(name: string, place: Place, config: string, data: string) {
    this.name = name;
    this.#place = place;
    this.#config = config;
    this.#data = data;
  }

  get url(): string {
    return `nats://${this.#place.host}:${this.#place.port}`;
  }

  /** Resolves when it takes connections; rejects with what it said. */
  async start(): Promise<void> {
    const [program, ...before] = [...this.#place.command, "nats-server"];
    const child = spawn(program ?? "", [...before, "-c", this.#config], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    const said: string[] = [];
    const failure = once(child, "error").then(([error]) => {
      const { code } = error as NodeJS.ErrnoException;
      throw code === "ENOENT" ? new Error(MISSING) : (error as Error);
    });
    const end = once(child, "exit").then(() => {
      throw new Error(`nats-server ended: ${said.join("\n")}`);
    });
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        if (said.length < 100) said.push(line);
        if (line.includes("Server is ready")) resolve();
      });
    });
    // Only the first of them says something; the others may end as they like.
    for (const one of [failure, end]) one.catch(() => undefined);
    try {
      await Promise.race([ready, failure, end]);
    } catch (error) {
      this.#process = null;
      throw error;
    }
  }

  /** Ends it by a signal, and waits for its end. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const end = once(child, "exit");
    child.kill(signal);
    child.kill("SIGCONT");
    await end;
  }

  /** Makes a copy of what it stores, while it is stopped. */
  keepCopy(): void {
    cpSync(this.#data, this.#copy, { recursive: true });
  }

  /** Has it store what it did when the copy was made, while it is stopped: all since is lost. */
  goBack(): void {
    rmSync(this.#data, { recursive: true });
    cpSync(this.#copy, this.#data, { recursive: true });
  }

  get #copy(): string {
    return `${this.#data}-copy`;
  }

  /** Stops its processor time, as if its machine or its cable were gone; nothing is closed. Returns when it stands still. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
    const threads = `/proc/${this.#process?.pid}/task`;
    if (!existsSync(threads)) return;
    // On a busy machine some of its threads still run for a moment.
    let isStill = false;
    while (!isStill) {
      isStill = readdirSync(threads).every((thread) => isStopped(`${threads}/${thread}/stat`));
    }
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** One server, or several of a cluster; `close` stops them and removes their folder. */
export interface Servers {
  readonly list: readonly NatsServer[];
  /** Addresses of all, with commas. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts so many servers, of one cluster when there is more than one. */
export async function startServers(count: number, options: ServerOptions = {}): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "nats-servers-"));
  const ports = await freePorts(count * 2);
  const { network } = options;
  const hosts = ports.map((_, index) => network?.addressOf(index % count) ?? "127.0.0.1");
  const routes = ports.slice(count).map((port, index) => `nats://${hosts[index]}:${port}`);
  const list = ports.slice(0, count).map((port, index) => {
    const host = hosts[index] ?? "";
    const place = { host, port, command: network?.enter(index) ?? [] };
    const data = join(folder, `data${index}`);
    mkdirSync(data);
    const config = join(folder, `server${index}.conf`);
    const lines = [
      `server_name: server${index}`,
      `listen: ${host}:${port}`,
      ...(options.hasJetStream === false
        ? []
        : [`jetstream { store_dir: ${JSON.stringify(data)}, max_file_store: 1GB }`]),
      ...(count === 1
        ? []
        : [
            `cluster { name: tests, listen: ${host}:${ports[count + index]}, routes: ${JSON.stringify(routes)} }`,
          ]),
      ...(options.lines ?? []),
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    return new NatsServer(`server${index}`, place, config, data);
  });
  const close = async (): Promise<void> => {
    await Promise.all(list.map((server) => server.stop("SIGKILL")));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(list.map((server) => server.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { list, url: list.map(({ url }) => url).join(","), close };
}

/** Whether a thread stands still by its status file: the letter behind its name in brackets (Linux, proc(5)). */
function isStopped(status: string): boolean {
  return / \(.*\) [TtXZ] /u.test(readFileSync(status, "utf8"));
}

/** Ports that nobody uses; all are held until the last is found, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer();
      holder.listen(0, "127.0.0.1");
      await once(holder, "listening");
      return holder;
    }),
  );
  return Promise.all(
    holders.map(async (holder) => {
      const address = holder.address();
      holder.close();
      await once(holder, "close");
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
}
