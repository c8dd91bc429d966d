import { expect, test } from "vitest";
import { guess, nearest } from "./nearest.ts";

const NAMES = ["port", "host", "max-rooms", "max-room-sessions"];

test("the nearest of several names is meant, and none when all are far", () => {
  expect(nearest("prot", NAMES)).toBe("port");
  expect(nearest("max-roms", NAMES)).toBe("max-rooms");
  expect(nearest("most", ["past", "mists", "mist"])).toBe("mist");
  expect(nearest("data", NAMES)).toBeUndefined();
  expect(nearest("", [])).toBeUndefined();
});

test("a guess is the end of a message", () => {
  expect(guess("prot", NAMES)).toBe('; did you mean "port"?');
  expect(guess("data", NAMES)).toBe("");
  expect(guess("data", NAMES, " (known: none)")).toBe(" (known: none)");
});
