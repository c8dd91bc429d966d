/** Conduct by itself: what is a fault, how many a session may have, and how those come in whose network is watched. */
import type { ReceivedChange, ReceivedGroup, RejectionCode } from "bft-json-crdt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Conduct, Faults, faultsOf } from "./conduct.ts";
import {
  FORGIVEN_STRIKES,
  LEAST_APART_MS,
  MAX_WATCHED,
  MOST_APART_MS,
  PENDING_FAULT,
  STRIKE_HALF_MS,
} from "./limits.ts";

const id = new Uint8Array(32);

function group(results: readonly ReceivedChange[], applied: readonly number[] = []): ReceivedGroup {
  return { status: "duplicate", applied, missing: [], results, isExact: false };
}

const rejected = (code: RejectionCode): ReceivedChange => ({
  id,
  status: "rejected",
  code,
  scope: "change",
});

describe("a fault", () => {
  it("is bytes that are no group, and a change that nobody delivers who has verified it", () => {
    expect(faultsOf(group([]))).toBe(1);
    const all: readonly [RejectionCode, number][] = [
      ["malformed", 1],
      ["too_large", 1],
      ["wrong_document", 1],
      ["bad_signature", 1],
      ["wrong_prev", 1],
      ["wrong_lamport", 1],
      ["rejected_dependency", 1],
      ["missing_signature", 0],
      ["over_quota", 0],
      ["room_read_only", 0],
      ["author_not_allowed", 0],
    ];
    for (const [code, faults] of all) expect(faultsOf(group([rejected(code)])), code).toBe(faults);
    const [first, second] = all.slice(0, 2).map(([code]) => rejected(code));
    expect(faultsOf(group([first!, rejected("over_quota"), second!]))).toBe(2);
    expect(faultsOf(group([{ id, status: "unsupported", code: "unsupported_version" }]))).toBe(0);
    expect(faultsOf(group([{ id, status: "duplicate" }]))).toBe(0);
    expect(faultsOf(group([{ id, status: "applied" }], [7]))).toBe(0);
  });

  it("is in part a change that has to wait, until it is released", () => {
    const pending: ReceivedChange = { id, status: "pending" };
    expect(faultsOf(group([pending, pending]))).toBe(2 * PENDING_FAULT);
    // One that was applied has released two others.
    expect(faultsOf(group([{ id, status: "applied" }], [3, 4, 5]))).toBe(-2 * PENDING_FAULT);
  });
});

describe("a session", () => {
  it("has too many faults when more than it may have were not forgiven, one a second", () => {
    const step = fc.record({
      afterMs: fc.nat({ max: 4_000 }),
      faults: fc.constantFrom(1, 2, 0.25, -0.5, -3),
    });
    fc.assert(
      fc.property(fc.array(step), fc.nat({ max: 6 }), (steps, most) => {
        const faults = new Faults(() => most, 0);
        let [now, count] = [0, 0];
        for (const { afterMs, faults: more } of steps) {
          now += afterMs;
          count = Math.max(0, count - afterMs / 1_000 + more);
          expect(faults.add(more, now)).toBe(most > 0 && count > most);
        }
      }),
    );
  });
});

describe("newcomers from a network", () => {
  const conduct = (sessionFaults = 32): Conduct => new Conduct(() => ({ sessionFaults }));

  it("are let in as they come, until more than a few of its sessions were closed", () => {
    const one = conduct();
    for (let strikes = 0; strikes <= FORGIVEN_STRIKES; strikes++) {
      for (let i = 0; i < 100; i++) expect(one.admits("10.0.0.1", 1_000)).toBe(true);
      one.strike("10.0.0.1", 1, 1_000);
    }
    expect(one.admits("10.0.0.1", 1_000)).toBe(false);
    // Others do not suffer for it, nor does anybody where nobody is closed.
    expect(one.admits("10.0.0.2", 1_000)).toBe(true);
    const none = conduct(0);
    for (let i = 0; i < 100; i++) none.strike("10.0.0.1", 1, 1_000);
    expect(none.admits("10.0.0.1", 1_000)).toBe(true);
  });

  it("are let in one by one then, twice as slowly for each session more, and never more slowly than so", () => {
    for (let strikes = FORGIVEN_STRIKES + 1; strikes < 14; strikes++) {
      const one = conduct();
      for (let i = 0; i < strikes; i++) one.strike("2001:db8::1", 1, 0);
      let last = 0;
      const distances: number[] = [];
      for (let now = 0; now < 30_000; now += 10) {
        const left = strikes * 2 ** (-now / STRIKE_HALF_MS) - FORGIVEN_STRIKES;
        const apart = Math.min(MOST_APART_MS, LEAST_APART_MS * 2 ** left);
        const isIn = left <= 0 || now - last >= apart;
        // Whoever has an IPv6 address has a network of them.
        expect(one.admits(`2001:db8::${now.toString(16)}`, now)).toBe(isIn);
        if (!isIn) continue;
        distances.push(now - last);
        last = now;
      }
      if (strikes > 10) expect(distances).toEqual([MOST_APART_MS, MOST_APART_MS]);
    }
  });

  it("are let in as before when half of it was forgotten often enough", () => {
    const one = conduct();
    for (let i = 0; i < 2 * FORGIVEN_STRIKES; i++) one.strike("10.0.0.1", 1, 0);
    const later = STRIKE_HALF_MS;
    for (let i = 0; i < 10; i++) expect(one.admits("10.0.0.1", later)).toBe(true);
    // Parts add up.
    for (let i = 0; i < 8; i++) one.strike("10.0.0.1", 1 / 8, later);
    expect(one.admits("10.0.0.1", later)).toBe(true);
    expect(one.admits("10.0.0.1", later)).toBe(false);
  });

  it("are remembered for so many networks, the ones that were heard of last", () => {
    const one = conduct();
    const strike = (n: number): void => {
      for (let i = 0; i < 9; i++) one.strike(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 1, 0);
    };
    for (let n = 0; n < MAX_WATCHED; n++) strike(n);
    strike(0);
    strike(MAX_WATCHED);
    expect(one.size).toBe(MAX_WATCHED);
    expect(one.admits("10.0.0.0", 1)).toBe(false);
    expect(one.admits("10.0.0.1", 1)).toBe(true);
    expect(one.admits("10.0.0.2", 1)).toBe(false);
  });
});
