/**
 * Where a relay's settings come from: flags win over SIDE_RELAYER_* variables, those over the config file, that over the
 * defaults. One table names them all; flags, variables, TOML keys and help are made from it, so they cannot differ.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify, TomlError } from "smol-toml";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import { readRange } from "./client-address.ts";
import { readHostName } from "./host-names.ts";
import * as limits from "./limits.ts";
import { readNatsAddress } from "./nats/address.ts";
import { guess } from "./nearest.ts";
import { ANY_ORIGIN, ONLY_BROWSERS, readOrigin } from "./origins.ts";
import { faultInRules, readRules, RULES_FORM, type RulesByRoom, rulesText } from "./room-rules.ts";

/** How much the log says. */
export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";

/** Complete and checked. Bytes and seconds where the name says so. */
export interface Settings {
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The folder with the store, absolute; `:memory:` keeps nothing. */
  readonly data: string;
  /** Where rooms are kept: {@link EMBEDDED}, or the addresses of NATS servers. */
  readonly backplane: string;
  /** The stream that all relays of one backplane share. */
  readonly backplaneStream: string;
  /** How many servers keep the stream at least. */
  readonly backplaneReplicas: number;
  readonly logLevel: LogLevel;
  /** Origins of web pages that may connect; see origins.ts. */
  readonly origins: readonly string[];
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustProxy: readonly string[];
  /** Files in PEM, absolute; both or, when they are empty, none. */
  readonly tlsCert: string;
  readonly tlsKey: string;
  /** A port of its own for metrics, METRICS_SAME_PORT or METRICS_OFF. */
  readonly metricsPort: number | typeof METRICS_OFF;
  /** The address to listen on there. */
  readonly metricsHost: string;
  readonly maxRooms: number;
  readonly maxSessions: number;
  readonly maxRoomSessions: number;
  readonly maxAddressSessions: number;
  readonly maxFrameBytes: number;
  readonly sessionRateBytes: number;
  readonly sessionBurstBytes: number;
  readonly addressRateBytes: number;
  readonly addressBurstBytes: number;
  readonly keyRateBytes: number;
  readonly keyBurstBytes: number;
  readonly roomRateBytes: number;
  readonly roomBurstBytes: number;
  readonly rateCloseSeconds: number;
  readonly sessionFaults: number;
  readonly pendingBytes: number;
  readonly roomPendingBytes: number;
  readonly peerPendingBytes: number;
  readonly authorPendingBytes: number;
  readonly exposedPendingBytes: number;
  readonly inboxBytes: number;
  readonly sessionInboxBytes: number;
  readonly sendBytes: number;
  readonly sendSoftBytes: number;
  readonly sendHardBytes: number;
  readonly sendSeconds: number;
  readonly resendBytes: number;
  readonly handshakeSeconds: number;
  readonly maxHeaderBytes: number;
  readonly maxHttpConnections: number;
  readonly joinSeconds: number;
  readonly pingSeconds: number;
  readonly roomGraceSeconds: number;
  readonly drainSeconds: number;
  readonly backplaneGraceSeconds: number;
  /** Every room asks programs for their key; see authentication.ts. */
  readonly authenticate: boolean;
  /** Names by which clients call the relay; none stands for the address that they connect to. */
  readonly hosts: readonly string[];
  /** Who may read and write in which room; see room-rules.ts. */
  readonly rooms: RulesByRoom;
}

/** The value of `data` that keeps nothing. */
export const IN_MEMORY = ":memory:";

/** Values of `metricsPort`: where the sessions are, and nowhere. */
export const METRICS_SAME_PORT = 0;
export const METRICS_OFF = "off";
/** The value of `backplane` that keeps rooms in the folder `data`. */
export const EMBEDDED = "embedded";

/** One setting: how it is written, and what is accepted. */
export interface Setting<T = Settings[keyof Settings]> {
  /** What stands for the value in help. */
  readonly placeholder: string;
  readonly help: string;
  /** Made when asked for, since it may depend on the environment. */
  readonly standard: (env: NodeJS.ProcessEnv) => T;
  /** Reads text or a TOML value; null when it is not accepted. */
  readonly read: (value: unknown) => T | null;
  /** What is accepted, for people. */
  readonly accepts: string;
  /** Says what is wrong with a value that is not accepted, where more can be said than what is. */
  readonly faultIn?: (value: unknown) => string;
  /** Bounds that only few ever change are listed apart in help. */
  readonly isBound: boolean;
  /** It may hold a password: what was given is not repeated in messages. */
  readonly isSecret?: boolean;
  /** True for what a running relay cannot change. */
  readonly needsRestart?: true;
  /** The option may stand without a value, which is `true`. */
  readonly isSwitch?: true;
  /** The option may be given several times; `;` is put between the values. */
  readonly isRepeatable?: true;
}

/** Where a value was written. */
export type Origin = "flag" | "variable" | "file" | "default";

/** Settings, and where each of them comes from. */
export interface Located {
  readonly settings: Settings;
  /** With the place in words: `--port`, `SIDE_RELAYER_PORT`, `"port" in FILE`, `default`. */
  readonly origins: {
    readonly [K in keyof Settings]: { readonly origin: Origin; readonly source: string };
  };
  /** The config file, and whether it is there. */
  readonly file: { readonly path: string; readonly isThere: boolean };
}

const LOG_LEVELS: readonly LogLevel[] = [
  "fatal",
  "error",
  "warn",
  "info",
  "debug",
  "trace",
  "silent",
];

/** All settings, in the order of the help. */
export const SETTINGS: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  host: {
    placeholder: "ADDRESS",
    help: "the address to listen on",
    standard: () => "127.0.0.1",
    read: readHost,
    accepts: "an address or host name",
    isBound: false,
    needsRestart: true,
  },
  port: {
    placeholder: "PORT",
    help: "the port to listen on; 0 takes a free one",
    standard: () => 8080,
    read: (value) => readNumber(value, 0, 65_535),
    accepts: "a number from 0 to 65535",
    isBound: false,
    needsRestart: true,
  },
  data: {
    placeholder: "DIR",
    help: `the folder with the store; ${IN_MEMORY} keeps nothing`,
    standard: (env) => join(sideHome(env), "relayer"),
    read: (value) => {
      if (typeof value !== "string" || value === "" || value.includes("\0")) return null;
      return value === IN_MEMORY ? value : resolve(value);
    },
    accepts: `a folder, or ${IN_MEMORY}`,
    isBound: false,
    needsRestart: true,
  },
  backplane: {
    placeholder: "URL",
    help: "nats://HOST:4222 shares rooms with other relays",
    standard: () => EMBEDDED,
    read: (value) =>
      typeof value === "string" && (value === EMBEDDED || readNatsAddress(value) !== null)
        ? value
        : null,
    accepts: `${EMBEDDED}, or nats://[USER:PASSWORD@]HOST[:PORT], or the same with tls://; several with commas`,
    isBound: false,
    isSecret: true,
    needsRestart: true,
  },
  backplaneStream: {
    placeholder: "NAME",
    help: "the stream that relays share",
    standard: () => "crdt-rooms",
    read: (value) => (typeof value === "string" && /^[\w-]{1,64}$/u.test(value) ? value : null),
    accepts: "1 to 64 letters, digits, - and _",
    isBound: false,
    needsRestart: true,
  },
  backplaneReplicas: {
    placeholder: "N",
    help: "servers that keep the stream",
    standard: () => 1,
    read: (value) => readNumber(value, 1, 5),
    accepts: "a number from 1 to 5",
    isBound: false,
    needsRestart: true,
  },
  logLevel: {
    placeholder: "LEVEL",
    help: `what is logged on stderr: ${LOG_LEVELS.join(", ")}`,
    standard: () => "info",
    read: (value) => LOG_LEVELS.find((level) => level === value) ?? null,
    accepts: `one of ${LOG_LEVELS.join(", ")}`,
    isBound: false,
  },
  origins: {
    placeholder: "LIST",
    help: `origins of web pages that may connect, with commas between; ${ANY_ORIGIN} is any, ${ONLY_BROWSERS} refuses programs`,
    standard: () => [ANY_ORIGIN],
    read: (value) => {
      const list = readList(value, readOrigin);
      return list?.some((entry) => entry !== ONLY_BROWSERS) === true ? list : null;
    },
    accepts: `a list of origins such as https://app.example or http://localhost:3000, or ${ANY_ORIGIN}; ${ONLY_BROWSERS} besides them refuses who names none`,
    isBound: false,
  },
  trustProxy: {
    placeholder: "LIST",
    help: "addresses or ranges of proxies whose X-Forwarded-For is believed",
    standard: () => [],
    read: (value) => readList(value, readRange),
    accepts: "a list of addresses or ranges such as 127.0.0.1 or 10.0.0.0/8",
    isBound: false,
  },
  // What the files hold is read again with every reload.
  tlsCert: {
    ...file("a certificate with its chain, in PEM: the relay speaks TLS itself"),
    needsRestart: true,
  },
  tlsKey: { ...file("its private key, in PEM"), needsRestart: true },
  metricsPort: {
    placeholder: "PORT",
    help: `a port of its own for /metrics; 0 is the port of the sessions, ${METRICS_OFF} is none`,
    standard: () => METRICS_SAME_PORT,
    read: (value) => {
      if (value === METRICS_OFF || value === false) return METRICS_OFF;
      return value === "" ? METRICS_SAME_PORT : readNumber(value, 0, 65_535);
    },
    accepts: `a number from 0 to 65535, or ${METRICS_OFF}`,
    isBound: false,
    needsRestart: true,
  },
  metricsHost: {
    placeholder: "ADDRESS",
    help: "the address to listen on with --metrics-port",
    standard: () => "127.0.0.1",
    read: readHost,
    accepts: "an address or host name",
    isBound: false,
    needsRestart: true,
  },
  maxRooms: count("rooms in memory at once", limits.DEFAULT_MAX_ROOMS, 1),
  maxSessions: count("connections at once", limits.DEFAULT_MAX_SESSIONS, 1),
  maxRoomSessions: count("connections in one room at once", limits.DEFAULT_MAX_ROOM_SESSIONS, 1),
  maxAddressSessions: count(
    "connections from one address at once",
    limits.DEFAULT_MAX_ADDRESS_SESSIONS,
    1,
  ),
  maxFrameBytes: count("bytes of one frame", limits.MIN_FRAME_BYTES, limits.MIN_FRAME_BYTES),
  sessionRateBytes: rate(
    "bytes a second from one connection before it is read slower",
    limits.DEFAULT_SESSION_RATE_BYTES,
  ),
  sessionBurstBytes: rate(
    "bytes that may come at once besides",
    limits.DEFAULT_SESSION_BURST_BYTES,
  ),
  addressRateBytes: rate("bytes a second from one address", limits.DEFAULT_ADDRESS_RATE_BYTES),
  addressBurstBytes: rate(
    "bytes that may come at once besides",
    limits.DEFAULT_ADDRESS_BURST_BYTES,
  ),
  keyRateBytes: rate("bytes a second signed by one key", limits.DEFAULT_KEY_RATE_BYTES),
  keyBurstBytes: rate("bytes that may come at once besides", limits.DEFAULT_KEY_BURST_BYTES),
  roomRateBytes: rate("bytes a second into one room", limits.DEFAULT_ROOM_RATE_BYTES),
  roomBurstBytes: rate("bytes that may come at once besides", limits.DEFAULT_ROOM_BURST_BYTES),
  rateCloseSeconds: seconds(
    "seconds to wait for its rates after which a connection is closed",
    limits.DEFAULT_RATE_CLOSE_SECONDS,
  ),
  sessionFaults: count(
    "messages and changes that no honest program sends, after which a connection is closed; 0: none is",
    limits.DEFAULT_SESSION_FAULTS,
    0,
  ),
  pendingBytes: budget(
    "bytes of changes that wait for others, in all rooms together",
    limits.DEFAULT_PENDING_BYTES,
  ),
  roomPendingBytes: budget("the same in one room", limits.DEFAULT_ROOM_PENDING_BYTES),
  peerPendingBytes: budget(
    "the same in one room, delivered from one address",
    limits.DEFAULT_PEER_PENDING_BYTES,
  ),
  authorPendingBytes: budget(
    "the same in one room, signed by one author",
    limits.DEFAULT_AUTHOR_PENDING_BYTES,
  ),
  exposedPendingBytes: budget(
    "the same, by an author who is caught equivocating",
    limits.DEFAULT_EXPOSED_PENDING_BYTES,
  ),
  inboxBytes: budget(
    "bytes received and not stored yet, of all connections",
    limits.DEFAULT_INBOX_BYTES,
  ),
  sessionInboxBytes: budget("the same of one connection", limits.DEFAULT_SESSION_INBOX_BYTES),
  sendBytes: budget(
    "bytes waiting for all slow readers before the slowest is cut",
    limits.DEFAULT_SEND_BYTES,
  ),
  sendSoftBytes: count(
    "bytes waiting for a slow reader before it is fed from the history",
    limits.DEFAULT_SEND_SOFT_BYTES,
    65_536,
  ),
  sendHardBytes: count(
    "bytes waiting for a slow reader before it is closed",
    limits.DEFAULT_SEND_HARD_BYTES,
    65_536,
  ),
  sendSeconds: seconds(
    "seconds that something may wait for a slow reader before it is closed",
    limits.DEFAULT_SEND_SECONDS,
  ),
  resendBytes: count(
    "bytes that one connection may have sent again on demand",
    limits.DEFAULT_RESEND_BYTES,
    0,
  ),
  handshakeSeconds: seconds(
    "seconds in which a connection must become a session, or ask and read the answer",
    limits.DEFAULT_HANDSHAKE_SECONDS,
  ),
  maxHeaderBytes: {
    ...count("bytes of the headers of a request", limits.DEFAULT_MAX_HEADER_BYTES, 1_024),
    needsRestart: true,
  },
  maxHttpConnections: count(
    "connections at once that are no sessions; the oldest of where most come from gives way",
    limits.DEFAULT_MAX_HTTP_CONNECTIONS,
    1,
  ),
  joinSeconds: seconds(
    "seconds in which a connection must join a room",
    limits.DEFAULT_JOIN_SECONDS,
  ),
  pingSeconds: seconds("seconds between pings", limits.DEFAULT_PING_SECONDS),
  roomGraceSeconds: seconds(
    "seconds that an empty room stays in memory",
    limits.DEFAULT_ROOM_GRACE_SECONDS,
  ),
  drainSeconds: seconds(
    "seconds over which many connections are closed when the relay stops",
    limits.DEFAULT_DRAIN_SECONDS,
  ),
  backplaneGraceSeconds: seconds(
    "seconds without the backplane before sessions are closed",
    limits.DEFAULT_BACKPLANE_GRACE_SECONDS,
  ),
  authenticate: {
    placeholder: "BOOLEAN",
    help: "every program must prove that it has its key, in every room",
    standard: () => false,
    read: (value) =>
      value === true || value === "true"
        ? true
        : value === false || value === "false"
          ? false
          : null,
    accepts: "true or false",
    isBound: false,
    isSwitch: true,
  },
  hosts: {
    placeholder: "LIST",
    help: "names by which clients call this relay, as in its URL; proofs of a key hold for these only",
    standard: () => [],
    read: (value) => readList(value, readHostName),
    accepts: "a list of names such as relay.example or relay.example:8443",
    isBound: false,
  },
  // The last one: in a config file, what follows a table belongs to it.
  rooms: {
    placeholder: "RULES",
    help: 'who may read and write where: "NAME authors=KEY,KEY readers=KEY read-only"; may be given several times',
    standard: () => ({}),
    read: readRules,
    accepts: RULES_FORM,
    faultIn: faultInRules,
    isBound: false,
    isRepeatable: true,
  },
};

/** The names of all settings. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly (keyof Settings)[];

/** `maxRooms` as it is written in flags and config files: `max-rooms`. */
export function flagOf(name: keyof Settings): string {
  return name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

/** What the names of all variables begin with. */
const VARIABLES = "SIDE_RELAYER_";

/** `maxRooms` as an environment variable: `SIDE_RELAYER_MAX_ROOMS`. */
export function variableOf(name: keyof Settings): string {
  return `${VARIABLES}${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** A value as an option or a variable would have it. */
export function textOf(value: Settings[keyof Settings]): string {
  return typeof value !== "object" || isList(value) ? String(value) : rulesText(value);
}

function isList(value: readonly string[] | RulesByRoom): value is readonly string[] {
  return Array.isArray(value);
}

/** The unit of a setting, which its name ends with; "" for what has none. */
export function unitOf(name: keyof Settings): string {
  return UNITS.find(([ending]) => ending.test(name))?.[1] ?? "";
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/PerSecond$/u, "per second"],
  [/RateBytes$/u, "bytes per second"],
  [/Bytes$/u, "bytes"],
  [/Seconds$/u, "seconds"],
  [/Rooms$/u, "rooms"],
  [/(?:Sessions|Connections)$/u, "connections"],
  [/Authors$/u, "authors"],
];

/** The config file that is read when none is named, if it is there. */
export function standardConfig(env: NodeJS.ProcessEnv): string {
  return join(sideHome(env), "relayer", "config.toml");
}

/** What a program may hand to createRelay: checked settings for those that it leaves out. Throws RelayError. */
export function completeSettings(given: Partial<Settings>, env: NodeJS.ProcessEnv): Settings {
  return settingsFrom((name) => ({ value: given[name], origin: "flag", source: name }), env)
    .settings;
}

/** Gathers the settings from `flags` (text by name), the environment and a config file. Throws RelayError. */
export function loadSettings(
  flags: { readonly [name: string]: string | undefined },
  config: string | undefined,
  env: NodeJS.ProcessEnv,
): Settings {
  return locateSettings(flags, config, env).settings;
}

/** The same, and where each value comes from. Throws RelayError. */
export function locateSettings(
  flags: { readonly [name: string]: string | undefined },
  config: string | undefined,
  env: NodeJS.ProcessEnv,
): Located {
  checkVariables(env);
  const file = config ?? standardConfig(env);
  const table = readConfig(file, config !== undefined);
  const found = settingsFrom((name) => {
    if (flags[name] !== undefined)
      return { value: flags[name], origin: "flag", source: `--${flagOf(name)}` };
    // A variable that is set to nothing is not set: that is how shells and containers "unset" one.
    const variable = env[variableOf(name)] ?? "";
    if (variable !== "") return { value: variable, origin: "variable", source: variableOf(name) };
    return { value: table?.[flagOf(name)], origin: "file", source: `"${flagOf(name)}" in ${file}` };
  }, env);
  return { ...found, file: { path: file, isThere: table !== null } };
}

/** Refuses variables that are meant for a relay and are none: a rule that is misspelt would leave it open. */
function checkVariables(env: NodeJS.ProcessEnv): void {
  const known = SETTING_NAMES.map(variableOf);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(VARIABLES) || value === "" || known.includes(name)) continue;
    throw new RelayError(EXIT.usage, {
      what: `unknown variable ${name}${guess(name, known)}`,
      why: "what is not understood is not ignored: it may have been meant to keep somebody out",
      next: `unset ${name}`,
    });
  }
}

interface Given {
  /** Undefined when it was not given. */
  readonly value: unknown;
  readonly origin: Origin;
  /** Where it was written, for messages. */
  readonly source: string;
}

function settingsFrom(
  find: (name: keyof Settings) => Given,
  env: NodeJS.ProcessEnv,
): Pick<Located, "settings" | "origins"> {
  const checked: { [name: string]: Settings[keyof Settings] } = {};
  const origins: { [name: string]: { readonly origin: Origin; readonly source: string } } = {};
  for (const name of SETTING_NAMES) {
    const { value, origin, source } = find(name);
    const setting: Setting = SETTINGS[name];
    const read = value === undefined ? setting.standard(env) : setting.read(value);
    if (read === null) {
      throw new RelayError(EXIT.usage, {
        what:
          setting.isSecret === true || setting.faultIn !== undefined
            ? `${source} cannot be used`
            : `${source} cannot be ${JSON.stringify(value)}`,
        why: setting.faultIn?.(value) ?? `it must be ${setting.accepts}`,
        next: origin === "file" ? lineFor(name, env) : "crdt-relayer --help",
      });
    }
    checked[name] = read;
    origins[name] =
      value === undefined ? { origin: "default", source: "default" } : { origin, source };
  }
  // Every name of the table was filled with a value that its own reader made.
  const settings = checked as unknown as Settings;
  if ((settings.tlsCert === "") !== (settings.tlsKey === "")) {
    const [given, missing] = settings.tlsKey === "" ? ["cert", "key"] : ["key", "cert"];
    throw new RelayError(EXIT.usage, {
      what: `--tls-${given} is given without --tls-${missing}`,
      why: "TLS needs a certificate and its private key",
      next:
        origins[given === "cert" ? "tlsCert" : "tlsKey"]?.origin === "file"
          ? `write tls-${missing} = "${missing}.pem" below it`
          : "crdt-relayer --tls-cert cert.pem --tls-key key.pem",
    });
  }
  const least = settings.sendSoftBytes + settings.maxFrameBytes;
  if (settings.sendHardBytes < least) {
    throw new RelayError(EXIT.usage, {
      what: `--send-hard-bytes cannot be ${settings.sendHardBytes}`,
      why: `it must be at least --send-soft-bytes and --max-frame-bytes together, ${least}`,
      next:
        origins["sendHardBytes"]?.origin === "file"
          ? `write send-hard-bytes = ${least}`
          : "crdt-relayer --help",
    });
  }
  return { settings, origins: origins as unknown as Located["origins"] };
}

/** The lines of the file; null when it is not there and nobody named it. */
function readConfig(file: string, isNamed: boolean): { readonly [key: string]: unknown } | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!isNamed && systemCode(error) === "ENOENT") return null;
    throw new RelayError(EXIT.usage, {
      what: `cannot read the config file ${file}`,
      why: messageOf(error),
      next: "crdt-relayer config prints a file with every setting",
    });
  }
  let table: { readonly [key: string]: unknown };
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw badConfig(
      file,
      `line ${error.line}, column ${error.column} is not TOML: ${reasonOf(error)}`,
    );
  }
  const known = SETTING_NAMES.map(flagOf);
  for (const key of Object.keys(table)) {
    if (!known.includes(key))
      throw badConfig(
        file,
        `unknown setting "${key}"${guess(key, known, " (crdt-relayer config prints all)")}`,
      );
  }
  return table;
}

/** What the parser says, without its title and its picture of the line. */
function reasonOf(error: TomlError): string {
  const [first = ""] = error.message.split("\n");
  return first.replace(/^Invalid TOML document: /u, "");
}

/** What may stand in the file in the place of a line that is wrong: the default. */
function lineFor(name: keyof Settings, env: NodeJS.ProcessEnv): string {
  const standard = SETTINGS[name].standard(env);
  if (name === "rooms")
    return 'write authors = ["KEY"], readers = ["KEY"] or read-only = true below [rooms."NAME"]';
  return `write ${stringify({ [flagOf(name)]: standard }).trimEnd()}, which is the default`;
}

function badConfig(file: string, why: string): RelayError {
  return new RelayError(EXIT.usage, {
    what: `cannot use ${file}`,
    why,
    next: `\${EDITOR:-vi} ${file}`,
  });
}

function sideHome(env: NodeJS.ProcessEnv): string {
  const named = env["SIDE_HOME"] ?? "";
  return named === "" ? join(userHome(), ".side") : resolve(named);
}

/** The root where the system knows no user: one that systemd has made, on a machine without its module of names. */
function userHome(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

function readHost(value: unknown): string | null {
  return typeof value === "string" && /^[\w.:%-]+$/u.test(value) ? value : null;
}

/** A list as text with commas, or as an array; null when one entry is not accepted. */
function readList(
  value: unknown,
  readEntry: (text: string) => string | null,
): readonly string[] | null {
  const entries: readonly unknown[] | null =
    typeof value === "string"
      ? value.split(",").filter((entry) => entry.trim() !== "")
      : Array.isArray(value)
        ? value
        : null;
  if (entries === null) return null;
  const list: string[] = [];
  for (const entry of entries) {
    const read = typeof entry === "string" ? readEntry(entry.trim()) : null;
    if (read === null) return null;
    list.push(read);
  }
  return list;
}

/** A file that need not be given. */
function file(help: string): Setting<string> {
  return {
    placeholder: "FILE",
    help,
    standard: () => "",
    read: (value) => {
      if (typeof value !== "string" || value.includes("\0")) return null;
      return value === "" ? "" : resolve(value);
    },
    accepts: "a file",
    isBound: false,
  };
}

function count(help: string, standard: number, least: number): Setting<number> {
  return {
    placeholder: "N",
    help,
    standard: () => standard,
    read: (value) => readNumber(value, least, Number.MAX_SAFE_INTEGER),
    accepts: `a whole number of at least ${least}`,
    isBound: true,
  };
}

/** A rate, or what may come beyond it: a frame that is larger is taken all the same, and makes for a longer wait. */
function rate(help: string, standard: number): Setting<number> {
  return count(help, standard, 1_024);
}

/** A bound on what waits in memory: with less than the greatest change takes, such a change would never get through. */
function budget(help: string, standard: number): Setting<number> {
  const least = limits.MIN_BUDGET_BYTES;
  return {
    ...count(help, standard, least),
    accepts: `a whole number of at least ${least}: a change of the greatest size must fit`,
  };
}

function seconds(help: string, standard: number): Setting<number> {
  // Timers count milliseconds in 31 bits; a day is more than anyone needs.
  const most = 86_400;
  return {
    placeholder: "S",
    help,
    standard: () => standard,
    read: (value) => {
      const number =
        typeof value === "string" && /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) : value;
      return typeof number === "number" && number > 0 && number <= most ? number : null;
    },
    accepts: `a number of seconds above 0, at most ${most}`,
    isBound: true,
  };
}

function readNumber(value: unknown, least: number, most: number): number | null {
  const number = typeof value === "string" && /^\d{1,16}$/u.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
    ? (number as number)
    : null;
}
