/** The version of this package, as its manifest says. */
import { readFileSync } from "node:fs";

/** Reads it; the manifest lies one folder above this file in a clone and in an installed package alike. */
export function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  return (manifest as { version: string }).version;
}
