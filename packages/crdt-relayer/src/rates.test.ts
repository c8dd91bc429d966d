/** Rates by themselves: buckets against a naive model, and who has to wait when many share one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_METER_KEYS, SPENDING_FORGOTTEN_MS, SPENDING_HALF_MS } from "./limits.ts";
import { Bucket, Buckets, type Meter, networkOf, type Rate, Rates } from "./rates.ts";
import type { Room } from "./room.ts";
import { completeSettings } from "./settings.ts";

const RATE: Rate = { perSecond: 1_000, burst: 5_000 };

interface Taken {
  readonly payer: object;
  readonly bytes: number;
  readonly at: number;
}

/** What a bucket must say, from all that was ever taken: the debt, and by how much a payer is above the share, relative. */
function naiveWait(
  taken: readonly Taken[],
  payer: object,
  now: number,
): { readonly wait: number; readonly aboveShare: number } {
  let level = RATE.burst;
  let last = 0;
  const spent = new Map<object, number>();
  for (const { payer: who, bytes, at } of taken) {
    level = Math.min(RATE.burst, level + ((at - last) / 1_000) * RATE.perSecond) - bytes;
    last = at;
    spent.set(who, (spent.get(who) ?? 0) + bytes * 2 ** ((at - now) / SPENDING_HALF_MS));
  }
  const share = spent.size === 1 ? 0 : waterLevel([...spent.values()], 0.9 * EARNED_LATELY);
  return {
    wait: level < 0 ? (-level / RATE.perSecond) * 1_000 : 0,
    aboveShare: (spent.get(payer) ?? 0) / share - 1,
  };
}

/** What is taken, of which half is forgotten in each half-life, by one who takes all that is earned: less than the burst. */
const EARNED_LATELY = ((SPENDING_HALF_MS / 1_000) * RATE.perSecond) / Math.log(2);

/** How high water of this volume stands in columns that are open up to their heights, and then all are: by trying. */
function waterLevel(heights: readonly number[], volume: number): number {
  const volumeAt = (level: number): number =>
    heights.reduce((sum, height) => sum + Math.min(height, level), 0);
  const highest = Math.max(...heights);
  const over = volume - volumeAt(highest);
  if (over >= 0) return highest + over / heights.length;
  let [low, high] = [0, highest];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (volumeAt(middle) <= volume) low = middle;
    else high = middle;
  }
  return low;
}

/** Sends as fast as a bucket lets it, in pieces; returns the bytes that got through until the end. */
function sendUntil(end: number, bucket: Bucket, payer: object, piece: number): number {
  let sent = 0;
  for (let now = 0; now < end; now += bucket.take(payer, piece, now)) sent += piece;
  return sent;
}

describe("a bucket", () => {
  const payers = [{ name: "a" }, { name: "b" }, { name: "c" }] as const;
  const step = fc.record({
    payer: fc.constantFrom(...payers),
    bytes: fc.integer({ min: 1, max: 4_000 }),
    // The share is worked out at most so often.
    after: fc.integer({ min: 100, max: 2_000 }),
  });

  it("says what the naive one says, as long as nobody is forgotten", () => {
    let waits = 0;
    let spared = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const bucket = new Bucket(RATE, 0);
        const taken: Taken[] = [];
        let now = 0;
        for (const { payer, bytes, after } of steps) {
          now += after;
          if (now > SPENDING_FORGOTTEN_MS) break;
          taken.push({ payer, bytes, at: now });
          const { wait, aboveShare } = naiveWait(taken, payer, now);
          const is = bucket.take(payer, bytes, now);
          if (aboveShare > 1e-7) expect(is).toBeCloseTo(wait, 6);
          else if (aboveShare < -1e-7) expect(is).toBe(0);
          if (is > 0) waits++;
          else if (wait > 0) spared++;
        }
      }),
    );
    expect(waits).toBeGreaterThan(0);
    expect(spared).toBeGreaterThan(0);
  });

  it("lets through its burst and its rate, and no more than one piece beyond", () => {
    const end = 60_000;
    const most = RATE.burst + (end / 1_000) * RATE.perSecond;
    for (const piece of [1, 100, 4_000, 20_000]) {
      const sent = sendUntil(end, new Bucket(RATE, 0), payers[0], piece);
      expect(sent).toBeGreaterThan(0.99 * most - piece);
      expect(sent).toBeLessThanOrEqual(most + piece);
    }
  });

  it("never makes those wait who take little, whatever others take", () => {
    const bucket = new Bucket(RATE, 0);
    const [quiet, loud, other] = payers;
    for (let now = 0; now < 120_000; now += 10) {
      bucket.take(loud, 2_000, now);
      if (now % 30 === 0) bucket.take(other, 500, now);
      if (now % 1_000 === 0) expect(bucket.take(quiet, 100, now)).toBe(0);
    }
    expect(bucket.take(loud, 1, 120_000)).toBeGreaterThan(1_000);
  });

  it("forgets those who took something long ago: they do not make others look greedy", () => {
    const bucket = new Bucket(RATE, 0);
    for (let i = 0; i < 1_000; i++) bucket.take({}, 1, 0);
    const [quiet, loud] = payers;
    const later = 3 * SPENDING_FORGOTTEN_MS;
    bucket.take(loud, 50_000, later);
    expect(bucket.take(quiet, 100, later)).toBe(0);
    // Nor does what those took who have left.
    bucket.leave(loud);
    bucket.take({}, 1, later);
    expect(bucket.take(quiet, 1, later)).toBeGreaterThan(0);
    expect(bucket.take(quiet, 1, 9 * later)).toBe(0);
    bucket.take(loud, 50_000, 9 * later);
    expect(bucket.take(quiet, 100, 9 * later)).toBe(0);
  });

  it("never makes one wait who takes little of it among very many who take nothing, also when the loud are gone", () => {
    const bucket = new Bucket(RATE, 0, true);
    for (let i = 0; i < 1_000; i++) bucket.take({}, 1, 0);
    const [quiet, loud] = payers;
    for (let now = 0; now < 10_000; now += 100) {
      bucket.take(loud, 5_000, now);
      expect(bucket.take(quiet, 10, now)).toBe(0);
    }
    bucket.leave(loud);
    for (let now = 10_000; now < 20_000; now += 100) expect(bucket.take(quiet, 10, now)).toBe(0);
    // But who takes more than can be earned pays for it.
    let waits = 0;
    for (let now = 20_000; now < 30_000; now += 100) waits += bucket.take(quiet, 500, now);
    expect(waits).toBeGreaterThan(0);
  });

  it("keeps what someone has taken who is gone: those who remain pay for it, or someone who came back would take it anew", () => {
    const bucket = new Bucket(RATE, 0);
    bucket.take(payers[0], 8_000, 0);
    bucket.leave(payers[0]);
    expect(bucket.take(payers[1], 1_000, 0)).toBe(4_000);
    let taken = 0;
    for (let now = 0; now < 60_000; now += 1_000) {
      const payer = {};
      for (let i = 0; i < 1_000 && bucket.take(payer, 10, now) === 0; i++) taken += 10;
      bucket.leave(payer);
    }
    expect(taken).toBeLessThan(60 * RATE.perSecond);
  });

  it("among strangers counts it as a share, so that a newcomer pays for what is left of the others only", () => {
    const bucket = new Bucket(RATE, 0, true);
    bucket.take(payers[0], 80_000, 0);
    bucket.leave(payers[0]);
    const half = (0.9 * EARNED_LATELY) / 2;
    expect(bucket.take(payers[1], half - 1, 0)).toBe(0);
    expect(bucket.take(payers[1], 2, 0)).toBeGreaterThan(70_000);
  });

  it("works the share out again at most every 100 ms, and when someone has left", () => {
    const bucket = new Bucket(RATE, 0, true);
    const [one, two] = payers;
    bucket.take(one, 8_000, 0);
    bucket.take(two, 1_000, 0);
    // Half of what can be shared belongs to each; the first has far more, so that it waits and the second does not.
    expect(bucket.take(two, 100, 0)).toBe(0);
    expect(bucket.take(one, 1, 0)).toBeGreaterThan(0);
    bucket.take({}, 8_000, 50);
    expect(bucket.take(two, 100, 50)).toBe(0);
    expect(bucket.take(two, 1, 100)).toBeGreaterThan(0);
  });

  it("follows a rate that is changed", () => {
    const rate = { ...RATE };
    const bucket = new Bucket(rate, 0);
    expect(bucket.take(payers[0], 7_000, 0)).toBe(2_000);
    rate.perSecond = 4_000;
    expect(bucket.take(payers[0], 2_000, 0)).toBe(1_000);
  });
});

describe("buckets by name", () => {
  it("are bounded, and those in debt are kept as long as there are full ones to drop", () => {
    const buckets = new Buckets(RATE, false, 64);
    const payer = {};
    for (let i = 0; i < 10; i++) buckets.of(`debtor ${i}`, 0).take(payer, 50_000, 0);
    for (let i = 0; i < 1_000; i++) buckets.of(`new ${i}`, 1);
    expect(buckets.size).toBeLessThanOrEqual(64);
    for (let i = 0; i < 10; i++)
      expect(buckets.of(`debtor ${i}`, 1).take(payer, 1, 1)).toBeGreaterThan(40_000);
  });

  it("are bounded even if all are in debt", () => {
    const buckets = new Buckets(RATE, false, 64);
    for (let i = 0; i < 1_000; i++) buckets.of(`debtor ${i}`, 0).take({}, 50_000, 0);
    expect(buckets.size).toBeLessThanOrEqual(64);
  });
});

describe("what a connection pays into", () => {
  const settings = completeSettings(
    { data: ":memory:", keyRateBytes: 1_024, keyBurstBytes: 1_024 },
    {},
  );
  /** A room in which the change of each number is by an author of its own. */
  const room = {
    history: {
      chainIndexAt: (index: number) => index,
      authorAt: (index: number) => Uint8Array.of(index >> 8, index),
    },
  } as unknown as Room;

  /** How long whoever has brought a change by this author has to wait. */
  function bring(meter: ReturnType<Rates["meter"]>, author: number, bytes: number): number {
    const id = Uint8Array.of(author);
    const results = [{ id, status: "applied" }] as const;
    const received = { status: "applied", applied: [author], missing: [], isExact: true } as const;
    return meter.judged({ ...received, results }, bytes, room);
  }

  it("is shared with others who bring changes by the same author, for the latest authors only", () => {
    const rates = new Rates(() => settings);
    const [loud, quiet] = [rates.meter("192.0.2.1"), rates.meter("192.0.2.2")];
    expect(bring(loud, 0, 100_000)).toBeGreaterThan(0);
    // It took less than the other, who is still counted.
    expect(bring(quiet, 0, 10)).toBe(0);
    for (let author = 1; author <= MAX_METER_KEYS; author++) bring(loud, author, 1);
    // Of what it took by the first key it is not reminded any more, of what by the latest it is.
    expect(bring(loud, MAX_METER_KEYS, 100_000)).toBeGreaterThan(0);
    expect(bring(loud, MAX_METER_KEYS, 10)).toBeGreaterThan(0);
    expect(bring(loud, 0, 10)).toBe(0);
  });
});

describe("an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
    ["unknown", "unknown"],
    ["", ""],
  ])("%s counts as %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe("what takes a relay time and is correct", () => {
  it("costs the session alone: a room each quarter of a second, and 32 questions a second, beyond a burst", () => {
    const rates = new Rates(() => completeSettings({}, {}));
    for (const [most, seconds, cost] of [
      [16, 4, (meter: Meter): number => meter.rejoins()],
      [32, 1, (meter: Meter): number => meter.asks()],
    ] as const) {
      const meter = rates.meter("203.0.113.7");
      for (let i = 0; i < most; i++) expect(cost(meter)).toBe(0);
      let wait = 0;
      for (let i = 0; i < most; i++) wait = cost(meter);
      // As many again take as long as the burst is earned, less what was earned meanwhile.
      expect(wait).toBeGreaterThan(seconds * 750);
      expect(wait).toBeLessThanOrEqual(seconds * 1_000);
      // Somebody else from there does not pay for it.
      expect(cost(rates.meter("203.0.113.7"))).toBe(0);
    }
  });

  it("costs of what else it may send, too", () => {
    const meter = new Rates(() => completeSettings({}, {})).meter("203.0.113.7");
    for (let i = 0; i < 16; i++) expect(meter.rejoins()).toBe(0);
    expect(meter.asks()).toBeGreaterThan(0);
  });
});
