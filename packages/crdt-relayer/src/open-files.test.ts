/** The limit of open files, as Linux writes it, and the connections that it has space for. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesNeeded, mostConnections, openFilesLimit, withinOpenFiles } from "./open-files.ts";
import { completeSettings, type Settings } from "./settings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crdt-relayer-files-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function settingsOf(settings: Partial<Settings>): Settings {
  return completeSettings(settings, {});
}

describe("the limit of open files", () => {
  it("is the soft one, and none where the system says nothing of it", () => {
    const path = join(folder, "limits");
    const head = "Limit                     Soft Limit           Hard Limit           Units     ";
    const line = "Max open files            300                  4096                 files     ";
    writeFileSync(path, `${head}\nMax processes             96                   96\n${line}\n`);
    expect(openFilesLimit(path)).toBe(300);
    writeFileSync(path, line.replace("300 ", "unlimited"));
    expect(openFilesLimit(path)).toBe(Infinity);
    expect(openFilesLimit(join(folder, "nowhere"))).toBe(Infinity);
    expect(Number.isFinite(openFilesLimit())).toBe(existsSync("/proc/self/limits"));
  });
});

describe("connections", () => {
  it("are as many as the settings say where the limit has space for them", () => {
    const settings = settingsOf({});
    expect(withinOpenFiles(settings, Infinity)).toBe(settings);
    expect(withinOpenFiles(settings, filesNeeded(settings))).toBe(settings);
    expect(withinOpenFiles(settings, filesNeeded(settings) - 1)).not.toBe(settings);
  });

  it.each([
    [{}, 300],
    [{}, 1_024],
    [{}, 4_096],
    [{ maxSessions: 1, maxHttpConnections: 100_000 }, 1_024],
    [{ maxSessions: 100_000, maxHttpConnections: 1 }, 1_024],
  ])("with %o fit into a limit of %i files, and are of both kinds", (some, limit) => {
    const settings = settingsOf(some);
    const fitting = withinOpenFiles(settings, limit);
    expect(filesNeeded(fitting)).toBeLessThanOrEqual(limit);
    expect(fitting.maxSessions).toBeGreaterThan(0);
    expect(fitting.maxSessions).toBeLessThanOrEqual(settings.maxSessions);
    expect(fitting.maxHttpConnections).toBeGreaterThan(0);
    expect(fitting.maxHttpConnections).toBeLessThanOrEqual(settings.maxHttpConnections);
    const { maxSessions, maxHttpConnections } = settings;
    expect(fitting).toEqual({
      ...settings,
      maxSessions: fitting.maxSessions,
      maxHttpConnections: fitting.maxHttpConnections,
    });
    // As many as there is space for, but for what is left over by rounding.
    if (maxSessions >= limit && maxHttpConnections > 1)
      expect(limit - filesNeeded(fitting)).toBeLessThan(3);
  });

  it("are some even where there is no space at all", () => {
    expect(mostConnections(withinOpenFiles(settingsOf({}), 32))).toBe(16);
  });
});
