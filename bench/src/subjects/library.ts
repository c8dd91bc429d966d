/** What is asked of each library that is compared; what one cannot do is left out. */
import type { Edit } from "../trace.ts";

/** A document that holds one text. */
export interface TextDocument {
  text(): string;
  /** The whole document with its history, as bytes for a file. */
  save(): Uint8Array;
  /** Gives back memory that no garbage collector sees. */
  free?(): void;
}

/** A document that holds one list of integers. */
export interface ListDocument {
  /** Makes all edits, as one change if the library has such. */
  edit(edits: readonly ListEdit[]): void;
  /** Appends some thousand items at once. */
  append(values: readonly number[]): void;
  readonly length: number;
  get(index: number): number;
  toArray(): number[];
  /** Finds many items by their stable ids, where there are such: returns what finds the index of the n-th. */
  finder?(indexes: readonly number[]): (n: number) => number;
}

/** Inserts a value before an index, or deletes there. */
export type ListEdit = readonly [index: number, value: number | null];

/** One author's replica of a text. A turn is what an author types without hearing of others. */
export interface Replica {
  /** Makes each of these a change, and returns what to send. */
  turn(changes: readonly (readonly Edit[])[]): unknown;
  receive(message: unknown): void;
  text(): string;
}

/** One replica of a document with a map, a register and a counter of integers. */
export interface MapReplica {
  /** Makes one change of many assignments, and returns what to send. */
  assign(assignments: readonly Assignment[]): unknown;
  /** Makes one change of many assignments of one register. */
  assignRegister(values: readonly number[]): unknown;
  /** Makes one change of many increments by one; absent where the library has no counters. */
  increment?(times: number): unknown;
  receive(message: unknown): void;
  /** The same for many messages at once; absent where the library has nothing for that. */
  receiveAll?(messages: readonly unknown[]): void | Promise<unknown>;
  /** What is shown. */
  entries(): Record<string, number>;
  register(): number;
  counter?(): number;
}

/** Assigns a value to a key. */
export type Assignment = readonly [key: string, value: number];

/** A library, or something simpler that does the same work. */
export interface Library {
  /** Types all edits into a new document, as one change if the library has such. */
  type(edits: readonly Edit[]): TextDocument;
  /** Opens a document from bytes that `save` gave. */
  load?(bytes: Uint8Array): TextDocument;
  /** The same by somebody who has no reason to trust whoever saved it. */
  loadAsStranger?(bytes: Uint8Array): TextDocument;
  list?(): ListDocument;
  /** Ways in which authors can exchange changes, by name; each opens the replica of an author (0, 1). */
  readonly replicas?: Readonly<Record<string, () => (author: number) => Replica>>;
  /** Opens the replicas of so many authors of one document, of which the last only receives. */
  maps?(count: number): MapReplica[];
}
