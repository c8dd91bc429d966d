/**
 * Rates: how many bytes a second may come in from one connection, from one address, signed by one key, and into one room.
 *
 * Each is a token bucket. What is taken beyond it is a debt, and whoever owes waits until it is paid: their socket is not
 * read. Buckets that several connections share would let one who floods hold up all others; so of those that share a
 * bucket in debt only they wait who have lately taken more than their share. Shares are max-min fair: what those leave who
 * take little is for the others to divide. One who writes now and then never waits, however many are silent.
 */
import type { ReceivedGroup } from "bft-json-crdt";
import { isIPv6 } from "node:net";
import {
  JOIN_BYTES,
  MAX_BUCKETS,
  MAX_METER_KEYS,
  QUESTION_BYTES,
  REFUSED_CHANGE_BYTES,
  SPENDING_FORGOTTEN_MS,
  SPENDING_HALF_MS,
} from "./limits.ts";
import type { Room } from "./room.ts";
import type { Settings } from "./settings.ts";

/** How fast a bucket fills, and what it holds. */
export interface Rate {
  /** Bytes. */
  readonly perSecond: number;
  /** Bytes that can be taken at once from a full bucket. */
  readonly burst: number;
}

/** What those who wait may have taken lately, as a part of what is earned meanwhile: below 1, or debts would grow. */
const SHARED_PART = 0.9;

/** Milliseconds for which the share stands once it was worked out: it takes a look at all who pay. */
const SHARE_MS = 100;

/** A token bucket that many may share. Times are in milliseconds of any one clock that never goes back. */
export class Bucket {
  readonly #rate: Rate;
  readonly #strangers: boolean;
  #level: number;
  #filledAt: number;
  /**
   * What each who shares it has taken, of which half is forgotten in SPENDING_HALF_MS. All are multiplied by one factor
   * that grows with time, in the place of dividing each of them.
   */
  readonly #spent = new Map<object, number>();
  /** The same, of all who have left. */
  #left = 0;
  #since: number;
  /** Bytes, as of now: whoever has lately taken as much waits while there is a debt. */
  #share = 0;
  #sharedAt = -Infinity;

  /**
   * Full at first. The rate is read at each use, since it may change. Among strangers what somebody took who has
   * left counts as one more share; else as taken by all who remain, since they may be the same person again.
   */
  constructor(rate: Rate, now: number, strangers = false) {
    this.#rate = rate;
    this.#strangers = strangers;
    this.#level = rate.burst;
    this.#filledAt = now;
    this.#since = now;
  }

  /** Takes so many bytes for somebody; returns for how many milliseconds they must not send more: mostly 0. */
  take(payer: object, bytes: number, now: number): number {
    const { perSecond, burst } = this.#rate;
    const earned = ((now - this.#filledAt) / 1_000) * perSecond;
    this.#level = Math.min(burst, this.#level + earned) - bytes;
    this.#filledAt = now;
    if (now - this.#since > SPENDING_FORGOTTEN_MS) this.#forget(now);
    const factor = 2 ** ((now - this.#since) / SPENDING_HALF_MS);
    const spent = (this.#spent.get(payer) ?? 0) + bytes * factor;
    this.#spent.set(payer, spent);
    if (this.#level >= 0) return 0;
    // Who is alone has made the debt.
    const isAlone = this.#spent.size === 1 && this.#left === 0;
    if (!isAlone && spent < this.#shareAt(now) * factor) return 0;
    return (-this.#level / perSecond) * 1_000;
  }

  /** Somebody is gone. What they took stays taken. */
  leave(payer: object): void {
    this.#left += this.#spent.get(payer) ?? 0;
    this.#spent.delete(payer);
    this.#sharedAt = -Infinity;
  }

  /** True when it is as good as new. */
  isFull(now: number): boolean {
    const { perSecond, burst } = this.#rate;
    return this.#level + ((now - this.#filledAt) / 1_000) * perSecond >= burst;
  }

  #shareAt(now: number): number {
    if (now - this.#sharedAt < SHARE_MS) return this.#share;
    const { perSecond, burst } = this.#rate;
    const factor = 2 ** ((this.#since - now) / SPENDING_HALF_MS);
    const left = this.#left * factor;
    // What someone who takes all that is earned has taken lately.
    const earnedLately = (perSecond * SPENDING_HALF_MS) / 1_000 / Math.LN2;
    const shared = SHARED_PART * Math.min(burst, earnedLately);
    const amounts = new Float64Array(this.#spent.size + (this.#strangers ? 1 : 0));
    let at = 0;
    for (const spent of this.#spent.values()) amounts[at++] = spent * factor;
    if (this.#strangers) amounts[at] = left;
    this.#share = fairShare(amounts, this.#strangers ? shared : Math.max(0, shared - left));
    this.#sharedAt = now;
    return this.#share;
  }

  /** Begins to count anew, and drops those who have taken hardly anything lately. */
  #forget(now: number): void {
    const factor = 2 ** ((this.#since - now) / SPENDING_HALF_MS);
    this.#since = now;
    this.#left *= factor;
    if (this.#left < 1) this.#left = 0;
    for (const [payer, spent] of this.#spent) {
      const rest = spent * factor;
      if (rest < 1) this.#spent.delete(payer);
      else this.#spent.set(payer, rest);
    }
  }
}

/**
 * The most that each may have so that all together have no more than `sum`; when they have less, what each may have who
 * gets an equal part of the rest besides as much as anyone has.
 */
export function fairShare(amounts: Float64Array, sum: number): number {
  amounts.sort();
  const count = amounts.length;
  let rest = sum;
  for (let at = 0; at < count; at++) {
    const each = rest / (count - at);
    if (amounts[at]! > each) return each;
    rest -= amounts[at]!;
  }
  return amounts[count - 1]! + rest / count;
}

/** Buckets by name. Of very many, those that are full go first: a bucket that is made anew is full too. */
export class Buckets {
  readonly #rate: Rate;
  readonly #strangers: boolean;
  readonly #most: number;
  readonly #buckets = new Map<string, Bucket>();

  /** Holds at most `most`; see Bucket for `strangers`. */
  constructor(rate: Rate, strangers = false, most: number = MAX_BUCKETS) {
    this.#rate = rate;
    this.#strangers = strangers;
    this.#most = most;
  }

  /** How many are held. */
  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of this name. */
  of(name: string, now: number): Bucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#most) this.#makeSpace(now);
    const made = new Bucket(this.#rate, now, this.#strangers);
    this.#buckets.set(name, made);
    return made;
  }

  /** Drops what is full, and at least a sixteenth of all, the oldest, so that this is not done for each new name. */
  #makeSpace(now: number): void {
    for (const [name, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(name);
    const most = this.#most - Math.max(1, this.#most >> 4);
    for (const name of this.#buckets.keys()) {
      if (this.#buckets.size <= most) return;
      this.#buckets.delete(name);
    }
  }
}

/** A rate that two of the settings say, as they are when it is asked. */
function rateOf(perSecond: () => number, burst: () => number): Rate {
  return {
    get perSecond(): number {
      return perSecond();
    },
    get burst(): number {
      return burst();
    },
  };
}

/** All rates of a relay. */
export class Rates {
  readonly #ofSession: Rate;
  readonly #ofQuestions: Rate;
  readonly #ofRoom: Rate;
  readonly #addresses: Buckets;
  readonly #keys: Buckets;
  /** Forgotten with the room. */
  readonly #rooms = new WeakMap<Room, Bucket>();

  /** Settings are asked for at each use, since they may be changed. */
  constructor(settings: () => Settings) {
    const ofSession = (): number => settings().sessionRateBytes;
    const burstOfSession = (): number => settings().sessionBurstBytes;
    this.#ofSession = rateOf(ofSession, burstOfSession);
    this.#ofQuestions = rateOf(ofSession, () => Math.min(ofSession(), burstOfSession()));
    this.#ofRoom = rateOf(
      () => settings().roomRateBytes,
      () => settings().roomBurstBytes,
    );
    this.#addresses = new Buckets(
      rateOf(
        () => settings().addressRateBytes,
        () => settings().addressBurstBytes,
      ),
    );
    this.#keys = new Buckets(
      rateOf(
        () => settings().keyRateBytes,
        () => settings().keyBurstBytes,
      ),
      true,
    );
  }

  /** What a new connection from an address pays into. */
  meter(address: string): Meter {
    const now = performance.now();
    const own = new Bucket(this.#ofSession, now);
    const questions = new Bucket(this.#ofQuestions, now);
    return new Meter(own, questions, this.#addresses.of(networkOf(address), now), this);
  }

  /** The bucket of a room. */
  ofRoom(room: Room, now: number): Bucket {
    let bucket = this.#rooms.get(room);
    if (bucket === undefined) this.#rooms.set(room, (bucket = new Bucket(this.#ofRoom, now, true)));
    return bucket;
  }

  /** The bucket of an author. */
  ofKey(author: Uint8Array, now: number): Bucket {
    return this.#keys.of(Buffer.from(author).toString("latin1"), now);
  }
}

/** What one connection pays into. */
export class Meter {
  readonly #own: Bucket;
  /** Fills as fast as its own, and holds less: what a client may send at once it need not ask at once. */
  readonly #questions: Bucket;
  readonly #address: Bucket;
  readonly #rates: Rates;
  #room: Bucket | null = null;
  /** Those of the authors whose changes it has brought, of very many only the latest. */
  readonly #keys = new Set<Bucket>();

  constructor(own: Bucket, questions: Bucket, address: Bucket, rates: Rates) {
    this.#own = own;
    this.#questions = questions;
    this.#address = address;
    this.#rates = rates;
  }

  /** So many bytes have come in, with what their frames take; returns for how many milliseconds no more should be read. */
  read(bytes: number): number {
    return this.#pay(bytes, performance.now());
  }

  /**
   * The connection goes into one more room, which may have to be loaded; returns for how many milliseconds no more should be read.
   * The first costs nothing: thousands who come back from one address join one room each.
   */
  rejoins(): number {
    const now = performance.now();
    return Math.max(
      this.#own.take(this, JOIN_BYTES, now),
      this.#address.take(this, JOIN_BYTES, now),
    );
  }

  /** The same of a question about what a room holds. */
  asks(): number {
    const now = performance.now();
    const wait = this.#own.take(this, QUESTION_BYTES, now);
    return Math.max(wait, this.#questions.take(this, QUESTION_BYTES, now));
  }

  /** What the connection sends from now on goes into a room, or into none. */
  enter(room: Room | null): void {
    this.#room?.leave(this);
    this.#room = room === null ? null : this.#rates.ofRoom(room, performance.now());
  }

  /**
   * A group was judged: authors pay for what was applied, and the connection for what was refused, which took the work of a
   * signature and brought nothing. Returns for how many milliseconds no more should be read.
   */
  judged(received: ReceivedGroup, length: number, { history }: Room): number {
    const now = performance.now();
    const { applied, results } = received;
    const share = length / Math.max(1, results.length);
    let wait = 0;
    for (let at = 0; at < applied.length;) {
      const chain = history.chainIndexAt(applied[at]!);
      let end = at + 1;
      while (end < applied.length && history.chainIndexAt(applied[end]!) === chain) end++;
      const key = this.#rates.ofKey(history.authorAt(applied[at]!), now);
      this.#shares(key);
      wait = Math.max(wait, key.take(this, (end - at) * share, now));
      at = end;
    }
    let refused = results.length === 0 ? 1 : 0;
    for (const { status } of results) if (status === "rejected") refused++;
    return refused === 0 ? wait : Math.max(wait, this.#pay(refused * REFUSED_CHANGE_BYTES, now));
  }

  /** A proof was refused, which took the work of a signature. The connection ends; its address has to pay all the same. */
  refusedProof(): void {
    this.#pay(REFUSED_CHANGE_BYTES, performance.now());
  }

  /** The connection is gone. */
  close(): void {
    this.enter(null);
    this.#address.leave(this);
    for (const key of this.#keys) key.leave(this);
    this.#keys.clear();
  }

  #shares(key: Bucket): void {
    this.#keys.add(key);
    if (this.#keys.size <= MAX_METER_KEYS) return;
    for (const oldest of this.#keys) {
      oldest.leave(this);
      this.#keys.delete(oldest);
      return;
    }
  }

  #pay(bytes: number, now: number): number {
    const own = this.#own.take(this, bytes, now);
    const address = this.#address.take(this, bytes, now);
    const room = this.#room?.take(this, bytes, now) ?? 0;
    return Math.max(own, address, room);
  }
}

/**
 * What counts as one address: an IPv4 address, or the 64 bits of an IPv6 address that name a network, since whoever has one
 * has 2^64 of them.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ""] = address.split("%");
  if (!isIPv6(bare)) return address;
  const [left = "", right] = bare.toLowerCase().split("::");
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  const all = right === undefined ? head : [...head, ...zeros, ...tail];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/u, ""))
    .join(":")}::/64`;
}

/** The 16-bit groups of a part of an IPv6 address; the dotted end that some are written with counts as two. */
function groupsOf(part: string): string[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
}
