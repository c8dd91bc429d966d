/**
 * Checks that no test can miss, each with the reason: what else refuses the same, or why no input gets there. Kept for
 * defence in depth, for speed, or because the types cannot say it.
 */
export const EQUIVALENT: Readonly<Record<string, string>> = {
  "packages/bft-json-crdt/src/change/body.ts decodeBody: refuse if `reader.failed` (2)":
    "a reader that has failed is never done, which is asked at the end and refused with the same code",
  "packages/bft-json-crdt/src/change/body.ts readIds: refuse if `reader.failed`":
    "decodeBody asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readOp: demand `reader.offset === end`":
    "each kind reads exactly its targets (their number is checked) and one item",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `count !== 4`":
    "with another number of targets the content does not begin where reading has come to",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.failed`":
    "readOp asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.offset !== contentStart`":
    "the number of targets is checked, and a place is read whole",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `count === 0` (2)":
    "without targets −1 numbers are left for ranges, which is no multiple of 4",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.offset !== contentStart` (2)":
    "all targets are read: a place, then one number each",
  "packages/bft-json-crdt/src/change/op.ts readKnown: demand `count === 1`":
    "with another number of targets readOp does not end where the op does",
  "packages/bft-json-crdt/src/change/op.ts readKnown: refuse if `reader.peek() > 1`":
    "the reader fails at what is no integer",
  "packages/bft-json-crdt/src/change/op.ts readPlace: refuse if `reader.peek() !== 4`":
    "the reader fails at what is no array",
  "packages/bft-json-crdt/src/change/op.ts readPlace: refuse if `count < 3`":
    "three numbers are read: more than the place has, so that the rest does not fit",
  "packages/bft-json-crdt/src/change/op.ts readPlace: refuse if `reader.failed`":
    "readOp asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readRanges: refuse if `reader.failed`":
    "readOp asks whether the reader has failed",
  "packages/bft-json-crdt/src/change/op.ts readValues: refuse if `reader.peek() !== 4`":
    "the reader fails at what is no array",
  'packages/bft-json-crdt/src/sync/messages.ts isRecord: demand `typeof value === "object"`':
    "what is no object has no `type` of its own",
  "packages/bft-json-crdt/src/sync/messages.ts isRecord: demand `!Array.isArray(value)`":
    "an array read from JSON has no `type` of its own",
  "packages/bft-json-crdt/src/sync/messages.ts parseMessage: only own properties choose how a message is read (type)":
    "no object read from JSON inherits a `type`",
  'packages/bft-json-crdt/src/sync/messages.ts readId: demand `typeof value === "string"`':
    "the only other value that fits the pattern is a list of one id, and fromHex refuses its length",
  "packages/bft-json-crdt/src/history/history.ts headerOf: refuse if `!header.ok`":
    "a body that decoded once decodes again; the types cannot say it",
  "packages/bft-json-crdt/src/history/chains.ts Chains.ancestorBelow: refuse if `at < 0`":
    "the first change of a chain begins at 0, below every position that is asked for",
  "packages/bft-json-crdt/src/encoding/writer.ts ByteWriter.bigint: refuse if `bytes === null`":
    "digits that toString has written are read; the types cannot say it",
  "packages/bft-json-crdt/src/crypto/backend-node.ts publicKeyObject: refuse if `publicKey.length !== 32`":
    "isValidPublicKey, asked next, refuses other lengths",
  "packages/bft-json-crdt/src/crypto/index.ts checkSeed: refuse if `secretKey.length !== 32`":
    "under Node, where the tests run, encodePrivateKeyDer refuses other lengths by the same error",
  "packages/bft-json-crdt/src/crypto/key-cache.ts KeyCache.get: refuse if `value !== undefined`":
    "only time depends on it: what is found is remembered as the latest",
};

/**
 * How many checks have neither a test nor a reason in the table yet ("open" there). It only ever goes down: `pnpm mutants
 * --new --write` tries them.
 */
export const MOST_OPEN = 393;
