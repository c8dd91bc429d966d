/** `whoami`: the public key of a node. */
import { toHex } from "bft-json-crdt";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { existingHome } from "../home.ts";
import { readKeyFile } from "../key-file.ts";
import { print } from "../output.ts";

/** Prints the public key in hex. The key file itself is asked, so it needs no store and no running node. */
export function whoami(name: string, options: { readonly json?: boolean }): ExitCode {
  const home = existingHome(name, process.env);
  const key = toHex(readKeyFile(home.keys).publicKey);
  print(options.json === true ? JSON.stringify({ name, key, folder: home.folder }) : key);
  return EXIT.ok;
}
