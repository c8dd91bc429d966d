/** A JavaScript string that is cut and joined at each edit. */
import type { Library } from "./library.ts";

/** A plain string. */
export const plainString: Library = {
  type(edits) {
    let text = "";
    for (const [position, deleted, inserted] of edits) {
      text = text.slice(0, position) + inserted + text.slice(position + deleted);
    }
    return { text: () => text, save: () => new TextEncoder().encode(text) };
  },
};
