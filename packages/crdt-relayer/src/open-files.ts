/**
 * The files that the process may have open at once. Each connection is one of them, and so is each that the store opens: a store
 * that cannot open its next one fails, and the relay with it. So there are no more connections than leave enough for the store,
 * whatever the settings say.
 *
 * Only Linux tells in a file what the limit is; elsewhere the settings alone count. Where a program has more than one relay, or
 * opens many files of its own, this cannot know of them.
 */
import { readFileSync } from "node:fs";
import {
  LEAST_CONNECTIONS,
  MAX_HELD,
  MAX_METRICS_CONNECTIONS,
  RESERVED_FILES,
  STORE_FILES,
} from "./limits.ts";
import type { Settings } from "./settings.ts";

const LIMITS = "/proc/self/limits";

/** How many files the process may have open; Infinity where that is not known. */
export function openFilesLimit(path = LIMITS): number {
  try {
    const soft = /^Max open files\s+(\d+)/mu.exec(readFileSync(path, "utf8"))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    // Not on this system.
    return Infinity;
  }
}

/** Connections that are not let in and are held for a while, at most. */
export function mostHeld({ maxHttpConnections }: Pick<Settings, "maxHttpConnections">): number {
  return Math.min(MAX_HELD, maxHttpConnections);
}

/** Connections of all kinds at once, at most; some that are no sessions are just being ended. */
export function mostConnections(
  settings: Pick<Settings, "maxSessions" | "maxHttpConnections">,
): number {
  return settings.maxSessions + 2 * settings.maxHttpConnections + mostHeld(settings);
}

/** How many files a relay with these settings may have open at once. */
export function filesNeeded(settings: Settings): number {
  return mostConnections(settings) + RESERVED_FILES + STORE_FILES + MAX_METRICS_CONNECTIONS;
}

/** The settings, with no more connections than a limit of open files has space for; they keep their proportions. */
export function withinOpenFiles(settings: Settings, limit: number): Settings {
  const needed = filesNeeded(settings);
  if (needed <= limit) return settings;
  const wanted = mostConnections(settings);
  const most = Math.max(LEAST_CONNECTIONS, limit - (needed - wanted));
  // A connection that is no session counts up to three times, and they leave a quarter to sessions.
  const share = Math.min((settings.maxHttpConnections * most) / wanted, most / 4);
  const maxHttpConnections = Math.max(1, Math.floor(share));
  const maxSessions = Math.min(settings.maxSessions, most - 3 * maxHttpConnections);
  return { ...settings, maxSessions, maxHttpConnections };
}
