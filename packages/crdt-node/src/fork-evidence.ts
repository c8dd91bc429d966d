/**
 * Evidence of equivocation, for people and for files: who signed which two changes with one number, what they say, and
 * the bytes that prove it to anyone.
 */
import { type ForkProof, toHex } from "bft-json-crdt";
import { describeBody } from "./inspection.ts";
import { printable, short } from "./output.ts";

/** One proof; keys and ids are hex. */
export interface ForkEvidence {
  readonly document: string;
  readonly author: string;
  /** A decimal number of up to 64 bits. */
  readonly chain: string;
  readonly seq: number;
  /** The two changes, the lower id first, with a few words for each thing that they do. */
  readonly changes: readonly [SignedChange, SignedChange];
  /** The proof itself, in base64. */
  readonly proof: string;
}

/** One of the two changes. */
export interface SignedChange {
  readonly id: string;
  readonly says: readonly string[];
}

/** What a proof says. */
export function evidenceOf({
  document,
  author,
  chain,
  seq,
  ids,
  bodies,
  bytes,
}: ForkProof): ForkEvidence {
  const change = (which: 0 | 1): SignedChange => ({
    id: toHex(ids[which]),
    says: describeBody(bodies[which]),
  });
  return {
    document: toHex(document),
    author: toHex(author),
    chain: chain.toString(),
    seq,
    changes: [change(0), change(1)],
    proof: Buffer.from(bytes).toString("base64"),
  };
}

/** The two changes as lines for people. */
export function changeLines({ changes }: ForkEvidence): string[] {
  return changes.map(({ id, says }) => `  ${short(id)}  ${says.map(printable).join("; ")}`);
}

/** A number of a chain, as people say it. */
export function placeOf({ chain, seq }: Pick<ForkEvidence, "chain" | "seq">): string {
  return chain === "0" ? `#${seq}` : `#${seq} of chain ${chain}`;
}
