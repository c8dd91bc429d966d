/** What sequences hold: texts strings, lists arrays of values. A sequence itself knows nothing of it but its length. */

/** How a sequence handles the content of runs, of which it knows nothing but the length in units. */
export interface ContentRules<C> {
  /** Elements in one stored living run: splitting a run copies at most this much content. */
  readonly maxRun: number;
  /** The part of `content` from unit `from` up to `to`. */
  slice(content: C, from: number, to: number): C;
  /** One content that holds `a` and then `b`, or null to keep them apart; must be cheap. */
  join?(a: C, b: C): C | null;
  /** What is kept of the content of one element, when that takes less room than the content; and back again. */
  readonly single?: { keep(content: C): unknown; give(kept: unknown): C };
}

/** Characters in one stored living run of a text. */
const MAX_TEXT_RUN = 1_024;

/** Items in one stored living run of a list: of an array, unlike a string, all is copied when it is cut. */
const MAX_LIST_RUN = 256;

/** Content rules of text: a string, whose units are UTF-16. */
export const TEXT_CONTENT: ContentRules<string> = {
  maxRun: MAX_TEXT_RUN,
  slice: (content, from, to) => content.slice(from, to),
  // Only up to a length, so that no edit, in a run that grows without end, ever flattens a longer string than that.
  join: (a, b) => (a.length + b.length > MAX_TEXT_RUN ? null : a + b),
};

/** Content rules of a list: an array of values. */
export const LIST_CONTENT = {
  maxRun: MAX_LIST_RUN,
  slice: <T>(content: readonly T[], from: number, to: number): readonly T[] =>
    content.slice(from, to),
  // Appending one by one copies half of this on average.
  join: <T>(a: readonly T[], b: readonly T[]): readonly T[] | null =>
    a.length + b.length > 32 ? null : [...a, ...b],
  // A list that was filled at random places is all single items: an array around each takes more than anything else.
  single: {
    keep: <T>(content: readonly T[]): unknown => content[0],
    give: <T>(kept: unknown): readonly T[] => [kept as T],
  },
};
