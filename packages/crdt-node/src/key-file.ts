/**
 * The private key of a node on disk: PKCS#8 PEM (RFC 8410), mode 0600. It is read only when nobody else can read it,
 * and never printed, logged or sent anywhere.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { decodePrivateKeyPem, encodePrivateKeyPem, type KeyPair, publicKeyOf } from "bft-json-crdt";
import { CommandError, EXIT, messageOf, systemCode } from "./exit-codes.ts";
import { quoted, refuseLooseMode } from "./home.ts";

/** Writes the key to a new file; throws CommandError when there is one already. Durable when it returns. */
export function writeKeyFile(path: string, keyPair: KeyPair): void {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    throw new CommandError(EXIT.refused, {
      what: `${path} exists`,
      why: "a key is never overwritten",
    });
  }
  try {
    writeFileSync(file, encodePrivateKeyPem(keyPair.secretKey));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads the key pair; throws CommandError when others could read it too, or when it is no Ed25519 key. */
export function readKeyFile(path: string): KeyPair {
  let text: string;
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    // Asked of the open file, so that it cannot be exchanged between the check and the reading.
    refuseLooseMode(
      path,
      fstatSync(file).mode,
      0o600,
      "it is the node's private key, and whoever has it can sign as this node",
    );
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (systemCode(error) === "ENOENT") throw lost(path);
    throw new CommandError(EXIT.failure, {
      what: `cannot read the key ${path}`,
      why: messageOf(error),
      next: `ls -la ${quoted(path)}`,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
  const decoded = decodePrivateKeyPem(text);
  if (!decoded.ok) {
    throw new CommandError(EXIT.damaged, {
      what: `${path} holds no Ed25519 key`,
      why: decoded.error.detail,
      next: putBack(path),
    });
  }
  return { secretKey: decoded.value, publicKey: publicKeyOf(decoded.value) };
}

/**
 * The same for who only reads, which needs no key: null when it is lost or damaged, after `tell` was told so. Throws
 * CommandError when others could read it.
 */
export function readKeyIfThere(path: string, tell: (loss: string) => void): KeyPair | null {
  try {
    return readKeyFile(path);
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.refused) throw error;
    tell(messageOf(error));
    return null;
  }
}

function lost(path: string): CommandError {
  return new CommandError(EXIT.failure, {
    what: `the key ${path} is not there`,
    why: "without it nothing can be signed as this node; view, log and export work all the same",
    next: putBack(path),
  });
}

/** The command that restores a key from wherever there is a copy of it. */
function putBack(path: string): string {
  return `install -m 600 /your/copy/of/keys.pem ${quoted(path)}`;
}
