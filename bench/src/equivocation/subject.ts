/** What a library must offer to stand in the experiment, so that the same scenario is played with each of them. */

/** The types of content that all of the libraries have. */
export type Kind = "text" | "map" | "list";

/** One edit. Positions count UTF-16 units in a text, items in a list. */
export type Edit =
  | { readonly kind: "text"; readonly at: number; readonly remove: number; readonly insert: string }
  | { readonly kind: "map"; readonly key: string; readonly value: string }
  | { readonly kind: "list"; readonly at: number; readonly insert: string };

/** What a replica shows. */
export interface Content {
  readonly text: string;
  readonly map: Readonly<Record<string, string>>;
  readonly list: readonly string[];
}

/** Alice and Bob are honest; Mallory runs two copies of the library under one identity. */
export type Person = "alice" | "bob" | "mallory";

/** An author whom a library reports for having equivocated, with a proof that was verified from its bytes alone. */
export interface Accusation {
  /** As `Subject.identity` writes it. */
  readonly author: string;
  readonly proof: Uint8Array;
}

/** One copy of the document, edited by one person. Any method may throw what the library throws. */
export interface Replica {
  /** Makes one change (a transaction, a commit) of these edits, and returns it as it would be sent. */
  edit(edits: readonly Edit[]): Uint8Array;
  /** Takes in a change that `edit` of another replica returned. */
  receive(change: Uint8Array): void;
  /** A second copy with the same content and the same identity. */
  twin(): Replica;
  content(): Content;
  /** What the library compares to find out whether two replicas have the same changes; equal if and only if it is. */
  version(): string;
  /** Whom the library accuses through its interface; what it throws or prints is noted elsewhere. */
  accusations(): readonly Accusation[];
}

/** Runs something that may throw; notes the error and returns false if it does. */
export type Attempt = (action: () => void) => boolean;

/** A documented way to bring two replicas together. */
export interface Way<R extends Replica> {
  readonly name: string;
  /** Goes on until neither replica has anything left for the other, or nothing changes any more. */
  readonly sync: (a: R, b: R, attempt: Attempt) => void;
}

/** A library. */
export interface Subject<R extends Replica> {
  readonly library: string;
  readonly version: string;
  readonly ways: readonly Way<R>[];
  /** An empty document of that person's. */
  readonly open: (person: Person) => R;
  /** The person's identity, as the library writes it in messages. */
  readonly identity: (person: Person) => string;
}
