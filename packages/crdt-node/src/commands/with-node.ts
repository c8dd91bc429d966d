/** What most commands do first and last: read the settings, get at the node, and let go of it again. */
import { type Access, openAccess, openToRead } from "../access.ts";
import type { ExitCode } from "../exit-codes.ts";
import { existingHome, type NodeHome } from "../home.ts";
import { flagOf } from "../limits.ts";
import { warn } from "../output.ts";
import {
  checkBudgets,
  checkListen,
  checkMaxPeers,
  checkPeer,
  checkRelay,
  checkRoom,
  type Given,
  loadSettings,
  type Settings,
  strangeVariables,
} from "../settings.ts";
import { endOnInterrupt } from "../signals.ts";

/** Options that say where, as typed. */
export interface PlaceOptions {
  readonly room?: string;
  /** False: no relay at all. */
  readonly relay?: readonly string[] | false;
  readonly peer?: readonly string[];
  readonly listen?: string;
  readonly maxPeers?: string;
  /** Budgets as typed, by name. */
  readonly budgets?: { readonly [name: string]: string | undefined };
}

/** The paths and settings of an existing node, with what was typed taken into account. */
export function placeOf(
  name: string,
  options: PlaceOptions,
): { home: NodeHome; settings: Settings } {
  const home = existingHome(name, process.env);
  const flags: Given = {
    room: options.room === undefined ? undefined : checkRoom(options.room, "--room"),
    relays:
      options.relay === false
        ? []
        : options.relay?.map((address) => checkRelay(address, "--relay")),
    peers: options.peer?.map((address) => checkPeer(address, "--peer")),
    listen: options.listen === undefined ? undefined : checkListen(options.listen, "--listen"),
    maxPeers:
      options.maxPeers === undefined ? undefined : checkMaxPeers(options.maxPeers, "--max-peers"),
    budgets: checkBudgets(
      (name) => options.budgets?.[name],
      (name) => `--${flagOf(name)}`,
    ),
  };
  const settings = loadSettings(home.config, flags, process.env);
  for (const strange of strangeVariables(process.env)) warn(strange);
  return { home, settings };
}

/** What a command does with a node. */
type Use = (access: Access, home: NodeHome, settings: Settings) => Promise<ExitCode>;

/** Runs `use` with access to the node, running or not, and closes it afterwards. */
export function withNode(
  name: string,
  options: PlaceOptions,
  command: string,
  use: Use,
): Promise<ExitCode> {
  return withAccess(openAccess, name, options, command, use);
}

/** The same for commands that only read, which a node whose key is lost can answer, too. */
export function withReader(
  name: string,
  options: PlaceOptions,
  command: string,
  use: Use,
): Promise<ExitCode> {
  return withAccess(openToRead, name, options, command, use);
}

async function withAccess(
  open: (home: NodeHome, settings: Settings, command: string) => Promise<Access>,
  name: string,
  options: PlaceOptions,
  command: string,
  use: Use,
): Promise<ExitCode> {
  const { home, settings } = placeOf(name, options);
  endOnInterrupt();
  const access = await open(home, settings, command);
  try {
    return await use(access, home, settings);
  } finally {
    await access.close();
  }
}
