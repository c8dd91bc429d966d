/**
 * Decoders: whatever the bytes, each answers with a value or a code of the closed set. What was decoded encodes to the
 * same bytes, and the second implementation, which shares no code, judges alike.
 */
import { openAs, freshChanges, makeChanges, schemaOf, SCHEMAS } from "../history.ts";
import type { MadeChange } from "../history.ts";
import {
  changeId,
  decodeBody,
  decodeGenesis,
  decodeGroup,
  encodeGenesis,
  encodeGroup,
  readOp,
  writeBodyHead,
} from "../../packages/bft-json-crdt/src/change/index.ts";
import type { DecodedBody } from "../../packages/bft-json-crdt/src/change/index.ts";
import { decodeSaved, encodeSaved } from "../../packages/bft-json-crdt/src/document/index.ts";
import {
  ByteReader,
  ByteWriter,
  canonicalJson,
  compareBytes,
  decodeValue,
  encodeValue,
  equalBytes,
  toHex,
} from "../../packages/bft-json-crdt/src/encoding/index.ts";
import type { Value } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import { decodeForkProof } from "../../packages/bft-json-crdt/src/history/index.ts";
import { explainBody, explainGroup } from "../../packages/bft-json-crdt/src/inspect/index.ts";
import { MAX_GROUP_BYTES } from "../../packages/bft-json-crdt/src/limits.ts";
import type { Rejection, RejectionCode, Result } from "../../packages/bft-json-crdt/src/result.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import {
  decodeChange,
  decodeItem,
  Refusal,
} from "../../packages/bft-json-crdt/test/second-implementation.ts";
import { promise, thrownBy } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asIndex, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";
import { PEOPLE, wire } from "../wire.ts";

/** What is fed; a test may put a broken one in the place of any. */
export interface Decoders {
  readonly decodeValue: (bytes: Uint8Array) => Result<Value>;
  readonly decodeBody: (bytes: Uint8Array) => Result<DecodedBody>;
  readonly decodeGroup: typeof decodeGroup;
  readonly decodeForkProof: typeof decodeForkProof;
  readonly decodeSaved: typeof decodeSaved;
  readonly decodeGenesis: typeof decodeGenesis;
}

const REAL: Decoders = {
  decodeValue,
  decodeBody,
  decodeGroup,
  decodeForkProof,
  decodeSaved,
  decodeGenesis,
};

/** Every code for which bytes alone can be refused. */
const CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  "malformed",
  "too_large",
  "unsupported_version",
]);

/** Those, and what only a fork proof is checked for. */
const PROOF_CODES: ReadonlySet<RejectionCode> = new Set<RejectionCode>([
  ...CODES,
  "bad_signature",
  "missing_signature",
]);

/** All decoders of the core, on the same bytes. Input: `{bytes: tree, more: [tree, …], flips: [bit, …]}`, see wire.ts. */
export function decodeTarget(decoders: Decoders = REAL): Target {
  return {
    name: "decode",
    about: "values, bodies, groups, fork proofs, saved documents and geneses from any bytes",
    words: [
      "raw",
      "wrap",
      "wide",
      "open",
      "head",
      "pairs",
      "deep",
      "id",
      "signed",
      "bft-json-crdt",
    ],
    fresh,
    run: (input) => {
      const more = asArray(fieldOf(input, "more")).slice(0, 8);
      const bytes = new Uint8Array(
        Buffer.concat([fieldOf(input, "bytes") ?? null, ...more].map(wire)),
      );
      for (const bit of asArray(fieldOf(input, "flips"))) {
        const at = asIndex(bit, 8 * bytes.length);
        if (bytes.length > 0) bytes[at >> 3]! ^= 1 << (at & 7);
      }
      checkValue(bytes, decoders);
      checkBody(bytes, decoders);
      checkGroup(bytes, decoders);
      checkProof(bytes, decoders);
      checkSaved(bytes, decoders);
      checkGenesis(bytes, decoders);
    },
  };
}

function checkValue(bytes: Uint8Array, { decodeValue }: Decoders): void {
  const decoded = decodeValue(bytes);
  const second = refusalOf(() => decodeItem(bytes));
  checkVerdict("a value", decoded, second);
  if (!decoded.ok) return;
  promise(equalBytes(encodeValue(decoded.value), bytes), "a value encodes to other bytes");
  JSON.parse(canonicalJson(decoded.value));
}

function checkBody(bytes: Uint8Array, { decodeBody }: Decoders): void {
  const decoded = decodeBody(bytes);
  const second = refusalOf(() => decodeChange(bytes));
  checkVerdict("a body", decoded, second);
  const explained = explainBody(bytes);
  promise(
    "fault" in explained === !decoded.ok,
    "a body is explained and refused, or the other way round",
  );
  if (!decoded.ok) return;
  const { value } = decoded;
  const writer = new ByteWriter();
  writeBodyHead(writer, value, value.opCount);
  const head = writer.take();
  promise(equalBytes(head, bytes.subarray(0, value.opsOffset)), "a header encodes to other bytes");
  const reader = new ByteReader(bytes);
  reader.offset = value.opsOffset;
  let made = 0;
  if (value.detached) return;
  for (let op = 0; op < value.opCount; op++) made += readOp(reader).made;
  promise(made === value.elements && reader.done, "ops are not where the body says");
}

function checkGroup(bytes: Uint8Array, { decodeGroup }: Decoders): void {
  const decoded = decodeGroup(bytes);
  checkCode(decoded);
  const explained = explainGroup(bytes);
  promise(
    "fault" in explained === !decoded.ok,
    "a group is explained and refused, or the other way round",
  );
  if (decoded.ok)
    promise(equalBytes(encodeGroup(decoded.value), bytes), "a group encodes to other bytes");
}

function checkProof(bytes: Uint8Array, { decodeForkProof }: Decoders): void {
  const decoded = decodeForkProof(bytes);
  checkCode(decoded, PROOF_CODES);
  if (!decoded.ok) return;
  const { ids, seq, author } = decoded.value;
  promise(compareBytes(ids[0], ids[1]) < 0, "the ids of a fork proof are not in order");
  const reader = new ByteReader(bytes);
  reader.arrayHeader();
  for (const id of ids) {
    const group = decodeGroup(reader.bytes());
    const first = group.ok ? group.value[0] : undefined;
    promise(
      first !== undefined && equalBytes(changeId(first.body), id),
      "a proof of other changes",
    );
    const header = decodeChange(first.body);
    promise(header.seq === seq && header.author === toHex(author), "a proof of another chain");
  }
}

/** Where the version of a saved file stands: behind the heads of an array and of a text, and the text. */
const VERSION_AT = 2 + "bft-json-crdt".length;

/** A group that is read out of columns, framing included: what is longer is refused by whoever receives it. */
const MAX_FILE_GROUP = 2 * MAX_GROUP_BYTES;

function checkSaved(bytes: Uint8Array, { decodeSaved }: Decoders): void {
  const decoded = decodeSaved(bytes);
  checkCode(decoded);
  if (!decoded.ok) return;
  const groups = [...decoded.value.groups];
  // Only version 1 writes each file in one way.
  if (bytes[VERSION_AT] === 1)
    promise(equalBytes(encodeSaved(decoded.value), bytes), "a file encodes to other bytes");
  for (const group of groups) promise(group.length <= MAX_FILE_GROUP, "a file holds a huge group");
}

function checkGenesis(bytes: Uint8Array, { decodeGenesis }: Decoders): void {
  const decoded = decodeGenesis(bytes);
  checkCode(decoded);
  if (decoded.ok)
    promise(equalBytes(encodeGenesis(decoded.value), bytes), "a genesis encodes to other bytes");
}

function checkCode(decoded: Result<unknown>, codes = CODES): void {
  if (!decoded.ok) promise(codes.has(decoded.error.code), `the code ${decoded.error.code} is new`);
}

/** Both implementations say the same. */
function checkVerdict(
  what: string,
  decoded: Result<unknown, Rejection>,
  second: string | null,
): void {
  checkCode(decoded);
  const code = decoded.ok ? null : decoded.error.code;
  promise(
    code === second,
    `${what} is ${code ?? "accepted"} here and ${second ?? "accepted"} by the second implementation`,
  );
}

/** The code for which the second implementation refuses, or null. */
function refusalOf(decode: () => unknown): string | null {
  const refusal = thrownBy(Refusal, () => void decode());
  return refusal === null ? null : refusal.code;
}

function fresh(choices: Choices): Tree {
  const number = choices.below(SCHEMAS.length);
  const recipes = freshChanges(schemaOf(number), choices, 6);
  const changes = makeChanges(recipes);
  const flips = choices.oneIn(8) ? [choices.below(4_000)] : [];
  const more = choices.oneIn(8) ? [choices.pick<Tree>([0, null, new Uint8Array()])] : [];
  return { bytes: freshBytes(changes, choices), more, flips };
}

function freshBytes(changes: readonly MadeChange[], choices: Choices): Tree {
  const entry = ({ body }: MadeChange): Tree => ({
    "@": "signed",
    of: treeOf(body),
    by: choices.below(PEOPLE),
  });
  switch (choices.below(7)) {
    case 0:
      return treeOf(choices.pick(changes).body);
    case 1:
      return changes.map(entry);
    case 2: {
      const groups = changes.map((change) => ({ "@": "wrap", of: [entry(change)] }));
      return ["bft-json-crdt", 1, new Uint8Array(32), null, groups];
    }
    case 3:
      return freshProof(choices);
    case 4: {
      const founders = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
      return { format: 1, name: "name", nonce: new Uint8Array(16), founders, parameters: { a: 1 } };
    }
    case 5: {
      const document = openAs(schemaOf(1), choices.below(PEOPLE));
      for (const { group } of changes) document.receive(group);
      return treeOf(document.save({ seal: choices.oneIn(2) }));
    }
    default:
      return choices.pick<Tree>([
        { a: [1, -1, 1.5, 2n ** 64n], bb: { c: null, d: true }, "": new Uint8Array(3), é: "🙂" },
        [[], {}, "", 0, -(2n ** 70n), 1e300, 5e-324, 65_536.5],
        { "@": "deep", of: 70 },
        { "@": "open", of: [1] },
        { "@": "wide", of: 3 },
        {
          "@": "pairs",
          of: [
            ["b", 1],
            ["a", 2],
          ],
        },
      ]);
  }
}

/** Two first changes of one chain; which comes first is for their ids to decide, so half of these are no proof. */
function freshProof(choices: Choices): Tree {
  const by = choices.below(PEOPLE);
  return [1, 2].map((time) => {
    const document = openAs(schemaOf(1), by);
    document.change(() => undefined, { time: time + choices.below(100) });
    const of = treeOf(document.history.bodyAt(0));
    return { "@": "wrap", of: [{ "@": "signed", of, by }] };
  });
}

function treeOf(bytes: Uint8Array): Tree {
  const decoded = decodeValue(bytes);
  return decoded.ok ? decoded.value : { "@": "raw", of: bytes };
}
