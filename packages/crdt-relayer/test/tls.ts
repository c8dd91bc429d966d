/** A certificate for localhost, signed by its own key, which is known to everyone and good for tests only. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Files in PEM. */
export const TLS = {
  cert: fixture("cert.pem"),
  key: fixture("key.pem"),
  /** Of another certificate. */
  otherKey: fixture("other-key.pem"),
  encryptedKey: fixture("encrypted-key.pem"),
  /** What clients have to trust. */
  pem: readFileSync(fixture("cert.pem")),
} as const;

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));
}
