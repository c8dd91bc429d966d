/**
 * What the columns of a saved file are, and what they are predicted from: known to writer and reader alike.
 *
 * The columns follow Automerge's binary format (one column for each field of all changes and ops); targets are told by the
 * distance from where the same author was last, because people type where they typed.
 */

/** Columns of counts, in the order in which they stand in a block; see docs/saved-format.md. */
export const NUMBER_COLUMNS = [
  "windows",
  "chains",
  "prevs",
  "parents",
  "refs",
  "dependencies",
  "times",
  "dates",
  "ops",
  "lines",
  "deltas",
  "counts",
  "ranges",
  "owners",
  "replaced",
  "made",
  "paths",
  "names",
  "lengths",
  "sizes",
] as const;

/** Columns of bytes, which stand behind those. */
export const BYTE_COLUMNS = ["codes", "text", "values", "nameTexts"] as const;

/** What stands in the column of codes: one for each op. */
export const RAW = 0;
export const INSERT_TEXT = 1;
export const INSERT_VALUES = 6;
export const REMOVE = 11;
export const ASSIGN = 16;
export const CLEAR = 17;
export const ADD = 18;
export const INCREMENT = 19;

/** Added to INSERT_TEXT and INSERT_VALUES. The side of a parent (0 left, 1 right) is added to AT_CURSOR and ELSEWHERE. */
export const AT_PLACE = 0;
export const AT_CURSOR = 1;
export const ELSEWHERE = 3;

/** Added to REMOVE: one range on the own line, its end near the cursor (three codes), or anywhere; else any ranges. */
export const ENDS_NEAR = 0;
export const ENDS_ELSEWHERE = 3;
export const ANY_RANGES = 4;

/** Positions on a line and counts of elements beyond this are left to raw ops: sums of a few stay exact. */
export const MAX_POSITION = 2 ** 50;

/** Times at most so far apart are told by their difference. */
export const MAX_TIME_STEP = 2 ** 31;

/** Bytes of all columns of one block, unpacked: what a reader holds before any signature is verified. */
export const MAX_BLOCK_BYTES = 16 * 1_048_576;

/** The writer begins another block beyond so many; a window adds at most a few megabytes. */
export const FULL_BLOCK_BYTES = 4 * 1_048_576;

/** Where each chain's author was last, by the number of the chain. */
export class Cursors {
  /** Of insertions and removals: the element that was made last, or the first of those that were named last. */
  readonly edits: number[] = [];
  /** Of the owners of places. */
  readonly owners: number[] = [];
  /** Of what assignments and additions replace. */
  readonly replaced: number[] = [];
}
