/** Groups on their way to the log: neighbours that wait travel as one message, with all their signatures. */
import { decodeGroup, encodeGroup, MAX_GROUP_CHANGES, type SignedBody } from "bft-json-crdt";
import { MAX_MERGED_BYTES } from "../limits.ts";

/** Closed groups that are collected for one message. Closed groups one after another are a closed group. */
export class Merging {
  readonly #groups: Uint8Array[] = [];
  readonly #entries: SignedBody[] = [];
  #bytes = 0;

  /** Adds a group; false when it does not fit beside the others. A single one always does. */
  add(group: Uint8Array): boolean {
    const decoded = decodeGroup(group);
    const entries = decoded.ok ? decoded.value : [];
    const bytes = this.#bytes + group.length;
    const count = this.#entries.length + entries.length;
    if (this.#groups.length > 0 && (bytes > MAX_MERGED_BYTES || count > MAX_GROUP_CHANGES))
      return false;
    this.#groups.push(group);
    this.#entries.push(...entries);
    this.#bytes = bytes;
    return true;
  }

  /** The message; null when nothing was added. A group that is alone stays as it came. */
  take(): Uint8Array | null {
    const [first] = this.#groups;
    if (first === undefined) return null;
    return this.#groups.length === 1 ? first : encodeGroup(this.#entries);
  }
}
