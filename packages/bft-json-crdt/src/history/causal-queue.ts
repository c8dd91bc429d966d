/**
 * The causal queue: changes whose signature is verified but whose dependencies are not all applied.
 *
 * A local cache and no promise: it is bounded in bytes in total, per peer (whoever delivered) and per author, and what
 * it drops is asked for again by id. What an entry is charged with is at least what it takes in memory, so the bounds are
 * bounds of memory. Nothing here recurses: a reversed chain of any length drains in a loop.
 */
import { decodeAgain, SIGNATURE_BYTES } from "../change/index.ts";
import type { DecodedBody, OpsOutline } from "../change/index.ts";
import { Heaviest } from "./heaviest.ts";
import { idOf } from "./id-key.ts";
import { Oldest } from "./oldest.ts";

/**
 * A change that waits. There may be very many, and each is there for long: so what it is made of is few objects, or the
 * collector's pauses are felt by whoever is honest (the id is in the key, body and signature are one array).
 */
export class PendingChange {
  /** Map key of the id. */
  readonly key: string;
  /** Map key of the author, who is charged for it as well. */
  readonly author: string;
  /** Label of the peer that delivered it, which is charged for it. */
  readonly peer: string;
  /** Bytes that it is charged with. */
  readonly cost: number;
  readonly #signed: Uint8Array;
  readonly #opsOffset: number;
  readonly #opCount: number;
  readonly #elements: number;
  readonly #isDetached: boolean;
  /** Dependencies that are still missing, by id key: mostly one. */
  #waitsFor: string | Set<string>;

  /** Copies what it is given, `outline` being what was decoded from the body; `waitsFor` is at least one. */
  constructor(
    key: string,
    body: Uint8Array,
    outline: OpsOutline,
    signature: Uint8Array,
    author: string,
    peer: string,
    waitsFor: readonly string[],
  ) {
    this.key = key;
    this.author = author;
    this.peer = peer;
    this.#signed = new Uint8Array(body.length + SIGNATURE_BYTES);
    this.#signed.set(body);
    this.#signed.set(signature, body.length);
    this.#opsOffset = outline.opsOffset;
    this.#opCount = outline.opCount;
    this.#elements = outline.elements;
    this.#isDetached = outline.detached;
    this.#waitsFor = waitsFor.length === 1 ? waitsFor[0]! : new Set(waitsFor);
    const further = Math.max(0, waitsFor.length - FREE_DEPENDENCIES);
    this.cost = body.length + ENTRY_COST + further * DEPENDENCY_COST;
  }

  get id(): Uint8Array {
    return idOf(this.key);
  }

  /** A view. */
  get body(): Uint8Array {
    return this.#signed.subarray(0, this.#signed.length - SIGNATURE_BYTES);
  }

  /** A view. */
  get signature(): Uint8Array {
    return this.#signed.subarray(this.#signed.length - SIGNATURE_BYTES);
  }

  /** What the body says, decoded again: to keep it would be a dozen objects more. */
  decoded(): DecodedBody {
    return decodeAgain(this.body, {
      opsOffset: this.#opsOffset,
      opCount: this.#opCount,
      elements: this.#elements,
      detached: this.#isDetached,
    });
  }

  /** What it still waits for. */
  get waitsFor(): readonly string[] {
    return typeof this.#waitsFor === "string" ? [this.#waitsFor] : [...this.#waitsFor];
  }

  /** One of what it waits for has come; true when that was the last. */
  hasCome(key: string): boolean {
    if (typeof this.#waitsFor === "string") this.#waitsFor = NOTHING;
    else this.#waitsFor.delete(key);
    return this.#waitsFor.size === 0;
  }
}

/** Bounds of the queue in bytes. */
export interface QueueBounds {
  readonly total: number;
  readonly perPeer: number;
  readonly perAuthor: number;
  /** For authors who were told to {@link CausalQueue.expose}. */
  readonly perExposedAuthor: number;
}

/** Bytes that an entry takes besides its body, measured: objects, keys, table entries, and four dependencies. */
const ENTRY_COST = 1_024;
const FREE_DEPENDENCIES = 4;

/** Bytes that each further missing dependency takes: its key, and a place in two tables. */
const DEPENDENCY_COST = 192;

const NOTHING = new Set<string>();

/** Whoever is charged, and for what: entries in order of arrival, so that the oldest goes first. */
interface Account {
  bytes: number;
  readonly keys: Set<string>;
  /** Of those keys, once one had to go. */
  oldest: Oldest<string> | null;
  /** Among the heaviest peers; of an author's account always -1. */
  place: number;
}

/** Holds pending changes and tells which become ready when something is applied or rejected. */
export class CausalQueue {
  bytes = 0;
  #bounds: QueueBounds;
  readonly #pool: PendingPool | null;
  readonly #entries = new Map<string, PendingChange>();
  /** Who waits for a dependency: mostly one, and then without a set of its own. */
  readonly #waiters = new Map<string, string | Set<string>>();
  readonly #peers = new Map<string, Account>();
  readonly #authors = new Map<string, Account>();
  readonly #exposed = new Set<string>();
  readonly #heaviestPeers = new Heaviest<Account>();
  /** Among the queues of its pool. */
  place = -1;

  /** A `pool` bounds several queues together. */
  constructor(bounds: QueueBounds, pool: PendingPool | null = null) {
    this.#bounds = bounds;
    this.#pool = pool;
  }

  /** Sets other bounds. What is over the total goes at once, what is over a quota when its payer brings more. */
  rebound(bounds: QueueBounds): void {
    this.#bounds = bounds;
    while (this.bytes > bounds.total) this.dropOne();
  }

  get count(): number {
    return this.#entries.size;
  }

  get(key: string): PendingChange | undefined {
    return this.#entries.get(key);
  }

  entries(): IterableIterator<PendingChange> {
    return this.#entries.values();
  }

  /** Ids that something waits for and that are not themselves pending. */
  missing(): string[] {
    return [...this.#waiters.keys()].filter((key) => !this.#entries.has(key));
  }

  /** Whether a change waits here, or is waited for. */
  concerns(key: string): boolean {
    return this.#entries.has(key) || this.#waiters.has(key);
  }

  /** Queues a change; false when it alone is over a bound. Makes room by dropping the payer's oldest entries. */
  add(entry: PendingChange): boolean {
    const { cost } = entry;
    const { total, perPeer } = this.#bounds;
    const perAuthor = this.#quotaOf(entry.author);
    const most = Math.min(total, perPeer, perAuthor, this.#pool?.limit ?? Infinity);
    if (cost > most) return false;
    this.#makeRoom(this.#peers, entry.peer, perPeer - cost);
    this.#makeRoom(this.#authors, entry.author, perAuthor - cost);
    while (this.bytes > total - cost) this.dropOne();
    this.#pool?.makeRoom(cost);

    this.#entries.set(entry.key, entry);
    this.#count(cost);
    this.#heaviestPeers.update(charge(this.#peers, entry.peer, entry.key, cost));
    charge(this.#authors, entry.author, entry.key, cost);
    for (const key of entry.waitsFor) this.#wait(key, entry.key);
    return true;
  }

  /** Forgets an entry. */
  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const { cost } = entry;
    this.#count(-cost);
    this.#heaviestPeers.update(refund(this.#peers, entry.peer, key, cost));
    refund(this.#authors, entry.author, key, cost);
    for (const missing of entry.waitsFor) {
      const waiters = this.#waiters.get(missing);
      if (typeof waiters === "object") waiters.delete(key);
      if (waiters === key || (typeof waiters === "object" && waiters.size === 0))
        this.#waiters.delete(missing);
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const key of [...this.#entries.keys()]) this.remove(key);
  }

  /** Lowers the quota of an author who has equivocated; what is over it is dropped, the oldest first. */
  expose(author: string): void {
    this.#exposed.add(author);
    this.#makeRoom(this.#authors, author, this.#bounds.perExposedAuthor);
  }

  /** Tells that a change was applied; takes out and returns the entries that nothing holds back any more. */
  release(key: string): PendingChange[] {
    const ready: PendingChange[] = [];
    for (const waiter of this.#takeWaiters(key)) {
      const entry = this.#entries.get(waiter)!;
      if (!entry.hasCome(key)) continue;
      this.remove(waiter);
      ready.push(entry);
    }
    return ready;
  }

  /** Tells that a change was rejected; takes out and returns the entries that depend on it directly. */
  condemn(key: string): PendingChange[] {
    const condemned = this.#takeWaiters(key).map((waiter) => this.#entries.get(waiter)!);
    for (const entry of condemned) this.remove(entry.key);
    return condemned;
  }

  /** Drops the oldest entry of the peer that has most; nothing when there is none. */
  dropOne(): void {
    const { first } = this.#heaviestPeers;
    if (first !== null) this.#dropOldest(first);
  }

  #quotaOf(author: string): number {
    const { perAuthor, perExposedAuthor } = this.#bounds;
    return this.#exposed.has(author) ? Math.min(perAuthor, perExposedAuthor) : perAuthor;
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#pool?.count(this, bytes);
  }

  #wait(key: string, waiter: string): void {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) this.#waiters.set(key, waiter);
    else if (typeof waiters === "string") this.#waiters.set(key, new Set([waiters, waiter]));
    else waiters.add(waiter);
  }

  #takeWaiters(key: string): string[] {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) return [];
    this.#waiters.delete(key);
    return typeof waiters === "string" ? [waiters] : [...waiters];
  }

  #makeRoom(accounts: ReadonlyMap<string, Account>, payer: string, most: number): void {
    // An account without entries is gone.
    for (let account = accounts.get(payer); account !== undefined; account = accounts.get(payer)) {
      if (account.bytes <= most) return;
      this.#dropOldest(account);
    }
  }

  /** Of an account that has entries. */
  #dropOldest(account: Account): void {
    account.oldest ??= new Oldest(account.keys);
    this.remove(account.oldest.next()!);
  }
}

/**
 * A budget that the causal queues of several histories have together: the queue that holds most gives way. Each queue
 * is bounded by its own bounds as well.
 */
export class PendingPool {
  #limit: number;
  #bytes = 0;
  readonly #queues = new Heaviest<CausalQueue>();

  /** Empty, with a limit in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes all queues may hold together. */
  get limit(): number {
    return this.#limit;
  }

  /** Sets it, in bytes; what is over a new limit is dropped at once. */
  set limit(limit: number) {
    this.#limit = limit;
    this.makeRoom(0);
  }

  /** What all queues hold now, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Drops entries, of the queue that holds most at that moment, until so many bytes are free.
   *
   * @internal
   */
  makeRoom(bytes: number): void {
    while (this.#bytes > this.#limit - bytes && this.#queues.first !== null) {
      this.#queues.first.dropOne();
    }
  }

  /**
   * A queue holds more (or, when negative, fewer) bytes than before.
   *
   * @internal
   */
  count(queue: CausalQueue, bytes: number): void {
    this.#bytes += bytes;
    this.#queues.update(queue);
  }
}

function charge(accounts: Map<string, Account>, payer: string, key: string, cost: number): Account {
  let account = accounts.get(payer);
  if (account === undefined) {
    account = { bytes: 0, keys: new Set(), oldest: null, place: -1 };
    accounts.set(payer, account);
  }
  account.bytes += cost;
  account.keys.add(key);
  return account;
}

function refund(accounts: Map<string, Account>, payer: string, key: string, cost: number): Account {
  const account = accounts.get(payer)!;
  account.bytes -= cost;
  account.keys.delete(key);
  if (account.keys.size === 0) accounts.delete(payer);
  return account;
}
