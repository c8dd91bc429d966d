/**
 * Fork proofs: the bytes that show anyone that an author wrote two different changes with one seq on one chain.
 *
 *     forkProof = [group, group]
 *
 * Each group shows one of the two changes, as its first entry, with the links up to a signature; no trust in whoever
 * hands it over is needed.
 */
import { changeId, decodeBody, decodeGroup, signedMessage } from "../change/index.ts";
import type { DecodedBody } from "../change/index.ts";
import { verify } from "../crypto/index.ts";
import { compareBytes, equalBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { ByteWriter } from "../encoding/writer.ts";
import { MAX_GROUP_BYTES } from "../limits.ts";
import { ok, rejected } from "../result.ts";
import type { Result } from "../result.ts";

/** What a valid fork proof says. */
export interface ForkProof {
  readonly document: Uint8Array;
  readonly author: Uint8Array;
  readonly chain: bigint;
  readonly seq: number;
  /** The two change ids, the lower first. */
  readonly ids: readonly [Uint8Array, Uint8Array];
  /** The proof itself. */
  readonly bytes: Uint8Array;
}

/** Encodes the proof made of two closed groups. */
export function encodeForkProof(first: Uint8Array, second: Uint8Array): Uint8Array {
  const writer = new ByteWriter(first.length + second.length + 16);
  writer.arrayHeader(2);
  writer.bytes(first);
  writer.bytes(second);
  return writer.take();
}

/** Verifies a fork proof from its bytes alone. */
export function decodeForkProof(bytes: Uint8Array): Result<ForkProof> {
  if (bytes.length > 2 * MAX_GROUP_BYTES + 16)
    return rejected("too_large", "a fork proof is two groups");
  const reader = new ByteReader(bytes);
  const count = reader.arrayHeader();
  const first = readBranch(reader.bytes());
  const second = readBranch(reader.bytes());
  if (count !== 2 || !reader.done || first === null || second === null) {
    return rejected("malformed", "not a fork proof");
  }
  const [a, b] = [first.header, second.header];
  const oneChain =
    equalBytes(a.document, b.document) && equalBytes(a.author, b.author) && a.chain === b.chain;
  if (!oneChain || a.seq !== b.seq || compareBytes(first.id, second.id) >= 0) {
    return rejected("malformed", "the two changes do not prove a fork");
  }
  const { document, author, chain, seq } = a;
  return ok({ document, author, chain, seq, ids: [first.id, second.id], bytes });
}

/** Checks one branch: linked changes of one chain, the last one signed. */
function readBranch(group: Uint8Array): { id: Uint8Array; header: DecodedBody } | null {
  const entries = decodeGroup(group);
  if (!entries.ok) return null;
  let first: { id: Uint8Array; header: DecodedBody } | null = null;
  let last: { id: Uint8Array; header: DecodedBody; signature: Uint8Array | null } | null = null;
  for (const { body, signature } of entries.value) {
    const header = decodeBody(body);
    if (!header.ok) return null;
    const id = changeId(body);
    // Whatever stands in the proof must be needed for it, and so be checked: the line ends at the first signature.
    if (last !== null && (last.signature !== null || !continues(header.value, last))) return null;
    last = { id, header: header.value, signature };
    first ??= last;
  }
  if (first === null || last?.signature == null) return null;
  const genuine = verify(last.signature, signedMessage(last.id), last.header.author);
  return genuine ? first : null;
}

function continues(next: DecodedBody, last: { id: Uint8Array; header: DecodedBody }): boolean {
  return (
    next.prev !== null &&
    equalBytes(next.prev, last.id) &&
    equalBytes(next.document, last.header.document) &&
    equalBytes(next.author, last.header.author) &&
    next.chain === last.header.chain &&
    next.seq === last.header.seq + 1
  );
}
