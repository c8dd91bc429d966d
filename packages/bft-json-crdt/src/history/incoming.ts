/** Changes of a group on their way in: what they build on, found among the applied changes and in the group itself. */
import type { DecodedBody } from "../change/index.ts";
import { equalBytes } from "../encoding/bytes.ts";
import type { RejectionCode } from "../result.ts";
import type { AppliedIds } from "./applied-ids.ts";
import { keyOf } from "./id-key.ts";
import { IdTable } from "./id-table.ts";

const NO_CHANGES: readonly Incoming[] = [];
const NO_KEYS: readonly string[] = [];

/** A change that the bytes alone give no reason to refuse. */
export class Incoming {
  /** The change id, 32 bytes. */
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly header: DecodedBody;
  /** A signature that has been verified, or null. */
  signature: Uint8Array | null;
  /** One that nobody has verified so far; else null. */
  unverified: Uint8Array | null = null;
  /** What is known ahead of that. */
  isGenuine: boolean | null = null;
  /** It came with a signature that is not valid. */
  isForged = false;
  /** It came with a cover, if what was looked at behind it so far is one. */
  hasCover = false;
  /** A later change of its chain and group is signed, or covered. */
  isCovered = false;
  /** Dependencies that are earlier in the same group. */
  inGroup: readonly Incoming[] = NO_CHANGES;
  /** Keys of dependencies that are neither applied nor earlier in the group. */
  missing: readonly string[] = NO_KEYS;
  /** The one that is `prev`, when it is in the group. */
  prev: Incoming | null = null;
  /** Local index of `prev`, if it is applied; else -1. */
  prevIndex = -1;
  /** A fault of the id, found once all dependencies were known. */
  fault: RejectionCode | null = null;
  /** Changes of which this is `prev`, of those that may still be applied; counted by `admit`. */
  covers = 0;
  /** Part of the set that is applied in this step. */
  admitted = false;
  /** It is applied without a signature, and its cover is not so far. */
  isOpen = false;
  /** Its own local index, once it is applied; else -1. */
  index = -1;
  #key = "";

  constructor(id: Uint8Array, body: Uint8Array, signature: Uint8Array | null, header: DecodedBody) {
    this.id = id;
    this.body = body;
    this.signature = signature;
    this.header = header;
  }

  /** The id as a map key. */
  get key(): string {
    if (this.#key === "") this.#key = keyOf(this.id);
    return this.#key;
  }
}

/** The changes of one group that come into question, in order. */
export class IncomingGroup {
  readonly changes: Incoming[] = [];
  /** Each so far is built on the one before: nearly all groups are like that. */
  #isLine = true;
  /** The ids of `changes`, of the first so many, once one of them was searched for. */
  #ids: IdTable | null = null;
  readonly #applied: Pick<AppliedIds, "find" | "findPrev">;

  constructor(applied: Pick<AppliedIds, "find" | "findPrev">) {
    this.#applied = applied;
  }

  /** The change that was added last, or null. */
  get last(): Incoming | null {
    return this.changes.length === 0 ? null : this.changes[this.changes.length - 1]!;
  }

  /** Whether a change of this id, built on `prev`, is in the group already. */
  has(id: Uint8Array, prev: Uint8Array | null): boolean {
    // One of a line that is built on the last of it would be built on itself, which no hash can be.
    if (this.#isLine && this.#isLast(prev)) return false;
    return this.#find(id) !== undefined;
  }

  /** Adds a change and links it to what it builds on. */
  add(change: Incoming): void {
    const { prev, parents, refs } = change.header;
    const { last } = this;
    // Nearly always it is the one just before.
    const isNext = this.#isLast(prev);
    if (last !== null && !isNext) this.#isLine = false;
    if (prev !== null) {
      const before = isNext ? last! : this.#find(prev);
      if (before !== undefined) {
        change.prev = before;
        change.inGroup = [before];
      } else {
        change.prevIndex = this.#applied.findPrev(change.header);
        if (change.prevIndex < 0) change.missing = [keyOf(prev)];
      }
    }
    if (parents.length > 0) this.#linkAll(change, parents);
    if (refs.length > 0) this.#linkAll(change, refs);
    this.changes.push(change);
  }

  #isLast(id: Uint8Array | null): boolean {
    const { last } = this;
    return id !== null && last !== null && equalBytes(last.id, id);
  }

  #linkAll(change: Incoming, ids: readonly Uint8Array[]): void {
    const inGroup = [...change.inGroup];
    const missing = [...change.missing];
    for (const id of ids) {
      const before = this.#find(id);
      if (before !== undefined) inGroup.push(before);
      else if (this.#applied.find(id) < 0) missing.push(keyOf(id));
    }
    change.inGroup = inGroup;
    change.missing = missing;
  }

  #find(id: Uint8Array): Incoming | undefined {
    const { changes } = this;
    if (changes.length === 0) return undefined;
    if (changes.length === 1) return equalBytes(changes[0]!.id, id) ? changes[0]! : undefined;
    this.#ids ??= new IdTable();
    while (this.#ids.length < changes.length) this.#ids.add(changes[this.#ids.length]!.id);
    const row = this.#ids.find(id);
    return row < 0 ? undefined : changes[row];
  }
}
