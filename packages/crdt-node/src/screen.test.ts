import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connection } from "./exchange.ts";
import type { Link, LinkState } from "./link.ts";
import { Screen } from "./screen.ts";

let told: string[] = [];
beforeEach(() => {
  told = [];
  vi.useFakeTimers();
  vi.stubEnv("NO_COLOR", "1");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    told.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

function linkIn(state: LinkState): Link {
  return { url: "ws://relay", state } as unknown as Link;
}

test("a relay that lets in and hangs up each time is not told of each time", () => {
  const screen = new Screen(false, () => undefined);
  for (let i = 0; i < 20; i++) {
    screen.link(linkIn("syncing"), null);
    vi.advanceTimersByTime(50);
    screen.link(linkIn("waiting"), "the connection ended");
    vi.advanceTimersByTime(i < 10 ? 1_000 : 60_000);
  }
  expect(told).toEqual([
    "connected to ws://relay\n",
    "offline from ws://relay: the connection ended; trying again\n",
  ]);
  screen.link(linkIn("syncing"), null);
  vi.advanceTimersByTime(10_000);
  expect(told.at(-1)).toBe("connected to ws://relay\n");
  expect(told).toHaveLength(3);
  screen.detach();
});

test("equivocations of one author are named by chain, and after some only counted by status", () => {
  const screen = new Screen(false, () => undefined);
  for (const author of ["aa", "bb"]) {
    for (let chain = 0; chain < 50; chain++)
      screen.forked({ author, chain: String(chain), seq: 1, ids: ["bb", "cc"], own: false });
  }
  expect(told).toHaveLength(8);
  expect(told[2]).toContain("aa signed two different changes as number 1 of chain 2;");
  expect(told[3]).toContain("aa did so on more chains; see crdt-node status");
});

test("peers that come and go are told of by their number, at once and then when it has been quiet", () => {
  const screen = new Screen(false, () => undefined);
  screen.guests(1);
  expect(told).toEqual(["1 peer connected to this node\n"]);
  for (let i = 0; i < 50; i++) {
    screen.guests(2);
    vi.advanceTimersByTime(150);
    screen.guests(1);
    vi.advanceTimersByTime(60);
  }
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(1);
  screen.guests(3);
  vi.advanceTimersByTime(2_000);
  expect(told.slice(1)).toEqual(["3 peers connected to this node\n"]);
  screen.guests(4);
  screen.detach();
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(2);
});

test("complaints about peers that come from ever new ports are told once for each kind", () => {
  const screen = new Screen(false, () => undefined);
  for (let port = 1; port <= 100; port++) {
    const from = { url: `127.0.0.1:${port}`, kind: "guest" } as unknown as Connection;
    screen.report(from, "bad_signature", "a change was refused");
    screen.report(from, "malformed", "a group was refused");
  }
  expect(told).toHaveLength(2);
});
