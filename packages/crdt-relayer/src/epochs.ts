/**
 * Names for the logs of a store: each store gets a random one when it is first used, which is kept in it, and each room's
 * log one that is made from that. A store that was thrown away is followed by one of another name; one that was restored
 * from a backup bears its own, and what it lost shows in the order of its changes (see AppliedOrder).
 *
 * Key: "e". Value: 16 random bytes.
 */
import { createHash, randomBytes } from "node:crypto";
import type { LevelLike } from "bft-json-crdt";

const KEY = Uint8Array.of(0x65); // "e"
const NAME_BYTES = 16;
const ENCODINGS = { keyEncoding: "view", valueEncoding: "view" } as const;

/** The names of all logs of one store. */
export class Epochs {
  readonly #store: LevelLike;
  #name: Promise<Uint8Array> | null = null;

  constructor(store: LevelLike) {
    this.#store = store;
  }

  /** The name of a document's log: 32 hexadecimal digits. Never rejects. */
  async of(document: Uint8Array): Promise<string> {
    this.#name ??= nameOf(this.#store);
    return epochOf(await this.#name, document);
  }
}

/** The name of the log of a document in something that has this name itself. */
export function epochOf(name: Uint8Array | string, document: Uint8Array): string {
  return createHash("sha256")
    .update(name)
    .update(document)
    .digest("hex")
    .slice(0, 2 * NAME_BYTES);
}

async function nameOf(store: LevelLike): Promise<Uint8Array> {
  const fresh = new Uint8Array(randomBytes(NAME_BYTES));
  const write: Parameters<LevelLike["batch"]>[0] = [{ type: "put", key: KEY, value: fresh }];
  try {
    const range = { gte: KEY, lt: Uint8Array.of(...KEY, 0), reverse: false, limit: 1 };
    for await (const [, name] of store.iterator({ ...range, ...ENCODINGS })) return name;
  } catch {
    // A store that cannot be read is told of by whoever reads the room.
    return fresh;
  }
  // Nobody waits for it: a name that is lost costs those who come back a comparison of frontiers.
  store.batch(write, { sync: false, ...ENCODINGS }).catch(() => undefined);
  return fresh;
}
