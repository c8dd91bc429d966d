/**
 * What some bytes say, for people: a group or a body decoded as far as it goes, as JSON-able objects.
 *
 * A diagnostic and no validation: it looks at the bytes alone and knows no history. Ids and keys are hexadecimal, chains
 * decimal strings. Never throws, whatever the bytes.
 */
import {
  changeId,
  decodeBody,
  decodeGroup,
  INERT,
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
  readOp,
  LEFT,
  passingMessage,
} from "../change/index.ts";
import type { DecodedBody, ElementTarget, Op, Place } from "../change/index.ts";
import { verify } from "../crypto/index.ts";
import { toHex } from "../encoding/bytes.ts";
import { canonicalJson } from "../encoding/json.ts";
import { ByteReader } from "../encoding/reader.ts";
import type { Value } from "../encoding/value.ts";
import type { Rejection } from "../result.ts";

/** A group, or why it is none. */
export type ExplainedGroup =
  | { readonly bytes: number; readonly changes: readonly ExplainedChange[] }
  | { readonly bytes: number; readonly fault: Rejection };

/** One change of a group. */
export interface ExplainedChange {
  /** The change id. */
  readonly id: string;
  /** Bytes of the body. */
  readonly bytes: number;
  /** "absent": a later change of its chain has to vouch for it. */
  readonly signature: "valid" | "wrong" | "absent" | "unreadable";
  /** What it says. */
  readonly body: ExplainedBody;
}

/** What a body says, or why it is none. */
export type ExplainedBody = ExplainedHeader | { readonly fault: Rejection };

/** The header and the ops of a change. */
export interface ExplainedHeader {
  /** The document id. */
  readonly document: string;
  /** The author's public key. */
  readonly author: string;
  /** Which of the author's chains. */
  readonly chain: string;
  /** The place of the change on its chain; 1 for the first. */
  readonly seq: number;
  /** The previous change of the chain; null for the first. */
  readonly prev: string | null;
  /** Other heads that the author had seen. */
  readonly parents: readonly string[];
  /** One more than the greatest among all dependencies. */
  readonly lamport: number;
  /** Claimed milliseconds since 1970, or null. */
  readonly time: number | null;
  /** Further changes that the ops refer to. */
  readonly refs: readonly string[];
  /** Elements that all ops together make. */
  readonly elements: number;
  /** What it does, in order. */
  readonly ops: readonly ExplainedOp[];
}

/** One op. */
export interface ExplainedOp {
  /** What it does; "inert" is an op that this version does not know, or cannot read. */
  readonly kind:
    | "inert"
    | "insert values"
    | "insert text"
    | "remove"
    | "assign"
    | "increment"
    | "add";
  /** Elements that it makes. */
  readonly made: number;
  /** The container that it is about. */
  readonly place?: ExplainedPlace;
  /** The element beside which a run is inserted. */
  readonly beside?: ExplainedElement & { readonly side: "left" | "right" };
  /** Elements that it removes or replaces. */
  readonly ranges?: readonly ExplainedRange[];
  /** What it writes, as JSON text, cut to 256 characters. */
  readonly content?: string;
}

/** An element: number `index` of the change that is `back` steps before `change` on its chain. */
export interface ExplainedElement {
  /** A change id, "this" for the change itself, "none" for a reference to nothing. */
  readonly change: string;
  /** Steps back on the chain. */
  readonly back: number;
  /** The number within the change. */
  readonly index: number;
}

/** `count` elements of one chain, the first of them as in {@link ExplainedElement}. */
export interface ExplainedRange extends ExplainedElement {
  /** How many. */
  readonly count: number;
}

/** A container: owned by an element (null: the root), then down a path of fields and keys. */
export interface ExplainedPlace {
  /** The element that holds it; null for the root. */
  readonly owner: ExplainedElement | null;
  /** Names of fields and keys, from there on. */
  readonly path: readonly string[];
}

/** Decodes a group of changes, as it travels in a frame and stands in a log; checks signatures, and not links. Never throws. */
export function explainGroup(group: Uint8Array): ExplainedGroup {
  const entries = decodeGroup(group);
  if (!entries.ok) return { bytes: group.length, fault: entries.error };
  const changes = entries.value.map(({ body, signature }): ExplainedChange => {
    const id = changeId(body);
    const header = decodeBody(body);
    const base = { id: toHex(id), bytes: body.length };
    if (!header.ok) return { ...base, signature: "unreadable", body: { fault: header.error } };
    const isValid =
      signature !== null && verify(signature, passingMessage(id), header.value.author);
    const verdict = signature === null ? "absent" : isValid ? "valid" : "wrong";
    return { ...base, signature: verdict, body: explainHeader(body, header.value) };
  });
  return { bytes: group.length, changes };
}

/** Decodes the body of one change. A diagnostic, and no validation: it knows no history. Never throws. */
export function explainBody(body: Uint8Array): ExplainedBody {
  const header = decodeBody(body);
  return header.ok ? explainHeader(body, header.value) : { fault: header.error };
}

const MAX_CONTENT_LENGTH = 256;

const KIND_NAMES: Readonly<Record<Op["kind"], ExplainedOp["kind"]>> = {
  [INERT]: "inert",
  [OP_INSERT_VALUES]: "insert values",
  [OP_INSERT_TEXT]: "insert text",
  [OP_REMOVE]: "remove",
  [OP_ASSIGN]: "assign",
  [OP_INCREMENT]: "increment",
  [OP_ADD]: "add",
};

function explainHeader(body: Uint8Array, header: DecodedBody): ExplainedHeader {
  const reader = new ByteReader(body, header.opsOffset);
  const references = referencesOf(header);
  const ops: ExplainedOp[] = [];
  for (let i = 0; i < header.opCount; i++) ops.push(explainOp(readOp(reader), references));
  return {
    document: toHex(header.document),
    author: toHex(header.author),
    chain: header.chain.toString(),
    seq: header.seq,
    prev: header.prev === null ? null : toHex(header.prev),
    parents: header.parents.map(toHex),
    lamport: header.lamport,
    time: header.time,
    refs: header.refs.map(toHex),
    elements: header.elements,
    ops,
  };
}

/** What the numbers 0, 1, 2, … in ops stand for: this change, prev, parents, refs. */
function referencesOf({ prev, parents, refs }: DecodedBody): string[] {
  return ["this", prev === null ? "none" : toHex(prev), ...parents.map(toHex), ...refs.map(toHex)];
}

function explainOp(op: Op, references: readonly string[]): ExplainedOp {
  const base = { kind: KIND_NAMES[op.kind], made: op.made };
  switch (op.kind) {
    case INERT:
      return base;
    case OP_INSERT_VALUES:
    case OP_INSERT_TEXT: {
      const content = contentText(op.content);
      if (op.parent === null) {
        return { ...base, ...(op.place && { place: explainPlace(op.place, references) }), content };
      }
      const side = op.side === LEFT ? "left" : "right";
      return { ...base, beside: { ...explainElement(op.parent, references), side }, content };
    }
    case OP_REMOVE:
      return { ...base, ranges: explainRanges(op.ranges, references) };
    case OP_ASSIGN:
    case OP_ADD:
      return {
        ...base,
        place: explainPlace(op.place, references),
        ranges: explainRanges(op.ranges, references),
        content: contentText(op.content),
      };
    case OP_INCREMENT:
      return {
        ...base,
        place: explainPlace(op.place, references),
        content: op.amount.toString(),
      };
  }
}

function explainPlace({ owner, path }: Place, references: readonly string[]): ExplainedPlace {
  return { owner: owner === null ? null : explainElement(owner, references), path: [...path] };
}

function explainElement(
  { ref, back, index }: ElementTarget,
  references: readonly string[],
): ExplainedElement {
  return { change: references[ref] ?? "none", back, index };
}

/** Ranges stand flat in an op: ref, back, first, count, … */
function explainRanges(ranges: readonly number[], references: readonly string[]): ExplainedRange[] {
  const explained: ExplainedRange[] = [];
  for (let i = 0; i + 3 < ranges.length; i += 4) {
    const target = { ref: ranges[i]!, back: ranges[i + 1]!, index: ranges[i + 2]! };
    explained.push({ ...explainElement(target, references), count: ranges[i + 3]! });
  }
  return explained;
}

function contentText(content: Value): string {
  const text = canonicalJson(content);
  if (text.length <= MAX_CONTENT_LENGTH) return text;
  // Not in the middle of a surrogate pair.
  const isSplit = (text.charCodeAt(MAX_CONTENT_LENGTH - 2) & 0xfc00) === 0xd800;
  return `${text.slice(0, MAX_CONTENT_LENGTH - (isSplit ? 2 : 1))}…`;
}
