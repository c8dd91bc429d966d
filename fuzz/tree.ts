/**
 * Inputs of the fuzzer: trees of plain data. Each target says what a tree means to it, and takes any tree, so that one
 * mutator, one shrinker and one file format serve all of them.
 */
import type { Value } from "../packages/bft-json-crdt/src/encoding/index.ts";

/** A tree: what a `Value` may be, and also numbers and texts that no value may be (NaN, half a surrogate pair). */
export type Tree = Value;

/** An object of a tree. */
export interface TreeObject {
  readonly [key: string]: Tree;
}

/** True for an object, as opposed to an array, bytes, or anything without parts. */
export function isObject(tree: Tree | undefined): tree is TreeObject {
  return (
    typeof tree === "object" &&
    tree !== null &&
    !Array.isArray(tree) &&
    !(tree instanceof Uint8Array)
  );
}

/** True for an array (which `Array.isArray` does not tell the type checker about readonly ones). */
export function isArray(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree);
}

/** Reads a tree as an array: anything else is one without items. */
export function asArray(tree: Tree | undefined): readonly Tree[] {
  return isArray(tree) ? tree : [];
}

/** Reads a tree as an object: anything else is one without keys. */
export function asObject(tree: Tree | undefined): TreeObject {
  return isObject(tree) ? tree : {};
}

/** A field of an object, or undefined: never anything inherited. */
export function fieldOf(tree: Tree | undefined, name: string): Tree | undefined {
  return isObject(tree) && Object.hasOwn(tree, name) ? tree[name] : undefined;
}

/** Reads a tree as a number from 0 to `below` − 1, whatever it is; 0 when there is nothing to choose from. */
export function asIndex(tree: Tree | undefined, below: number): number {
  const number = typeof tree === "bigint" ? Number(tree) : typeof tree === "number" ? tree : 0;
  if (below <= 0 || !Number.isFinite(number)) return 0;
  return Math.trunc(Math.abs(number)) % below;
}

/** Reads a tree as text: bytes as UTF-8, anything else as nothing. */
export function asText(tree: Tree | undefined): string {
  if (typeof tree === "string") return tree;
  if (tree instanceof Uint8Array) return new TextDecoder().decode(tree);
  return typeof tree === "number" || typeof tree === "bigint" ? String(tree) : "";
}

/** Reads a tree as bytes: text as UTF-8, anything else as nothing. */
export function asBytes(tree: Tree | undefined): Uint8Array {
  if (tree instanceof Uint8Array) return tree;
  return typeof tree === "string" ? new TextEncoder().encode(tree) : new Uint8Array();
}

/** An object of these entries; any key is data. */
export function objectOf(entries: Iterable<readonly [string, Tree]>): TreeObject {
  return Object.fromEntries(entries);
}

/** Nodes of a tree and the length of its texts and bytes, together: what an input costs. */
export function sizeOf(tree: Tree): number {
  if (typeof tree === "string" || tree instanceof Uint8Array) return 1 + tree.length;
  let size = 1;
  if (isArray(tree)) for (const item of tree) size += sizeOf(item);
  else if (isObject(tree)) for (const key of Object.keys(tree)) size += 1 + sizeOf(tree[key]!);
  return size;
}

/** Arrays and objects around each other in a tree. */
export function depthOf(tree: Tree): number {
  let depth = 0;
  if (isArray(tree)) for (const item of tree) depth = Math.max(depth, 1 + depthOf(item));
  else if (isObject(tree))
    for (const key of Object.keys(tree)) depth = Math.max(depth, 1 + depthOf(tree[key]!));
  return depth;
}

/** The tree as JSON for a file: what JSON has no room for stands in objects with one key, `$hex`, `$int`, `$num`, `$map`. */
export function treeToJson(tree: Tree, indent = ""): string {
  return JSON.stringify(plain(tree), null, indent);
}

/** Reads what {@link treeToJson} wrote; throws for text that is no JSON. */
export function treeFromJson(text: string): Tree {
  return revived(JSON.parse(text));
}

function plain(tree: Tree): unknown {
  if (typeof tree === "bigint") return { $int: tree.toString() };
  if (typeof tree === "number")
    return Number.isFinite(tree) && !Object.is(tree, -0)
      ? tree
      : { $num: Object.is(tree, -0) ? "-0" : String(tree) };
  if (tree instanceof Uint8Array) return { $hex: Buffer.from(tree).toString("hex") };
  if (isArray(tree)) return tree.map(plain);
  if (!isObject(tree)) return tree;
  const entries = Object.keys(tree).map((key) => [key, plain(tree[key]!)] as const);
  const isSafe = entries.every(([key]) => !key.startsWith("$") && key !== "__proto__");
  return isSafe ? Object.fromEntries(entries) : { $map: entries };
}

function revived(json: unknown): Tree {
  if (Array.isArray(json)) return json.map(revived);
  if (typeof json !== "object" || json === null) return json as Tree;
  const fields = json as { readonly [key: string]: unknown };
  if (typeof fields["$int"] === "string") return BigInt(fields["$int"]);
  if (typeof fields["$num"] === "string") return Number(fields["$num"]);
  if (typeof fields["$hex"] === "string") return new Uint8Array(Buffer.from(fields["$hex"], "hex"));
  const entries = Array.isArray(fields["$map"])
    ? (fields["$map"] as readonly (readonly [string, unknown])[])
    : Object.entries(fields);
  return objectOf(entries.map(([key, value]) => [key, revived(value)] as const));
}
