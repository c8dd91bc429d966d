/**
 * Where a node's settings come from: flags win over SIDE_* variables, those over config.toml, that over the defaults.
 * Every value is checked here, so that nothing below has to.
 */
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { CommandError, EXIT, messageOf, systemCode } from "./exit-codes.ts";
import { quoted } from "./home.ts";
import {
  BUDGET_NAMES,
  BUDGETS,
  type Budgets,
  DEFAULT_BUDGETS,
  DEFAULT_PEER_BOUNDS,
  flagOf,
  variableOf,
} from "./limits.ts";
import { guess } from "./nearest.ts";

/** What was set explicitly; absent means "not given". */
export interface Given {
  readonly relays?: readonly string[] | undefined;
  readonly peers?: readonly string[] | undefined;
  readonly listen?: ListenAddress | undefined;
  readonly maxPeers?: number | undefined;
  readonly room?: string | undefined;
  /** Checked, those that were given. */
  readonly budgets?: Partial<Budgets>;
}

/** Complete and checked. */
export interface Settings {
  readonly room: string;
  /** True when a flag or a variable named the room: then a running node in another room is the wrong one. */
  readonly roomIsExplicit: boolean;
  readonly relays: readonly string[];
  /** Other nodes to connect to. */
  readonly peers: readonly string[];
  /** Where other nodes may connect; null is nowhere. */
  readonly listen: ListenAddress | null;
  /** Connections from other nodes at once. */
  readonly maxPeers: number;
  readonly budgets: Budgets;
}

/** An address of this machine and a port; 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_ROOM = "main";
/** Who listens is found by programs of this machine only, unless another address is named. */
export const DEFAULT_LISTEN_HOST = "127.0.0.1";
export const DEFAULT_RELAY = "ws://127.0.0.1:8080/websocket";

/** Longest name of a room in characters: a line of a screen, and well within what a document's name may be. */
const MAX_ROOM_CHARACTERS = 128;

/** Connections from peers that can be asked for at most: beyond, a relay does it better. */
const MOST_PEERS = 10_000;

/** The settings of a node whose config.toml is at `configPath`; throws CommandError when a value is wrong. */
export function loadSettings(configPath: string, flags: Given, env: NodeJS.ProcessEnv): Settings {
  const config = readConfig(configPath);
  const variables = fromEnvironment(env);
  const room = flags.room ?? variables.room;
  const peers = flags.peers ?? variables.peers ?? config.peers ?? [];
  const listen = flags.listen ?? variables.listen ?? config.listen ?? null;
  // Who names peers and no relay needs none.
  const isAlone = peers.length === 0 && listen === null;
  return {
    room: room ?? config.room ?? DEFAULT_ROOM,
    roomIsExplicit: room !== undefined,
    relays: flags.relays ?? variables.relays ?? config.relays ?? (isAlone ? [DEFAULT_RELAY] : []),
    peers,
    listen,
    maxPeers:
      flags.maxPeers ?? variables.maxPeers ?? config.maxPeers ?? DEFAULT_PEER_BOUNDS.maxPeers,
    budgets: {
      ...DEFAULT_BUDGETS,
      ...config.budgets,
      ...variables.budgets,
      ...flags.budgets,
    },
  };
}

/** Reads those budgets that `find` has a value for, by name; throws CommandError for what is no budget. */
export function checkBudgets(
  find: (name: keyof Budgets) => unknown,
  sourceOf: (name: keyof Budgets) => string,
): Partial<Budgets> {
  const budgets: { -readonly [K in keyof Budgets]?: number } = {};
  for (const name of BUDGET_NAMES) {
    const value = find(name);
    if (value !== undefined) budgets[name] = checkBudget(name, value, sourceOf(name));
  }
  return budgets;
}

function checkBudget(name: keyof Budgets, value: unknown, source: string): number {
  const { least, standard } = BUDGETS[name];
  const bytes = typeof value === "string" && /^\d{1,16}$/u.test(value) ? Number(value) : value;
  if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= least) return bytes;
  const why = least > 0 ? ": a change of the greatest size must fit" : "";
  throw new CommandError(EXIT.usage, {
    what: `${source} cannot be ${JSON.stringify(value)}`,
    why: `it must be a whole number of bytes, at least ${least}${why}`,
    next: instead(source, standard),
  });
}

/** The text of a new config.toml: the settings, and what each of them means. `relays` is null for the default one. */
export function configText(name: string, room: string, relays: readonly string[] | null): string {
  const list = (relays ?? [DEFAULT_RELAY]).map((relay) => JSON.stringify(relay)).join(", ");
  return `# Settings of the crdt-node "${name}".
# Flags (--room, --relay, --peer, --listen) and variables (SIDE_ROOM, SIDE_RELAY, SIDE_PEER, SIDE_LISTEN) win over
# this file.

# Everyone who names the same room edits the same document.
room = ${JSON.stringify(room)}

# The relays to connect to, all at once. One is enough; none can forge anything.
${relays === null ? "# Unless peers are named, this one is used:\n# " : ""}relays = [${list}]

# Other nodes to connect to, and where others may connect to this one: with peers no relay is needed.
# peers = ["ws://127.0.0.1:9001"]
# listen = "127.0.0.1:9001"
# max-peers = ${DEFAULT_PEER_BOUNDS.maxPeers}

# Bounds of what is held in memory, in bytes; crdt-node run --help tells what each is.
${BUDGET_NAMES.map((budget) => `# ${flagOf(budget)} = ${BUDGETS[budget].standard}`).join("\n")}
`;
}

/** Checks a room's name that came from `source` ("--room", "SIDE_ROOM", a file). */
export function checkRoom(room: string, source: string): string {
  const bad =
    room === ""
      ? "it is empty"
      : [...room].length > MAX_ROOM_CHARACTERS
        ? `it is longer than ${MAX_ROOM_CHARACTERS} characters`
        : /[\p{Cc}\p{Cs}\p{Z}]/u.test(room)
          ? "it holds a space or a control character"
          : null;
  if (bad === null) return room;
  throw new CommandError(EXIT.usage, {
    what: `${source} cannot be the name of a room`,
    why: bad,
    next: instead(source, DEFAULT_ROOM),
  });
}

/** Checks a relay's address that came from `source`, and completes it with the path that relays listen on. */
export function checkRelay(address: string, source: string): string {
  return checkAddress(address, source, "relay", DEFAULT_RELAY);
}

/** Checks the address of another node that came from `source`, and completes it with the path that nodes listen on. */
export function checkPeer(address: string, source: string): string {
  return checkAddress(address, source, "peer", "ws://127.0.0.1:9001");
}

function checkAddress(
  address: string,
  source: string,
  kind: "relay" | "peer",
  example: string,
): string {
  const bad = (why: string): CommandError =>
    new CommandError(EXIT.usage, {
      what: `${source} is not the address of a ${kind}: ${address.slice(0, 200)}`,
      why,
      next: instead(source, [example]),
    });
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw bad("it is not a URL");
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    const guess = url.protocol === "http:" ? "ws:" : "wss:";
    const why = `a ${kind}'s address begins with ws:// or wss://, not ${url.protocol}//`;
    throw bad(url.protocol.startsWith("http") ? `${why}; try ${guess}//${url.host}` : why);
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    throw bad(`a ${kind}'s address has no user, password or #fragment`);
  if (url.pathname === "/") url.pathname = "/websocket";
  return url.href;
}

/** Reads PORT, HOST:PORT or [IPv6]:PORT, which came from `source`. */
export function checkListen(value: string | number, source: string): ListenAddress {
  const text = String(value);
  const [, inBrackets, plain, digits = ""] =
    /^(?:(?:\[([\da-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/iu.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== "" && port <= 65_535)
    return { host: inBrackets ?? plain ?? DEFAULT_LISTEN_HOST, port };
  throw new CommandError(EXIT.usage, {
    what: `${source} cannot be ${JSON.stringify(text.slice(0, 200))}`,
    why: "it must be a port from 0 to 65535, or HOST:PORT with an address of this machine",
    next: instead(source, 9001),
  });
}

/** Reads a number of connections that came from `source`. */
export function checkMaxPeers(value: unknown, source: string): number {
  const number = typeof value === "string" && /^\d{1,5}$/u.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= MOST_PEERS)
    return number;
  throw new CommandError(EXIT.usage, {
    what: `${source} cannot be ${JSON.stringify(value)}`,
    why: `it must be a whole number from 1 to ${MOST_PEERS}`,
    next: instead(source, DEFAULT_PEER_BOUNDS.maxPeers),
  });
}

/** What to write in the place of a value that is wrong, as it is written there: an option, a variable or a line of a file. */
function instead(source: string, value: string | number | readonly string[]): string {
  const [, key, path] = /^"(.+?)" in (.+)$/su.exec(source) ?? [];
  if (key !== undefined) return `write ${key} = ${JSON.stringify(value)} into ${path}`;
  return `${source}${source.startsWith("--") ? " " : "="}${[value].flat().join(",")}`;
}

/** Variables that are read elsewhere, or by the other programs of this folder. */
const OTHER_VARIABLES = ["SIDE_HOME", "SIDE_DEBUG"];

/** What there is to say about variables that look like ours and are none. They are no error: other programs may have them. */
export function strangeVariables(env: NodeJS.ProcessEnv): string[] {
  const settings = ["SIDE_ROOM", "SIDE_RELAY", "SIDE_PEER", "SIDE_LISTEN", "SIDE_MAX_PEERS"];
  const known = [...settings, ...OTHER_VARIABLES, ...BUDGET_NAMES.map(variableOf)];
  return Object.entries(env)
    .filter(
      ([name, value]) =>
        name.startsWith("SIDE_") && !name.startsWith("SIDE_RELAYER_") && value !== "",
    )
    .filter(([name]) => !known.includes(name))
    .map(([name]) => `the variable ${name} is no setting of a node${guess(name, known)}`);
}

function fromEnvironment(env: NodeJS.ProcessEnv): Given {
  // A variable that is set to nothing is not set: that is how shells and containers "unset" one.
  const relays = listOf(env["SIDE_RELAY"]);
  const peers = listOf(env["SIDE_PEER"]);
  const listen = env["SIDE_LISTEN"] ?? "";
  const maxPeers = env["SIDE_MAX_PEERS"] ?? "";
  const room = env["SIDE_ROOM"] ?? "";
  return {
    relays: relays?.map((address) => checkRelay(address, "SIDE_RELAY")),
    peers: peers?.map((address) => checkPeer(address, "SIDE_PEER")),
    listen: listen === "" ? undefined : checkListen(listen, "SIDE_LISTEN"),
    maxPeers: maxPeers === "" ? undefined : checkMaxPeers(maxPeers, "SIDE_MAX_PEERS"),
    room: room === "" ? undefined : checkRoom(room, "SIDE_ROOM"),
    budgets: checkBudgets((name) => env[variableOf(name)] || undefined, variableOf),
  };
}

function listOf(text = ""): readonly string[] | undefined {
  const entries = text.split(/[\s,]+/u).filter((entry) => entry !== "");
  return entries.length === 0 ? undefined : entries;
}

function readConfig(path: string): Given {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    // Someone who deletes it gets the defaults.
    if (systemCode(error) === "ENOENT") return {};
    throw new CommandError(EXIT.failure, {
      what: `cannot read ${path}`,
      why: messageOf(error),
      next: `ls -la ${quoted(path)}`,
    });
  }
  let table: { readonly [key: string]: unknown };
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `line ${error.line}, column ${error.column}`;
    throw badConfig(path, `${place} is not TOML: ${reasonOf(error)}`);
  }
  const known = ["room", "relays", "peers", "listen", "max-peers", ...BUDGET_NAMES.map(flagOf)];
  for (const key of Object.keys(table)) {
    if (!known.includes(key))
      throw badConfig(
        path,
        `unknown setting "${key}"${guess(key, known, ` (known: ${known.join(", ")})`)}`,
      );
  }
  const { room, relays, peers, listen, "max-peers": maxPeers } = table;
  if (room !== undefined && typeof room !== "string")
    throw badConfig(path, "room must be a string");
  if (relays !== undefined && !isStrings(relays))
    throw badConfig(path, "relays must be a list of strings");
  if (peers !== undefined && !isStrings(peers))
    throw badConfig(path, "peers must be a list of strings");
  if (listen !== undefined && typeof listen !== "string" && typeof listen !== "number")
    throw badConfig(path, "listen must be a port, or a string with HOST:PORT");
  return {
    room: room === undefined ? undefined : checkRoom(room, `"room" in ${path}`),
    relays: relays?.map((address) => checkRelay(address, `"relays" in ${path}`)),
    peers: peers?.map((address) => checkPeer(address, `"peers" in ${path}`)),
    listen: listen === undefined ? undefined : checkListen(listen, `"listen" in ${path}`),
    maxPeers:
      maxPeers === undefined ? undefined : checkMaxPeers(maxPeers, `"max-peers" in ${path}`),
    budgets: checkBudgets(
      (name) => table[flagOf(name)],
      (name) => `"${flagOf(name)}" in ${path}`,
    ),
  };
}

/** What the parser says, without its title and its picture of the line. */
function reasonOf(error: TomlError): string {
  const [first = ""] = error.message.split("\n");
  return first.replace(/^Invalid TOML document: /u, "");
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function badConfig(path: string, why: string): CommandError {
  return new CommandError(EXIT.usage, {
    what: `cannot use ${path}`,
    why,
    next: `\${EDITOR:-vi} ${quoted(path)}`,
  });
}
