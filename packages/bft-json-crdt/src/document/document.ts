/**
 * A document: the history of signed changes of many authors, folded through a schema into a JSON view.
 *
 * Two documents of one id and schema that have applied the same changes show the same view, whoever lied on the way.
 * It does no I/O: hand `change.bytes` to peers and what they send to `receive`.
 */
import {
  GROUP_ENTRY_OVERHEAD,
  LineWriter,
  passingMessage,
  SIGNATURE_BYTES,
  signedGroup,
} from "../change/index.ts";
import { isValidPublicKey, publicKeyOf, randomBytes, sha256, signerOf } from "../crypto/index.ts";
import type { KeyPair, Signer } from "../crypto/index.ts";
import { canonicalJson, equalBytes, toHex } from "../encoding/index.ts";
import { History, verifyAhead } from "../history/index.ts";
import type { ForkProof, HistoryLimits, LiveGroup, ReceivedGroup } from "../history/index.ts";
import { MAX_BODY_BYTES, MAX_GROUP_BYTES, MAX_GROUP_CHANGES, MAX_PARENTS } from "../limits.ts";
import { MisuseError, ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";
import { decodeSaved, encodeHistory } from "../saved/index.ts";
import type { AnyView, SavedFile } from "../saved/index.ts";
import { checkSchema, schemaDigest } from "../schema/index.ts";
import type { Schema, View } from "../schema/index.ts";
import type { Node } from "./containers.ts";
import { DraftEncoder } from "./draft-encoder.ts";
import type { Ground } from "./draft-encoder.ts";
import type { Draft } from "./draft.ts";
import { Editor, REFERENCE_BYTES } from "./editor.ts";
import { handleOf } from "./handles.ts";
import type { Handle, HandleHost } from "./handles.ts";
import { openUnverified, refusalOf } from "./opening.ts";
import type { Unverified } from "./opening.ts";
import type { Patch } from "./patch.ts";
import { DocumentState } from "./state.ts";
import { viewOf } from "./view.ts";

/** How a document is opened. */
export interface DocumentOptions<S extends Schema> {
  /** What the document may hold. Replicas with other schemas have the same history, and show other views. */
  readonly schema: S;
  /** The document id, 32 bytes: `documentId(name)`, or `genesisDocumentId(genesis)`. */
  readonly id: Uint8Array;
  /** Who edits here; without it the document can only be read. */
  readonly keyPair?: KeyPair;
  /**
   * The author's line of changes: 0 for a durable store held under an exclusive lock. Otherwise leave it out: 64 random
   * bits, so that a second tab or a restored backup never signs two different changes with one sequence number.
   */
  readonly chain?: bigint;
  /** Bounds of the causal queue; they may delay, never change a verdict. */
  readonly limits?: Partial<HistoryLimits>;
}

/** How one change is made. */
export interface ChangeOptions {
  /** Claimed time in milliseconds since 1970; now by default, null for none. Shown to people, never used for order. */
  readonly time?: number | null;
  /** Ids of changes that this one shall depend on, besides all that this replica has seen last. */
  readonly requires?: readonly Uint8Array[];
}

/** A change of this replica's own making, applied here and ready to be sent. */
export class LocalChange {
  readonly #history: History;
  /** What to send, in order: one group unless the edits had to be split (see `MAX_BODY_BYTES`). */
  readonly groups: readonly Uint8Array[];
  /** Local indexes of the parts in the history. */
  readonly indexes: readonly number[];

  /** @internal */
  constructor(history: History, groups: readonly Uint8Array[], indexes: readonly number[]) {
    this.#history = history;
    this.groups = groups;
    this.indexes = indexes;
  }

  /** The change id, 32 bytes; of the last part, if the edits did not fit into one change. */
  get id(): Uint8Array {
    return this.#history.idAt(this.indexes[this.indexes.length - 1]!);
  }

  /** All groups, each with the index of its part: what a log and `SyncSession.push` take, however much was edited. */
  get live(): readonly LiveGroup[] {
    return this.groups.map((group, part) => ({ group, indexes: [this.indexes[part]!] }));
  }

  /** What to send, when it is one group. Throws MisuseError when the edits were split: then send each of `groups`. */
  get bytes(): Uint8Array {
    const [first, second] = this.groups;
    if (first !== undefined && second === undefined) return first;
    throw new MisuseError(
      "too_large",
      `the edits were split into ${this.groups.length} changes: send each of groups`,
    );
  }
}

/** Changes that were made under common signatures, applied here and ready to be sent. */
export interface LocalBatch {
  /** What to send, in order. */
  readonly groups: readonly Uint8Array[];
  /** For each group the local indexes of the changes that it holds, ascending. */
  readonly indexes: readonly (readonly number[])[];
  /** The groups, each with its indexes: what a log and `SyncSession.push` take. */
  readonly live: readonly LiveGroup[];
}

/** A batch was ended by an error (its `cause`). What was made before stands, and is to be stored and sent all the same. */
export class BatchError extends Error {
  /** What was made before the error. */
  readonly batch: LocalBatch;

  /** @internal */
  constructor(batch: LocalBatch, cause: unknown) {
    super(
      `a batch was ended by an error; ${batch.indexes.flat().length} changes were made before: ${String(cause)}`,
      { cause },
    );
    this.name = "BatchError";
    this.batch = batch;
  }
}

/** Makes one change inside a batch. Returns its local index in the history (of its last part, if it did not fit into one). */
export type MakeChange<S extends Schema> = (
  edit: (doc: Handle<S>) => void,
  options?: ChangeOptions,
) => number;

/** What happened to the view, and by which changes. */
export interface DocumentEvent {
  /** "local": made here by `change` or `batch`; "remote": came through `receive`, `receiveAll` or `merge`. */
  readonly origin: "local" | "remote";
  /** Local indexes of the changes, ascending. */
  readonly changes: readonly number[];
  /** What to do to the view before to get the view after. */
  readonly patches: readonly Patch[];
}

/** A replica of a shared document. */
export class Document<S extends Schema = Schema> {
  /** The document id, 32 bytes. */
  readonly id: Uint8Array;
  /** What the document was opened with. */
  readonly schema: S;
  readonly #history: History;
  /** What this document was opened from, until something else than its view is asked for. */
  #unverified: Unverified | null = null;
  /** A file that was sealed with the key of this document held changes that are refused. */
  #wasDeceived = false;
  readonly #keyPair: KeyPair | null;
  /** Signs with the key pair. */
  readonly #sign: Signer | null;
  /** What was signed last: whoever takes a signature copies it. */
  readonly #signature = new Uint8Array(SIGNATURE_BYTES);
  readonly #chain: bigint;
  readonly #editor: Editor;
  readonly #encoder: DraftEncoder;
  /** What the handles find their nodes by. */
  readonly #handles: HandleHost & { epoch: number };
  /** Made when it is asked for; finds its node again by itself. */
  #root: Handle<S> | null = null;
  readonly #listeners = new Set<(event: DocumentEvent) => void>();
  readonly #forkListeners = new Set<(proof: ForkProof) => void>();
  /** Chains that were told of, by number. */
  readonly #knownForks = new Set<number>();
  /** Changes looked at so far for whether their chain has forked. */
  #searched = 0;
  #state: DocumentState;
  /** How many elements there were when the state was folded anew, by the epoch that this ended. */
  readonly #elementsAtEnd: number[] = [];
  /** Changes folded so far. */
  #folded = 0;
  /** Changes below this were told to the listeners, or shown before anybody listened. */
  #announced = 0;
  /** The last change made here, or -1. */
  #made = -1;
  /** True while the callback of a change runs. */
  #isMaking = false;
  /** The groups of the change that is being made, a group for each of its parts; none in a batch. */
  #signed: Uint8Array[] = [];
  /** While `batch` runs: where its open group begins, the bytes in that, and the groups that are closed. */
  #batch: {
    start: number;
    end: number;
    bytes: number;
    readonly closed: LiveGroup[];
  } | null = null;
  /** The changes of that open group. */
  readonly #line = new LineWriter();
  /** What the next change is made on top of: one object for all of them, since typing makes a change for each key. */
  readonly #nextGround = {
    author: NO_BYTES as Uint8Array,
    chain: 0n,
    time: null as number | null,
    prev: -1,
    parents: NOTHING,
    required: NOTHING,
  };
  /** Events that not all have heard yet who listened when they happened. */
  readonly #events: {
    readonly event: DocumentEvent;
    readonly listeners: readonly ((event: DocumentEvent) => void)[];
  }[] = [];
  #isAnnouncing = false;

  /** Opens an empty document. Throws MisuseError for an id, schema, key pair or chain that is none. */
  constructor(options: DocumentOptions<S>) {
    checkOptions(options);
    checkSchema(options.schema);
    this.schema = options.schema;
    const limits = options.limits === undefined ? {} : { limits: options.limits };
    this.#history = new History({ document: options.id, ...limits });
    this.id = this.#history.document;
    this.#keyPair = options.keyPair === undefined ? null : checkedKeyPair(options.keyPair);
    this.#sign = this.#keyPair === null ? null : signerOf(this.#keyPair.secretKey);
    this.#chain = checkedChain(options.chain ?? randomChain());
    this.#state = new DocumentState(options.schema, this.#history);
    this.#encoder = new DraftEncoder(this.#history);
    const author = this.#keyPair === null ? "" : toHex(this.#keyPair.publicKey);
    this.#editor = new Editor({ history: this.#history, author }, this.#state);
    this.#handles = {
      editor: this.#editor,
      epoch: 0,
      locate: (owner, path, epoch) => this.#locate(owner, path, epoch),
    };
  }

  /** Every applied change, of all authors; what sync, storage and inspection work on. */
  get history(): History {
    if (this.#unverified !== null) this.#verify();
    return this.#history;
  }

  /** Handles to read from: `document.root.tasks.length`. The same handles edit inside of `change` only. */
  get root(): Handle<S> {
    if (this.#unverified !== null) this.#verify();
    this.#foldForeign();
    this.#root ??= handleOf(this.#handles, this.#state.containers.root) as Handle<S>;
    return this.#root;
  }

  /** Public key of who edits here; null when the document can only be read. */
  get author(): Uint8Array | null {
    return this.#keyPair?.publicKey.slice() ?? null;
  }

  /**
   * Makes one change of all edits in the callback: all of them apply, or none if it throws. The change is signed, applied
   * here, and returned to be stored and sent. A callback that edits nothing makes an empty change, which says what its
   * author has seen. Throws MisuseError for what the schema or a container does not take, without a key pair, inside of
   * another change, and when the callback returns a promise. An edit that is refused inside has done nothing, so that the
   * callback may catch that and go on; if a part of it stands already (one of many nested values is too large), the whole
   * change fails all the same.
   */
  change(edit: (doc: Handle<S>) => void, options: ChangeOptions = {}): LocalChange {
    this.#checkIdle();
    const start = this.history.length;
    const parts = this.#make(edit, options);
    const indexes = range(start, start + parts);
    const groups = this.#signed;
    this.#signed = [];
    // Others may follow, released by this change.
    this.#announce("local");
    return new LocalChange(this.#history, groups, indexes);
  }

  /**
   * Makes many changes of which only few are signed, each later one vouching for those before it: an edit costs a hash
   * in the place of a signature, and takes half the bytes. All of them leave together, when the callback has returned.
   *
   *     const typed = document.batch((change) => {
   *       for (const key of keys) change((doc) => doc.text.append(key));
   *     });
   *
   * Throws BatchError when the callback throws or returns a promise: it holds what was made before that, which stands.
   */
  batch(make: (change: MakeChange<S>) => void): LocalBatch {
    this.#checkIdle();
    const start = this.history.length;
    let failure: { readonly cause: unknown } | null = null;
    this.#batch = { start, end: start, bytes: 0, closed: [] };
    let isOver = false;
    try {
      const returned: unknown = make((edit, options = {}) => {
        if (isOver) throw new MisuseError("not_in_change", "this batch has ended");
        const first = this.history.length;
        return first + this.#make(edit, options) - 1;
      });
      if (isPromise(returned)) throw abandoned(returned, "batch()");
    } catch (cause) {
      failure = { cause };
    }
    isOver = true;
    this.#editor.settle();
    this.#close();
    const { closed } = this.#batch;
    this.#batch = null;
    const batch = {
      groups: closed.map(({ group }) => group),
      indexes: closed.map(({ indexes }) => indexes),
      live: closed,
    };
    if (this.history.length > start) this.#announce("local");
    if (failure !== null) throw new BatchError(batch, failure.cause);
    return batch;
  }

  /**
   * Takes in changes from outside. Never throws, whatever the bytes; what waits for something missing is kept and applied
   * when that arrives. `peer` is who delivered it and pays for what has to wait.
   */
  receive(group: Uint8Array, peer?: string): ReceivedGroup {
    this.#checkNotMaking();
    if (!(group instanceof Uint8Array))
      throw new MisuseError("bad_value", "receive takes a Uint8Array");
    const start = this.history.length;
    const received = this.history.receive(group, peer);
    this.#tellSince(start);
    return received;
  }

  /**
   * The same for many groups in order, faster: signatures are verified on all cores (under Node; elsewhere with pauses),
   * while the groups before are applied. As within one group, the last signature of a line vouches for the changes before it:
   * where all of a few hundred changes fit, these are taken in at once with one signature for each author, the others are not
   * looked at and not kept (`isExact` is false then), and listeners are told once. The document may be read, edited and given
   * other groups meanwhile. Each group is copied when it is taken from `groups`. Rejects with what `groups` throws, once what
   * came before that is taken in.
   */
  async receiveAll(groups: Iterable<Uint8Array>, peer?: string): Promise<readonly ReceivedGroup[]> {
    this.#checkNotMaking();
    const received: ReceivedGroup[] = [];
    for await (const slice of verifyAhead(this.history, groups)) {
      const start = this.history.length;
      const together = this.history.receiveTogether(slice);
      if (together !== null) {
        received.push(...together);
        this.#tellSince(start);
        continue;
      }
      await slice.verifyEach();
      for (const group of slice.groups) {
        const before = this.history.length;
        received.push(this.history.receiveVerified(group, peer));
        this.#tellSince(before);
      }
    }
    return received;
  }

  #checkNotMaking(): void {
    if (this.#isMaking || this.#batch !== null)
      throw new MisuseError("in_change", "receive is called inside of change() or batch()");
  }

  /** Tells the listeners of what has come from outside, if anything has. */
  #tellSince(start: number): void {
    if (this.history.length > start) this.#announce("remote");
  }

  /** The document as plain data; objects have no prototype. */
  view(): View<S> {
    if (this.#unverified !== null) return this.#unverified.view.read() as View<S>;
    this.#editor.settle();
    this.#foldForeign();
    return viewOf(this.#state.containers.root) as View<S>;
  }

  /** The RFC 8785 JSON of the view: bigints as decimal strings, bytes as base64url. */
  viewJson(): string {
    return canonicalJson(this.view() ?? null);
  }

  /** SHA-256 of the JSON of the view, in hex: equal on all replicas that have applied the same changes. */
  viewDigest(): string {
    return toHex(sha256(new TextEncoder().encode(this.viewJson())));
  }

  /** Ids of the frontier, sorted: equal on two replicas if and only if they have applied the same changes. */
  frontier(): Uint8Array[] {
    return this.history.frontier();
  }

  /**
   * Calls back after each change of the document, local or remote. Returns what ends the subscription. What a listener
   * throws is thrown on its own, once the change is done: neither `change` nor `receive` fails for it. Of what the view shows
   * already it is told nothing. Throws MisuseError inside of a change or batch, where that is not certain.
   */
  subscribe(listener: (event: DocumentEvent) => void): () => void {
    if (this.#isMaking || this.#batch !== null)
      throw new MisuseError("in_change", "subscribe is called inside of change() or batch()");
    this.#editor.settle();
    if (this.#unverified === null) {
      this.#foldForeign();
      // Those who listen already are told of it first.
      if (this.#announced < this.#history.length) this.#announce("remote");
    }
    this.#listeners.add(listener);
    this.#state.patches.enabled = true;
    return () => {
      this.#listeners.delete(listener);
      this.#state.patches.enabled = this.#listeners.size > 0;
    };
  }

  /** Calls back once for each chain whose author turns out to have equivocated. Returns what ends the subscription. */
  onFork(listener: (proof: ForkProof) => void): () => void {
    this.#forkListeners.add(listener);
    return () => this.#forkListeners.delete(listener);
  }

  /**
   * All applied changes as bytes, for a file. With a key pair the file is sealed: it says what the document shows, so that
   * `load` with the same key shows it at once. `seal: false` leaves that out, for a file that is made for others. Throws
   * MisuseError for a document that was loaded from a file with changes that are refused: the new file would hold less.
   *
   * @param options - `seal`: true by default
   */
  save({ seal = true }: { readonly seal?: boolean } = {}): Uint8Array {
    const { history, schema } = this;
    const keyPair = this.#keyPair;
    if (this.#wasDeceived) throw deceived();
    // What a change shows while it is made is not what the history holds.
    const isSealed = seal && keyPair !== null && !this.#isMaking && this.#batch === null;
    // What nothing vouches for yet would make the file one that is refused.
    if (this.#batch !== null) this.#close();
    const sealing = isSealed ? { keyPair, schema, view: this.view() as AnyView } : null;
    return encodeHistory(history, schemaDigest(schema), sealing);
  }

  /**
   * Opens a document from saved bytes, verifying everything; refused with the code of the first change that is, or as
   * "malformed" or "wrong_document". A file that was sealed with the key pair in the options shows
   * its view at once, and is verified when the document is asked for anything else.
   */
  static load<S extends Schema>(
    bytes: Uint8Array,
    options: DocumentOptions<S>,
  ): Result<Document<S>> {
    const document = new Document(options);
    // What is verified later must not have been written over meanwhile.
    const saved = document.#readSaved(options.keyPair === undefined ? bytes : bytes.slice());
    if (!saved.ok) return saved;
    document.#unverified = openUnverified(saved.value, document.author, document.schema);
    if (document.#unverified !== null) return ok(document);
    const merged = document.#take(saved.value);
    return merged.ok ? ok(document) : merged;
  }

  /**
   * Takes in all changes of saved bytes, verifying everything; returns how many were new. Refused like `load`; what came
   * before the change that is refused has been taken in.
   */
  merge(bytes: Uint8Array): Result<number> {
    const saved = this.#readSaved(bytes);
    return saved.ok ? this.#take(saved.value) : saved;
  }

  #readSaved(bytes: Uint8Array): Result<SavedFile> {
    const saved = decodeSaved(bytes);
    if (!saved.ok || equalBytes(saved.value.document, this.id)) return saved;
    return rejected("wrong_document", `it holds document ${toHex(saved.value.document)}`);
  }

  #take({ groups }: SavedFile): Result<number> {
    const before = this.history.length;
    for (const group of groups) {
      const refusal = refusalOf(this.receive(group, "a file"));
      if (refusal !== null) return { ok: false, error: refusal };
    }
    return ok(this.history.length - before);
  }

  /**
   * Takes in the changes of what was opened unverified. The seal covers every byte, so that they are refused only if the key
   * has sealed what it had not verified: then what is good of them is shown, and nothing can be edited on top of it, because
   * that might repeat the number of a change that is missing.
   */
  #verify(): void {
    const { groups } = this.#unverified!;
    this.#unverified = null;
    const { patches } = this.#state;
    const { enabled } = patches;
    // All of it was there when the listeners began to listen.
    patches.enabled = false;
    for (const group of groups) {
      this.#wasDeceived = refusalOf(this.#history.receive(group, "a file")) !== null;
      if (this.#wasDeceived) break;
    }
    this.#fold();
    this.#announced = this.#history.length;
    patches.enabled = enabled;
  }

  #checkIdle(): void {
    if (this.#isMaking || this.#batch !== null)
      throw new MisuseError("in_change", "a change is being made already");
    if (this.#keyPair === null)
      throw new MisuseError("no_key", "open the document with a keyPair to edit it");
    if (this.#unverified !== null) this.#verify();
    if (this.#wasDeceived) throw deceived();
  }

  /** Makes one change, in as many parts as it takes; returns how many. */
  #make(edit: (doc: Handle<S>) => void, options: ChangeOptions): number {
    if (this.#isMaking) throw new MisuseError("in_change", "a change is being made already");
    const start = this.history.length;
    // Others have come into the history meanwhile, and are not of the batch.
    if (this.#batch !== null && start > this.#batch.end) this.#close();
    if (this.#folded < start) {
      // The change before, of a batch, has released others.
      this.#editor.settle();
      this.#fold();
    }
    this.#isMaking = true;
    try {
      const required = this.#requiredBy(options);
      this.#editor.beginChange();
      this.#editor.beginPart(requiredBytes(required, 0));
      // What one change cannot name is named by changes before it, on which it builds.
      for (let part = 1; part * MAX_REQUIRED < required.length; part++)
        this.#editor.beginPart(requiredBytes(required, part));
      const returned: unknown = edit(this.root);
      if (isPromise(returned)) throw abandoned(returned, "change()");
      this.#editor.endChange(this.#batch !== null);
      if (this.history.length !== start)
        throw new MisuseError("in_change", "the history was given changes inside of change()");
      const { drafts } = this.#editor;
      for (let part = 0; part < drafts.length; part++) {
        this.#commit(drafts[part]!, start + part, options, requiredBy(required, part));
      }
      // The edits took effect while they were made.
      this.#folded = start + drafts.length;
      return drafts.length;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#editor.abandon();
      this.#encoder.forget();
      this.#isMaking = false;
    }
  }

  /** Encodes and applies a part of a change, and signs it unless a batch will. */
  #commit(draft: Draft, index: number, options: ChangeOptions, required: readonly number[]): void {
    const { history } = this;
    if (history.length !== index) {
      // Only this very change, made before and forgotten, can have released what depends on it.
      throw new MisuseError(
        "in_change",
        "this change is known to others already: load what was saved",
      );
    }
    const made = this.#encoder.encode(draft, this.#ground(options, required));
    const batch = this.#batch;
    const bytes = made.body.length + GROUP_ENTRY_OVERHEAD;
    if (batch !== null) {
      const isFull = batch.bytes + bytes > MAX_GROUP_BYTES - 64;
      if (isFull || index - batch.start >= MAX_GROUP_CHANGES) this.#close();
    }
    const signature = batch === null ? this.#sign!(passingMessage(made.id), this.#signature) : null;
    if (signature !== null) this.#signed.push(signedGroup(made.body, signature));
    if (history.appendMade(made, signature, batch?.start ?? index) < 0)
      throw new MisuseError("in_change", "this very change is applied already");
    this.#made = index;
    this.#encoder.appended(index);
    if (batch !== null) {
      batch.bytes += bytes;
      batch.end = index + 1;
      this.#line.add(made.body);
      if (history.length > batch.end) this.#close();
    }
    this.#state.drafted.shift();
  }

  /** Signs the last change of the open group of a batch. */
  #close(): void {
    const { history } = this;
    const batch = this.#batch!;
    const { start, end } = batch;
    if (end > start) {
      const message = passingMessage(history.idViewAt(end - 1));
      const signature = this.#sign!(message, this.#signature);
      history.sign(end - 1, signature);
      batch.closed.push({ group: this.#line.end(signature), indexes: range(start, end) });
    }
    batch.start = history.length;
    batch.end = history.length;
    batch.bytes = 0;
  }

  /** What the next change is made on top of. */
  #ground(options: ChangeOptions, required: readonly number[]): Ground {
    const { history } = this;
    const author = this.#keyPair!.publicKey;
    const prev = this.#ownTip(author);
    const parents = history.isOnlyHead(prev) ? NOTHING : this.#parentsBeside(prev);
    const ground = this.#nextGround;
    ground.author = author;
    ground.chain = this.#chain;
    ground.time = checkedTime(options.time);
    ground.prev = prev;
    ground.parents = parents;
    ground.required = required;
    return ground;
  }

  /** The tip on which the next change of the own chain is made, or -1. */
  #ownTip(author: Uint8Array): number {
    const { history } = this;
    // Nearly always it is what was made here last.
    const tip = this.#made < 0 ? -1 : history.tipOf(this.#made);
    return tip >= 0 ? tip : history.latestTip(author, this.#chain);
  }

  /** The greatest heads, so that the new change sorts after everything that is known here; by id. */
  #parentsBeside(prev: number): readonly number[] {
    const { history } = this;
    const heads = history.greatestHeads(MAX_PARENTS + 1).filter((head) => head !== prev);
    return heads.slice(0, MAX_PARENTS).sort((a, b) => history.compareIds(a, b));
  }

  #requiredBy({ requires }: ChangeOptions): readonly number[] {
    if (requires === undefined) return NOTHING;
    return requires.map((id) => {
      const index = this.history.indexOf(id);
      if (index >= 0) return index;
      throw new MisuseError("unknown_dependency", `change ${toHex(id)} is not applied here`);
    });
  }

  /** Takes back the edits of a change that was not completed, by folding the history anew. */
  #rollBack(): void {
    this.#state.drafted.length = 0;
    this.#signed = [];
    if (this.#editor.drafts.every((draft) => draft.ops.length === 0)) return;
    const { enabled } = this.#state.patches;
    this.#state = new DocumentState(this.schema, this.history);
    this.#editor.refolded(this.#state);
    this.#folded = 0;
    this.#elementsAtEnd.push(this.history.elementCount);
    this.#handles.epoch = this.#elementsAtEnd.length;
    this.#fold(this.#announced);
    // Of those that came later nobody was told yet, such as the ones before it in its batch.
    this.#state.patches.enabled = enabled;
    this.#fold();
  }

  #fold(end = this.history.length): void {
    while (this.#folded < end) this.#state.fold(this.#folded++);
  }

  /** Takes in what has come into the history by other ways than through the document, such as from a log. */
  #foldForeign(): void {
    if (this.#isMaking || this.#folded === this.history.length) return;
    this.#editor.settle();
    this.#fold();
  }

  /** Tells the listeners of all changes that they were not told of. */
  #announce(origin: "local" | "remote"): void {
    this.#fold();
    const start = this.#announced;
    this.#announced = this.history.length;
    if (this.#listeners.size > 0) this.#tellAll(origin, start);
    else this.#state.patches.take();
    if (this.#forkListeners.size > 0 && !this.#isAnnouncing) this.#announceForks();
  }

  #tellAll(origin: "local" | "remote", start: number): void {
    const changes = range(start, this.history.length);
    const event = { origin, changes, patches: this.#state.patches.take() };
    this.#events.push({ event, listeners: [...this.#listeners] });
    // What a listener does is heard of when all have heard of what it was told.
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      // One that has ended its subscription meanwhile hears nothing any more.
      for (const listener of next.listeners)
        if (this.#listeners.has(listener)) tell(listener, next.event);
    }
    this.#isAnnouncing = false;
  }

  /** Tells of chains that have forked. A proof is made only for a new one: each costs two signature checks. */
  #announceForks(): void {
    const { history } = this;
    while (this.#searched < history.length) {
      // A listener that edits the document has the search go on before this one does.
      const index = this.#searched++;
      if (!history.isForked(index)) continue;
      const chain = history.chainIndexAt(index);
      if (this.#knownForks.has(chain)) continue;
      const proof = history.forkOf(index);
      if (proof === null) continue;
      this.#knownForks.add(chain);
      for (const listener of [...this.#forkListeners]) tell(listener, proof);
    }
  }

  #locate(owner: number, path: readonly string[], epoch: number): Node {
    let node: Node | null = owner < 0 ? this.#state.containers.root : null;
    // Numbers beyond were given again, to other elements.
    if (owner >= 0 && owner < this.#elementsAtEnd[epoch]!) node = this.#state.nodeOf(owner);
    for (const name of path) {
      node = node?.kind === "struct" ? (this.#state.containers.field(node, name) ?? null) : null;
    }
    if (node === null) {
      throw new MisuseError(
        "detached",
        "this handle is of something that was made in a change that failed",
      );
    }
    return node;
  }
}

const NOTHING: readonly number[] = [];

/** Dependencies that one change names because it was asked to: a quarter of what fits, so that edits do, too. */
const MAX_REQUIRED = MAX_BODY_BYTES >> 7;

/** Those that a part of a change names. */
function requiredBy(required: readonly number[], part: number): readonly number[] {
  const start = part * MAX_REQUIRED;
  if (part === 0 && required.length <= MAX_REQUIRED) return required;
  return start < required.length ? required.slice(start, start + MAX_REQUIRED) : NOTHING;
}

/** What they take in its body at most. */
function requiredBytes(required: readonly number[], part: number): number {
  return required.length === 0 ? 0 : REFERENCE_BYTES * requiredBy(required, part).length;
}

const NO_BYTES = new Uint8Array(0);

/** The numbers from `start` up to, not including, `end`. */
function range(start: number, end: number): number[] {
  const numbers: number[] = [];
  for (let number = start; number < end; number++) numbers.push(number);
  return numbers;
}

/** For callers without types. */
function checkOptions(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new MisuseError("bad_value", "a document is opened with options: { schema, id, keyPair }");
}

function checkedKeyPair(keyPair: KeyPair): KeyPair {
  const { publicKey, secretKey } = (keyPair ?? {}) as Partial<KeyPair>;
  if (!(publicKey instanceof Uint8Array) || !(secretKey instanceof Uint8Array)) {
    throw new MisuseError(
      "bad_key",
      "a key pair has a publicKey and a secretKey, each a Uint8Array: use generateKeyPair()",
    );
  }
  if (!equalBytes(publicKeyOf(secretKey), publicKey) || !isValidPublicKey(publicKey)) {
    throw new MisuseError("bad_key", "the public key does not belong to the secret key");
  }
  return { publicKey: publicKey.slice(), secretKey: secretKey.slice() };
}

function checkedChain(chain: bigint): bigint {
  if (typeof chain === "bigint" && BigInt.asUintN(64, chain) === chain) return chain;
  throw new MisuseError("bad_value", "a chain is a bigint from 0n to 2n ** 64n - 1n");
}

function checkedTime(time: number | null | undefined): number | null {
  if (time === undefined) return Math.max(0, Math.floor(Date.now()));
  if (time === null || (Number.isSafeInteger(time) && time >= 0)) return time;
  throw new MisuseError(
    "bad_value",
    "a time is a whole number of milliseconds since 1970, or null",
  );
}

function randomChain(): bigint {
  let chain = 0n;
  // 0 is for durable stores.
  while (chain === 0n)
    for (const byte of randomBytes(8)) chain = BigInt.asUintN(64, (chain << 8n) | BigInt(byte));
  return chain;
}

/**
 * Calls a listener. What it throws is thrown later, on its own, like in an event target: the change has happened, and
 * whoever made or delivered it must not be told otherwise.
 */
function tell<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** The error for what an async callback has returned, which nobody will await. */
function abandoned(promise: PromiseLike<unknown>, taker: string): MisuseError {
  // What it is rejected with must not end the process.
  Promise.resolve(promise).catch(() => undefined);
  return new MisuseError(
    "in_change",
    `the callback of ${taker} must not be async: edits are made at once`,
  );
}

/** The error for what would go on from less than a file had. */
function deceived(): MisuseError {
  return new MisuseError(
    "bad_key",
    "the file was sealed with this key, but holds changes that are refused: open another one",
  );
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  // The handle of a struct may well have a field of that name.
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
