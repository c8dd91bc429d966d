import { generateKeyPair, sha256, sign } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { bind, isBound, registryOf, sentenceOf } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { addressOf, bytesOf, hex, keccak, signerOfHash, signHash } from "./ethereum.ts";

const secretOf = (name: string): Uint8Array => sha256(new TextEncoder().encode(name));
const ann = { keyPair: generateKeyPair(secretOf("ann")), secretKey: secretOf("ann on the chain") };
const mallory = {
  keyPair: generateKeyPair(secretOf("mallory")),
  secretKey: secretOf("mallory on the chain"),
};
const bound = bind(ann.keyPair, ann.secretKey);

describe("a binding", () => {
  it("holds when both keys have signed it", () => {
    expect(isBound(bound)).toBe(true);
    expect(bound.identity).toBe(hex(ann.keyPair.publicKey).slice(2));
    expect(bound.address).toBe(addressOf(ann.secretKey));
  });

  it("holds for nobody who lacks one of the keys", () => {
    const hers = bind(mallory.keyPair, mallory.secretKey);
    const lies: readonly Binding[] = [
      // Mallory claims Ann's address, or her identity, with what Mallory can sign and what Ann has published.
      { ...hers, address: bound.address },
      { ...hers, address: bound.address, byAddress: bound.byAddress },
      { ...bound, identity: hers.identity },
      { ...bound, identity: hers.identity, byIdentity: hers.byIdentity },
      { ...hers, identity: bound.identity, byIdentity: bound.byIdentity },
      { ...bind(mallory.keyPair, ann.secretKey), byAddress: hers.byAddress },
      { ...bind(ann.keyPair, mallory.secretKey), byIdentity: bound.byIdentity },
    ];
    for (const lie of lies) expect(isBound(lie)).toBe(false);
  });

  it("is no signature for anything else", () => {
    const bytes = new Uint8Array([...bytesOf(bound.identity)!, ...bytesOf(bound.address)!]);
    const untagged = hex(sign(bytes, ann.keyPair.secretKey)).slice(2);
    expect(isBound({ ...bound, byIdentity: untagged })).toBe(false);
    const sentence = new TextEncoder().encode(sentenceOf(bound.identity, bound.address));
    const unprefixed = signHash(keccak(sentence), ann.secretKey);
    expect(isBound({ ...bound, byAddress: unprefixed })).toBe(false);
  });

  it("is refused when anything in it is written otherwise, without an exception", () => {
    const { byAddress } = bound;
    // The other signature that the same equation gives: a contract takes only one of the two.
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const upper = (order - BigInt(byAddress.s)).toString(16).padStart(64, "0");
    const others: readonly Binding[] = [
      { ...bound, identity: bound.identity.toUpperCase() },
      { ...bound, identity: "" },
      { ...bound, identity: `${bound.identity}00` },
      { ...bound, address: "0x" },
      { ...bound, address: bound.address.toUpperCase() as `0x${string}` },
      { ...bound, byIdentity: "zz" },
      { ...bound, byIdentity: bound.byIdentity.slice(2) },
      { ...bound, byAddress: { ...byAddress, v: byAddress.v ^ 7 } },
      { ...bound, byAddress: { ...byAddress, v: 55 - byAddress.v, s: `0x${upper}` } },
      { ...bound, byAddress: { ...byAddress, v: Number.NaN } },
      { ...bound, byAddress: { ...byAddress, r: `0x${"00".repeat(32)}` } },
      { ...bound, byAddress: { ...byAddress, r: `0x${"ff".repeat(32)}` } },
      { ...bound, byAddress: { ...byAddress, s: "0x01" } },
    ];
    for (const other of others) expect(isBound(other)).toBe(false);
  });
});

describe("a registry", () => {
  it("holds the addresses in order, and refuses who comes twice or is not bound", () => {
    const hers = bind(mallory.keyPair, mallory.secretKey);
    const registry = registryOf([bound, hers]);
    expect(new Map([...registry].reverse())).toEqual(
      new Map([
        [bound.address, bound.identity],
        [hers.address, hers.identity],
      ]),
    );
    expect([...registry.keys()]).toEqual([bound.address, hers.address].sort());
    expect(() => registryOf([bound, bound])).toThrow("bound twice");
    expect(() => registryOf([bound, bind(ann.keyPair, secretOf("a second address"))])).toThrow(
      "twice",
    );
    expect(() => registryOf([bound, bind(mallory.keyPair, ann.secretKey)])).toThrow("twice");
    expect(() => registryOf([{ ...bound, address: hers.address }])).toThrow("is not bound to");
  });
});

describe("a signature of Ethereum", () => {
  it("names its signer as the published examples of wallets do", () => {
    // Key, address and signature of the first example in the documentation of web3.eth.accounts.sign.
    const secretKey = bytesOf("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")!;
    expect(addressOf(secretKey)).toBe("0x2c7536e3605d9c16a7a3d7b1898e529396a65c23");
    const text = new TextEncoder().encode("\u0019Ethereum Signed Message:\n9Some data");
    const signature = signHash(keccak(text), secretKey);
    expect(signature).toEqual({
      v: 28,
      r: "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd",
      s: "0x6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a029",
    });
    expect(signerOfHash(keccak(text), signature)).toBe(addressOf(secretKey));
  });
});
