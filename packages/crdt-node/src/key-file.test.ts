import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair } from "bft-json-crdt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandError, EXIT } from "./exit-codes.ts";
import { readKeyFile, readKeyIfThere, writeKeyFile } from "./key-file.ts";

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
  expect(complaint.next).toBe(`install -m 600 /your/copy/of/keys.pem ${path}`);
});

test("a key that is lost is told apart from one that cannot be read, and both say what to type", () => {
  const missing = join(folder, "missing.pem");
  const { exitCode, complaint } = refusal(() => readKeyFile(missing));
  expect(exitCode).toBe(EXIT.failure);
  expect(complaint).toMatchObject({
    what: `the key ${missing} is not there`,
    next: `install -m 600 /your/copy/of/keys.pem ${missing}`,
  });
  const unreadable = refusal(() => readKeyFile(join(folder, "x".repeat(300))));
  expect(unreadable.complaint.what).toContain("cannot read the key");
  expect(unreadable.complaint.next).toContain("ls -la");
});

test("who only reads goes without a key that is lost, and not with one that others can read", () => {
  const told: string[] = [];
  const read = (name: string): unknown =>
    readKeyIfThere(join(folder, name), (loss) => told.push(loss));
  const keyPair = generateKeyPair();
  writeKeyFile(join(folder, "here.pem"), keyPair);
  expect(read("here.pem")).toEqual(keyPair);
  expect(told).toEqual([]);
  expect(read("gone.pem")).toBeNull();
  expect(told).toEqual([`the key ${join(folder, "gone.pem")} is not there`]);
  chmodSync(join(folder, "here.pem"), 0o644);
  expect(refusal(() => read("here.pem")).exitCode).toBe(EXIT.refused);
});

test("a key that cannot be written for another reason says that reason", () => {
  const path = join(folder, "no such folder", "keys.pem");
  expect(() => {
    writeKeyFile(path, generateKeyPair());
  }).toThrow(/ENOENT/u);
});
