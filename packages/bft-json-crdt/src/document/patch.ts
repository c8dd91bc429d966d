/**
 * Patches: what happened to the view, as data. Applying the patches of an event to the view before it gives the view
 * after it; paths and indexes are those of the moment of each patch.
 */
import type { Value } from "../encoding/index.ts";

/** Anything that a view can hold. */
export type ViewValue = Value | readonly ViewValue[] | { readonly [key: string]: ViewValue };

/** From the root: names of fields and keys, indexes of list items. */
export type Path = readonly (string | number)[];

/** One change of the view. */
export type Patch =
  /** The value at `path` is now `value`. */
  | { readonly action: "set"; readonly path: Path; readonly value: ViewValue }
  /** There is nothing at `path` any more: an optional field or a map's key. */
  | { readonly action: "unset"; readonly path: Path }
  /** In the list at `path`, from `index` on, `remove` items went and `insert` came. */
  | {
      readonly action: "splice";
      readonly path: Path;
      readonly index: number;
      readonly remove: number;
      readonly insert: readonly ViewValue[];
    }
  /** In the text at `path`, from UTF-16 index `index` on, `remove` units went and `insert` came. */
  | {
      readonly action: "spliceText";
      readonly path: Path;
      readonly index: number;
      readonly remove: number;
      readonly insert: string;
    }
  /** The set at `path` has gained `value`. */
  | { readonly action: "add"; readonly path: Path; readonly value: Value }
  /** The set at `path` has lost `value`. */
  | { readonly action: "delete"; readonly path: Path; readonly value: Value };
