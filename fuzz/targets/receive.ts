/**
 * Receiving changes: however they are linked, signed, grouped, ordered and damaged on their way, nothing throws, and
 * replicas that have been sent the same end with the same history and view, also by the second implementation.
 */
import {
  DOCUMENT,
  freshChanges,
  groupOf,
  makeChanges,
  MAX_CHANGES,
  schemaOf,
  SCHEMAS,
} from "../history.ts";
import { Document } from "../../packages/bft-json-crdt/src/document/index.ts";
import { encodeValue, toHex } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import type { Value } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import type { Schema } from "../../packages/bft-json-crdt/src/schema/index.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { SecondReplica } from "../../packages/bft-json-crdt/test/second-implementation.ts";
import { checkInvariants } from "../../packages/bft-json-crdt/test/simulator/checkers/invariants.ts";
import type { World } from "../../packages/bft-json-crdt/test/simulator/world.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asIndex, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";

/** Opens a replica; a test may open broken ones. */
export type OpenReplica = (schema: Schema) => Document<Schema>;

const STATUSES: ReadonlySet<string> = new Set([
  "applied",
  "duplicate",
  "pending",
  "rejected",
  "unsupported",
]);
const CODES: ReadonlySet<string | undefined> = new Set([
  undefined,
  "malformed",
  "too_large",
  "unsupported_version",
  "wrong_document",
  "bad_signature",
  "missing_signature",
  "wrong_prev",
  "wrong_lamport",
  "rejected_dependency",
  "over_quota",
]);

/**
 * Replicas of one document. Input: `{schema, changes, deliveries: [{of: numbers, flips}, …]}`, changes as in history.ts.
 * One replica gets the deliveries and then all; another all, the last first; the second implementation as the first.
 */
export function receiveTarget(
  open: OpenReplica = (schema) => new Document({ schema, id: DOCUMENT, chain: 1n }),
): Target {
  return {
    name: "receive",
    about: "changes of liars, delivered in any groups and order to documents of every type",
    words: ["title", "body", "cards", "people", "grid", "tags", "likes", "notes", "items"],
    fresh,
    run: (input) => {
      run(input, open);
    },
  };
}

function run(input: Tree, open: OpenReplica): void {
  const schema = schemaOf(fieldOf(input, "schema"));
  const changes = makeChanges(fieldOf(input, "changes"));
  const [one, other] = [open(schema), open(schema)];
  const second = new SecondReplica(DOCUMENT);
  for (const delivery of asArray(fieldOf(input, "deliveries")).slice(0, MAX_CHANGES)) {
    const group = groupOf(changes, fieldOf(delivery, "of"));
    for (const bit of asArray(fieldOf(delivery, "flips"))) {
      const at = asIndex(bit, 8 * group.length);
      group[at >> 3]! ^= 1 << (at & 7);
    }
    take(one, group);
    second.receive(group);
  }
  for (const { group } of changes) {
    take(one, group);
    second.receive(group);
  }
  for (const { group } of changes.toReversed()) take(other, group);
  const frontier = one.frontier().map(toHex).join();
  promise(frontier === other.frontier().map(toHex).join(), "two replicas differ in their history");
  promise(frontier === second.frontier().join(), "the second implementation has another history");
  promise(one.viewDigest() === other.viewDigest(), "two replicas show different views");
  const json = second.viewJson(encodeValue(descriptionOf(schema)));
  promise(one.viewJson() === json, "the second implementation shows another view");
  // Of a world, this checker looks at histories and documents only.
  const observed = [one, other].map((document, n) => ({
    name: `replica ${n + 1}`,
    document,
    history: document.history,
  }));
  const [finding] = checkInvariants({ schema, components: [observed] } as unknown as World);
  promise(finding === undefined, finding?.detail ?? "");
}

function take(document: Document<Schema>, group: Uint8Array): void {
  const before = document.history.length;
  const { status, code, applied, results } = document.receive(group, "a peer");
  promise(STATUSES.has(status), `the status ${status} is new`);
  for (const result of results) {
    promise(STATUSES.has(result.status), `the status ${result.status} is new`);
    promise(CODES.has(result.code), `the code ${result.code} is new`);
  }
  promise(CODES.has(code), `the code ${code} is new`);
  promise(document.history.length === before + applied.length, "what was applied is not told");
}

/** The description of a schema, written from docs/wire-format.md (11.2). */
function descriptionOf(schema: Schema): Value[] {
  switch (schema.kind) {
    case "leaf":
      return ["leaf", schema.type, schema.default, schema.optional];
    case "text":
    case "counter":
      return [schema.kind];
    case "set":
    case "list":
    case "log":
      return [schema.kind, ...descriptionOf(schema.item)];
    case "map":
      return ["map", ...descriptionOf(schema.value)];
    case "struct": {
      const names = Object.keys(schema.fields).sort();
      const fields = names.flatMap((name) => [name, ...descriptionOf(schema.fields[name]!)]);
      return ["struct", names.length, ...fields];
    }
  }
}

function fresh(choices: Choices): Tree {
  const schema = choices.below(SCHEMAS.length);
  const changes = freshChanges(schemaOf(schema), choices, 10);
  const deliveries: Tree[] = [];
  for (let left = choices.below(5); left > 0; left--) {
    const numbers = changes.map((_, n) => (choices.oneIn(3) ? -1 - n : n));
    const of = choices.oneIn(2) ? numbers : choices.shuffle(numbers).slice(choices.below(4));
    deliveries.push(choices.oneIn(4) ? { of, flips: [choices.below(8_000)] } : { of });
  }
  return { schema, changes, deliveries };
}
