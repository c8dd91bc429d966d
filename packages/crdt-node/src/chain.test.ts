/** chain.json: what is taken from it, and that each writing of it is another one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newStamp, noteOf, readChain, renewChain, writeUnused } from "./chain.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chain-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("what was written is read back, under another nonce each time", () => {
  const path = join(folder, "renewed.json");
  const nonces = new Set<string>();
  for (const chain of [0n, 1n, 2n ** 64n - 1n]) {
    const note = renewChain(path, chain);
    const read = readChain(path);
    expect(read).toMatchObject({ chain, unused: "" });
    expect(read?.nonce).toMatch(/^[0-9a-f]{32}$/u);
    expect(note).toBe(noteOf(path, read!.nonce));
    nonces.add(read!.nonce);
  }
  expect(nonces.size).toBe(3);
});

test.each([
  "nothing",
  "{",
  "null",
  "17",
  "[]",
  "{}",
  '{"chain":5}',
  '{"chain":["5"]}',
  '{"chain":""}',
  '{"chain":"-5"}',
  '{"chain":"0x5"}',
  '{"chain":"5.0"}',
  `{"chain":"${"1".repeat(21)}"}`,
  '{"chain":"5","nonce":7}',
  '{"chain":"5","nonce":null}',
  '{"chain":"5","unused":true}',
  '{"chain":"5","unused":null}',
])("a damaged file says nothing: %s", (text) => {
  const path = join(folder, "damaged.json");
  writeFileSync(path, text);
  expect(readChain(path)).toBeNull();
});

test("a file that is not there says nothing, one that cannot be read is an error", () => {
  expect(readChain(join(folder, "missing.json"))).toBeNull();
  const path = join(folder, "a-folder.json");
  mkdirSync(path);
  expect(() => readChain(path)).toThrow(/EISDIR/u);
});

test("a key and a store that are not both there have no stamp", () => {
  const home = {
    chain: join(folder, "unused.json"),
    keys: join(folder, "keys.pem"),
    store: join(folder, "store"),
  };
  expect(newStamp(home)).toBe("");
  writeFileSync(home.keys, "a key");
  expect(newStamp(home)).toBe("");
  mkdirSync(home.store);
  const stamp = newStamp(home);
  expect(stamp).toMatch(/^\d+ \d+ \d+ \d+ [0-9a-f]{32}$/u);
  writeUnused(home);
  expect(readChain(home.chain)).toEqual({ chain: 0n, nonce: "", unused: stamp });
});
