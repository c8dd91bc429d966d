/**
 * The causal queue: changes whose signature is verified but whose dependencies are not all applied.
 *
 * A local cache and no promise: it is bounded in bytes in total, per peer (whoever delivered) and per author, and what
 * it drops is asked for again by id. Nothing here recurses: a reversed chain of any length drains in a loop.
 */
import type { DecodedBody } from "../change/index.ts";
import { keyOf } from "./id-key.ts";

/** A change that waits. */
export interface PendingChange {
  readonly key: string;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly header: DecodedBody;
  /** Label of the peer that delivered it, which is charged for it. */
  readonly peer: string;
  /** Dependencies that are still missing, by id key. */
  readonly waitsFor: Set<string>;
}

/** Bounds of the queue in bytes. */
export interface QueueBounds {
  readonly total: number;
  readonly perPeer: number;
  readonly perAuthor: number;
}

/** Rough bytes that an entry costs besides its body: header objects, keys, table entries. */
const ENTRY_COST = 1_024;

/** Holds pending changes and tells which become ready when something is applied or rejected. */
export class CausalQueue {
  bytes = 0;
  readonly #bounds: QueueBounds;
  readonly #entries = new Map<string, PendingChange>();
  readonly #waiters = new Map<string, Set<string>>();
  /** Entries in order of arrival for each payer ("peer …" and "author …"), so that the oldest goes first. */
  readonly #payers = new Map<string, { bytes: number; keys: Set<string> }>();

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
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

  /** Queues a change; false when it alone is over a bound. Makes room by dropping the payer's oldest entries. */
  add(entry: PendingChange): boolean {
    const cost = costOf(entry);
    const { total, perPeer, perAuthor } = this.#bounds;
    if (cost > total || cost > perPeer || cost > perAuthor) return false;
    const peer = `peer ${entry.peer}`;
    const author = authorOf(entry);
    this.#makeRoom(peer, perPeer - cost);
    this.#makeRoom(author, perAuthor - cost);
    while (this.bytes > total - cost) this.#dropOldestOf(this.#heaviestPeer());

    this.#entries.set(entry.key, entry);
    this.bytes += cost;
    this.#charge(peer, entry.key, cost);
    this.#charge(author, entry.key, cost);
    for (const key of entry.waitsFor) {
      let waiters = this.#waiters.get(key);
      if (waiters === undefined) this.#waiters.set(key, (waiters = new Set()));
      waiters.add(entry.key);
    }
    return true;
  }

  /** Forgets an entry. */
  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const cost = costOf(entry);
    this.bytes -= cost;
    this.#refund(`peer ${entry.peer}`, key, cost);
    this.#refund(authorOf(entry), key, cost);
    for (const missing of entry.waitsFor) {
      const waiters = this.#waiters.get(missing);
      waiters?.delete(key);
      if (waiters?.size === 0) this.#waiters.delete(missing);
    }
  }

  /** Tells that a change was applied; takes out and returns the entries that nothing holds back any more. */
  release(key: string): PendingChange[] {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) return [];
    this.#waiters.delete(key);
    const ready: PendingChange[] = [];
    for (const waiter of waiters) {
      const entry = this.#entries.get(waiter)!;
      entry.waitsFor.delete(key);
      if (entry.waitsFor.size > 0) continue;
      this.remove(waiter);
      ready.push(entry);
    }
    return ready;
  }

  /** Tells that a change was rejected; takes out and returns the entries that depend on it directly. */
  condemn(key: string): PendingChange[] {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) return [];
    const condemned = [...waiters].map((waiter) => this.#entries.get(waiter)!);
    for (const entry of condemned) this.remove(entry.key);
    return condemned;
  }

  #charge(payer: string, key: string, cost: number): void {
    let account = this.#payers.get(payer);
    if (account === undefined) this.#payers.set(payer, (account = { bytes: 0, keys: new Set() }));
    account.bytes += cost;
    account.keys.add(key);
  }

  #refund(payer: string, key: string, cost: number): void {
    const account = this.#payers.get(payer)!;
    account.bytes -= cost;
    account.keys.delete(key);
    if (account.keys.size === 0) this.#payers.delete(payer);
  }

  #makeRoom(payer: string, most: number): void {
    while ((this.#payers.get(payer)?.bytes ?? 0) > most) this.#dropOldestOf(payer);
  }

  #dropOldestOf(payer: string): void {
    for (const key of this.#payers.get(payer)!.keys) {
      this.remove(key);
      return;
    }
  }

  #heaviestPeer(): string {
    let heaviest = "";
    let most = -1;
    for (const [payer, { bytes }] of this.#payers) {
      if (payer.startsWith("peer ") && bytes > most) {
        heaviest = payer;
        most = bytes;
      }
    }
    return heaviest;
  }
}

function costOf(entry: PendingChange): number {
  return entry.body.length + ENTRY_COST;
}

function authorOf(entry: PendingChange): string {
  return `author ${keyOf(entry.header.author)}`;
}
