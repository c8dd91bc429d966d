/** What a crypto backend has to offer; every backend gives the same answers. */

/** An author's Ed25519 keys (RFC 8032 §5.1.5). */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The 32-byte seed, which RFC 8032 calls the private key. */
  readonly secretKey: Uint8Array;
}

/** A signature to be verified, with what it is said to sign and by whom. */
export interface SignatureCheck {
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Makes deterministic Ed25519 signatures with one secret key: writes 64 bytes to the start of `target`, and returns that. */
export type Signer = (message: Uint8Array, target: Uint8Array) => Uint8Array;

/** SHA-256 and Ed25519 on one platform. */
export interface CryptoBackend {
  readonly name: "node" | "noble";
  /** Writes the SHA-256 (FIPS 180-4) of some bytes, which is 32 bytes, to the start of `target`; returns that. */
  sha256(bytes: Uint8Array, target: Uint8Array): Uint8Array;
  /** A deterministic Ed25519 signature (64 bytes); `secretKey` must be 32 bytes. */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /** `sign` for one key (32 bytes, copied), made ready once. */
  signer(secretKey: Uint8Array): Signer;
  /** The public key (32 bytes) of a seed, which must be 32 bytes. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** The verification rule of points.ts; false, never an exception, for input of any length. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /**
   * The verdicts of `verify`, in order: beside the main thread where the platform can, else with pauses. Resolves in a later
   * turn of the event loop, even without any checks, and never rejects. The bytes must not be changed meanwhile.
   */
  verifyMany(checks: readonly SignatureCheck[]): Promise<readonly boolean[]>;
}
