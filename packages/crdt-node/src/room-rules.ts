/**
 * What a relay says of a room's rules when it lets a node in: that it takes no changes, or those of some authors only. What
 * it would refuse is not sent there, again and again, but stays in the own history and goes to other relays and peers. A
 * relay that says so without need withholds, which it could do anyway.
 */
import { decodeBody, decodeGroup, encodeGroup, toHex } from "bft-json-crdt";

/** Authors that a relay can name: more than it does. */
const MAX_AUTHORS = 4_096;

/** What is taken at the other end. */
export class RoomRules {
  /** In hex; null when everybody's changes are taken. */
  readonly #authors: ReadonlySet<string> | null;

  private constructor(authors: ReadonlySet<string> | null) {
    this.#authors = authors;
  }

  /** Reads them from `joined`. What is not understood is no rule: the relay will refuse what it must. */
  static read({ readOnly, authors }: { readonly [key: string]: unknown }): RoomRules {
    if (readOnly === true) return new RoomRules(new Set());
    const isList =
      Array.isArray(authors) &&
      authors.length <= MAX_AUTHORS &&
      authors.every((author) => typeof author === "string");
    return new RoomRules(isList ? new Set<string>(authors) : null);
  }

  /** What somebody with this key (in hex) should know of them; null when nothing. */
  notice(key: string): { readonly code: string; readonly detail: string } | null {
    if (this.#authors === null || this.#authors.has(key)) return null;
    const [code, why] =
      this.#authors.size === 0
        ? ["room_read_only", "this room is read-only there"]
        : ["author_not_allowed", "your key may not write into this room there"];
    const detail = `${why}; what you write stays here, and goes to your other relays and peers`;
    return { code, detail };
  }

  /** The closed group of those changes in a group that are taken; null when there are none. */
  taken(group: Uint8Array): Uint8Array | null {
    const authors = this.#authors;
    if (authors === null) return group;
    const entries = decodeGroup(group);
    // Made here, and so never malformed.
    if (!entries.ok) return null;
    // A change and its cover are of one author.
    const taken = entries.value.filter(({ body }) => {
      const header = decodeBody(body);
      return header.ok && authors.has(toHex(header.value.author));
    });
    if (taken.length === entries.value.length) return group;
    return taken.length === 0 ? null : encodeGroup(taken);
  }
}

/** Those of whoever has none. */
export const NO_RULES: RoomRules = RoomRules.read({});
