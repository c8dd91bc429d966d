/**
 * Fork proofs: the bytes that show anyone that an author wrote two different changes with one seq on one chain.
 *
 *     forkProof = [group, group]
 *
 * Each group shows one of the two changes, as its first entry, with the links up to a signature; no trust in whoever
 * hands it over is needed.
 */
import { changeId, decodeBody, decodeGroup, passingMessage } from "../change/index.ts";
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
  /** The document id, 32 bytes. */
  readonly document: Uint8Array;
  /** The public key of who equivocated, 32 bytes. */
  readonly author: Uint8Array;
  /** On which of that author's chains. */
  readonly chain: bigint;
  /** The number that both changes bear. */
  readonly seq: number;
  /** The two change ids, the lower first. */
  readonly ids: readonly [Uint8Array, Uint8Array];
  /** The bodies of those two changes. */
  readonly bodies: readonly [Uint8Array, Uint8Array];
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

/**
 * Verifies a fork proof from its bytes alone. Refused as "malformed" when it proves nothing even if all signatures hold;
 * "bad_signature" or "missing_signature" when one does not or is not there; "too_large"; "unsupported_version".
 */
export function decodeForkProof(bytes: Uint8Array): Result<ForkProof> {
  if (bytes.length > 2 * MAX_GROUP_BYTES + 16)
    return rejected("too_large", "a fork proof is two groups");
  const reader = new ByteReader(bytes);
  const count = reader.arrayHeader();
  const groups = [reader.bytes(), reader.bytes()] as const;
  if (count !== 2 || !reader.done) return rejected("malformed", "this is not two groups");
  const first = readBranch(groups[0]);
  if (!first.ok) return first;
  const second = readBranch(groups[1]);
  if (!second.ok) return second;
  const [a, b] = [first.value, second.value];
  const { document, author, chain, seq } = a.header;
  const oneChain =
    equalBytes(document, b.header.document) &&
    equalBytes(author, b.header.author) &&
    chain === b.header.chain;
  if (!oneChain || seq !== b.header.seq)
    return rejected("malformed", "the two changes have not one number on one chain");
  if (compareBytes(a.id, b.id) >= 0)
    return rejected("malformed", "the two changes are one, or in the wrong order");
  return ok({ document, author, chain, seq, ids: [a.id, b.id], bodies: [a.body, b.body], bytes });
}

interface Link {
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly header: DecodedBody;
}

/** Checks one branch: linked changes of one chain, the last one signed; returns the first. */
function readBranch(group: Uint8Array): Result<Link> {
  const entries = decodeGroup(group);
  if (!entries.ok) return entries;
  const [head, ...rest] = entries.value;
  if (head === undefined) return rejected("malformed", "a branch without a change");
  let last = { signature: head.signature, link: readLink(head.body) };
  const first = last.link;
  if (!first.ok) return first;
  for (const { body, signature } of rest) {
    const link = readLink(body);
    if (!link.ok) return link;
    // Whatever stands in the proof must be needed for it, and so be checked: the line ends at the first signature.
    if (last.signature !== null || !last.link.ok || !continues(link.value.header, last.link.value))
      return rejected("malformed", "a branch holds more than the links up to a signature");
    last = { signature, link };
  }
  if (!last.link.ok) return last.link;
  if (last.signature === null) return rejected("missing_signature", "a branch ends unsigned");
  const { id, header } = last.link.value;
  const isGenuine = verify(last.signature, passingMessage(id), header.author);
  return isGenuine ? first : rejected("bad_signature", "a signature is not the author's");
}

function readLink(body: Uint8Array): Result<Link> {
  const header = decodeBody(body);
  return header.ok ? ok({ id: changeId(body), body, header: header.value }) : header;
}

function continues(next: DecodedBody, last: Link): boolean {
  return (
    next.prev !== null &&
    equalBytes(next.prev, last.id) &&
    equalBytes(next.document, last.header.document) &&
    equalBytes(next.author, last.header.author) &&
    next.chain === last.header.chain &&
    next.seq === last.header.seq + 1
  );
}
