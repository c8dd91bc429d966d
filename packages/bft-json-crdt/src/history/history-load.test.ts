/**
 * Long chains and the work that is done for them. Signatures are stood in for by something cheap and counted, so that
 * 100,000 changes cost no minutes.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { forge, groupOf, person } from "../../test/forge.ts";
import type { Forged } from "../../test/forge.ts";
import { documentId } from "../change/index.ts";
import { equalBytes } from "../encoding/index.ts";
import { History } from "./history.ts";

const { calls } = vi.hoisted(() => ({ calls: { verify: 0 } }));

vi.mock("../crypto/index.ts", async (original) => {
  const crypto = await original<typeof import("../crypto/index.ts")>();
  /** The first half of a signature is the key, the second ends as the message does. */
  const signatureOf = (message: Uint8Array, key: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(64);
    signature.set(key);
    signature.set(message.subarray(-32), 32);
    return signature;
  };
  const publicKeys = new WeakMap<Uint8Array, Uint8Array>();
  return {
    ...crypto,
    sign: (message: Uint8Array, secretKey: Uint8Array) => {
      const publicKey = publicKeys.get(secretKey) ?? crypto.publicKeyOf(secretKey);
      publicKeys.set(secretKey, publicKey);
      return signatureOf(message, publicKey);
    },
    verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => {
      calls.verify++;
      return equalBytes(signature, signatureOf(message, publicKey));
    },
  };
});

afterEach(() => {
  calls.verify = 0;
});

const DOCUMENT = documentId("load");
const LENGTH = 100_000;
const limits = {
  pendingBytes: 1e9,
  pendingBytesPerPeer: 1e9,
  pendingBytesPerAuthor: 1e9,
  rejectedIds: 1e6,
};

function longChain(first: Forged, count: number): Forged[] {
  const line = [first];
  while (line.length < count) {
    line.push(forge({ document: DOCUMENT, author: person(0), prev: line.at(-1)! }));
  }
  return line;
}

describe("100,000 changes of one chain, the last first,", () => {
  const root = forge({ document: DOCUMENT, author: person(0) });
  const line = longChain(root, LENGTH);

  it("are all applied when the first arrives, without recursion, each signature verified once", () => {
    const history = new History({ document: DOCUMENT, limits });
    for (let i = LENGTH - 1; i > 0; i--) history.receive(line[i]!.group);
    expect(history.pending.count).toBe(LENGTH - 1);
    const received = history.receive(root.group);
    expect(received.status).toBe("applied");
    expect(received.applied).toHaveLength(LENGTH);
    expect(history.length).toBe(LENGTH);
    expect(history.pending).toEqual({ count: 0, bytes: 0 });
    expect(history.frontier()).toEqual([line.at(-1)!.id]);
    expect(history.ancestorOnChain(LENGTH - 1, LENGTH - 1)).toBe(0);
    expect(calls.verify).toBe(LENGTH);
  });

  it("are all rejected when the first turns out to be, without recursion", () => {
    const lie = forge({ document: DOCUMENT, author: person(0), lies: { lamport: 2 } });
    const doomed = longChain(lie, 20_000);
    const history = new History({ document: DOCUMENT, limits });
    for (let i = doomed.length - 1; i > 0; i--) history.receive(doomed[i]!.group);
    expect(history.receive(lie.group)).toMatchObject({ status: "rejected", code: "wrong_lamport" });
    expect(history.pending).toEqual({ count: 0, bytes: 0 });
    expect(history.length).toBe(0);
    const last = history.receive(doomed.at(-1)!.group);
    expect(last).toMatchObject({ status: "rejected", code: "rejected_dependency" });
  });
});

describe("a signature is verified once", () => {
  const [a, b, c] = longChain(forge({ document: DOCUMENT, author: person(0) }), 3) as [
    Forged,
    Forged,
    Forged,
  ];

  it("for a change that waits, however often it is sent meanwhile, alone or with others", () => {
    const history = new History({ document: DOCUMENT });
    for (let round = 0; round < 10; round++) {
      history.receive(c.group);
      history.receive(groupOf([b, c]));
    }
    expect(calls.verify).toBe(2);
    history.receive(a.group);
    expect(history.length).toBe(3);
    expect(calls.verify).toBe(3);
  });

  it("for a change that is applied, or was rejected for ever", () => {
    const lie = forge({ document: DOCUMENT, author: person(1), lies: { lamport: 5 } });
    const history = new History({ document: DOCUMENT });
    for (let round = 0; round < 10; round++) {
      history.receive(groupOf([a, lie]));
      history.receive(lie.group);
    }
    expect(calls.verify).toBe(2);
  });

  it("and never for a change whose bytes are at fault", () => {
    const history = new History({ document: DOCUMENT });
    history.receive(forge({ document: documentId("other"), author: person(0) }).group);
    history.receive(forge({ document: DOCUMENT, author: person(0), lies: { seq: 2 } }).group);
    expect(calls.verify).toBe(0);
  });
});
