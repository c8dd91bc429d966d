/**
 * The history of one document: every applied change, in a topological order. How changes come in is in reception.ts.
 *
 * Blind to schemas and ops (a relay uses just this). What is promised is the set of applied changes: two histories that
 * have received the same changes, in any order and any number of times, have applied the same ones. What is pending or
 * was rejected is a local cache. A change's local index (0, 1, 2, …) is its place in this replica's own order, in which
 * every change comes after all that it depends on.
 */
import {
  decodeBody,
  decodeGroup,
  GROUP_ENTRY_OVERHEAD,
  GroupWriter,
  ID_BYTES,
  signedGroup,
} from "../change/index.ts";
import { compareBytes, equalBytes } from "../encoding/bytes.ts";
import { MAX_GROUP_BYTES, MAX_GROUP_CHANGES } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { Bodies } from "./bodies.ts";
import type { PendingPool } from "./causal-queue.ts";
import { Chains } from "./chains.ts";
import type { Fork } from "./chains.ts";
import { FloatColumn, IntColumn } from "./columns.ts";
import { decodeForkProof, encodeForkProof } from "./fork-proof.ts";
import type { ForkProof } from "./fork-proof.ts";
import { Frontier } from "./frontier.ts";
import { ElementNumbers } from "./element-numbers.ts";
import { completeLimits } from "./history-limits.ts";
import type { HistoryLimits } from "./history-limits.ts";
import { idOf } from "./id-key.ts";
import { IdTable } from "./id-table.ts";
import { Incoming } from "./incoming.ts";
import { Reception } from "./reception.ts";
import type { ReceivedGroup } from "./received.ts";
import { Signatures } from "./signatures.ts";
import type { Slice, VerifiedGroup } from "./verified.ts";

/** How a history is opened. */
export interface HistoryOptions {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** Bounds of the causal queue; they may delay, never change a verdict. */
  readonly limits?: Partial<HistoryLimits>;
  /** A budget of pending bytes shared with other histories. */
  readonly pool?: PendingPool;
}

/** The last change of one branch of a chain. */
export interface ChainTip {
  /** The author's public key, 32 bytes. */
  readonly author: Uint8Array;
  /** Which of the author's chains. */
  readonly chain: bigint;
  /** The place of the change on its chain; 1 for the first. */
  readonly seq: number;
  /** The change id, 32 bytes. */
  readonly id: Uint8Array;
  /** The local index of the change. */
  readonly index: number;
}

/** A change as it is added: valid, with its links as local indexes. */
export interface MadeChange {
  /** The change id, 32 bytes; copied, like the body. */
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly author: Uint8Array;
  readonly chain: bigint;
  readonly seq: number;
  /** The previous change of its chain, or -1. */
  readonly prev: number;
  /** Parents, then refs, each sorted by id. */
  readonly links: readonly number[];
  readonly lamport: number;
  readonly time: number | null;
  readonly opsOffset: number;
  readonly opCount: number;
  readonly elements: number;
  readonly detached: boolean;
}

/** A fork that is kept. */
interface KnownFork extends Fork {
  /** Made when it is asked for: that verifies two signatures. */
  proof: ForkProof | null;
}

const NO_LINKS: readonly number[] = [];

/** What `missingFor` knows of a change: the greater mark prevails. */
const UNVISITED = 0;
const WANTED = 1;
const KNOWN = 2;

/**
 * All applied changes of one document, without a schema or a view: what a relay keeps, and `document.history`. Most of its
 * methods take a *local index*: 0, 1, 2, … in this replica's own order, in which a change comes after all that it depends
 * on. Other replicas have other orders; ids are the same everywhere.
 */
export class History {
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  readonly #ids = new IdTable();
  readonly #chains = new Chains();
  readonly #bodies: Bodies;
  readonly #signatures = new Signatures();
  readonly #lamports = new FloatColumn();
  readonly #times = new FloatColumn();
  readonly #opsOffsets = new IntColumn();
  readonly #opCounts = new IntColumn();
  readonly #elementNumbers = new ElementNumbers();
  /** Dependencies of all changes one after another; slot 0 of a change is `prev` (-1 without). */
  readonly #dependencies = new IntColumn();
  readonly #dependencyStarts = new IntColumn();
  /** First local index of the closed group with which a change came in. */
  readonly #groupStarts = new IntColumn();
  readonly #heads = new Frontier({
    byId: (a, b) => this.#ids.compare(a, b),
    byRank: (a, b) => this.compare(a, b),
  });
  /** Scratch of `missingFor`, clean between its calls: making it anew would cost as much as the history is long. */
  #marks = new Uint8Array(0);
  readonly #reception: Reception;
  /** By the number of the chain. */
  readonly #forks = new Map<number, KnownFork>();

  /** Starts empty. `document` is the document id, 32 bytes. */
  constructor(options: HistoryOptions) {
    if (options.document.length !== ID_BYTES) {
      throw new MisuseError("bad_document_id", "a document id has 32 bytes; use documentId(name)");
    }
    this.document = options.document.slice();
    this.#bodies = new Bodies(this.document, this.#ids, this.#chains);
    const applied = {
      document: this.document,
      ids: this.#ids,
      chains: this.#chains,
      length: () => this.length,
      lamportAt: (index: number) => this.lamportAt(index),
      apply: (change: Incoming, groupStart: number) => this.#apply(change, groupStart),
    };
    this.#reception = new Reception(applied, completeLimits(options.limits ?? {}), options.pool);
  }

  /** How many changes are applied. */
  get length(): number {
    return this.#bodies.length;
  }

  /**
   * Takes in a group from outside: judges each change, applies what can be applied, queues what waits.
   * Never throws, whatever the bytes. `peer` is who delivered it and pays for what has to wait.
   */
  receive(group: Uint8Array, peer = "unknown"): ReceivedGroup {
    return this.#reception.receive(decodeGroup(group), peer);
  }

  /**
   * The same for a group that was verified ahead (see AheadVerifier), without verifying its signatures again.
   */
  receiveVerified(group: VerifiedGroup, peer = "unknown"): ReceivedGroup {
    return this.#reception.receive(group.entries, peer);
  }

  /**
   * Takes in groups at once that were verified together. Null, and nothing is changed, when something of them cannot be
   * applied or releases what waits: then they are to be received one after the other.
   * @internal
   */
  receiveTogether({ groups }: Slice): readonly ReceivedGroup[] | null {
    return this.#reception.receiveTogether(groups.map(({ entries }) => entries));
  }

  /**
   * Applies a change of this replica's own making, which is valid by construction. Without a signature it belongs to the
   * group that begins at `groupStart`, which the caller goes on to close by `sign` before anything leaves this replica.
   * Returns its local index. Throws MisuseError if it is not valid after all: the caller must not send it.
   */
  append(
    body: Uint8Array,
    id: Uint8Array,
    signature: Uint8Array | null,
    groupStart: number = this.length,
  ): number {
    const header = decodeBody(body);
    if (!header.ok) throw new MisuseError("too_large", header.error.detail);
    if (!equalBytes(header.value.document, this.document)) {
      throw new MisuseError("bad_document_id", "the change is of another document");
    }
    const change = new Incoming(id, body, signature, header.value);
    const fault = this.#reception.append(change, groupStart);
    if (fault === null) return change.index;
    throw new MisuseError("unknown_dependency", `the change cannot be applied: ${fault}`);
  }

  /**
   * The same of a change that this library has just made and linked to what is applied here, which is not looked at again:
   * encoding and hashing it is most of what an edit costs. Returns its local index, or -1 when it is applied already.
   *
   * @internal
   */
  appendMade(change: MadeChange, signature: Uint8Array | null, groupStart: number): number {
    const chains = this.#chains;
    // Where nothing builds yet, this very change cannot be: no need to search for it.
    const rival =
      change.prev < 0 ? chains.find(change.author, change.chain) : chains.next(change.prev);
    if (rival >= 0 && this.#ids.find(change.id) >= 0) return -1;
    const index = this.#ids.add(change.id);
    this.#add(index, change, signature, groupStart);
    this.#reception.release(change.id);
    return index;
  }

  /** Gives a change that was appended without one its signature: it covers its group. */
  sign(index: number, signature: Uint8Array): void {
    this.#signatures.set(index, signature);
  }

  /** The local index of a change, or -1 when it is not applied. */
  indexOf(id: Uint8Array): number {
    return id.length === ID_BYTES ? this.#ids.find(id) : -1;
  }

  /** The id (32 bytes) of an applied change. */
  idAt(index: number): Uint8Array {
    return this.#ids.copyOf(index);
  }

  /** The same as a view, not to be kept or written to. */
  idViewAt(index: number): Uint8Array {
    return this.#ids.at(index);
  }

  /** Copies the id of an applied change into 32 bytes. */
  copyId(index: number, target: Uint8Array): void {
    this.#ids.copy(index, target);
  }

  /** Compares the ids of two applied changes as bytes. */
  compareIds(a: number, b: number): number {
    return this.#ids.compare(a, b);
  }

  /** Negative when change `a` sorts before `b` by (lamport, id): the order that decides every tie. */
  compare(a: number, b: number): number {
    const difference = this.#lamports.at(a) - this.#lamports.at(b);
    return difference !== 0 ? difference : this.#ids.compare(a, b);
  }

  /** The body of an applied change. Put together anew, since what it begins with is known otherwise and not kept. */
  bodyAt(index: number): Uint8Array {
    return this.#bodies.passingAt(index).slice();
  }

  /** How many bytes the body of an applied change has. */
  bodySizeAt(index: number): number {
    return this.#bodies.sizeAt(index);
  }

  /** Whether an applied change has just this body. */
  hasBody(index: number, body: Uint8Array): boolean {
    return equalBytes(this.#bodies.passingAt(index), body);
  }

  /** The end of a body, from its parents on: a view, not to be written to. */
  bodyTailAt(index: number): Uint8Array {
    return this.#bodies.tailAt(index);
  }

  /** The change's own signature (a view, not to be written to); null when it came in under a cover. */
  signatureAt(index: number): Uint8Array | null {
    return this.#signatures.at(index);
  }

  /** The author's public key (32 bytes): not to be written to. */
  authorAt(index: number): Uint8Array {
    return this.#chains.authorOf(this.#chains.chainIndex(index));
  }

  /** Which of its author's chains a change is on. */
  chainAt(index: number): bigint {
    return this.#chains.numberOf(this.#chains.chainIndex(index));
  }

  /** The place of a change on its chain; 1 for the first. */
  seqAt(index: number): number {
    return this.#chains.seq(index);
  }

  /** One more than the greatest of the changes that it depends on; 1 without any. */
  lamportAt(index: number): number {
    return this.#lamports.at(index);
  }

  /** The claimed time in milliseconds since 1970, or null. */
  timeAt(index: number): number | null {
    const time = this.#times.at(index);
    return time < 0 ? null : time;
  }

  /** The previous change of the same chain, or -1. */
  prevAt(index: number): number {
    return this.#chains.prev(index);
  }

  /** Everything that a change depends on: prev, then parents, then refs. */
  dependencies(index: number): readonly number[] {
    const list: number[] = [];
    for (let slot = 0; slot < this.dependencySlots(index); slot++) {
      const dependency = this.dependencyAt(index, slot);
      if (dependency >= 0) list.push(dependency);
    }
    return list;
  }

  /** How many dependency slots a change has: one for prev (even without one), then parents and refs. */
  dependencySlots(index: number): number {
    const end =
      index + 1 < this.length ? this.#dependencyStarts.at(index + 1) : this.#dependencies.length;
    return end - this.#dependencyStarts.at(index);
  }

  /** The dependency in a slot: 0 is prev (-1 when there is none), then parents, then refs. */
  dependencyAt(index: number, slot: number): number {
    return this.#dependencies.at(this.#dependencyStarts.at(index) + slot);
  }

  /** Where the ops of a change begin in the tail of its body, in bytes. */
  opsOffsetAt(index: number): number {
    return this.#opsOffsets.at(index);
  }

  /** How many ops a change has that can be folded: none when content of any is detached. */
  opCountAt(index: number): number {
    return this.#opCounts.at(index);
  }

  /** Elements that a change makes, by its own count. */
  elementsAt(index: number): number {
    return this.#chains.elements(index);
  }

  /** The number of a change's first element, counting all elements that can be folded in local order. */
  elementBaseAt(index: number): number {
    return this.#elementNumbers.baseOf(index);
  }

  /** True when a change's elements are numbered: not when any of its content is detached. */
  isFoldable(index: number): boolean {
    return this.#elementNumbers.countOf(index) === this.#chains.elements(index);
  }

  /** Elements made on a change's chain before it. */
  chainElementsBefore(index: number): number {
    return this.#chains.elementsBefore(index);
  }

  /** The change that made an element, by the element's number, which is less than `elementCount`. */
  changeOfElement(element: number): number {
    return this.#elementNumbers.changeOf(element);
  }

  /** How many elements can be folded. */
  get elementCount(): number {
    return this.#elementNumbers.count;
  }

  /** A number for a change's chain: equal for changes of one chain, local to this history. */
  chainIndexAt(index: number): number {
    return this.#chains.chainIndex(index);
  }

  /** The change `steps` before this one on its chain, or -1. O(log n). */
  ancestorOnChain(index: number, steps: number): number {
    return this.#chains.ancestor(index, steps);
  }

  /** The last change at or before this one on its chain that begins below a position in the chain's elements, or -1. */
  chainAncestorBelow(index: number, position: number): number {
    return this.#chains.ancestorBelow(index, position);
  }

  /** Local indexes of the frontier, ascending by id. */
  heads(): number[] {
    return this.#heads.sorted();
  }

  /** How many heads there are. */
  get headCount(): number {
    return this.#heads.size;
  }

  /** The `count` greatest heads by (lamport, id), the greatest first; O(count · log n), however many heads there are. */
  greatestHeads(count: number): number[] {
    return this.#heads.greatest(count);
  }

  /** True when a change is the only head: nothing is beside it. */
  isOnlyHead(index: number): boolean {
    return this.#heads.size === 1 && this.#heads.first === index;
  }

  /** Ids of the frontier, sorted. Two replicas with equal frontiers have equal histories. */
  frontier(): Uint8Array[] {
    return this.heads().map((index) => this.idAt(index));
  }

  /** The tips of all chains, in order of the chains' first appearance here; a forked chain has several. */
  tips(): ChainTip[] {
    const tips: ChainTip[] = [];
    for (let chain = 0; chain < this.#chains.count; chain++) this.#listTips(chain, Infinity, tips);
    return tips;
  }

  /** The tips of one chain, `most` of them: none when nothing of it is applied, several when it is forked. */
  tipsOf(author: Uint8Array, chain: bigint, most: number = Infinity): ChainTip[] {
    const found = this.#chains.find(author, chain);
    const tips: ChainTip[] = [];
    if (found >= 0) this.#listTips(found, most, tips);
    return tips;
  }

  /** The tip of a change's chain, or -1 when the chain is forked and so has several. */
  tipOf(index: number): number {
    return this.#chains.tipOf(this.#chains.chainIndex(index));
  }

  /** The tip of an author's chain on which a next change is made: of several the latest, then the one of the greatest id. */
  latestTip(author: Uint8Array, chain: bigint): number {
    const found = this.#chains.find(author, chain);
    if (found < 0) return -1;
    let latest = this.#chains.tipOf(found);
    if (latest >= 0) return latest;
    for (const tip of this.#chains.tipsOf(found)) {
      const further = latest < 0 ? 1 : this.seqAt(tip) - this.seqAt(latest);
      if (further > 0 || (further === 0 && this.#ids.compare(tip, latest) > 0)) latest = tip;
    }
    return latest;
  }

  /** True when a change is another one or comes before it on the same chain. */
  isBehind(index: number, later: number): boolean {
    const chain = this.#chains.chainIndex(index);
    if (chain !== this.#chains.chainIndex(later)) return false;
    const steps = this.seqAt(later) - this.seqAt(index);
    if (steps < 0) return false;
    // What has one tip is a line.
    return this.#chains.tipOf(chain) >= 0 || this.#chains.ancestor(later, steps) === index;
  }

  /** True when a change is another one, or its author had seen it: it is in the ancestry. Visits what lies between them. */
  isAncestor(index: number, later: number): boolean {
    if (index >= later) return index === later;
    const lamport = this.lamportAt(index);
    const seen = new Set([later]);
    for (const at of seen) {
      for (let slot = 0; slot < this.dependencySlots(at); slot++) {
        const dependency = this.dependencyAt(at, slot);
        if (dependency === index) return true;
        if (dependency > index && this.lamportAt(dependency) > lamport) seen.add(dependency);
      }
    }
    return false;
  }

  /**
   * For each change the marks of all that its author had seen, its own included: up to 32 marks, one bit each, by the local index
   * of the change that bears them. What `isAncestor` says of one pair this says of all, in one walk; 4 bytes for each change.
   */
  marksSeen(marks: ReadonlyMap<number, number>): Uint32Array {
    const seen = new Uint32Array(this.length);
    let first = this.length;
    for (const index of marks.keys()) first = Math.min(first, index);
    for (let index = first; index < this.length; index++) {
      // A local index is greater than those of all dependencies; a slot without any is -1, where nothing is.
      let bits = marks.get(index) ?? 0;
      for (let slot = 0; slot < this.dependencySlots(index); slot++) {
        bits |= seen[this.dependencyAt(index, slot)] ?? 0;
      }
      seen[index] = bits;
    }
    return seen;
  }

  /** Changes that are not in the ancestry of `known` (which it includes), ascending. Visits little more than those. */
  missingFor(known: readonly number[]): number[] {
    // All that there is, which needs no walk.
    if (known.length === 0) return Array.from({ length: this.length }, (_, index) => index);
    // Descending local order visits every dependent before its dependencies.
    const marks = this.#cleanMarks();
    let least = this.length;
    let open = 0;
    for (const index of known) {
      marks[index] = KNOWN;
      least = Math.min(least, index);
    }
    for (const head of this.#heads) {
      if (marks[head] === KNOWN) continue;
      marks[head] = WANTED;
      least = Math.min(least, head);
      open++;
    }
    const missing: number[] = [];
    for (let index = this.length - 1; open > 0; index--) {
      const mark = marks[index]!;
      if (mark === UNVISITED) continue;
      if (mark === WANTED) {
        missing.push(index);
        open--;
      }
      for (let slot = 0; slot < this.dependencySlots(index); slot++) {
        const dependency = this.dependencyAt(index, slot);
        if (dependency < 0) continue;
        if (marks[dependency] === UNVISITED && mark === WANTED) open++;
        else if (marks[dependency] === WANTED && mark === KNOWN) open--;
        if (marks[dependency]! < mark) marks[dependency] = mark;
        least = Math.min(least, dependency);
      }
    }
    marks.fill(UNVISITED, least, this.length);
    return missing.reverse();
  }

  /**
   * Encodes changes (ascending local indexes, of each closed group all that the receiver lacks) as closed groups of
   * bounded size, in causal order. Signatures that a later one in the same group covers are left out.
   */
  groupsFor(indexes: readonly number[]): Uint8Array[] {
    const groups: Uint8Array[] = [];
    let frame: number[] = [];
    let bytes = 8;
    for (let start = 0; start < indexes.length;) {
      const [, groupEnd] = this.groupRange(indexes[start]!);
      let end = start;
      let partBytes = 0;
      for (; end < indexes.length && indexes[end]! < groupEnd; end++) {
        partBytes += this.#bodies.sizeAt(indexes[end]!) + GROUP_ENTRY_OVERHEAD;
      }
      const changes = frame.length + end - start;
      if (changes > MAX_GROUP_CHANGES || bytes + partBytes > MAX_GROUP_BYTES) {
        if (frame.length > 0) groups.push(this.#encode(frame));
        frame = [];
        bytes = 8;
      }
      for (; start < end; start++) frame.push(indexes[start]!);
      bytes += partBytes;
    }
    if (frame.length > 0) groups.push(this.#encode(frame));
    return groups;
  }

  /** The local indexes [start, end) of the closed group with which a change came in. */
  groupRange(index: number): readonly [number, number] {
    const start = this.#groupStarts.at(index);
    let end = index + 1;
    while (end < this.length && this.#groupStarts.at(end) === start) end++;
    return [start, end];
  }

  /** One closed group that holds a change: the change itself when it is signed, else its chain up to its cover. */
  groupOf(index: number): Uint8Array {
    const signature = this.signatureAt(index);
    if (signature !== null) return signedGroup(this.#bodies.passingAt(index), signature);
    return this.#encode(this.#upToCover(index));
  }

  /**
   * One fork proof per chain whose author equivocated: the least seq, then the least ids. By author and chain, so that
   * replicas with equal histories list them alike.
   */
  forks(): ForkProof[] {
    const proofs: ForkProof[] = [];
    for (const fork of this.#forks.values()) {
      const proof = this.#proofOf(fork);
      if (proof !== null) proofs.push(proof);
    }
    return proofs.sort((a, b) => compareBytes(a.author, b.author) || (a.chain < b.chain ? -1 : 1));
  }

  /** The fork proof of a change's chain; null while its author is not known to have equivocated there. */
  forkOf(index: number): ForkProof | null {
    const fork = this.#forks.get(this.#chains.chainIndex(index));
    return fork === undefined ? null : this.#proofOf(fork);
  }

  /** True when the author of a change equivocated on that change's chain, as far as is known here. */
  isForked(index: number): boolean {
    return this.#forks.has(this.#chains.chainIndex(index));
  }

  /** What the causal queue holds: changes, and the bytes that they take. */
  get pending(): { readonly count: number; readonly bytes: number } {
    return this.#reception.pending;
  }

  /**
   * Sets other limits; those that are left out get their defaults. What waits beyond the new total is dropped at once, what
   * is over a quota when more of that peer or author comes. Throws MisuseError as the constructor does.
   */
  setLimits(given: Partial<HistoryLimits>): void {
    this.#reception.setLimits(completeLimits(given));
  }

  /** Forgets all that waits, which then has to be received again: for a history that is put away. */
  forgetPending(): void {
    this.#reception.forgetPending();
  }

  /** Ids that pending changes wait for. */
  pendingMissing(): Uint8Array[] {
    return this.#reception.missing().map(idOf);
  }

  /** False when `receive` would settle this copy of a change without a look at its signature. */
  mustVerify(id: Uint8Array, signature: Uint8Array): boolean {
    return this.#reception.mustVerify(id, signature);
  }

  #proofOf(fork: KnownFork): ForkProof | null {
    if (fork.proof !== null) return fork.proof;
    const groups = encodeForkProof(this.groupOf(fork.first), this.groupOf(fork.second));
    const decoded = decodeForkProof(groups);
    if (!decoded.ok) return null;
    fork.proof = decoded.value;
    return fork.proof;
  }

  /** A mark for each change, all unvisited. */
  #cleanMarks(): Uint8Array {
    if (this.#marks.length < this.length) this.#marks = new Uint8Array(2 * this.length);
    return this.#marks;
  }

  /** Adds the tips of a chain to a list, until that has `most`. */
  #listTips(number: number, most: number, listed: ChainTip[]): void {
    const author = this.#chains.authorOf(number);
    const chain = this.#chains.numberOf(number);
    for (const index of this.#chains.tipsOf(number)) {
      if (listed.length >= most) return;
      listed.push({ author, chain, seq: this.seqAt(index), id: this.idAt(index), index });
    }
  }

  /** Adds a valid change to the history; returns its local index. */
  #apply(change: Incoming, groupStart: number): number {
    const { id, body, signature, header, prev, prevIndex } = change;
    const { parents, refs } = header;
    const made = {
      id,
      body,
      author: header.author,
      chain: header.chain,
      seq: header.seq,
      prev: prev === null ? prevIndex : prev.index,
      links: parents.length + refs.length === 0 ? NO_LINKS : this.#linksOf(parents, refs),
      lamport: header.lamport,
      time: header.time,
      opsOffset: header.opsOffset,
      opCount: header.opCount,
      elements: header.elements,
      detached: header.detached,
    };
    change.index = this.#ids.add(id);
    this.#add(change.index, made, signature, groupStart);
    return change.index;
  }

  #linksOf(parents: readonly Uint8Array[], refs: readonly Uint8Array[]): number[] {
    const links: number[] = [];
    for (const id of parents) links.push(this.#ids.find(id));
    for (const id of refs) links.push(this.#ids.find(id));
    return links;
  }

  /** Adds what there is to know of a change whose id has just been added. */
  #add(index: number, change: MadeChange, signature: Uint8Array | null, groupStart: number): void {
    const { prev, links, elements } = change;
    this.#signatures.push(signature);
    this.#lamports.push(change.lamport);
    this.#times.push(change.time ?? -1);
    this.#opCounts.push(change.detached ? 0 : change.opCount);
    this.#elementNumbers.append(change.detached ? 0 : elements);
    this.#groupStarts.push(groupStart);
    this.#dependencyStarts.push(this.#dependencies.length);
    this.#dependencies.push(prev);
    this.#heads.delete(prev);
    for (let i = 0; i < links.length; i++) {
      this.#dependencies.push(links[i]!);
      this.#heads.delete(links[i]!);
    }
    this.#heads.add(index);
    const fork = this.#chains.add(change, prev, elements);
    this.#opsOffsets.push(change.opsOffset - this.#bodies.push(change.body, change.seq, prev));
    if (fork !== null) this.#recordFork(fork);
  }

  /**
   * Keeps the least fork of each chain: the least seq, then the least two ids. Chains.add pairs each newcomer with the
   * first of its siblings only, so that of three or more the least two have to be picked from both pairs.
   */
  #recordFork(fork: Fork): void {
    const known = this.#forks.get(fork.chain);
    if (known !== undefined && known.seq < fork.seq) return;
    const rivals = new Set([fork.first, fork.second]);
    if (known?.seq === fork.seq) rivals.add(known.first).add(known.second);
    const [first, second] = [...rivals].sort((a, b) => this.#ids.compare(a, b));
    this.#forks.set(fork.chain, { ...fork, first: first!, second: second!, proof: null });
    this.#reception.expose(this.#chains.authorOf(fork.chain));
  }

  /**
   * A change and, when it came unsigned, the later changes of its chain and group up to one that is signed. Every branch
   * of a fork leads to a signature, because nothing is applied unsigned without a cover in the same group.
   */
  #upToCover(index: number): number[] {
    const [, end] = this.groupRange(index);
    const path = [index];
    let tip = index;
    for (let later = index + 1; later < end && !this.#signatures.has(tip); later++) {
      if (this.prevAt(later) !== tip) continue;
      path.push(later);
      tip = later;
    }
    return path;
  }

  #encode(indexes: readonly number[]): Uint8Array {
    const first = indexes[0]!;
    const isRun = indexes[indexes.length - 1]! - first === indexes.length - 1;
    const places = isRun ? null : new Map(indexes.map((index, at) => [index, at]));
    const covered = new Uint8Array(indexes.length);
    const sizes = new Int32Array(indexes.length);
    let bodyBytes = 0;
    let signatures = indexes.length;
    for (let at = 0; at < indexes.length; at++) {
      const index = indexes[at]!;
      const size = this.#bodies.sizeAt(index);
      sizes[at] = size;
      bodyBytes += size;
      const prev = this.prevAt(index);
      const place = places === null ? prev - first : (places.get(prev) ?? -1);
      // Of what is not here, at -1, there is no mark either.
      if (covered[place] !== 0) continue;
      covered[place] = 1;
      signatures--;
    }
    const group = new GroupWriter(indexes.length, bodyBytes, signatures);
    for (let at = 0; at < indexes.length; at++) {
      const index = indexes[at]!;
      this.#bodies.writeTo(group.beginBody(sizes[at]!), index);
      group.endBody(covered[at] === 1 ? null : this.signatureAt(index));
    }
    return group.end();
  }
}
