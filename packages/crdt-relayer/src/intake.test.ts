/** What one socket may send, and how much work it may cause: each rule by itself, without waiting for a network. */
import { Duplex } from "node:stream";
import type { ReceivedGroup } from "bft-json-crdt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openLines, writeLine } from "../test/participant.ts";
import { endWorlds, FakeSocket, settle, World } from "../test/session-world.ts";
import { stoppedClock } from "../test/stopped-clock.ts";
import { CLOSE } from "./close-codes.ts";
import {
  AT_ONCE_MS,
  CREDIT_LINE,
  CREDIT_MS,
  CREDIT_PER_MS,
  FIRST_CREDIT_MS,
  FIRST_PIECE_BYTES,
  FRAME_OVERHEAD_BYTES,
  LEAST_CREDIT_SHARE,
  MOST_DEBT_MS,
  MIN_HOLD_MS,
  MOST_RUN_CHANGES,
  MOST_UNPAID_BYTES,
  REFUSED_CHANGE_BYTES,
  RUN_BYTES,
  RUN_CHANGES,
  TURN_MS,
} from "./limits.ts";
import { Room } from "./room.ts";
import { Meter, type Rates } from "./rates.ts";
import type { Settings } from "./settings.ts";

afterEach(() => {
  vi.restoreAllMocks();
  endWorlds();
});

describe("a session that sends faster than its rates", () => {
  const RATE = 100_000;
  const slow = { sessionRateBytes: RATE, sessionBurstBytes: RATE };
  const text = (seconds: number): string => " ".repeat(seconds * RATE);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is not read until it has kept within them, and then again", () => {
    const { get, socket } = worldOf(slow);
    get(text(0.9));
    expect(socket.isPaused).toBe(false);
    get(text(2.1));
    vi.advanceTimersByTime(1_990);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(30);
    expect([socket.isPaused, socket.closes]).toEqual([false, []]);
  });

  it("is not stopped for a moment", () => {
    const { get, socket } = worldOf(slow);
    get(text(1));
    get(" ".repeat(Math.floor((MIN_HOLD_MS / 1_000) * RATE) - 600));
    expect(socket.isPaused).toBe(false);
  });

  it("waits longer for what its socket had read already", () => {
    const { get, socket } = worldOf(slow);
    get(text(2));
    get(text(2));
    vi.advanceTimersByTime(2_900);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(socket.isPaused).toBe(false);
  });

  it("is closed when it would have to wait too long", () => {
    const { get, socket } = worldOf({ ...slow, rateCloseSeconds: 3 });
    get(text(3.9));
    expect(socket.closes).toEqual([]);
    get(text(1.1));
    expect(socket.closes).toEqual([{ code: CLOSE.tooFast.code, reason: CLOSE.tooFast.reason }]);
    expect(socket.isPaused).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has nothing of the frame handled for which it is closed", async () => {
    const { get, world, socket } = worldOf({ ...slow, rateCloseSeconds: 3 });
    get(`/join main${text(5)}`);
    await settle();
    expect(socket.closes.map(({ code }) => code)).toEqual([CLOSE.tooFast.code]);
    expect(world.entered).toEqual([]);
  });

  it("waits for the slowest of its rates", async () => {
    const quick = { keyRateBytes: 10 * RATE, keyBurstBytes: 1_024 };
    const { get, world, socket } = worldOf({ ...slow, ...quick });
    await world.join();
    get(writeLine(openLines("main"), "x".repeat(3 * RATE)));
    vi.advanceTimersByTime(1_900);
    expect(socket.isPaused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(socket.isPaused).toBe(false);
  });

  it("waits until both its rates and its inbox allow it", () => {
    const { get, world, socket } = worldOf(slow);
    get(text(3));
    world.session.await(world.inboxShare + 1);
    vi.advanceTimersByTime(3_000);
    expect(socket.isPaused).toBe(true);
    world.session.await(-world.inboxShare - 1);
    expect(socket.isPaused).toBe(false);
    get(text(3));
    world.session.await(world.inboxShare + 1);
    world.session.await(-world.inboxShare - 1);
    expect(socket.isPaused).toBe(true);
  });

  it("shares the rate of its address with others from there, and of its room with all in it", async () => {
    for (const name of ["address", "room"] as const) {
      const rates = { [`${name}RateBytes`]: RATE, [`${name}BurstBytes`]: RATE };
      const first = worldOf(rates);
      const second = worldOf(rates, first.world.rates, name === "address" ? "peer" : "another");
      const elsewhere = worldOf(rates, first.world.rates, "elsewhere");
      // It is one room for all of them.
      vi.spyOn(second.world.rooms, "enter").mockImplementation((id) => first.world.rooms.enter(id));
      await Promise.all([first.world.join(), second.world.join()]);
      await elsewhere.world.join({ type: "join", room: "elsewhere" });
      first.get(text(0.6));
      second.get(text(0.6));
      elsewhere.get(text(0.6));
      const paused = [first, second, elsewhere].map(({ socket }) => socket.isPaused);
      expect([name, ...paused]).toEqual([name, false, true, false]);
    }
  });

  it("pays for what one key has signed, whoever brings it, and not for what is known", async () => {
    const keyed = { keyRateBytes: RATE, keyBurstBytes: RATE };
    const first = worldOf(keyed);
    const second = worldOf(keyed, first.world.rates, "another");
    vi.spyOn(second.world.rooms, "enter").mockImplementation((id) => first.world.rooms.enter(id));
    await Promise.all([first.world.join(), second.world.join()]);
    const [mine, others] = [openLines("main"), openLines("main")];
    const groups = ["a", "b", "c"].map((letter) => writeLine(mine, letter.repeat(0.6 * RATE)));
    first.get(groups[0]!);
    second.get(groups[0]!);
    second.get(groups[0]!);
    expect([first, second].map(({ socket }) => socket.isPaused)).toEqual([false, false]);
    second.get(writeLine(others, "d".repeat(0.6 * RATE)));
    expect(second.socket.isPaused).toBe(false);
    first.get(groups[1]!);
    expect([first, second].map(({ socket }) => socket.isPaused)).toEqual([true, false]);
  });

  it("pays for each change that is refused", async () => {
    const { get, world, socket } = worldOf({
      sessionRateBytes: REFUSED_CHANGE_BYTES,
      sessionBurstBytes: 3 * REFUSED_CHANGE_BYTES,
    });
    await world.join();
    const forged = writeLine(openLines("main"), "x");
    forged[forged.length - 1]! ^= 1;
    for (let i = 0; i < 2; i++) get(forged);
    expect(socket.isPaused).toBe(false);
    get(new Uint8Array([1, 2, 3]));
    expect(socket.isPaused).toBe(true);
  });

  it("pays as much for a change that the rules of the room refuse", async () => {
    const { get, world, socket } = worldOf({
      sessionRateBytes: REFUSED_CHANGE_BYTES,
      sessionBurstBytes: 3 * REFUSED_CHANGE_BYTES,
      rooms: { main: { "read-only": true } },
    });
    await world.join();
    for (const isTooMuch of [false, false, true]) {
      get(writeLine(openLines("main"), "x"));
      expect(socket.isPaused).toBe(isTooMuch);
    }
  });

  function worldOf(
    given: Partial<Settings>,
    rates?: Rates,
    peer?: string,
  ): {
    readonly world: World;
    readonly socket: FakeSocket;
    readonly get: (frame: string | Uint8Array) => void;
  } {
    const world = new World(given, rates, peer);
    return {
      world,
      socket: world.socket,
      get(frame) {
        world.get(frame);
        // Whoever has no credit left stands in line.
        while (world.steps.length > 0) world.turn();
      },
    };
  }
});

describe("the work that a session causes", () => {
  it("waits in line once it has used up its credit, one turn at a time, and comes in its order", () => {
    const clock = stoppedClock();
    const world = new World();
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    for (const name of ["a", "b", "c"]) world.get(`/${name}nother`);
    expect(world.said()).toHaveLength(1);
    expect(world.steps).toHaveLength(1);
    for (const name of ["b", "c"]) {
      world.turn();
      expect(world.said()).toEqual([expect.stringContaining(`/${name}nother`)]);
    }
    expect(world.steps).toHaveLength(0);
    world.turn();
    expect(world.said()).toEqual([]);
  });

  it("is due the later the more it went beyond its credit, up to a bound", () => {
    const due = [0.1, 1, 2, MOST_DEBT_MS, 1_000 * MOST_DEBT_MS].map((beyondMs) => {
      vi.restoreAllMocks();
      const clock = stoppedClock();
      const world = new World();
      world.onSending = () => {
        // Some of it is earned meanwhile.
        clock.add((FIRST_CREDIT_MS + beyondMs) / (1 - CREDIT_PER_MS));
      };
      for (const name of ["a", "b"]) world.get(`/${name}nother`);
      return world.dueInMs[0];
    });
    const longest = MOST_DEBT_MS / CREDIT_PER_MS;
    const expected = [0.1 / CREDIT_PER_MS, 1 / CREDIT_PER_MS, 2 / CREDIT_PER_MS, longest, longest];
    expect(due).toHaveLength(expected.length);
    for (const [at, ms] of due.entries()) expect(ms).toBeCloseTo(expected[at]!, 6);
  });

  it("is hardly what a pause of the process takes that falls into it", () => {
    const clock = stoppedClock();
    const world = new World();
    let costMs = 0.01;
    world.onSending = () => {
      clock.add(costMs);
    };
    for (let i = 0; i < 20; i++) {
      clock.add(1_000);
      world.get("/who");
    }
    costMs = 80;
    world.get("/who");
    costMs = 0.01;
    world.said();
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([1, 0]);
  });

  it("is served at once for less the more others stand in line", () => {
    const served = [0, CREDIT_LINE / 2, 9 * CREDIT_LINE].map((waiting) => {
      vi.restoreAllMocks();
      const clock = stoppedClock();
      const world = new World();
      world.turns.waiting = waiting;
      world.onSending = () => {
        clock.add(CREDIT_MS / 32);
      };
      clock.add(10_000);
      for (let i = 0; i < 100; i++) world.get("/who");
      return world.said().length;
    });
    const [alone = 0, beside = 0, amongMany = 0] = served;
    expect(beside).toBeLessThanOrEqual(alone * 0.8);
    expect(amongMany).toBeLessThan(beside);
    expect(amongMany).toBeGreaterThanOrEqual(Math.floor(alone * LEAST_CREDIT_SHARE));
  });

  it("is no more than a little at once in one pass of the event loop, but at least one frame", () => {
    const clock = stoppedClock();
    const world = new World();
    world.onSending = () => {
      clock.add(AT_ONCE_MS * 0.6);
    };
    clock.add(10_000);
    for (let n = 0; n < 4; n++) world.getToo("/who");
    expect([world.said().length, world.steps.length]).toEqual([2, 1]);
    while (world.steps.length > 0) world.turn();
    expect(world.said()).toHaveLength(2);
    world.onSending = () => {
      clock.add(10 * AT_ONCE_MS);
    };
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([1, 0]);
  });

  it("is done at once while less was done for others in this pass than it has credit; else it is due before whoever owes", () => {
    const clock = stoppedClock();
    const world = new World();
    world.turns.atOnceMs = FIRST_CREDIT_MS * 1.1;
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([0, 1]);
    expect(world.dueInMs[0]).toBeCloseTo(-FIRST_CREDIT_MS / CREDIT_PER_MS, 6);
    world.turn();
    expect(world.said()).toHaveLength(1);
    clock.add(10_000);
    world.turns.atOnceMs = CREDIT_MS * 0.9;
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([1, 0]);
    world.turns.atOnceMs = CREDIT_MS * 1.1;
    world.get("/who");
    expect([world.said().length, world.steps.length]).toEqual([0, 1]);
  });

  /** A session on a stream in which bytes come; each piece that is read takes some milliseconds of a clock that stands still. */
  async function reading(): Promise<{
    readonly world: World;
    readonly read: number[];
    readonly comes: (bytes: number) => void;
    readonly takes: (ms: number) => void;
    readonly brings: (frames: readonly string[]) => void;
    readonly add: (ms: number) => void;
  }> {
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const read: number[] = [];
    let costMs = 0;
    let brought: readonly string[] = [];
    const clock = stoppedClock();
    // As ws takes what comes apart.
    stream.on("data", ({ length }: Uint8Array) => {
      read.push(length);
      clock.add(costMs);
      for (const frame of brought) world.getToo(frame);
    });
    await settle();
    class StreamSocket extends FakeSocket {
      readonly _socket = stream;

      override pause(): void {
        super.pause();
        stream.pause();
      }

      override resume(): void {
        super.resume();
        stream.resume();
      }
    }
    const world = new World({}, null, "peer", undefined, new StreamSocket());
    return {
      world,
      read,
      comes: (bytes) => {
        world.turns.pass++;
        stream.push(new Uint8Array(bytes));
      },
      takes: (ms) => {
        costMs = ms;
      },
      brings: (frames) => {
        brought = frames;
      },
      add: clock.add,
    };
  }

  it("is also what it takes to read it: above its credit it is read in its turn, and again then", async () => {
    const { world, read, comes, takes } = await reading();
    const { socket } = world;
    takes(FIRST_CREDIT_MS * 0.6);
    comes(1);
    expect([read.length, socket.isPaused, world.steps.length]).toEqual([1, true, 1]);
    // A frame that was stored does not have it read before.
    world.session.await(0);
    expect(socket.isPaused).toBe(true);
    world.turn();
    expect([read.length, socket.isPaused, world.steps.length]).toEqual([1, false, 0]);
    comes(1);
    expect([read.length, socket.isPaused, world.steps.length]).toEqual([2, true, 1]);
    world.turn();
    // Nothing is left of its credit: what comes is not even read.
    comes(1);
    expect([read.length, socket.isPaused, world.steps.length]).toEqual([2, true, 1]);
    world.turn();
    expect([read.length, socket.isPaused, world.steps.length]).toEqual([3, false, 0]);
    // What comes after it was closed is read, so that the answer to the close frame is.
    world.session.close("stopping");
    comes(1);
    expect([read.length, socket.isPaused]).toEqual([4, false]);
  });

  it("is read a piece at a time, in its turn for a time that is shorter the more stand in line", async () => {
    const pieces = [];
    for (const waiting of [0, 3 * CREDIT_LINE]) {
      vi.restoreAllMocks();
      const { world, read, comes, takes } = await reading();
      takes(2 * FIRST_CREDIT_MS);
      world.turns.waiting = waiting;
      comes(60 * FIRST_PIECE_BYTES);
      // Its first piece took it all its credit.
      expect(read).toEqual([FIRST_PIECE_BYTES]);
      // Neither cheap nor dear: pieces stay as they are.
      takes(TURN_MS * 0.4);
      world.turn();
      pieces.push(read.length - 1);
      expect([world.socket.isPaused, world.steps.length]).toEqual([true, 1]);
      while (world.steps.length > 0) world.turn();
      expect(read.reduce((sum, bytes) => sum + bytes, 0)).toBe(60 * FIRST_PIECE_BYTES);
      expect(world.socket.isPaused).toBe(false);
    }
    expect(pieces).toEqual([3, 1]);
  });

  it("is not read in its turn by who may not be read for another reason, and then again", async () => {
    const { world, read, comes, takes } = await reading();
    takes(FIRST_CREDIT_MS * 2);
    comes(3 * FIRST_PIECE_BYTES);
    expect([read.length, world.steps.length]).toEqual([1, 1]);
    world.session.hold(true);
    world.turn();
    expect([read.length, world.steps.length]).toEqual([1, 0]);
    takes(0);
    world.session.hold(false);
    await settle();
    while (world.steps.length > 0) world.turn();
    expect(read.reduce((sum, bytes) => sum + bytes, 0)).toBe(3 * FIRST_PIECE_BYTES);
  });

  it("is counted once, though it is done while the socket is read", async () => {
    const { world, read, comes, add } = await reading();
    world.onSending = () => {
      add(FIRST_CREDIT_MS * 0.6);
    };
    const stream = (world.socket as unknown as { readonly _socket: Duplex })._socket;
    stream.on("data", () => {
      world.getToo("/leave");
    });
    comes(1);
    expect(read).toHaveLength(1);
    // Counted twice, it would owe something.
    expect(world.dueInMs.every((ms) => ms < 0)).toBe(true);
    expect(world.dueInMs).toHaveLength(1);
  });

  it("is counted by the rates once for the frames of one piece, and before that when they are many bytes", async () => {
    const { comes, brings } = await reading();
    const paid = vi.spyOn(Meter.prototype, "read");
    const bytesFor = (frames: readonly string[]): readonly (readonly [number])[] => {
      paid.mockClear();
      brings(frames);
      comes(1);
      return paid.mock.calls;
    };
    const large = " ".repeat(MOST_UNPAID_BYTES - FRAME_OVERHEAD_BYTES);
    expect(bytesFor(["/who", "/leave", ""])).toEqual([[10 + 3 * FRAME_OVERHEAD_BYTES]]);
    expect(bytesFor([])).toEqual([]);
    expect(bytesFor(["/who", large.slice(6), "/who", large, large])).toEqual([
      [MOST_UNPAID_BYTES - 2 + FRAME_OVERHEAD_BYTES],
      [4 + FRAME_OVERHEAD_BYTES + MOST_UNPAID_BYTES],
      [MOST_UNPAID_BYTES],
    ]);
  });

  it("is counted when the socket is gone, for what came last", async () => {
    const { world, comes } = await reading();
    const paid = vi.spyOn(Meter.prototype, "read");
    comes(1);
    world.getToo("/who");
    expect(paid).not.toHaveBeenCalled();
    world.socket.emit("close", 1_006, Buffer.alloc(0));
    expect(paid.mock.calls).toEqual([[4 + FRAME_OVERHEAD_BYTES]]);
  });

  it("is counted for the room that it came into, and not once the session is over", async () => {
    const { world, comes, brings, add } = await reading();
    comes(1);
    await world.join();
    comes(1);
    add(10_000);
    const calls: string[] = [];
    const { read, enter } = Meter.prototype;
    vi.spyOn(Meter.prototype, "read").mockImplementation(function (this: Meter, bytes) {
      calls.push(`read ${bytes - 2 * FRAME_OVERHEAD_BYTES}`);
      return read.call(this, bytes);
    });
    vi.spyOn(Meter.prototype, "enter").mockImplementation(function (this: Meter, room) {
      calls.push(room === null ? "leave" : "enter");
      enter.call(this, room);
    });
    brings(["/who", "/leave"]);
    comes(1);
    expect(calls).toEqual(["read 10", "leave"]);
    brings(["/who", "/who"]);
    world.socket.once("message", () => {
      world.session.close("misbehaves");
    });
    comes(1);
    expect(calls.filter((call) => call.startsWith("read"))).toHaveLength(1);
  });

  it("takes several frames in one turn while they are cheap, and goes on when the turn is over", () => {
    const clock = stoppedClock();
    const world = new World();
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    for (let i = 0; i < 4; i++) world.get("/leave");
    world.said();
    world.onSending = () => {
      clock.add(TURN_MS * 0.6);
    };
    world.turn();
    expect(world.said()).toHaveLength(2);
    world.turn();
    expect(world.said()).toHaveLength(1);
  });

  it("is that of one group for changes of one chain that wait one after another, up to a bound", async () => {
    const clock = stoppedClock();
    const world = await new World().join();
    const [alice, bob] = [openLines("main"), openLines("main")];
    const changes = (count: number, author = alice): Uint8Array[] =>
      Array.from({ length: count }, () => writeLine(author, "hello"));
    const received: number[] = [];
    let applied = 0;
    const receive = vi.spyOn(Room.prototype, "receive");
    // Whoever asks for much stands in line.
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    // The first time it could have been a pause of the process.
    world.get("/who");
    const batches = [
      [...changes(RUN_CHANGES + 2), ...changes(3, bob), ...changes(1)],
      ["/who", ...changes(2), "/who", ...changes(2)],
      [
        writeLine(alice, "long".repeat(RUN_BYTES / 8)),
        writeLine(alice, "long".repeat(RUN_BYTES / 8)),
      ],
      [new Uint8Array(RUN_BYTES + 1), ...changes(2)],
      [Uint8Array.of(0x80), ...changes(2)],
    ];
    for (const batch of batches) {
      world.get("/who");
      for (const frame of batch) world.get(frame);
      while (world.steps.length + world.ahead.signatures > 0) {
        world.turn();
        await settle();
      }
      received.push(receive.mock.calls.length);
      for (const { value } of receive.mock.results)
        applied += (value as ReceivedGroup).applied.length;
      receive.mockClear();
    }
    // A run, what is too much for it, the other author and the first again; and so on.
    expect(received).toEqual([4, 2, 2, 2, 2]);
    expect(applied).toBe(RUN_CHANGES + 6 + 4 + 2 + 2 + 2);
    expect([world.session.awaited, world.socket.isPaused]).toEqual([0, false]);
  });

  it("is that of longer groups for whoever sends changes of which the last signature is enough for all", async () => {
    const clock = stoppedClock();
    const world = await new World().join();
    const alice = openLines("main");
    const received: number[] = [];
    const receive = vi.spyOn(Room.prototype, "receive");
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    world.get("/who");
    /** Sends so many changes at once; of one of them, counted from 0, the signature is no good. */
    const send = async (count: number, bad = -1): Promise<void> => {
      world.get("/who");
      for (let i = 0; i < count; i++) {
        const change = writeLine(alice, "hello");
        if (i === bad) change[change.length - 1]! ^= 1;
        world.get(change);
      }
      while (world.steps.length + world.ahead.signatures > 0) {
        world.turn();
        await settle();
      }
      received.push(receive.mock.calls.length);
      receive.mockClear();
    };
    await send(MOST_RUN_CHANGES);
    for (let i = 0; i < 3; i++) await send(MOST_RUN_CHANGES + 1);
    // The last of the first group: then each is looked at.
    await send(MOST_RUN_CHANGES + 1, MOST_RUN_CHANGES - 1);
    await send(RUN_CHANGES + 1);
    expect(received).toEqual([MOST_RUN_CHANGES / RUN_CHANGES, 2, 2, 2, 2, 2]);
  });

  it("asks for no turn when nothing waits", async () => {
    const world = await new World().join();
    expect(world.steps).toEqual([]);
  });

  it("is bounded in what waits: its socket is not read above that, not even for empty frames", () => {
    const clock = stoppedClock();
    const world = new World();
    world.inboxShare = 1_000;
    world.onSending = () => {
      clock.add(2 * CREDIT_MS);
    };
    world.get("/leave");
    for (let i = 0; i < 3; i++) world.get("");
    expect(world.socket.isPaused).toBe(false);
    world.get("");
    expect(world.socket.isPaused).toBe(true);
    while (world.steps.length > 0) world.turn();
    expect(world.socket.isPaused).toBe(false);
  });
});
