/**
 * A room: the history of one document, its log, and the sessions in it.
 *
 * What a group brings is verified by the history, and then two things are done at once: it is passed on to everyone, as the
 * bytes that came in, and appended to the log. Only when that is durable is it acknowledged to whoever sent it. Writes on their
 * way are shared by all who append meanwhile (group commit). A room cannot forge or alter anything; all it could do is withhold.
 */
import {
  AppliedOrder,
  type Cursor,
  batchesOf,
  History,
  type HistoryLimits,
  type LiveBatch,
  type LiveGroup,
  liveGroups,
  type LogFault,
  type NewRecord,
  type PendingPool,
  type ReceivedChange,
  type ReceivedGroup,
  MAX_GROUP_BYTES,
  recordsOf,
  type Result,
  toHex,
  type VerifiedGroup,
} from "bft-json-crdt";
import type { Ahead, Foreseen } from "./ahead.ts";
import type { Backplane, RoomLog } from "./backplane.ts";
import {
  ACKNOWLEDGED_AT_ONCE,
  GATHERING_FACTOR,
  MAX_GATHERING_MS,
  NEWS_MS,
  PENDING_CHANGE_BYTES,
  ROOM_REJECTED_IDS,
} from "./limits.ts";
import { RoomPolicy } from "./room-policy.ts";
import type { Settings } from "./settings.ts";

/** A session, as its room sees it. */
export interface Member {
  /** Who pays in the causal queue for what has to wait. */
  readonly peer: string;
  readonly kind: "program" | "person";
  /** Tells a program that these changes are durable. */
  acknowledge(ids: readonly Uint8Array[]): void;
  /** Passes on changes that were applied, durable or not. */
  push(live: LiveBatch): void;
  /** Tells a person some news; may be dropped when they do not read. */
  tell(news: string): void;
  /** More (or, when negative, fewer) bytes of this session wait to be stored. */
  await(bytes: number): void;
}

/** Whom a room tells of what happens in it. */
export interface RoomHost {
  /** A group was judged. */
  received(outcome: ReceivedGroup, room: Room): void;
  /** A group was passed on; in milliseconds since it came. */
  passedOn?(ms: number): void;
  /** A group is durable; in milliseconds since its write was asked for. */
  stored?(ms: number): void;
  /** The log cannot be written any more: nothing that came since is acknowledged, and the relay must end. */
  storingFailed(error: unknown): void;
}

/** What bounds what waits in a room. */
export interface RoomBounds {
  readonly settings: Pick<
    Settings,
    "roomPendingBytes" | "peerPendingBytes" | "authorPendingBytes" | "exposedPendingBytes"
  >;
  /** The budget that all rooms have together. */
  readonly pool: PendingPool;
  /** Whose changes are taken; everybody's when it is left out. */
  readonly policy?: RoomPolicy;
}

/** What was applied, and when it came. */
interface Ready {
  readonly live: readonly LiveGroup[];
  readonly bytes: number;
  readonly arrival: number;
}

/** Where a group came from, and when. */
interface Origin {
  /** Who sent it, and what they are to be told is durable; missing when it came from the log. */
  readonly from?: Member;
  readonly known?: readonly Uint8Array[];
  /** What is to be appended; all of it when this is missing. */
  readonly records?: readonly NewRecord[];
  readonly arrival: number;
}

/** Who pays in the causal queue for what comes from the log and has to wait. */
const LOG_PEER = "log";

/** Authors are counted anew after so many changes as there are tips by this. */
const COUNTED_TIPS = 256;

/** One document on a relay. */
export class Room {
  readonly document: Uint8Array;
  readonly history: History;
  readonly #log: RoomLog;
  readonly #order: AppliedOrder;
  readonly #host: RoomHost;
  readonly #members = new Set<Member>();
  #people = 0;
  /** Runs for so long after people were told who came or left, while more of that is gathered. */
  #companyNews: NodeJS.Timeout | null = null;
  /** Who came or left meanwhile. */
  #unsaidMoves: { count: number; readonly news: string; readonly except: Member | null } | null =
    null;
  /** How many authors there were when they were counted last, of how many changes and tips. */
  #counted = { authors: 0, length: 0, tips: 0 };
  /** Who sent a change that is pending, by its id: they are told once it is durable. Mostly it is one. */
  readonly #awaited = new Map<string, Member | Set<Member>>();
  /** The same by who sent it: the keys of those ids. */
  readonly #awaitedBy = new Map<Member, Set<string>>();
  /** There are never more changes that wait. */
  #maxAwaited = 0;
  #durable: number;
  /** Whether what came from the log waits for what was applied before it. */
  #isSettling = false;
  #policy: RoomPolicy;
  /** What is applied and not passed on yet. */
  #ready: Ready[] = [];
  #readyBytes = 0;
  /** Runs while more is gathered: for so long after the last was passed on. */
  #gathering: NodeJS.Timeout | null = null;
  #passedOnAt = 0;
  #gatheringMs = 0;
  /** What is durable and not acknowledged yet, by who sent it. */
  readonly #owed = new Map<Member, Uint8Array[]>();
  #unsaid: number[] = [];
  #news: NodeJS.Timeout | null = null;

  private constructor(
    history: History,
    log: RoomLog,
    epoch: string,
    host: RoomHost,
    policy: RoomPolicy,
  ) {
    this.document = history.document;
    this.history = history;
    this.#log = log;
    this.#order = new AppliedOrder(history, epoch);
    this.#host = host;
    this.#policy = policy;
    this.#durable = history.length;
  }

  /** Loads a room from its log; an error names the damage. Throws what the backplane throws. */
  static async load(
    document: Uint8Array,
    backplane: Pick<Backplane, "open">,
    host: RoomHost,
    { settings, pool, policy = new RoomPolicy() }: RoomBounds,
  ): Promise<Result<Room, LogFault>> {
    const history = new History({ document, limits: limitsOf(settings), pool });
    const log = backplane.open(document);
    let isLoaded = false;
    let epoch: string;
    try {
      epoch = await log.epoch();
      for await (const fault of log.replay(history)) {
        if (fault !== null) return { ok: false, error: fault };
        // Other rooms have a turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
      isLoaded = true;
    } finally {
      if (!isLoaded) log.close();
    }
    const room = new Room(history, log, epoch, host, policy);
    // They may have changed meanwhile.
    room.bound(settings);
    log.follow((group) => room.#deliver(group));
    return { ok: true, value: room };
  }

  /** Sets the bounds of what waits here. */
  bound(settings: RoomBounds["settings"]): void {
    this.history.setLimits(limitsOf(settings));
    this.#maxAwaited = Math.ceil(settings.roomPendingBytes / PENDING_CHANGE_BYTES);
  }

  /** Takes changes by other rules from now on. What waits was let in by the ones before, and is forgotten. */
  rule(policy: RoomPolicy): void {
    if (policy === this.#policy) return;
    this.#policy = policy;
    this.history.forgetPending();
  }

  /** Applied changes below this local index are durable. */
  get durable(): number {
    return this.#durable;
  }

  /** The cursor behind the first so many changes, or behind the durable ones if these are fewer: it must outlive a power loss. */
  cursorAt(position: number): Cursor {
    return this.#order.at(Math.min(position, this.#durable));
  }

  /** Whether a cursor is a place among the changes that are durable here. */
  holds(cursor: Cursor): boolean {
    return this.#order.holds(cursor, this.#durable);
  }

  /** True when everything that was applied is durable. */
  get isSettled(): boolean {
    return this.#durable === this.history.length;
  }

  /** Authors of applied changes: of those of a moment ago where there are very many, since it takes a look at each. */
  get authors(): number {
    const { length } = this.history;
    if (length - this.#counted.length > this.#counted.tips / COUNTED_TIPS) {
      const tips = this.history.tips();
      const authors = new Set(tips.map(({ author }) => keyOf(author))).size;
      this.#counted = { authors, length, tips: tips.length };
    }
    return this.#counted.authors;
  }

  /** Who is here, for people. */
  get company(): string {
    const programs = this.#members.size - this.#people;
    return `${counted(programs, "program")} and ${counted(this.#people, "person", "people")} here`;
  }

  /** Lets a session in, of which people here are told. */
  enter(member: Member): void {
    this.#members.add(member);
    if (member.kind === "person") this.#people++;
    this.#tellOfMove(
      member.kind === "person" ? "a person came to look" : "a program came in",
      member,
    );
  }

  /** The other way round. */
  leave(member: Member): void {
    this.#members.delete(member);
    if (member.kind === "person") this.#people--;
    for (const key of this.#awaitedBy.get(member) ?? []) {
      const senders = this.#awaited.get(key);
      if (senders instanceof Set) senders.delete(member);
      if (senders === member || (senders instanceof Set && senders.size === 0))
        this.#awaited.delete(key);
    }
    this.#awaitedBy.delete(member);
    this.#tellOfMove(`a ${member.kind} left`, member);
  }

  /** Tells all people here but one who has come or left: at once now and then, else how many they were. */
  #tellOfMove(news: string, except: Member | null): void {
    if (this.#companyNews !== null) {
      this.#unsaidMoves ??= { count: 0, news, except };
      this.#unsaidMoves.count++;
      return;
    }
    const heard = this.#people - (except?.kind === "person" && this.#members.has(except) ? 1 : 0);
    if (heard === 0) return;
    this.#tell(`* ${news}; ${this.company}`, except);
    this.#companyNews = setTimeout(() => {
      this.#companyNews = null;
      const moves = this.#unsaidMoves;
      this.#unsaidMoves = null;
      if (moves === null) return;
      if (moves.count === 1) this.#tellOfMove(moves.news, moves.except);
      else this.#tellOfMove(`${moves.count} came or left`, null);
    }, NEWS_MS).unref();
  }

  #tell(news: string, except: Member | null = null): void {
    for (const member of this.#members) {
      if (member.kind === "person" && member !== except) member.tell(news);
    }
  }

  /** Begins to verify a group that will be received; null when it is not to be, or not all of it. */
  foresee(group: Uint8Array, ahead: Ahead): Foreseen | null {
    if (this.#policy.screen(group, this.history).refused.length > 0) return null;
    return ahead.begin(this.history, group);
  }

  /**
   * Takes in a group from a session; `verified` is what is known of it ahead. Never throws for what it holds. What it brought is
   * passed on at the end of this step of the event loop, and acknowledged once it is durable.
   */
  receive(
    sent: Uint8Array,
    from: Member,
    arrival = performance.now(),
    verified: VerifiedGroup | null = null,
  ): ReceivedGroup {
    const { group, refused } = this.#policy.screen(sent, this.history);
    if (refused.length > 0) this.#host.received(refusalOf(refused), this);
    if (group === null) return refusalOf(refused);
    const received =
      verified === null || group !== sent
        ? this.history.receive(group, from.peer)
        : this.history.receiveVerified(verified, from.peer);
    this.#host.received(received, this);
    const known: Uint8Array[] = [];
    let last = -1;
    for (const { id, status } of received.results) {
      if (status === "pending") this.#awaitChange(id, from);
      const index = this.history.indexOf(id);
      if (index < 0) continue;
      // An acknowledgement covers what a change builds on.
      if (last >= 0 && this.history.prevAt(index) === last) known.pop();
      known.push(id);
      last = index;
    }
    if (received.applied.length > 0) void this.#store(group, received, { from, known, arrival });
    else if (known.length > 0) this.acknowledge(known, from);
    return refused.length === 0 ? received : withRefusal(received, refused);
  }

  /** Acknowledges those of these changes that are applied, as soon as they are durable. */
  acknowledge(ids: readonly Uint8Array[], to: Member): void {
    const applied = ids.filter((id) => this.history.indexOf(id) >= 0);
    if (applied.length === 0) return;
    if (applied.every((id) => this.history.indexOf(id) < this.#durable)) {
      to.acknowledge(applied);
      return;
    }
    this.#log.append([]).then(
      () => {
        if (this.#members.has(to)) to.acknowledge(applied);
      },
      () => {
        // The failure is reported by the append that it belongs to.
      },
    );
  }

  /** Resolves when everything received so far is durable, or cannot be any more. */
  async settled(): Promise<void> {
    const end = this.history.length;
    await this.#log.append([]).then(
      () => this.#settled(end),
      () => undefined,
    );
    this.#acknowledgeNow();
    this.#passOnNow();
  }

  /** Is told nothing by its log any more. */
  close(): void {
    this.#log.close();
  }

  /** Takes in what came into the log by another relay: from there it is durable, and verified like all the rest. */
  #deliver(group: Uint8Array): boolean {
    const arrival = performance.now();
    const received = this.history.receive(group, LOG_PEER);
    this.#host.received(received, this);
    if (received.applied.length > 0) {
      const unlogged = this.#unlogged(received);
      if (unlogged.length > 0) void this.#store(group, received, { arrival, records: unlogged });
      else {
        const live = liveGroups(this.history, group, received);
        this.#passOn({ live, bytes: group.length, arrival });
        if (!this.#isSettling) void this.#settle();
      }
    }
    return received.status !== "rejected" && received.status !== "unsupported";
  }

  /** Passes on what was applied, and appends it; when it is durable, tells those who wait for that. */
  async #store(
    group: Uint8Array,
    received: ReceivedGroup,
    { from, known = [], records, arrival }: Origin,
  ): Promise<void> {
    const live = liveGroups(this.history, group, received);
    this.#passOn({ live, bytes: group.length, arrival });
    from?.await(group.length);
    const asked = performance.now();
    const end = this.history.length;
    try {
      await this.#log.append(records ?? this.#recordsOf(live));
    } catch (error) {
      this.#host.storingFailed(error);
      return;
    } finally {
      from?.await(-group.length);
    }
    this.#host.stored?.(performance.now() - asked);
    if (from !== undefined) this.#owe(from, known);
    this.#settled(end);
  }

  /**
   * What came from the log is durable, but what was applied before it may not be yet, and the durable changes have no holes. So
   * it waits for that, all that comes meanwhile together: others may write much while one's own writes are held up.
   */
  async #settle(): Promise<void> {
    this.#isSettling = true;
    try {
      while (this.#durable < this.history.length) {
        const end = this.history.length;
        await this.#log.append([]);
        this.#settled(end);
      }
    } catch {
      // The failure is reported by the append that it belongs to.
    }
    this.#isSettling = false;
  }

  /** The first so many changes are durable. */
  #settled(end: number): void {
    const start = this.#durable;
    if (end <= start) return;
    this.#durable = end;
    this.#acknowledgeAwaited(start, end);
    this.#gatherNews(start, end);
  }

  /** Acknowledges, together with all else that becomes durable by the same write: one message says it. */
  #owe(to: Member, ids: readonly Uint8Array[]): void {
    if (this.#owed.size === 0) queueMicrotask(this.#acknowledgeNow);
    const owed = this.#owed.get(to) ?? [];
    owed.push(...ids);
    this.#owed.set(to, owed);
    if (owed.length >= ACKNOWLEDGED_AT_ONCE) this.#acknowledgeNow();
  }

  readonly #acknowledgeNow = (): void => {
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const [to, ids] of owed) if (this.#members.has(to)) to.acknowledge(ids);
  };

  /**
   * Passes on to everyone, merged, what is applied in one step of the event loop. In a large room that takes long; then what
   * follows is gathered for some time.
   */
  #passOn(ready: Ready): void {
    this.#ready.push(ready);
    this.#readyBytes += ready.bytes;
    if (this.#readyBytes >= MAX_GROUP_BYTES) this.#passOnNow();
    if (this.#ready.length !== 1) return;
    const wait = this.#passedOnAt + this.#gatheringMs - performance.now();
    if (wait > 0) this.#gathering = setTimeout(this.#passOnNow, wait);
    else queueMicrotask(this.#passOnNow);
  }

  readonly #passOnNow = (): void => {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#ready.length === 0) return;
    const all = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    const start = performance.now();
    for (const batch of batchesOf(all.flatMap(({ live }) => live))) {
      for (const member of this.#members) member.push(batch);
    }
    const end = performance.now();
    for (const { arrival } of all) this.#host.passedOn?.(end - arrival);
    // What was pushed is written at the end of this tick.
    process.nextTick(() => {
      this.#passedOnAt = performance.now();
      const took = this.#passedOnAt - start;
      this.#gatheringMs = Math.min(MAX_GATHERING_MS, GATHERING_FACTOR * took);
    });
  };

  #recordsOf(live: readonly LiveGroup[]): NewRecord[] {
    return live.map((one) => ({
      ids: one.indexes.map((index) => this.history.idAt(index)),
      group: one.group,
    }));
  }

  /** What a group from the log released that waited here, and that the log does not have. */
  #unlogged({ applied, isExact, results }: ReceivedGroup): NewRecord[] {
    if (isExact) return [];
    const logged = new Set(results.map(({ id }) => keyOf(id)));
    const others = applied.filter((index) => !logged.has(keyOf(this.history.idAt(index))));
    return recordsOf(this.history, others);
  }

  #awaitChange(id: Uint8Array, from: Member): void {
    const key = keyOf(id);
    const senders = this.#awaited.get(key);
    if (senders !== undefined) {
      if (senders instanceof Set) senders.add(from);
      else if (senders !== from) this.#awaited.set(key, new Set([senders, from]));
    } else {
      this.#awaited.set(key, from);
    }
    const all = this.#awaitedBy.get(from);
    if (all === undefined) this.#awaitedBy.set(from, new Set([key]));
    else all.add(key);
    if (this.#awaited.size <= this.#maxAwaited) return;
    for (const oldest of this.#awaited.keys()) {
      this.#awaitNoMore(oldest);
      return;
    }
  }

  /** Forgets who waits for a change; returns them. */
  #awaitNoMore(key: string): Iterable<Member> {
    const senders = this.#awaited.get(key);
    if (senders === undefined) return [];
    this.#awaited.delete(key);
    const all = senders instanceof Set ? senders : [senders];
    for (const member of all) {
      const keys = this.#awaitedBy.get(member);
      keys?.delete(key);
      if (keys?.size === 0) this.#awaitedBy.delete(member);
    }
    return all;
  }

  /** Pending changes that were released: whoever sent them has waited for this. */
  #acknowledgeAwaited(start: number, end: number): void {
    if (this.#awaited.size === 0) return;
    for (let index = start; index < end; index++) {
      const id = this.history.idAt(index);
      for (const member of this.#awaitNoMore(keyOf(id))) member.acknowledge([id]);
    }
  }

  #gatherNews(start: number, end: number): void {
    if (this.#people === 0) return;
    for (let index = start; index < end; index++) this.#unsaid.push(index);
    if (this.#news !== null) return;
    this.#news = setTimeout(() => {
      this.#news = null;
      const indexes = this.#unsaid;
      this.#unsaid = [];
      this.#tell(this.#describe(indexes));
    }, NEWS_MS).unref();
  }

  #describe(indexes: readonly number[]): string {
    const authors = new Set(indexes.map((index) => toHex(this.history.authorAt(index))));
    const [first = ""] = authors;
    const by = authors.size === 1 ? `author ${first.slice(0, 8)}` : `${authors.size} authors`;
    return `* ${counted(indexes.length, "new change")} by ${by}; ${this.history.length} in all`;
  }
}

/** What becomes of a group of which nothing goes on. */
function refusalOf(refused: readonly ReceivedChange[]): ReceivedGroup {
  const code = refused[0]?.code;
  return {
    status: "rejected",
    ...(code === undefined ? {} : { code }),
    applied: [],
    missing: [],
    results: refused,
    isExact: false,
  };
}

/** What becomes of a group of which a part goes on. */
function withRefusal(received: ReceivedGroup, refused: readonly ReceivedChange[]): ReceivedGroup {
  const { applied, missing, results } = received;
  return { ...refusalOf(refused), applied, missing, results: [...refused, ...results] };
}

function limitsOf(settings: RoomBounds["settings"]): HistoryLimits {
  return {
    pendingBytes: settings.roomPendingBytes,
    pendingBytesPerPeer: settings.peerPendingBytes,
    pendingBytesPerAuthor: settings.authorPendingBytes,
    pendingBytesPerExposedAuthor: settings.exposedPendingBytes,
    rejectedIds: ROOM_REJECTED_IDS,
  };
}

/** An id as a map key: one character a byte, which is half of what hexadecimal takes. */
function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1");
}

/** `1 change`, `2 changes`. */
export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}
