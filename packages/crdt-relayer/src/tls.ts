/** The certificate of a relay that speaks TLS itself, checked before it is used, with mistakes said in words. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { EXIT, messageOf, RelayError, systemCode } from "./exit-codes.ts";
import type { Settings } from "./settings.ts";

/** A certificate with its chain, and its private key, both in PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Whether a relay speaks TLS itself. */
export function hasTls({ tlsCert }: Pick<Settings, "tlsCert">): boolean {
  return tlsCert !== "";
}

/** Reads the files that the settings name, both of which must be named. Throws RelayError. */
export function readTls({
  tlsCert,
  tlsKey,
}: Readonly<Record<"tlsCert" | "tlsKey", Settings["tlsCert"]>>): Tls {
  const cert = readPem("the certificate", tlsCert);
  const key = readPem("the private key", tlsKey);
  const certificate = parsed(`${tlsCert} is not a certificate`, () => new X509Certificate(cert));
  if (!certificate.checkPrivateKey(privateKey(tlsKey, key))) {
    throw new RelayError(EXIT.usage, {
      what: `the private key in ${tlsKey} does not belong to the certificate in ${tlsCert}`,
      why: "a certificate works with the one key that it was made for, and stands before those that vouch for it",
      next: `openssl x509 -noout -subject -in ${tlsCert}  # whose certificate is it?`,
    });
  }
  parsed(`${tlsCert} and ${tlsKey} cannot be used`, () => createSecureContext({ cert, key }));
  return { cert, key };
}

function readPem(what: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const isMissing = systemCode(error) === "ENOENT";
    throw new RelayError(EXIT.usage, {
      what: `cannot read ${what} ${file}`,
      why: isMissing ? "there is no such file" : messageOf(error),
      next: `ls -l ${file}`,
    });
  }
}

function privateKey(file: string, key: Buffer): KeyObject {
  try {
    return createPrivateKey(key);
  } catch (error) {
    // Both forms of an encrypted key say so in words.
    if (!key.includes("ENCRYPTED")) throw unusable(`${file} is not a private key`, error);
    throw new RelayError(EXIT.usage, {
      what: `the private key in ${file} is encrypted`,
      why: "a relay starts by itself and cannot ask for a passphrase",
      next: `openssl pkey -in ${file} -out plain-key.pem`,
    });
  }
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw unusable(what, error);
  }
}

function unusable(what: string, error: unknown): RelayError {
  return new RelayError(
    EXIT.usage,
    { what, why: `it must be PEM text (${messageOf(error)})`, next: "crdt-relayer --help" },
    { cause: error },
  );
}
