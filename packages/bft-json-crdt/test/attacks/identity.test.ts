/**
 * Attacks on who is who: changes in somebody else's name, keys in other forms, junk at a victim's expense. Honest
 * replicas take nothing in a name that its key has not signed, and nobody pays for what others put into their name.
 */
import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { Document, encodeGroup, toHex } from "../../src/index.ts";
import { signedMessage } from "../../src/change/index.ts";
import { bodyOf, entryOf, forge, groupOf, ops, signed } from "../forge.ts";
import {
  ALICE,
  BOB,
  converge,
  Everything,
  ground,
  ID,
  mallory,
  MALLORY,
  replica,
  viewOf,
} from "./scene.ts";

describe("a forged author", () => {
  it("is refused with bad_signature or missing_signature by every replica, in whatever company the change comes", () => {
    const { last, view } = ground();
    const theft = [ops.assign(["reg"], "stolen", [1, 0, 0, 1])];
    const honest = forge({ document: ID, author: ALICE, prev: last, ops: theft });
    const forged = signed(honest.body, honest.header, MALLORY);
    const own = mallory({ ops: [] });
    const cover = mallory({ prev: own, parents: [forged] });
    const next = mallory({ prev: forged });
    const groups: [Uint8Array, string][] = [
      [forged.group, "bad_signature"],
      [groupOf([forged], () => true), "missing_signature"],
      // Between changes of the forger's own line, under its cover; and with a change of his that links to it.
      [groupOf([own, forged, cover], (change) => change !== cover), "missing_signature"],
      [groupOf([forged, next], (change) => change === forged), "wrong_prev"],
      [encodeGroup([{ body: forged.body, signature: last.signature }]), "bad_signature"],
    ];
    for (const order of [groups, groups.toReversed()]) {
      const document = replica(BOB);
      document.receive(last.group);
      for (const [group, code] of order) {
        const received = document.receive(group, "forger");
        expect(received.status).toBe("rejected");
        expect(received.results.map((result) => result.code)).toContain(code);
        expect(document.history.indexOf(forged.id)).toBe(-1);
        expect(viewOf(document)).toEqual(view);
      }
      // The id is that of an honest change, and not harmed: with Alice's signature it applies.
      expect(document.receive(honest.group, "alice").applied).not.toEqual([]);
      expect(document.view().reg).toBe("stolen");
    }
  });
});

describe("junk in a victim's name", () => {
  it("is refused as bad_signature and eats nothing of the victim's budget: what the victim sends waits and applies", () => {
    const limits = {
      pendingBytes: 40_000,
      pendingBytesPerPeer: 20_000,
      pendingBytesPerAuthor: 8_000,
    };
    const alice = replica(ALICE);
    const [first, second] = [1, 2].map(() => alice.change((doc) => doc.words.push("x")));
    const never = forge({ document: ID, author: ALICE, chain: 9n });
    const documents = [0, 1, 2].map((at) => {
      const document = new Document({ schema: Everything, id: ID, keyPair: BOB, limits });
      const junk = (count: number): void => {
        for (let n = 0; n < count; n++) {
          const header = { document: ID, author: ALICE, prev: never, time: n };
          const forged = forge({ ...header, chain: 9n, signer: MALLORY });
          const bare = groupOf([forged], () => true);
          expect(document.receive(forged.group, "forger").code).toBe("bad_signature");
          expect(document.receive(bare, "forger").code).toBe("missing_signature");
        }
      };
      junk(at === 0 ? 60 : 0);
      expect(document.receive(second!.bytes, "alice").status).toBe("pending");
      junk(at === 1 ? 60 : 5);
      expect(document.history.pending.count).toBe(1);
      expect(document.receive(first!.bytes, "alice").applied).toHaveLength(2);
      return document;
    });
    for (const document of documents) {
      expect(document.view().words).toEqual(["x", "x"]);
      expect(document.frontier()).toEqual(documents[0]!.frontier());
    }
  });
});

describe("a key under another form", () => {
  /** A point of order 8. */
  const T = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");

  const ORDER = Point.CURVE().n;

  /** Mallory's secret scalar. */
  function secretScalar(): bigint {
    const bytes = sha512(MALLORY.secretKey).slice(0, 32);
    bytes[0]! &= 248;
    bytes[31] = (bytes[31]! & 127) | 64;
    return littleEndian(bytes);
  }

  /** A signature that satisfies the bare equation under a key: that of the scalar, or the same shifted by torsion. */
  function signatureOf(scalar: bigint, key: Uint8Array, message: Uint8Array): Uint8Array {
    for (let nonce = 1n; ; nonce++) {
      const r = Point.BASE.multiply(nonce).toBytes();
      const k = littleEndian(sha512(new Uint8Array([...r, ...key, ...message])));
      // Only then does torsion vanish from [k]A, so that no equation would notice it.
      if ((k % ORDER) % 8n !== 0n) continue;
      let s = (nonce + k * scalar) % ORDER;
      const signature = new Uint8Array(64);
      signature.set(r);
      for (let at = 32; at < 64; at++, s >>= 8n) signature[at] = Number(s & 255n);
      return signature;
    }
  }

  function littleEndian(bytes: Uint8Array): bigint {
    return BigInt(`0x${toHex(bytes.toReversed())}`);
  }

  function changeBy(author: Uint8Array, sign: (message: Uint8Array) => Uint8Array): Uint8Array {
    const { header } = mallory();
    const body = bodyOf({ ...header, author }, [ops.assign(["reg"], "x")]);
    const { id } = signed(body, header, MALLORY);
    return encodeGroup([{ body, signature: sign(signedMessage(id)) }]);
  }

  it("is no author: changes by a key with torsion, of small order or not canonical are refused as bad_signature by all", () => {
    const key = Point.fromBytes(MALLORY.publicKey);
    const shifted: Uint8Array[] = [];
    for (let n = 1, point = T; n < 8; n++, point = point.add(T))
      shifted.push(key.add(point).toBytes());
    const groups = shifted.map((form) =>
      changeBy(form, (message) => signatureOf(secretScalar(), form, message)),
    );
    // With the neutral element as key the equation holds for any R = [S]B, whoever wrote it.
    const neutral = new Uint8Array(32);
    neutral[0] = 1;
    const anyone = new Uint8Array(64);
    anyone.set(Point.BASE.toBytes());
    anyone[32] = 1;
    // The same point written with y + p, and with a sign on x = 0.
    const wide = new Uint8Array(32).fill(0xff);
    wide[0] = 0xee;
    wide[31] = 0x7f;
    const negative = neutral.slice();
    negative[31] = 0x80;
    for (const form of [neutral, wide, negative]) groups.push(changeBy(form, () => anyone));
    for (const order of [groups, groups.toReversed()]) {
      const document = replica(BOB);
      for (const group of order) {
        const received = document.receive(group);
        expect(received).toMatchObject({ status: "rejected", code: "bad_signature" });
        expect(received.results).toMatchObject([{ scope: "copy" }]);
      }
      // The key in its one form still is its author's.
      expect(document.receive(mallory({ ops: [ops.assign(["reg"], "me")] }).group).status).toBe(
        "applied",
      );
      expect(document.view().reg).toBe("me");
    }
  });

  it("never continues the chain of the key itself: a change that links to it is refused", () => {
    const first = mallory({ ops: [ops.insert(["words"], "a")] });
    const form = Point.fromBytes(MALLORY.publicKey).add(T).toBytes();
    const body = bodyOf({ ...mallory({ prev: first }).header, author: form }, []);
    const { id, header } = signed(body, first.header, MALLORY);
    const signature = signatureOf(secretScalar(), form, signedMessage(id));
    for (const group of [
      encodeGroup([{ body, signature }]),
      encodeGroup([entryOf(first, true), { body, signature }]),
    ]) {
      const document = replica(BOB);
      document.receive(first.group);
      expect(document.receive(group).results.at(-1)).toMatchObject({ code: "bad_signature" });
      expect(document.history.tips().map((tip) => toHex(tip.author))).toEqual([
        toHex(header.author),
      ]);
    }
  });

  it("that is a key of its own, the negative of the first, is another author: no fork, and neither speaks for the other", () => {
    const twin = Point.fromBytes(MALLORY.publicKey).negate().toBytes();
    const own = mallory({ ops: [ops.assign(["reg"], "own")] });
    const other = changeBy(twin, (message) =>
      signatureOf(ORDER - (secretScalar() % ORDER), twin, message),
    );
    const result = converge([own.group, other]);
    expect(result.history.tips().map(({ seq }) => seq)).toEqual([1, 1]);
    expect(result.root.reg.conflicts()).toHaveLength(2);
    expect(result.history.forks()).toEqual([]);
    // Her signature is not the twin's.
    const stolen = changeBy(twin, () => own.signature);
    expect(replica(BOB).receive(stolen).code).toBe("bad_signature");
  });
});
