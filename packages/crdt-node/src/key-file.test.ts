import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair } from "bft-json-crdt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandError, EXIT } from "./exit-codes.ts";
import { readKeyFile, writeKeyFile } from "./key-file.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "keys-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function refusal(run: () => unknown): CommandError {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

test("a key is written as PKCS#8 PEM that only its owner can read, and reads back", () => {
  const path = join(folder, "good.pem");
  const keyPair = generateKeyPair();
  writeKeyFile(path, keyPair);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/u);
  expect(readKeyFile(path)).toEqual(keyPair);
});

test("a key is never overwritten", () => {
  const path = join(folder, "once.pem");
  const first = generateKeyPair();
  writeKeyFile(path, first);
  expect(
    refusal(() => {
      writeKeyFile(path, generateKeyPair());
    }).exitCode,
  ).toBe(EXIT.refused);
  expect(readKeyFile(path)).toEqual(first);
});

test("a key that others can read is refused with the command that mends it", () => {
  const path = join(folder, "it's loose.pem");
  writeKeyFile(path, generateKeyPair());
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    const { exitCode, complaint } = refusal(() => readKeyFile(path));
    expect(exitCode).toBe(EXIT.refused);
    expect(complaint.next).toBe(`chmod 600 '${path.replace("'", String.raw`'\''`)}'`);
  }
  chmodSync(path, 0o600);
  readKeyFile(path);
});

test("a file that holds no key is damaged, and is not quoted", () => {
  const path = join(folder, "none.pem");
  writeFileSync(path, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", {
    mode: 0o600,
  });
  const { exitCode, complaint } = refusal(() => readKeyFile(path));
  expect(exitCode).toBe(EXIT.damaged);
  expect(JSON.stringify(complaint)).not.toContain("c2VjcmV0");
  expect(refusal(() => readKeyFile(join(folder, "missing.pem"))).exitCode).toBe(EXIT.failure);
});

test("a key that cannot be written for another reason says that reason", () => {
  const path = join(folder, "no such folder", "keys.pem");
  expect(() => {
    writeKeyFile(path, generateKeyPair());
  }).toThrow(/ENOENT/u);
});
