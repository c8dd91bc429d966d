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
import { guess } from "./nearest.ts";
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

/** The names of all rules. */
const RULE_NAMES: readonly (keyof RoomRules)[] = ["authors", "readers", "read-only"];

/** Characters of what was written that a message repeats: a key, with its quotes. */
const MAX_SHOWN = 66;

/** Reads the rules of all rooms from text or from a table; null when something is not accepted. */
export function readRules(value: unknown): RulesByRoom | null {
  const read = checkRules(value);
  return read instanceof RulesFault ? null : read;
}

/** What is wrong with rules that {@link readRules} does not accept: the room, the rule and the reason, in one clause. */
export function faultInRules(value: unknown): string {
  const read = checkRules(value);
  return read instanceof RulesFault ? read.message : "";
}

/** Not thrown out of this file. */
class RulesFault extends Error {}

function checkRules(value: unknown): RulesByRoom | RulesFault {
  try {
    return rulesOf(value);
  } catch (error) {
    if (error instanceof RulesFault) return error;
    throw error;
  }
}

/** The same; throws RulesFault. */
function rulesOf(value: unknown): RulesByRoom {
  const entries = typeof value === "string" ? entriesOf(value) : tableOf(value);
  if (entries === null) throw new RulesFault(`it must be ${RULES_FORM}`);
  const rules: (readonly [string, RoomRules])[] = [];
  const documents = new Set<string>();
  for (const [name, written] of entries) {
    if (!isRoomName(name)) throw new RulesFault(`${shown(name)} cannot be the name of a room`);
    rules.push([name, readOne(name, written)]);
    // Two sets of rules for one document would leave open which of them holds.
    for (const document of documentsOf(name)) {
      if (documents.has(document))
        throw new RulesFault(`room ${shown(name)}: other rules are for the same document`);
      documents.add(document);
    }
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

/** The entries of a text, each with its words as they would stand in a table; throws RulesFault. */
function entriesOf(text: string): (readonly [string, unknown])[] {
  const entries: (readonly [string, unknown])[] = [];
  for (const entry of text.split(";")) {
    const [name = "", ...words] = entry.trim().split(/\s+/u);
    if (name === "") continue;
    const rules: { [key: string]: unknown } = {};
    for (const word of words) {
      const [key = "", list] = word.split("=", 2);
      if (Object.hasOwn(rules, key))
        throw new RulesFault(`room ${shown(name)}: ${shown(key)} stands twice`);
      if (key === "read-only") rules[key] = list === undefined || readBoolean(list);
      else rules[key] = (list ?? "").split(",");
    }
    entries.push([decodeName(name), rules]);
  }
  return entries;
}

/** The text itself when it is none. */
function readBoolean(text: string): boolean | string {
  return text === "true" ? true : text === "false" ? false : text;
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RulesFault(`the name ${shown(text)} is not written as in a URL`);
  }
}

function tableOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.entries(value);
}

function readOne(room: string, value: unknown): RoomRules {
  const table = tableOf(value);
  if (table === null)
    throw new RulesFault(
      `room ${shown(room)} has no table of rules, but is ${shown(value)}: what is no room stands above all tables of a file`,
    );
  const rules: { -readonly [K in keyof RoomRules]: RoomRules[K] } = {};
  for (const [key, written] of table) {
    const place = `room ${shown(room)}: ${shown(key)}`;
    if (key === "read-only") {
      if (typeof written !== "boolean")
        throw new RulesFault(`${place} must be true or false, not ${shown(written)}`);
      rules[key] = written;
    } else if (key === "authors" || key === "readers") {
      rules[key] = readKeys(place, written);
    } else {
      const known = ` (rules are ${RULE_NAMES.join(", ")}; other settings stand above all tables of a file)`;
      throw new RulesFault(`${place} is no rule${guess(key, RULE_NAMES, known)}`);
    }
  }
  return rules;
}

function readKeys(place: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new RulesFault(`${place} must be a list of keys`);
  if (value.length === 0 || value.length > MAX_ROOM_KEYS)
    throw new RulesFault(`${place} must hold 1 to ${MAX_ROOM_KEYS} keys, not ${value.length}`);
  const keys: string[] = [];
  for (const written of value as readonly unknown[]) {
    const bytes = typeof written === "string" ? fromHex(written.toLowerCase()) : null;
    // What is no key can have signed nothing: it is a slip of the pen.
    if (bytes === null || !isValidPublicKey(bytes))
      throw new RulesFault(`${place} holds ${shown(written)}, which ${whyNoKey(written)}`);
    keys.push(toHex(bytes));
  }
  return keys;
}

function whyNoKey(written: unknown): string {
  if (typeof written !== "string") return "is no text";
  if (/^[0-9a-f]{64}$/iu.test(written)) return "is no public key";
  return `is ${written.length} characters long and no public key of 64 hex digits`;
}

/** As much of what was written as shows which it is. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
