import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TLS } from "../test/tls.ts";
import { EXIT, RelayError } from "./exit-codes.ts";
import { readTls } from "./tls.ts";

const folder = mkdtempSync(join(tmpdir(), "crdt-relayer-tls-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function complaint(tlsCert: string, tlsKey: string): RelayError {
  try {
    readTls({ tlsCert, tlsKey });
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
  throw new Error("it was read");
}

function written(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe("a certificate", () => {
  it("is read with its key", () => {
    const { cert } = readTls({ tlsCert: TLS.cert, tlsKey: TLS.key });
    expect(new X509Certificate(cert).subject).toBe("CN=crdt-relayer test");
  });

  const nowhere = join(folder, "nowhere.pem");
  const junk = written("junk.pem", "junk");
  const der = written("cert.der", new X509Certificate(TLS.pem).raw);

  it.each([
    [
      "a missing certificate",
      nowhere,
      TLS.key,
      `cannot read the certificate ${nowhere}`,
      /no such/u,
    ],
    ["a missing key", TLS.cert, nowhere, `cannot read the private key ${nowhere}`, /no such/u],
    ["a folder", folder, TLS.key, `cannot read the certificate ${folder}`, /EISDIR/u],
    ["junk", junk, TLS.key, `${junk} is not a certificate`, /must be PEM/u],
    ["a key that is junk", TLS.cert, junk, `${junk} is not a private key`, /must be PEM/u],
    ["an encrypted key", TLS.cert, TLS.encryptedKey, /is encrypted$/u, /passphrase/u],
    ["another key", TLS.cert, TLS.otherKey, /does not belong to the certificate/u, /one key/u],
    ["a certificate in DER", der, TLS.key, /cannot be used$/u, /must be PEM/u],
  ])("is not %s: the error says so", (_name, cert, key, what, why) => {
    const error = complaint(cert, key);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.message).toMatch(what);
    expect(error.why).toMatch(why);
    expect(error.next).toBeDefined();
  });
});
