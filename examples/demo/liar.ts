/**
 * A dishonest author: one key, two different changes with the same sequence number. Both are correctly signed, so no
 * honest software refuses either; the question is what the honest replicas make of it.
 */
import {
  Document,
  documentId,
  generateKeyPair,
  list,
  number,
  string,
  struct,
  toHex,
} from "bft-json-crdt";
import { WebSocket } from "ws";

const ledger = struct({
  transactions: list(struct({ from: string(), to: string(), amount: number() })),
});

/** What the liar prepared. */
export interface Lie {
  /** Public key in hex. */
  readonly author: string;
  /** Two encoded changes with one sequence number. */
  readonly branches: readonly [Uint8Array, Uint8Array];
}

/** Signs two transactions as number 1 of the same chain: the same coin, paid to two people. */
export function equivocate(room: string): Lie {
  const keyPair = generateKeyPair();
  const pay = (to: string): Uint8Array => {
    // A document that knows nothing of the other branch, as the liar shows it to that victim.
    const document = new Document({ schema: ledger, id: documentId(room), keyPair, chain: 0n });
    return document.change((doc) => doc.transactions.push({ from: "mallory", to, amount: 1_000 }))
      .bytes;
  };
  return { author: toHex(keyPair.publicKey), branches: [pay("alice"), pay("bob")] };
}

/** Joins a room and sends one encoded change; resolves when the relay has stored it. */
export async function sendTo(url: string, room: string, change: Uint8Array): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error("the relay did not acknowledge the change")),
        10_000,
      );
      socket.on("error", reject);
      socket.on("open", () => socket.send(JSON.stringify({ type: "join", room })));
      socket.on("message", (data: Buffer, isBinary) => {
        if (isBinary) return;
        const { type } = JSON.parse(data.toString()) as { type?: string };
        if (type === "joined") socket.send(change);
        if (type !== "ack") return;
        clearTimeout(timer);
        resolve();
      });
    });
  } finally {
    socket.terminate();
  }
}
