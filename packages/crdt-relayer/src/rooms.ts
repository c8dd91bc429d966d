/**
 * The rooms that are loaded: each document once, however many sessions ask for it at once; loaded when the first session
 * comes, forgotten some time after the last has left, never more than a bound. When all places are taken, whoever comes from a network
 * that has few of them gets one of the network that has most: nobody can shut out all others by sitting in rooms of their own.
 */
import { type LogFault, PendingPool, type Result, toHex } from "bft-json-crdt";
import type { Logger } from "pino";
import { type Backplane, BackplaneError } from "./backplane.ts";
import type { CloseName } from "./close-codes.ts";
import { messageOf, systemCode } from "./exit-codes.ts";
import { networkOf } from "./rates.ts";
import { counted, Room, type RoomHost } from "./room.ts";
import { Policies } from "./room-policy.ts";
import type { Settings } from "./settings.ts";
import { repairCommand } from "./store.ts";

/** Why a room cannot be entered, and how the session ends for it. */
export interface RoomRefusal {
  readonly code:
    | "too_many_rooms"
    | "room_full"
    | "room_damaged"
    | "unavailable"
    | "stopping"
    | "internal";
  readonly detail: string;
  readonly close: CloseName;
}

/** Who is in a room, or waits for it. */
export interface Guest {
  /** The address that it comes from. */
  readonly peer: string;
  /** Sends it away. */
  close(name: CloseName): void;
}

interface Entry {
  readonly document: Uint8Array;
  readonly loading: Promise<Result<Room, RoomRefusal>>;
  room: Room | null;
  /** It could not be loaded now, which may pass at any time. */
  isUnavailable: boolean;
  /** Sessions that are in it or wait for it. */
  sessions: number;
  /** Those of them that are known. */
  readonly guests: Set<Guest>;
  grace: NodeJS.Timeout | null;
}

/** All loaded rooms of a relay. */
export class Rooms {
  readonly #backplane: Pick<Backplane, "open">;
  readonly #settings: Settings;
  readonly #host: RoomHost;
  readonly #log: Logger;
  readonly #pool: PendingPool;
  readonly #policies: Policies;
  /** By hex document id; those without sessions in the order in which they were left. */
  readonly #entries = new Map<string, Entry>();
  #isClosed = false;

  constructor(
    backplane: Pick<Backplane, "open">,
    settings: Settings,
    host: RoomHost,
    log: Logger,
    policies = new Policies(settings),
  ) {
    this.#backplane = backplane;
    this.#settings = settings;
    this.#host = host;
    this.#log = log;
    this.#pool = new PendingPool(settings.pendingBytes);
    this.#policies = policies;
  }

  /** Goes by settings that have changed. */
  settingsChanged(): void {
    this.#pool.limit = this.#settings.pendingBytes;
    for (const { document, room } of this.#entries.values()) {
      room?.bound(this.#settings);
      room?.rule(this.#policies.of(document));
    }
  }

  /** Rooms in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Takes a place in a document's room, and loads it when it is not. Each place that was given must be given back by
   * {@link leave}; a refusal leaves nothing to give back. Never rejects.
   */
  async enter(
    document: Uint8Array,
    guest: Guest | null = null,
  ): Promise<Result<Room, RoomRefusal>> {
    const key = toHex(document);
    const entry = this.#entries.get(key) ?? this.#load(key, document, guest);
    if (entry === null) {
      return this.#isClosed
        ? refused("stopping", "the relay is stopping", "stopping")
        : refused(
            "too_many_rooms",
            `this relay holds no more than ${counted(this.#settings.maxRooms, "room")} at once`,
            "tooManyRooms",
          );
    }
    if (entry.sessions >= this.#settings.maxRoomSessions) {
      return refused(
        "room_full",
        `this room takes no more than ${counted(entry.sessions, "session")} at once`,
        "roomFull",
      );
    }
    entry.sessions++;
    if (guest !== null) entry.guests.add(guest);
    if (entry.grace !== null) clearTimeout(entry.grace);
    entry.grace = null;
    const loaded = await entry.loading;
    if (!loaded.ok) this.leave(document, guest);
    return loaded;
  }

  /** Gives a place back. */
  leave(document: Uint8Array, guest: Guest | null = null): void {
    const key = toHex(document);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.sessions--;
    if (guest !== null) entry.guests.delete(guest);
    if (entry.sessions > 0) return;
    // The order of the map is the order in which rooms were left.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    // A room that nobody ever wrote to has nothing to wait for; a damaged one is not read again for each knock.
    const hasNothing = entry.isUnavailable || entry.room?.history.length === 0;
    const seconds = hasNothing ? 0 : this.#settings.roomGraceSeconds;
    entry.grace = setTimeout(() => {
      void this.#forget(key, entry);
    }, seconds * 1_000).unref();
  }

  /** Lets nobody in any more; resolves when everything received is durable, or cannot be any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { grace } of this.#entries.values()) if (grace !== null) clearTimeout(grace);
    await Promise.all(
      [...this.#entries.values()].map(({ room }) => room?.settled() ?? Promise.resolve()),
    );
  }

  #load(key: string, document: Uint8Array, guest: Guest | null): Entry | null {
    const isFull = this.#entries.size >= this.#settings.maxRooms;
    if (this.#isClosed || (isFull && !this.#makeSpace() && !this.#makeSpaceFor(guest))) return null;
    const entry: Entry = {
      document,
      loading: this.#read(key, document),
      room: null,
      isUnavailable: false,
      sessions: 0,
      guests: new Set(),
      grace: null,
    };
    void entry.loading.then((loaded) => {
      if (loaded.ok) {
        entry.room = loaded.value;
        // They may have changed meanwhile.
        loaded.value.rule(this.#policies.of(document));
      } else entry.isUnavailable = loaded.error.code === "unavailable";
    });
    this.#entries.set(key, entry);
    return entry;
  }

  async #read(key: string, document: Uint8Array): Promise<Result<Room, RoomRefusal>> {
    const start = performance.now();
    let loaded: Result<Room, LogFault>;
    try {
      const policy = this.#policies.of(document);
      const bounds = { settings: this.#settings, pool: this.#pool, policy };
      loaded = await Room.load(document, this.#backplane, this.#host, bounds);
    } catch (error) {
      if (error instanceof BackplaneError) {
        this.#log.warn({ document: key, reason: error.message }, "the room cannot be loaded now");
        return refused("unavailable", "the relay cannot reach its log", "backplaneLost");
      }
      if (systemCode(error).startsWith("LEVEL_")) return this.#damaged(key, messageOf(error));
      this.#log.error({ err: error, document: key }, "an internal error; the room is not loaded");
      return refused("internal", "an internal error", "internal");
    }
    if (!loaded.ok) return this.#damaged(key, loaded.error.detail);
    const ms = Math.round(performance.now() - start);
    this.#log.info({ document: key, changes: loaded.value.history.length, ms }, "room loaded");
    return loaded;
  }

  #damaged(key: string, detail: string): Result<Room, RoomRefusal> {
    this.#log.error(
      { document: key, detail },
      `this room cannot be read from the store and is refused; stop the relay, then: ${repairCommand(this.#settings.data)}`,
    );
    return refused(
      "room_damaged",
      `the relay's copy of this room is damaged: ${detail}`,
      "roomDamaged",
    );
  }

  /** Forgets the room that was left first; false when all are in use. */
  #makeSpace(): boolean {
    for (const [key, entry] of this.#entries) {
      if (entry.sessions > 0 || entry.room?.isSettled === false) continue;
      this.#drop(key, entry);
      return true;
    }
    return false;
  }

  /**
   * Takes a room from the network that sits alone in most rooms, if that are at least two more than the guest's own sits in: from those
   * of nobody else, the one that was loaded last, first of those in which there is nothing. False when there is none.
   */
  #makeSpaceFor(guest: Guest | null): boolean {
    if (guest === null) return false;
    const alone = new Map<string, Entry[]>();
    for (const entry of this.#entries.values()) {
      const network = entry.room?.isSettled === true ? onlyNetworkOf(entry) : null;
      if (network === null) continue;
      const rooms = alone.get(network);
      if (rooms === undefined) alone.set(network, [entry]);
      else rooms.push(entry);
    }
    const own = alone.get(networkOf(guest.peer))?.length ?? 0;
    let most: Entry[] = [];
    for (const rooms of alone.values()) if (rooms.length > most.length) most = rooms;
    if (most.length < own + 2) return false;
    const given = most.findLast(({ room }) => room!.history.length === 0) ?? most[most.length - 1]!;
    for (const other of given.guests) other.close("tooManyRooms");
    return this.#makeSpace();
  }

  async #forget(key: string, entry: Entry): Promise<void> {
    // Two logs of one document would overwrite each other's records: a room goes only when nothing is on its way.
    await entry.room?.settled();
    if (entry.sessions > 0 || this.#entries.get(key) !== entry) return;
    if (entry.room?.isSettled === false) return;
    this.#drop(key, entry);
  }

  #drop(key: string, entry: Entry): void {
    if (entry.grace !== null) clearTimeout(entry.grace);
    this.#entries.delete(key);
    entry.room?.history.forgetPending();
    entry.room?.close();
    this.#log.debug({ document: key }, "room forgotten");
  }
}

/** The network that all come from who are in a room; null when they are from several, or not known. */
function onlyNetworkOf({ sessions, guests }: Entry): string | null {
  if (sessions !== guests.size) return null;
  let only: string | null = null;
  for (const { peer } of guests) {
    const network = networkOf(peer);
    if (only !== null && network !== only) return null;
    only = network;
  }
  return only;
}

function refused(
  code: RoomRefusal["code"],
  detail: string,
  close: CloseName,
): { readonly ok: false; readonly error: RoomRefusal } {
  return { ok: false, error: { code, detail, close } };
}
