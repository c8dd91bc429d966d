/** One who takes part: a name for people, a key that signs, a replica of the document. */
import { Document, generateKeyPair, sha256, toHex } from "bft-json-crdt";
import type { ChangeOptions, Handle, KeyPair, LocalChange, Schema } from "bft-json-crdt";
import type { Clock } from "./clock.ts";

/** What its maker is told of each change: the groups to send. */
type OnChange = (groups: readonly Uint8Array[]) => void;

/** Who it is, and which document it takes part in. */
export interface ParticipantOptions<S extends Schema> {
  readonly name: string;
  /** The key depends on this and the name alone: so do all ids and signatures of a program. */
  readonly seed: string | number;
  readonly schema: S;
  readonly id: Uint8Array;
  readonly clock: Clock;
}

/** The key pair of who has this name: known before there is a document, so that a genesis can name it. */
export function keyPairOf(seed: string | number, name: string): KeyPair {
  return generateKeyPair(sha256(new TextEncoder().encode(`${seed}/key/${name}`)));
}

/** A participant with its replica. */
export class Participant<S extends Schema> {
  readonly name: string;
  readonly keyPair: KeyPair;
  /** Public key in hex. */
  readonly author: string;
  readonly document: Document<S>;
  readonly #options: ParticipantOptions<S>;
  readonly #listeners = new Set<OnChange>();

  constructor(options: ParticipantOptions<S>) {
    const { name, seed, schema, id } = options;
    this.#options = options;
    this.name = name;
    this.keyPair = keyPairOf(seed, name);
    this.author = toHex(this.keyPair.publicKey);
    this.document = new Document({ schema, id, keyPair: this.keyPair, chain: 0n });
  }

  /** Edits, signs, applies here, and tells whoever listens. The claimed time is that of the clock unless another is given. */
  change(edit: (doc: Handle<S>) => void, options: ChangeOptions = {}): LocalChange {
    const change = this.document.change(edit, { time: this.#options.clock.now, ...options });
    for (const tell of this.#listeners) tell(change.groups);
    return change;
  }

  onChange(tell: OnChange): void {
    this.#listeners.add(tell);
  }

  /**
   * The same identity once more, with all that this one has seen: what a liar runs who tells two stories. Both write the
   * same chain, so once each has made a change there is a fork, and whoever sees both can prove it.
   */
  twin(): Participant<S> {
    const twin = new Participant(this.#options);
    const merged = twin.document.merge(this.document.save({ seal: false }));
    if (!merged.ok) throw new Error(merged.error.detail);
    return twin;
  }
}
