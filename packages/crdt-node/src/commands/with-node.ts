/** What most commands do first and last: read the settings, get at the node, and let go of it again. */
import { type Access, openAccess } from "../access.ts";
import type { ExitCode } from "../exit-codes.ts";
import { existingHome, type NodeHome } from "../home.ts";
import { flagOf } from "../limits.ts";
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
  return { home, settings: loadSettings(home.config, flags, process.env) };
}

/** Runs `use` with access to the node, running or not, and closes it afterwards. */
export async function withNode(
  name: string,
  options: PlaceOptions,
  command: string,
  use: (access: Access, home: NodeHome, settings: Settings) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { home, settings } = placeOf(name, options);
  endOnInterrupt();
  const access = await openAccess(home, settings, command);
  try {
    return await use(access, home, settings);
  } finally {
    await access.close();
  }
}
