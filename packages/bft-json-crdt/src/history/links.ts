/** Links of a chain, as far as two headers tell. */
import type { DecodedBody } from "../change/index.ts";
import { equalBytes } from "../encoding/bytes.ts";

/** Whether a change can follow another, which is its `prev`: on the same chain, with the next seq. */
export function linksTo(header: DecodedBody, prev: DecodedBody): boolean {
  return (
    equalBytes(header.author, prev.author) &&
    header.chain === prev.chain &&
    header.seq === prev.seq + 1
  );
}
