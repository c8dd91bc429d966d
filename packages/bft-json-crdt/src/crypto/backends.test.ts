import { readFileSync } from "node:fs";
import { getPublicKey, Point, utils, verify as nobleVerify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../encoding/bytes.ts";
import { nobleBackend } from "./backend-noble.ts";
import { nodeBackend } from "./backend-node.ts";
import { hasValidForm, isValidPublicKey } from "./points.ts";

interface SignatureCase {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

interface TorsionCase extends SignatureCase {
  readonly name: string;
  readonly valid: boolean;
  readonly seen: { readonly nobleDefault: boolean; readonly nobleStrict: boolean };
}

/** The edge cases of github.com/novifinancial/ed25519-speccheck: the rule refuses every one. */
const SPECCHECK = fixture("ed25519-speccheck.json") as readonly SignatureCase[];

/** T below is a point of order 8; `seen` is what each library says when it is left to its own rule. */
const TORSION = fixture("ed25519-torsion.json") as readonly TorsionCase[];

/** RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature. */
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

const L = Point.CURVE().n;
const P = Point.CURVE().p;
const T = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), "utf8"));
}

function hex(text: string): Uint8Array {
  return fromHex(text)!;
}

function littleEndian(n: bigint): Uint8Array {
  return hex(n.toString(16).padStart(64, "0")).reverse();
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The multiple of a point by any scalar, 0 included. */
function times(point: Point, n: number): Point {
  let sum = Point.ZERO;
  for (let i = 0; i < n; i++) sum = sum.add(point);
  return sum;
}

/** Encodings of the points of small order: y below 2^255 of each, canonical or not, with either sign of x. */
function smallOrderEncodings(): Uint8Array[] {
  const ys = new Set(Array.from({ length: 8 }, (_, i) => times(T, i).toAffine().y));
  return [...ys]
    .flatMap((y) => [y, y + P].filter((wide) => wide < 1n << 255n))
    .flatMap((y) => [littleEndian(y), littleEndian(y + (1n << 255n))]);
}

/** The rule, spelled out with the library's strict but cofactored verification and a check of each condition. */
function naiveVerdict(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    const a = Point.fromBytes(publicKey);
    const r = Point.fromBytes(signature.subarray(0, 32));
    if (a.isSmallOrder() || !a.isTorsionFree() || r.isSmallOrder() || !r.isTorsionFree())
      return false;
    if (fromLittleEndian(signature.subarray(32)) >= L) return false;
    return nobleVerify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

describe.each([nodeBackend, nobleBackend])("the $name backend", (backend) => {
  test.each(RFC_8032)(
    "signs and verifies the example of RFC 8032 with the seed %s",
    (seed, key, message, signature) => {
      expect(toHex(backend.publicKey(hex(seed)))).toBe(key);
      expect(toHex(backend.sign(hex(message), hex(seed)))).toBe(signature);
      expect(backend.verify(hex(signature), hex(message), hex(key))).toBe(true);
    },
  );

  test.each(TORSION)(
    "gives the verdict $valid for $name",
    ({ signature, message, publicKey, valid }) => {
      expect(backend.verify(hex(signature), hex(message), hex(publicKey))).toBe(valid);
      // Once more, now that the key is known.
      expect(backend.verify(hex(signature), hex(message), hex(publicKey))).toBe(valid);
    },
  );

  test.each(SPECCHECK.map((edge, i) => ({ ...edge, i })))(
    "refuses case $i of speccheck",
    ({ signature, message, publicKey }) => {
      expect(backend.verify(hex(signature), hex(message), hex(publicKey))).toBe(false);
    },
  );

  test("refuses an R of small order in each of its encodings, also where the equation holds", () => {
    const seed = hex(RFC_8032[0][0]);
    const { scalar, pointBytes } = utils.getExtendedPublicKey(seed);
    const message = Uint8Array.of(1);
    for (const r of smallOrderEncodings()) {
      const k = fromLittleEndian(sha512(joined(r, pointBytes, message))) % L;
      const signature = joined(r, littleEndian((k * scalar) % L));
      expect(backend.verify(signature, message, pointBytes), toHex(r)).toBe(false);
    }
  });

  test("refuses a signature or a key of any wrong length, and never throws", () => {
    const sizes = fc.oneof(
      fc.uint8Array({ maxLength: 130 }),
      fc.constantFrom(31, 32, 33, 63, 64, 65).map((n) => new Uint8Array(n)),
    );
    fc.assert(
      fc.property(sizes, fc.uint8Array({ maxLength: 70 }), sizes, (signature, message, key) => {
        expect(backend.verify(signature, message, key)).toBe(false);
        expect(backend.verify(signature, message, hex(RFC_8032[0][1]))).toBe(false);
        expect(backend.verify(hex(RFC_8032[0][3]), message, key)).toBe(false);
      }),
      { numRuns: 60 },
    );
    expect(backend.verify(new Uint8Array(0), new Uint8Array(0), new Uint8Array(0))).toBe(false);
  });

  test("refuses a key that is no point, or one with torsion, and never throws", () => {
    const [seed, key, message, signature] = RFC_8032[1];
    const point = Point.fromHex(key);
    for (let i = 1; i < 8; i++) {
      const shifted = point.add(times(T, i)).toBytes();
      // One key, and so one k, that makes the equation hold for each torsion component of R.
      const { scalar } = utils.getExtendedPublicKey(hex(seed));
      for (let j = 0; j < 8; j++) {
        const r = Point.BASE.multiply(7n).add(times(T, j)).toBytes();
        const k = fromLittleEndian(sha512(joined(r, shifted, hex(message)))) % L;
        const forged = joined(r, littleEndian((7n + k * scalar) % L));
        expect(backend.verify(forged, hex(message), shifted)).toBe(false);
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(backend.verify(hex(signature), hex(message), bytes)).toBe(false);
      }),
      { numRuns: 60 },
    );
    for (const small of smallOrderEncodings())
      expect(backend.verify(hex(signature), hex(message), small)).toBe(false);
  });

  test("is not misled by a key buffer that is used again, and leaves Buffers as they were", () => {
    const [first, second] = [RFC_8032[0], RFC_8032[1]];
    const key = Buffer.from(first[1], "hex");
    const signature = Buffer.from(first[3], "hex");
    expect(backend.verify(signature, new Uint8Array(0), key)).toBe(true);
    expect(signature.toString("hex")).toBe(first[3]);
    expect(key.toString("hex")).toBe(first[1]);
    key.set(hex(second[1]));
    expect(backend.verify(signature, new Uint8Array(0), key)).toBe(false);
    expect(backend.verify(hex(second[3]), hex(second[2]), key)).toBe(true);
    const seed = Buffer.from(first[0], "hex");
    backend.sign(new Uint8Array(0), seed);
    seed.set(hex(second[0]));
    expect(toHex(backend.sign(hex(second[2]), seed))).toBe(second[3]);
  });

  test("gives many signatures the verdicts that it gives each, in order", async () => {
    const checks = [...TORSION, ...SPECCHECK].map(({ signature, message, publicKey }) => ({
      signature: hex(signature),
      message: hex(message),
      publicKey: hex(publicKey),
    }));
    const [, key, message, signature] = RFC_8032[2];
    const good = { signature: hex(signature), message: hex(message), publicKey: hex(key) };
    for (const part of ["signature", "message", "publicKey"] as const) {
      for (const bytes of [new Uint8Array(0), new Uint8Array(32), new Uint8Array(63), hex("af83")])
        checks.push({ ...good, [part]: bytes }, good);
    }
    const expected = checks.map((check) =>
      backend.verify(check.signature, check.message, check.publicKey),
    );
    expect(expected).toContain(true);
    expect(expected).toContain(false);
    expect(await backend.verifyMany(checks)).toEqual(expected);
    expect(await backend.verifyMany(checks.toReversed())).toEqual(expected.toReversed());
    expect(await backend.verifyMany([good])).toEqual([true]);
  });

  test("gives others their turn before it answers, even when there is nothing to verify", async () => {
    for (const checks of [[], [{ signature: hex(""), message: hex(""), publicKey: hex("") }]]) {
      let hasTurned = false;
      setImmediate(() => {
        hasTurned = true;
      });
      // A timer may come before an immediate, but not the second one.
      await backend.verifyMany(checks);
      await backend.verifyMany(checks);
      expect(hasTurned).toBe(true);
    }
  });

  test("signs with a key made ready as with the key itself, of which it keeps a copy", () => {
    const [seed, , message, signature] = RFC_8032[1];
    const secretKey = hex(seed);
    const signer = backend.signer(secretKey);
    secretKey.fill(0);
    const target = new Uint8Array(64);
    expect(signer(hex(message), target)).toBe(target);
    expect(toHex(target)).toBe(signature);
    expect(toHex(signer(hex(message), new Uint8Array(64)))).toBe(signature);
  });

  test("hashes as FIPS 180-4 says, into plain byte arrays", () => {
    const digest = (bytes: Uint8Array): Uint8Array => backend.sha256(bytes, new Uint8Array(32));
    const empty = digest(new Uint8Array(0));
    expect(toHex(empty)).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(toHex(digest(new TextEncoder().encode("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    for (const bytes of [empty, backend.sign(empty, empty), backend.publicKey(empty)])
      expect(bytes.constructor).toBe(Uint8Array);
  });
});

describe("the two backends", () => {
  test("never keep others from their turn for long: noble pauses after a few signatures", async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const none = { signature: hex(""), message: hex(""), publicKey: hex("") };
    const verdicts = await nobleBackend.verifyMany(Array.from({ length: 100 }, () => none));
    clearImmediate(timer);
    expect(verdicts).toEqual(Array.from({ length: 100 }, () => false));
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  test("hash and sign alike", () => {
    const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 200 }), (seed, message) => {
        const target = new Uint8Array(33).fill(0xff);
        expect(nodeBackend.sha256(message, target)).toBe(target);
        expect(target).toEqual(nobleBackend.sha256(message, new Uint8Array(33).fill(0xff)));
        expect(nodeBackend.publicKey(seed)).toEqual(nobleBackend.publicKey(seed));
        expect(nodeBackend.sign(message, seed)).toEqual(nobleBackend.sign(message, seed));
      }),
      { numRuns: 40 },
    );
  });

  test("agree with the rule spelled out, whatever was tampered with", () => {
    const tampering = fc.constantFrom(
      "nothing",
      "signature",
      "message",
      "key",
      "S + L",
      "R + T",
      "A + T",
      "R",
      "S",
      "other key",
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        tampering,
        fc.nat(511),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (seed, message, kind, bit, noise) => {
          let key = getPublicKey(seed);
          const signature = nodeBackend.sign(message, seed);
          const flipped = (bytes: Uint8Array) =>
            (bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7));
          if (kind === "signature") flipped(signature);
          if (kind === "message") flipped(message);
          if (kind === "key") flipped(key);
          if (kind === "S + L")
            signature.set(littleEndian(fromLittleEndian(signature.subarray(32)) + L), 32);
          if (kind === "R + T")
            signature.set(
              Point.fromBytes(signature.subarray(0, 32))
                .add(times(T, 1 + (bit % 7)))
                .toBytes(),
            );
          if (kind === "A + T")
            key = Point.fromBytes(key)
              .add(times(T, 1 + (bit % 7)))
              .toBytes();
          if (kind === "R") signature.set(noise);
          if (kind === "S") signature.set(noise, 32);
          if (kind === "other key") key = getPublicKey(noise);
          const expected = naiveVerdict(signature, message, key);
          expect(nodeBackend.verify(signature, message, key)).toBe(expected);
          expect(nobleBackend.verify(signature, message, key)).toBe(expected);
          if (kind === "nothing") expect(expected).toBe(true);
        },
      ),
      { numRuns: 120 },
    );
  });

  test("are needed under one rule: @noble/ed25519 by itself accepts an R with torsion in each of its modes", () => {
    const shifted = TORSION.filter(({ name }) => name.startsWith("an ordinary key, R shifted"));
    expect(shifted).toHaveLength(21);
    for (const { signature, message, publicKey, seen, valid } of shifted) {
      const accepts = (zip215: boolean) =>
        nobleVerify(hex(signature), hex(message), hex(publicKey), { zip215 });
      expect({ default: accepts(true), strict: accepts(false) }).toEqual({
        default: seen.nobleDefault,
        strict: seen.nobleStrict,
      });
      expect(seen.nobleDefault && seen.nobleStrict && !valid).toBe(true);
    }
  });
});

describe("the form of a signature", () => {
  const r = hex(RFC_8032[0][3]).slice(0, 32);

  test("demands an R below the prime and not of small order", () => {
    expect(hasValidForm(joined(r, littleEndian(0n)))).toBe(true);
    for (const small of smallOrderEncodings())
      expect(hasValidForm(joined(small, littleEndian(1n)))).toBe(false);
    for (let y = P; y < 1n << 255n; y++) {
      expect(hasValidForm(joined(littleEndian(y), littleEndian(1n)))).toBe(false);
      expect(hasValidForm(joined(littleEndian(y + (1n << 255n)), littleEndian(1n)))).toBe(false);
    }
    for (const y of [2n, P - 2n]) {
      expect(hasValidForm(joined(littleEndian(y), littleEndian(1n)))).toBe(true);
      expect(hasValidForm(joined(littleEndian(y + (1n << 255n)), littleEndian(1n)))).toBe(true);
    }
  });

  test("demands an S below L", () => {
    for (const [s, valid] of [
      [0n, true],
      [1n, true],
      [L - 1n, true],
      [L, false],
      [L + 1n, false],
      [(1n << 256n) - 1n, false],
    ] as const) {
      expect(hasValidForm(joined(r, littleEndian(s))), `${s}`).toBe(valid);
    }
  });
});

describe("a public key", () => {
  test("is valid if it was made from a seed", () => {
    for (const [, key] of RFC_8032) expect(isValidPublicKey(hex(key))).toBe(true);
  });

  test("is refused if it is of small order, in any encoding", () => {
    const encodings = smallOrderEncodings();
    // 8 canonical ones, and those with y + p for y = 0 and 1, or with a sign on x = 0.
    expect(encodings).toHaveLength(14);
    for (const key of encodings) expect(isValidPublicKey(key), toHex(key)).toBe(false);
  });

  test("is refused if its y is not below the prime", () => {
    for (let y = P; y < 1n << 255n; y++) {
      expect(isValidPublicKey(littleEndian(y))).toBe(false);
      expect(isValidPublicKey(littleEndian(y + (1n << 255n)))).toBe(false);
    }
  });

  test("is refused if it has a torsion component, whichever", () => {
    const honest = Point.fromHex(RFC_8032[0][1]);
    for (let i = 0; i < 8; i++)
      expect(isValidPublicKey(honest.add(times(T, i)).toBytes())).toBe(i === 0);
  });

  test("is refused if it is not on the curve, or not of 32 bytes", () => {
    expect(isValidPublicKey(littleEndian(2n))).toBe(false);
    for (const size of [0, 31, 33, 64])
      expect(isValidPublicKey(new Uint8Array(size).fill(9))).toBe(false);
    expect(isValidPublicKey(joined(hex(RFC_8032[0][1]), new Uint8Array(1)))).toBe(false);
  });
});
