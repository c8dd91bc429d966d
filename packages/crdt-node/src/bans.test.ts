import { expect, test } from "vitest";
import { Bans } from "./bans.ts";
import { MAX_BANNED } from "./limits.ts";

test("an address is banned for so long, anew each time, and others are not", () => {
  let now = 0;
  const bans = new Bans(100, () => now);
  bans.add("a");
  now = 60;
  expect([bans.has("a"), bans.has("b")]).toEqual([true, false]);
  bans.add("a");
  now = 159;
  expect(bans.has("a")).toBe(true);
  now = 160;
  expect([bans.has("a"), bans.size]).toEqual([false, 0]);
});

test("of too many addresses the one that has been there for longest is forgotten", () => {
  const bans = new Bans(100, () => 0);
  for (let i = 0; i < MAX_BANNED; i++) bans.add(`${i}`);
  expect([bans.size, bans.has("0")]).toEqual([MAX_BANNED, true]);
  bans.add("0");
  bans.add("one more");
  expect([bans.size, bans.has("0"), bans.has("1"), bans.has("2")]).toEqual([
    MAX_BANNED,
    true,
    false,
    true,
  ]);
});
