/**
 * `crdt-relayer config`: every setting as it is in effect, and where that comes from, as a config file that could be used
 * in its place, or as JSON.
 */
import { stringify } from "smol-toml";
import {
  flagOf,
  type Located,
  type Setting,
  SETTING_NAMES,
  SETTINGS,
  type Settings,
  unitOf,
} from "./settings.ts";

/** The settings as a config file. */
export function configText({ settings, origins, file }: Located): string {
  const lines = [
    "# Every setting of crdt-relayer as it is in effect; this text can be its config file.",
    `# Config file: ${file.path}${file.isThere ? "" : " (not there)"}`,
  ];
  for (const name of SETTING_NAMES) {
    const setting: Setting = SETTINGS[name];
    const unit = unitOf(name);
    const notes = [
      ...(unit === "" ? [] : [unit]),
      origins[name].source,
      ...(setting.needsRestart === true ? ["a change needs a restart"] : []),
    ];
    const value = shown(name, settings[name]);
    lines.push("", `# ${setting.help}`, `# ${notes.join("; ")}`, ...linesOf(name, value));
  }
  return `${lines.join("\n")}\n`;
}

/** The settings as JSON, by the names that the config file has. */
export function configJson({ settings, origins, file }: Located): string {
  const entries = SETTING_NAMES.map((name) => {
    const setting: Setting = SETTINGS[name];
    const { origin, source } = origins[name];
    const needsRestart = setting.needsRestart === true;
    const value = shown(name, settings[name]);
    const entry = { value, unit: unitOf(name), origin, source, needsRestart };
    return [flagOf(name), entry] as const;
  });
  return `${JSON.stringify({ file, settings: Object.fromEntries(entries) })}\n`;
}

/** A value as it may be seen by whoever looks over a shoulder or reads a log: passwords in addresses are left out. */
function shown(name: keyof Settings, value: Settings[keyof Settings]): Settings[keyof Settings] {
  const { isSecret }: Setting = SETTINGS[name];
  if (isSecret !== true || typeof value !== "string") return value;
  return value.replace(/(?<=:\/\/)[^/@,]*(?=@)/gu, "***");
}

function linesOf(name: keyof Settings, value: Settings[keyof Settings]): string[] {
  // An empty table would take in whatever somebody writes below it.
  if (name === "rooms" && Object.keys(value).length === 0) return NO_ROOMS;
  return [stringify({ [flagOf(name)]: value }).trimEnd()];
}

const NO_ROOMS = [
  "# No room has any. A room's rules are a table, and stand at the end of the file:",
  '# [rooms."main"]',
  '# authors = ["<64 hex digits>"]',
];
