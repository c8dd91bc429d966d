/** What a worst case is: inputs that are built first, and phases of work on them that are timed one by one. */
import { counter, Document, integer, list, map, set, string, struct, text } from "bft-json-crdt";
import type { History, HistoryLimits, Value } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import { ALICE, groupsOf, ID } from "./change.ts";
import type { Made } from "./change.ts";

/** One piece of timed work. */
export interface Phase {
  readonly name: string;
  /** How many of what the time is divided by. */
  readonly elements: number;
  readonly work: () => void;
  /** The work changes nothing, and so can be done several times; the fastest counts. */
  readonly again?: boolean;
  /** Checks the outcome, untimed; throws when it is wrong. */
  readonly check?: () => void;
}

/** A worst case, by its name. */
export interface Case {
  readonly name: string;
  /** The greatest size that fits into memory; 10^6 when left out. */
  readonly most?: number;
  /** Builds the inputs of one size, untimed. What the first phase leaves behind is weighed. */
  prepare(size: number): Phase[];
}

/** A field of everything. */
export const schema = struct({
  list: list(integer()),
  text: text(),
  reg: integer(),
  map: map(integer()),
  set: set(integer()),
  total: counter(),
  items: list(struct({ name: string(), log: list(integer()) })),
  boxes: map(struct({ name: string(), log: list(integer()) })),
});
export type Doc = Document<typeof schema>;

/** Alice's replica, who edits what others have left there. */
export function replica(limits: Partial<HistoryLimits> = {}): Doc {
  return new Document({ schema, id: ID, keyPair: ALICE, chain: 0n, limits });
}

/** Bounds of the causal queue that hold whatever a case has. */
export const UNBOUNDED: HistoryLimits = {
  pendingBytes: 1e12,
  pendingBytesPerPeer: 1e12,
  pendingBytesPerAuthor: 1e12,
  rejectedIds: 65_536,
};

/** Delivers groups to a replica or a history. */
export function deliver(to: Doc | History, groups: readonly Uint8Array[], peer = "liar"): void {
  for (const group of groups) to.receive(group, peer);
}

/** Edits of sizes up to this are checked on another replica as well. */
const CHECKED = 20_000;

/**
 * The usual course of a case: a replica receives all of it, shows it, saves it, loads it again, and then Alice edits.
 * `edits` is how many of those there are, and `edit` one of them.
 */
export function course(
  changes: readonly Made[],
  size: number,
  shown: (document: Doc) => unknown,
  expected: unknown,
  edit?: (document: Doc, at: number) => void,
): Phase[] {
  const groups = groupsOf(changes);
  const document = replica();
  let saved: Uint8Array = new Uint8Array(0);
  let loaded: Doc | null = null;
  const edits = Math.ceil(size / 10);
  const phases: Phase[] = [
    {
      name: "receive",
      elements: size,
      work: () => deliver(document, groups),
      check: () => {
        expectEqual(document.history.length, changes.length, "applied changes");
        expectEqual(shown(document), expected, "what is shown");
      },
    },
    { name: "view", elements: size, work: () => void document.view(), again: true },
    { name: "digest", elements: size, work: () => void document.viewDigest(), again: true },
    { name: "save", elements: size, work: () => void (saved = document.save()), again: true },
    {
      name: "load",
      elements: size,
      work: () => {
        const result = Document.load(saved, { schema, id: ID });
        if (!result.ok) throw new Error(result.error.detail);
        loaded = result.value;
      },
      check: () => {
        expectEqual(loaded!.viewDigest(), document.viewDigest(), "digest of what was loaded");
        loaded = null;
        saved = new Uint8Array(0);
      },
    },
  ];
  if (edit !== undefined) {
    phases.push({
      name: "edit",
      elements: edits,
      work: () => {
        for (let at = 0; at < edits; at++) edit(document, at);
      },
      check: () => {
        if (size > CHECKED) return;
        const other = replica();
        deliver(other, document.history.groupsFor(document.history.missingFor([])));
        expectEqual(other.viewDigest(), document.viewDigest(), "digest of another replica");
      },
    });
  }
  return phases;
}

/** The first element of a value on the wire, by the change itself (`back` steps before ref 1). */
export function before(back: number, index = 0): number[] {
  return [1, back, index];
}

/** No ops. */
export const NOTHING: readonly Value[] = [];
