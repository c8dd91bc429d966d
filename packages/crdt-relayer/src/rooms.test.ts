/** Rooms by themselves: who gets in, and when a room is forgotten. */
import { documentId, type History, MAX_GROUP_BYTES, type Result } from "bft-json-crdt";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openLines, writeLine } from "../test/participant.ts";
import { LiveSettings } from "./live-settings.ts";
import { EmbeddedBackplane } from "./backplane.ts";
import { MemoryLevel } from "./memory-level.ts";
import type { Member, Room } from "./room.ts";
import { type RoomRefusal, Rooms } from "./rooms.ts";
import { completeSettings, type Settings } from "./settings.ts";
import type { Store } from "./store.ts";

type Entered = Result<Room, RoomRefusal>;

const GRACE_SECONDS = 60;

/** Writes wait until they are let through, or fail. */
class HeldLevel extends MemoryLevel {
  held: { readonly pass: () => void; readonly fail: (error: Error) => void }[] = [];
  isHolding = false;

  override async batch(...[operations]: Parameters<MemoryLevel["batch"]>): Promise<void> {
    if (this.isHolding)
      await new Promise<void>((pass, fail) => {
        this.held.push({ pass, fail });
      });
    await super.batch(operations);
  }
}

const stranger: Member = {
  peer: "peer",
  kind: "program",
  acknowledge: () => undefined,
  push: () => undefined,
  tell: () => undefined,
  await: () => undefined,
};

function roomsOn(database: Store, given: Partial<Settings> = {}): Rooms {
  const settings = completeSettings(
    { data: ":memory:", roomGraceSeconds: GRACE_SECONDS, ...given },
    {},
  );
  const host = { received: () => undefined, storingFailed: () => undefined };
  return new Rooms(new EmbeddedBackplane(database), settings, host, pino({ level: "silent" }));
}

function roomOf(entered: Entered): Room {
  if (!entered.ok) throw new Error(entered.error.detail);
  return entered.value;
}

async function refusalOf(entered: Promise<Entered>): Promise<string> {
  const result = await entered;
  return result.ok ? "entered" : result.error.code;
}

/** Enters a room in which something is written. */
async function written(rooms: Rooms, name: string): Promise<Room> {
  const room = roomOf(await rooms.enter(documentId(name)));
  room.receive(writeLine(openLines(name), "hello"), stranger);
  return room;
}

/** Lets promises go on, though time stands still. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a room", () => {
  it("takes so many sessions and no more, until one leaves", async () => {
    const rooms = roomsOn(new MemoryLevel(), { maxRoomSessions: 2 });
    const id = documentId("main");
    const first = roomOf(await rooms.enter(id));
    expect(roomOf(await rooms.enter(id))).toBe(first);
    expect(await refusalOf(rooms.enter(id))).toBe("room_full");
    rooms.leave(id);
    expect(roomOf(await rooms.enter(id))).toBe(first);
  });

  it("goes by settings that change: how many may be in it, how many there may be, and what may wait", async () => {
    const live = new LiveSettings(
      completeSettings({ data: ":memory:", maxRoomSessions: 1, maxRooms: 1 }, {}),
    );
    const host = { received: () => undefined, storingFailed: () => undefined };
    const backplane = new EmbeddedBackplane(new MemoryLevel());
    const rooms = new Rooms(backplane, live.current, host, pino({ level: "silent" }));
    const room = roomOf(await rooms.enter(documentId("main")));
    expect(await refusalOf(rooms.enter(documentId("main")))).toBe("room_full");
    expect(await refusalOf(rooms.enter(documentId("other")))).toBe("too_many_rooms");
    // Nearly a megabyte each, all behind a first change that does not come: four of them fit into what one author may have.
    const document = openLines("main");
    writeLine(document, "withheld");
    const orphans = Array.from({ length: 4 }, () => writeLine(document, "x".repeat(900_000)));
    const arrive = (): number => {
      for (const change of orphans) room.receive(change, stranger);
      return room.history.pending.count;
    };
    expect(arrive()).toBe(4);
    const settings = { ...live.current, maxRoomSessions: 2, maxRooms: 2 };
    live.replace({ ...settings, pendingBytes: 2 * MAX_GROUP_BYTES });
    rooms.settingsChanged();
    expect(room.history.pending.count).toBe(2);
    live.replace({ ...settings, roomPendingBytes: MAX_GROUP_BYTES });
    rooms.settingsChanged();
    expect(room.history.pending.count).toBe(1);
    for (const name of ["peerPendingBytes", "authorPendingBytes"] as const) {
      live.replace({ ...settings, [name]: 3 * MAX_GROUP_BYTES });
      rooms.settingsChanged();
      expect(arrive()).toBe(3);
    }
    live.replace(settings);
    rooms.settingsChanged();
    expect(arrive()).toBe(4);
    expect(await refusalOf(rooms.enter(documentId("main")))).toBe("entered");
    expect(await refusalOf(rooms.enter(documentId("other")))).toBe("entered");
    expect(await refusalOf(rooms.enter(documentId("third")))).toBe("too_many_rooms");
  });

  it("is taken from the network that sits alone in most, for whoever comes from one that has few", async () => {
    const rooms = roomsOn(new MemoryLevel(), { maxRooms: 6 });
    const sentAway: string[] = [];
    /** Somebody from an address, in a room; it leaves when it is sent away. */
    const enter = async (peer: string, name: string): Promise<string> => {
      const id = documentId(name);
      const guest = {
        peer,
        close: (code: string) => {
          sentAway.push(`${peer} from ${name}: ${code}`);
          rooms.leave(id, guest);
        },
      };
      return refusalOf(rooms.enter(id, guest));
    };
    // Two of six are also somebody else's, and in one there is something.
    for (const name of ["a", "b", "c", "d", "e", "f"])
      expect(await enter("192.0.2.1", name)).toBe("entered");
    expect(await enter("192.0.2.2", "a")).toBe("entered");
    expect(await enter("192.0.2.2", "b")).toBe("entered");
    await written(rooms, "c");
    rooms.leave(documentId("c"));
    await settle();
    expect(await enter("192.0.2.3", "g")).toBe("entered");
    expect(sentAway).toEqual(["192.0.2.1 from f: tooManyRooms"]);
    expect(await enter("192.0.2.1", "h")).toBe("too_many_rooms");
    expect(await enter("192.0.2.3", "h")).toBe("entered");
    expect(sentAway[1]).toBe("192.0.2.1 from e: tooManyRooms");
    // Now both have two for themselves, and c is the one in which there is something.
    expect(await enter("192.0.2.3", "i")).toBe("too_many_rooms");
    expect(await enter("2001:db8::1", "i")).toBe("entered");
    expect(await enter("198.51.100.7", "j")).toBe("entered");
    expect(sentAway.slice(2)).toEqual([
      "192.0.2.1 from d: tooManyRooms",
      "192.0.2.3 from h: tooManyRooms",
    ]);
    // One each, and two together: nobody has more than somebody else could have.
    expect(await enter("198.51.100.8", "k")).toBe("too_many_rooms");
    expect(sentAway).toHaveLength(4);
    expect(rooms.size).toBe(6);
  });

  it("in which somebody is of whom nothing is known is taken from nobody", async () => {
    const rooms = roomsOn(new MemoryLevel(), { maxRooms: 3 });
    const guest = (peer: string) => ({ peer, close: () => expect.unreachable() });
    for (const name of ["a", "b", "c"]) {
      await rooms.enter(documentId(name));
      await rooms.enter(documentId(name), guest("192.0.2.1"));
    }
    expect(await refusalOf(rooms.enter(documentId("d"), guest("192.0.2.2")))).toBe(
      "too_many_rooms",
    );
  });

  it("of which not all is stored is taken from nobody", async () => {
    const database = new HeldLevel();
    const rooms = roomsOn(database, { maxRooms: 2 });
    const guest = (peer: string) => ({ peer, close: () => expect.unreachable() });
    database.isHolding = true;
    for (const name of ["a", "b"]) {
      const room = roomOf(await rooms.enter(documentId(name), guest("192.0.2.1")));
      room.receive(writeLine(openLines(name), "hello"), stranger);
    }
    expect(await refusalOf(rooms.enter(documentId("c"), guest("192.0.2.2")))).toBe(
      "too_many_rooms",
    );
    database.isHolding = false;
    for (const { pass } of database.held) pass();
  });

  it("that nobody is in is not left by anyone", () => {
    const rooms = roomsOn(new MemoryLevel());
    rooms.leave(documentId("main"));
    expect(rooms.size).toBe(0);
  });

  it("is forgotten some time after the last has left, whenever others did", async () => {
    const rooms = roomsOn(new MemoryLevel());
    const id = documentId("main");
    await written(rooms, "main");
    await rooms.enter(id);
    await settle();
    rooms.leave(id);
    await vi.advanceTimersByTimeAsync((GRACE_SECONDS - 10) * 1_000);
    rooms.leave(id);
    await vi.advanceTimersByTimeAsync((GRACE_SECONDS - 10) * 1_000);
    expect(rooms.size).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(rooms.size).toBe(0);
  });

  it("that someone enters while it is about to be forgotten stays", async () => {
    const database = new HeldLevel();
    const rooms = roomsOn(database);
    const id = documentId("main");
    database.isHolding = true;
    const room = await written(rooms, "main");
    rooms.leave(id);
    // It waits for what is on its way to the store.
    await vi.advanceTimersByTimeAsync(GRACE_SECONDS * 1_000);
    expect(roomOf(await rooms.enter(id))).toBe(room);
    database.isHolding = false;
    for (const { pass } of database.held.splice(0)) pass();
    await settle();
    expect(room.isSettled).toBe(true);
    expect(rooms.size).toBe(1);
    expect(roomOf(await rooms.enter(id))).toBe(room);
  });

  it("is not forgotten when it was loaded anew in the meantime", async () => {
    const rooms = roomsOn(new MemoryLevel(), { maxRooms: 2 });
    const [a, b, c] = ["a", "b", "c"].map(documentId) as [Uint8Array, Uint8Array, Uint8Array];
    await written(rooms, "a");
    await written(rooms, "c");
    await settle();
    rooms.leave(a);
    // Its time has come, and before that has been seen to, it has made way and is there again.
    vi.advanceTimersByTime(GRACE_SECONDS * 1_000);
    const entering = [rooms.enter(b)];
    rooms.leave(c);
    entering.push(rooms.enter(a));
    const loaded = (await Promise.all(entering)).map(roomOf);
    await settle();
    expect(rooms.size).toBe(2);
    expect(roomOf(await rooms.enter(a))).toBe(loaded[1]);
  });

  it("whose changes are not stored is neither forgotten nor makes way", async () => {
    const database = new HeldLevel();
    const rooms = roomsOn(database, { maxRooms: 1 });
    database.isHolding = true;
    await written(rooms, "main");
    rooms.leave(documentId("main"));
    expect(await refusalOf(rooms.enter(documentId("other")))).toBe("too_many_rooms");
    await vi.advanceTimersByTimeAsync(GRACE_SECONDS * 1_000);
    for (const { fail } of database.held.splice(0)) fail(new Error("the disk is full"));
    await settle();
    expect(rooms.size).toBe(1);
  });

  it("gives back what waited in it when it is forgotten", async () => {
    const total = 2 * MAX_GROUP_BYTES;
    const rooms = roomsOn(new MemoryLevel(), { pendingBytes: total, maxRooms: 1 });
    const fill = async (name: string): Promise<History> => {
      const { history } = roomOf(await rooms.enter(documentId(name)));
      const lines = openLines(name);
      writeLine(lines, "withheld");
      for (let i = 0; i < 24; i++) history.receive(writeLine(lines, "x".repeat(100_000)), "peer");
      return history;
    };
    const first = await fill("first");
    expect(first.pending.bytes).toBeGreaterThan(total - 250_000);
    rooms.leave(documentId("first"));
    const second = await fill("second");
    expect(second.pending.bytes).toBeGreaterThan(total - 250_000);
    expect(second.pending.bytes).toBeLessThanOrEqual(total);
  });
});

describe("rooms", () => {
  it("are so many and no more: one that nobody is in makes way, one in use does not", async () => {
    const rooms = roomsOn(new MemoryLevel(), { maxRooms: 2 });
    const used = roomOf(await rooms.enter(documentId("used")));
    await written(rooms, "left");
    await settle();
    expect(await refusalOf(rooms.enter(documentId("third")))).toBe("too_many_rooms");
    rooms.leave(documentId("left"));
    roomOf(await rooms.enter(documentId("third")));
    expect(rooms.size).toBe(2);
    expect(roomOf(await rooms.enter(documentId("used")))).toBe(used);
    expect(await refusalOf(rooms.enter(documentId("left")))).toBe("too_many_rooms");
  });

  it("are closed to everyone once the relay stops", async () => {
    const rooms = roomsOn(new MemoryLevel());
    await rooms.close();
    expect(await refusalOf(rooms.enter(documentId("main")))).toBe("stopping");
  });

  it("that cannot be read are refused: as damaged when the database says so", async () => {
    let code = "";
    class Broken extends MemoryLevel {
      override iterator(): never {
        throw Object.assign(new Error("broken"), code === "" ? {} : { code });
      }
    }
    for (const [given, refusal] of [
      ["LEVEL_CORRUPTION", "room_damaged"],
      ["LEVEL_IO_ERROR", "room_damaged"],
      ["EIO", "internal"],
      ["", "internal"],
    ] as const) {
      code = given;
      expect(await refusalOf(roomsOn(new Broken()).enter(documentId("main")))).toBe(refusal);
    }
  });

  it("whose log is damaged are refused, and the others are not", async () => {
    const database = new MemoryLevel();
    await written(roomsOn(database), "main");
    await settle();
    for await (const [key] of database.iterator({ ...ALL })) {
      await database.batch([{ type: "put", key, value: new Uint8Array([1, 2, 3]) }]);
    }
    const rooms = roomsOn(database);
    expect(await refusalOf(rooms.enter(documentId("main")))).toBe("room_damaged");
    roomOf(await rooms.enter(documentId("other")));
  });
});

const ALL = {
  gte: new Uint8Array([0]),
  lt: new Uint8Array([255]),
  reverse: false,
  limit: -1,
  keyEncoding: "view",
  valueEncoding: "view",
} as const;
