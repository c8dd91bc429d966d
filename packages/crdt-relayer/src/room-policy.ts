/**
 * Who may come into a room and whose changes it takes: its rules, by its document, so that they hold whether it is joined by
 * name or by id.
 *
 * A change is refused before anything else is done with it: it is neither verified nor queued nor stored, and nothing is
 * said about its id. Of a group that holds changes of several authors just the others go on. That is closed again, since
 * a change and its cover are of one author. What another relay has put into a shared log is taken, whatever the rules here:
 * it was admitted there, and relays that leave out different changes would never agree.
 */
import {
  changeId,
  decodeBody,
  decodeGroup,
  encodeGroup,
  type History,
  type ReceivedChange,
  type RejectionCode,
  type SignedBody,
  toHex,
} from "bft-json-crdt";
import { documentsOf, type RoomRules, type RulesByRoom } from "./room-rules.ts";

/** What a room takes of a group. */
export interface Screened {
  /** The closed group that goes on: as it came when nothing is refused, null when everything is. */
  readonly group: Uint8Array | null;
  readonly refused: readonly ReceivedChange[];
}

/** What may be done in one room. */
export class RoomPolicy {
  /** A program must show its key before it comes in; people cannot. */
  readonly asksWho: boolean;
  readonly #rules: RoomRules;
  /** What it was made of, to compare it with another. */
  readonly #written: string;
  /** In hex; null when all are taken. */
  readonly #authors: ReadonlySet<string> | null;
  /** In hex; null when all may come in. */
  readonly #guests: ReadonlySet<string> | null;

  constructor(rules: RoomRules = {}, asksWho = false) {
    const { authors, readers } = rules;
    this.#rules = rules;
    this.#authors = authors === undefined ? null : new Set(authors);
    // Who may write has to see what there is to build on.
    this.#guests = readers === undefined ? null : new Set([...readers, ...(authors ?? [])]);
    this.asksWho = asksWho || readers !== undefined;
    this.#written = JSON.stringify([rules, asksWho]);
  }

  /** This policy when it is what these rules make, otherwise another one. */
  under(rules: RoomRules, asksWho: boolean): RoomPolicy {
    const next = new RoomPolicy(rules, asksWho);
    return next.#written === this.#written ? this : next;
  }

  /** Changes by everybody are taken. */
  get takesAll(): boolean {
    return this.#rules["read-only"] !== true && this.#authors === null;
  }

  /** Whether who has shown this key (in hex) may come in. */
  admits(key: string): boolean {
    return this.#guests === null || this.#guests.has(key);
  }

  /** Takes out of a group what the rules refuse. What is applied already is only a duplicate, whoever wrote it. */
  screen(group: Uint8Array, history: Pick<History, "indexOf">): Screened {
    // For the sake of the many rooms that have no rules.
    if (this.takesAll) return { group, refused: [] };
    const entries = decodeGroup(group);
    // What cannot be read is refused by the history.
    if (!entries.ok) return { group, refused: [] };
    const kept: SignedBody[] = [];
    const refused: ReceivedChange[] = [];
    for (const entry of entries.value) {
      const header = decodeBody(entry.body);
      const code = header.ok ? this.#refusalOf(header.value.author) : null;
      if (code === null) {
        kept.push(entry);
        continue;
      }
      const id = changeId(entry.body);
      if (history.indexOf(id) >= 0) kept.push(entry);
      else refused.push({ id, status: "rejected", code, scope: "copy" });
    }
    if (refused.length === 0) return { group, refused };
    return { group: kept.length === 0 ? null : encodeGroup(kept), refused };
  }

  /** What `joined` says of the rules, so that no program sends what would be refused. */
  get announcement(): { readonly readOnly?: true; readonly authors?: readonly string[] } {
    if (this.#rules["read-only"] === true) return { readOnly: true };
    return this.#authors === null ? {} : { authors: [...this.#authors] };
  }

  /** The same for a person; null when everything is taken. */
  get summary(): string | null {
    if (this.#rules["read-only"] === true) return "read-only: no changes are taken";
    if (this.#authors === null) return null;
    const { size } = this.#authors;
    return `only ${size === 1 ? "one author" : `${size} authors`} may write`;
  }

  /** Why nothing by this author is taken; null when it is. */
  #refusalOf(author: Uint8Array): RejectionCode | null {
    if (this.#rules["read-only"] === true) return "room_read_only";
    return this.#authors?.has(toHex(author)) === false ? "author_not_allowed" : null;
  }
}

/** The policies of all rooms. */
export class Policies {
  /** By document, in hex. */
  #special: ReadonlyMap<string, RoomPolicy> = new Map();
  /** Of all other documents. */
  #usual = new RoomPolicy();

  constructor(settings: PolicySettings) {
    this.replace(settings);
  }

  /** The policy of a document's room: the same object for as long as its rules are the same. */
  of(document: Uint8Array): RoomPolicy {
    return this.#special.get(toHex(document)) ?? this.#usual;
  }

  /** Goes by other settings from now on. */
  replace({ rooms, authenticate }: PolicySettings): void {
    const before = this.#special;
    this.#usual = this.#usual.under({}, authenticate);
    const next = new Map<string, RoomPolicy>();
    for (const [name, rules] of Object.entries(rooms)) {
      for (const document of documentsOf(name)) {
        const policy = before.get(document) ?? this.#usual;
        next.set(document, policy.under(rules, authenticate));
      }
    }
    this.#special = next;
  }
}

/** The settings that policies are made of. */
export interface PolicySettings {
  readonly rooms: RulesByRoom;
  /** Every room asks programs for their key. */
  readonly authenticate: boolean;
}
