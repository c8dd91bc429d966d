/**
 * The rules of single rooms as an operator writes them: a table for each room in the config file,
 *
 *     [rooms."main"]
 *     authors = ["<64 hex digits>", …]
 *     readers = ["<64 hex digits>", …]
 *     read-only = true
 *
 * and in one text for options and variables: `main authors=KEY,KEY readers=KEY; other read-only`, where a name is written
 * as in a URL (`my%20room`). What they mean is in room-policy.ts.
 */
import { documentId, fromHex, isValidPublicKey, toHex } from "bft-json-crdt";
import { MAX_ROOM_KEYS } from "./limits.ts";
import { isRoomName } from "./room-name.ts";

/** The rules of one room, by the names that the config file has; what is left out demands nothing. */
export interface RoomRules {
  /** Keys (64 hex digits each) whose changes are taken. */
  readonly authors?: readonly string[];
  /** Keys that may come in, besides the authors. */
  readonly readers?: readonly string[];
  /** No changes are taken. */
  readonly "read-only"?: boolean;
}

/** Rules by the name of the room. */
export type RulesByRoom = { readonly [name: string]: RoomRules };

/** What {@link readRules} accepts, for people. */
export const RULES_FORM = `rules such as "main authors=KEY,KEY readers=KEY; other%20room read-only", or tables, each room once, with 1 to ${MAX_ROOM_KEYS} public keys of 64 hex digits in a list`;

/** Reads the rules of all rooms from text or from a table; null when something is not accepted. */
export function readRules(value: unknown): RulesByRoom | null {
  const entries = typeof value === "string" ? entriesOf(value) : tableOf(value);
  if (entries === null) return null;
  const rules: (readonly [string, RoomRules])[] = [];
  const documents = new Set<string>();
  for (const [name, written] of entries) {
    const read = isRoomName(name) ? readOne(written) : null;
    if (read === null) return null;
    // Two sets of rules for one document would leave open which of them holds.
    for (const document of documentsOf(name)) {
      if (documents.has(document)) return null;
      documents.add(document);
    }
    rules.push([name, read]);
  }
  // Made in this way, a room called __proto__ is one like all others.
  return Object.fromEntries(rules);
}

/** The rules as text that {@link readRules} reads. */
export function rulesText(rules: RulesByRoom): string {
  return Object.entries(rules)
    .map(([name, { authors, readers, "read-only": isReadOnly }]) =>
      [
        encodeURIComponent(name),
        ...(authors === undefined ? [] : [`authors=${authors.join(",")}`]),
        ...(readers === undefined ? [] : [`readers=${readers.join(",")}`]),
        ...(isReadOnly === undefined ? [] : [isReadOnly ? "read-only" : "read-only=false"]),
      ].join(" "),
    )
    .join("; ");
}

/**
 * The documents (in hex) that the rules of a room with this name are for: the one of that name and, when the name is 64
 * hex digits, the one with that id too, since documents that were not made from a name have nothing else.
 */
export function documentsOf(name: string): readonly string[] {
  const named = toHex(documentId(name));
  return /^[0-9a-f]{64}$/u.test(name) ? [named, name] : [named];
}

/** The entries of a text, each with its words as they would stand in a table; null when one is malformed. */
function entriesOf(text: string): (readonly [string, unknown])[] | null {
  const entries: (readonly [string, unknown])[] = [];
  for (const entry of text.split(";")) {
    const [name = "", ...words] = entry.trim().split(/\s+/u);
    if (name === "") continue;
    const rules: { [key: string]: unknown } = {};
    for (const word of words) {
      const [key = "", list] = word.split("=", 2);
      if (Object.hasOwn(rules, key)) return null;
      if (key === "read-only") rules[key] = list === undefined || readBoolean(list);
      else rules[key] = (list ?? "").split(",");
    }
    const decoded = decodeName(name);
    if (decoded === null) return null;
    entries.push([decoded, rules]);
  }
  return entries;
}

function readBoolean(text: string): boolean | null {
  return text === "true" ? true : text === "false" ? false : null;
}

function decodeName(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function tableOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.entries(value);
}

function readOne(value: unknown): RoomRules | null {
  const table = tableOf(value);
  if (table === null) return null;
  const rules: { -readonly [K in keyof RoomRules]: RoomRules[K] } = {};
  for (const [key, written] of table) {
    if (key === "read-only") {
      if (typeof written !== "boolean") return null;
      rules[key] = written;
    } else if (key === "authors" || key === "readers") {
      const keys = readKeys(written);
      if (keys === null) return null;
      rules[key] = keys;
    } else {
      return null;
    }
  }
  return rules;
}

function readKeys(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ROOM_KEYS) return null;
  const keys: string[] = [];
  for (const written of value as readonly unknown[]) {
    const bytes = typeof written === "string" ? fromHex(written.toLowerCase()) : null;
    // What is no key can have signed nothing: it is a slip of the pen.
    if (bytes === null || !isValidPublicKey(bytes)) return null;
    keys.push(toHex(bytes));
  }
  return keys;
}
