/**
 * Checks that no condition in the source shows: what is hashed, what decides a tie, what bounds by its arithmetic.
 * Each names a piece of code, and what stands in its place when the check is removed. A piece that is not found any more
 * fails a test, so that this list follows the source.
 */
import ts from "typescript";
import { oneLine, parse, replaced, replacedStatement, whereOf } from "./sites.ts";
import type { Site } from "./sites.ts";

interface Curated {
  /** One sentence: what the check guarantees. */
  readonly what: string;
  readonly file: string;
  /** The end of the names of the class and function around the code. */
  readonly where: string;
  /** An expression or a statement, on one line. */
  readonly code: string;
  readonly by: string;
}

const CORE = "packages/bft-json-crdt/src";
const RELAY = "packages/crdt-relayer/src";
const NODE = "packages/crdt-node/src";

/** What an id commits to: bytes of a body that a broken hash leaves out. */
function unhashed(what: string, from: string, to: string): Curated {
  return {
    what,
    file: `${CORE}/change/body.ts`,
    where: "changeId",
    code: "input.set(body, CHANGE_TAG.length);",
    by: `input.set(body, CHANGE_TAG.length); input.fill(0, CHANGE_TAG.length + ${from}, ${to});`,
  };
}

function tag(name: string): Curated {
  return {
    what: `what is hashed or signed as "${name}" has a tag of its own`,
    file: `${CORE}/change/tags.ts`,
    where: `${name.toUpperCase()}_TAG`,
    code: `tag("${name}")`,
    by: name === "change" ? 'tag("genesis")' : 'tag("change")',
  };
}

/** All of them. */
export const CURATED: readonly Curated[] = [
  unhashed("an id covers the document id", "4", "CHANGE_TAG.length + 36"),
  unhashed("an id covers the author", "38", "CHANGE_TAG.length + 70"),
  unhashed(
    "an id covers chain, seq, prev, parents, lamport, time and refs",
    "70",
    "CHANGE_TAG.length + Math.min(72, body.length - 1)",
  ),
  unhashed("an id covers the ops", "body.length - 1", "input.length"),
  tag("change"),
  tag("signature"),
  tag("genesis"),
  tag("schema"),
  tag("sync"),
  {
    what: "a signature is over the id",
    file: `${CORE}/change/body.ts`,
    where: "passingMessage",
    code: "message.set(id, SIGNATURE_TAG.length);",
    by: "",
  },
  {
    what: "the key of a document covers its whole genesis",
    file: `${CORE}/change/genesis.ts`,
    where: "genesisDocumentId",
    code: "input.set(encoded, GENESIS_TAG.length);",
    by: "input.set(encoded.subarray(0, 8), GENESIS_TAG.length);",
  },
  {
    what: "founders are sorted, so that one genesis has one id",
    file: `${CORE}/change/genesis.ts`,
    where: "encodeGenesis.founders",
    code: "genesis.founders.toSorted(compareBytes)",
    by: "genesis.founders",
  },

  // Encoding.
  {
    what: "text is well-formed UTF-8",
    file: `${CORE}/encoding/reader.ts`,
    where: "decoder",
    code: 'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })',
    by: 'new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })',
  },
  {
    what: "a byte order mark is a character like any other",
    file: `${CORE}/encoding/reader.ts`,
    where: "decoder",
    code: 'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })',
    by: 'new TextDecoder("utf-8", { fatal: true, ignoreBOM: false })',
  },
  {
    what: "a value nests at most as deep as the format allows, whatever a caller asks for",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.value",
    code: "Math.min(maxDepth, MAX_BODY_DEPTH)",
    by: "maxDepth",
  },
  {
    what: "each level of an array counts",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.array",
    code: "levels - 1",
    by: "levels",
  },
  {
    what: "each level of a map counts",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.map",
    code: "levels - 1",
    by: "levels",
  },
  {
    what: "decoded byte strings are copies, which a caller can alter without altering the source",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.item",
    code: "bytes.slice()",
    by: "bytes",
  },
  {
    what: "a Buffer is read like any bytes",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.constructor",
    code: "new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)",
    by: "bytes",
  },
  {
    what: "objects have no prototype: `__proto__` and `constructor` are keys like any other",
    file: `${CORE}/encoding/objects.ts`,
    where: "emptyObject",
    code: "Object.setPrototypeOf({}, null)",
    by: "{}",
  },
  {
    what: "keys like indexes do not make the engine reserve room (decoded values)",
    file: `${CORE}/encoding/reader.ts`,
    where: "ByteReader.map",
    code: "keepSparse(object);",
    by: "",
  },
  {
    what: "keys like indexes do not make the engine reserve room (views)",
    file: `${CORE}/document/view.ts`,
    where: "recordFor",
    code: "keepSparse(view);",
    by: "",
  },
  {
    what: "keys are written in the order of their encoding",
    file: `${CORE}/encoding/writer.ts`,
    where: "ByteWriter.map",
    code: "sortKeys(keys);",
    by: "",
  },
  {
    what: "a float is written in its shortest width",
    file: `${CORE}/encoding/writer.ts`,
    where: "ByteWriter.float",
    code: "Math.fround(n) === n",
    by: "false",
  },
  {
    what: "−0 becomes 0",
    file: `${CORE}/document/initial.ts`,
    where: "normalized",
    code: "value === 0 ? 0 : value",
    by: "value",
  },
  {
    what: "the JSON of a view has its keys in order",
    file: `${CORE}/encoding/json.ts`,
    where: "writeObject",
    code: "Object.keys(fields).sort()",
    by: "Object.keys(fields)",
  },

  // Ed25519.
  {
    what: "the equation is the cofactorless one (noble)",
    file: `${CORE}/crypto/backend-noble.ts`,
    where: "verify",
    code: "equalBytes(expected.toBytes(), r)",
    by: "(() => { try { return Point.fromBytes(r, false).subtract(expected).clearCofactor().is0(); } catch { return false; } })()",
  },
  {
    what: "keys are decoded strictly (RFC 8032)",
    file: `${CORE}/crypto/points.ts`,
    where: "decodePoint",
    code: "Point.fromBytes(bytes, false)",
    by: "Point.fromBytes(bytes, true)",
  },
  {
    what: "the cache of keys is bounded",
    file: `${CORE}/crypto/key-cache.ts`,
    where: "KeyCache.set",
    code: "this.entries.size >= this.capacity",
    by: "false",
  },
  {
    what: "what the cache remembers does not change with the caller's buffer",
    file: `${CORE}/crypto/key-cache.ts`,
    where: "KeyCache.remember",
    code: "Uint8Array.from(key)",
    by: "key",
  },

  // Lamport times and order.
  {
    what: "lamport counts applied dependencies",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#faultOf",
    code: "Math.max(lamport, this.#applied.lamportAt(index))",
    by: "this.#applied.lamportAt(index)",
  },
  {
    what: "lamport counts dependencies in the same group",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#faultOf",
    code: "Math.max(lamport, inGroup[i]!.header.lamport)",
    by: "lamport",
  },
  {
    what: "a local change derives its lamport from what it builds on",
    file: `${CORE}/document/draft-encoder.ts`,
    where: "DraftEncoder.encode",
    code: "greatest + 1",
    by: "greatest + 2",
  },
  {
    what: "changes are ordered by lamport first",
    file: `${CORE}/history/history.ts`,
    where: "History.compare",
    code: "this.#lamports.at(a) - this.#lamports.at(b)",
    by: "0",
  },
  {
    what: "equal lamports are ordered by id, not by arrival",
    file: `${CORE}/history/history.ts`,
    where: "History.compare",
    code: "this.#ids.compare(a, b)",
    by: "a - b",
  },
  {
    what: "elements of one change are ordered by their index",
    file: `${CORE}/document/state.ts`,
    where: "elementOrder",
    code: "changeA === changeB ? a - b : history.compare(changeA, changeB)",
    by: "changeA === changeB ? b - a : history.compare(changeA, changeB)",
  },
  {
    what: "elements of different changes are ordered by (lamport, id)",
    file: `${CORE}/document/state.ts`,
    where: "elementOrder",
    code: "changeA === changeB ? a - b : history.compare(changeA, changeB)",
    by: "a - b",
  },
  {
    what: "elements of the change that is being made sort after all others",
    file: `${CORE}/document/state.ts`,
    where: "elementOrder",
    code: "a >= known || b >= known",
    by: "a >= known && b >= known",
  },
  {
    what: "where the left subtree of an element with siblings begins is told by a marker",
    file: `${CORE}/types/sequence.ts`,
    where: "Sequence.seekLeft",
    code: "(flags & HAS_SIBLINGS) === 0",
    by: "true",
  },
  {
    what: "an only child that has a left subtree gets a marker before it gets a sibling",
    file: `${CORE}/types/sequence.ts`,
    where: "Sequence.seekAmongSiblings",
    code: "if (hasLeft) this.placeMarker(only);",
    by: "",
  },
  {
    what: "siblings are ordered by their keys, not by the order in which they came",
    file: `${CORE}/types/sequence-tree.ts`,
    where: "SequenceTree.less",
    code: "this.compare(a, b) < 0",
    by: "a < b",
  },
  {
    what: "the frontier is sorted by id, however it grew",
    file: `${CORE}/history/frontier.ts`,
    where: "merged",
    code: "orders.byId(b[next]!, item) < 0",
    by: "b[next]! < item",
  },
  {
    what: "new heads are sorted by id",
    file: `${CORE}/history/frontier.ts`,
    where: "Frontier.sorted",
    code: "this.#orders.byId(a, b)",
    by: "a - b",
  },
  {
    what: "the heads that become parents are the greatest by (lamport, id)",
    file: `${CORE}/history/frontier.ts`,
    where: "constructor",
    code: "orders.byRank(a, b)",
    by: "a - b",
  },
  {
    what: "after a fork of one's own the tip to go on from is chosen by (seq, id)",
    file: `${CORE}/history/history.ts`,
    where: "History.latestTip",
    code: "further > 0 || (further === 0 && this.#ids.compare(tip, latest) > 0)",
    by: "latest < 0",
  },
  {
    what: "other heads become parents",
    file: `${CORE}/document/document.ts`,
    where: "Document.#parentsBeside",
    code: "head !== prev",
    by: "false",
  },
  {
    what: "a change names at most 16 parents",
    file: `${CORE}/document/document.ts`,
    where: "Document.#parentsBeside",
    code: "heads.slice(0, MAX_PARENTS)",
    by: "history.greatestHeads(1000).filter((head) => head !== prev)",
  },

  // Covers and groups.
  {
    what: "a faulty change is not applied",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "candidate.fault !== null",
    by: "false",
  },
  {
    what: "a change is not applied while a dependency is missing",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "candidate.missing.length > 0",
    by: "false",
  },
  {
    what: "an unsigned change is applied only with its cover",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "candidate.covers === 0 && !isSigned(candidate)",
    by: "false",
  },
  {
    what: "a change that loses its last cover is not applied",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "prev.covers === 0 && prev.admitted && !isSigned(prev)",
    by: "false",
  },
  {
    what: "what loses its ground in a group is not applied",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "falling.push(dependent);",
    by: "",
  },
  {
    what: "only a change that links back by prev is a cover",
    file: `${CORE}/history/incoming.ts`,
    where: "IncomingGroup.#linkAll",
    code: "inGroup.push(before)",
    by: "((change.prev ??= before), inGroup.push(before))",
  },
  {
    what: "what depends on a rejected change is rejected",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#resolve",
    code: "candidate.missing.some((key) => this.#rejected.has(key))",
    by: "false",
  },
  {
    what: "what depends on a faulty change of its group is rejected",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#resolve",
    code: "candidate.inGroup.some((dependency) => dependency.fault !== null)",
    by: "false",
  },
  {
    what: "what waits for a rejected change is rejected with it",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#reject",
    code: "condemned.push(entry.key);",
    by: "",
  },
  {
    what: "an entry whose signature was refused does not count as having stood",
    file: `${CORE}/history/screening.ts`,
    where: "Screening.sift",
    code: "verdicts !== null && !this.verify(change)",
    by: "verdicts !== null && (group.add(change), !this.verify(change))",
  },
  {
    what: "a signature that was not looked at is not passed on",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.receive",
    code: "candidates.every(({ unverified }) => unverified === null)",
    by: "true",
  },
  {
    what: "a closed group goes on until all of its covers have come",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#applyAdmitted",
    code: "if (open === 0) start = this.#applied.length();",
    by: "start = this.#applied.length();",
  },
  {
    what: "where a signature is bad, all others are looked at",
    file: `${CORE}/history/screening.ts`,
    where: "Screening.screen",
    code: "return rest.changes;",
    by: "return group.changes;",
  },
  {
    what: "a signature that falls back on itself is verified",
    file: `${CORE}/history/admission.ts`,
    where: "admit",
    code: "candidate.unverified !== null && verify(candidate)",
    by: "candidate.unverified !== null",
  },
  {
    what: "what waits has a signature that was verified",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#settleOther",
    code: "if (candidate.unverified !== null) this.#screening.verify(candidate);",
    by: "candidate.signature ??= candidate.unverified;",
  },
  {
    what: "a signature that waits in the queue is not verified again",
    file: `${CORE}/history/screening.ts`,
    where: "Screening.#isGenuine",
    code: "pending !== undefined && equalBytes(pending, signature)",
    by: "false",
  },
  {
    what: "a copy with another signature than the one that waits is verified",
    file: `${CORE}/history/screening.ts`,
    where: "Screening.#isGenuine",
    code: "equalBytes(pending, signature)",
    by: "true",
  },
  {
    what: "a detached change makes no elements that can be folded",
    file: `${CORE}/history/history.ts`,
    where: "History.#add",
    code: "change.detached ? 0 : elements",
    by: "elements",
  },

  // Queue and memory.
  {
    what: "the queue holds a bounded number of bytes of one peer",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.add",
    code: "this.#makeRoom(this.#peers, entry.peer, perPeer - cost);",
    by: "",
  },
  {
    what: "the queue holds a bounded number of bytes of one author",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.add",
    code: "this.#makeRoom(this.#authors, entry.author, perAuthor - cost);",
    by: "",
  },
  {
    what: "the queue holds a bounded number of bytes in all",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.add",
    code: "this.bytes > total - cost",
    by: "false",
  },
  {
    what: "an entry costs more than its body",
    file: `${CORE}/history/causal-queue.ts`,
    where: "ENTRY_COST",
    code: "1_024",
    by: "0",
  },
  {
    what: "an entry costs more for each of many dependencies",
    file: `${CORE}/history/causal-queue.ts`,
    where: "DEPENDENCY_COST",
    code: "192",
    by: "0",
  },
  {
    what: "the queues that share a pool are bounded together",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.add",
    code: "this.#pool?.makeRoom(cost);",
    by: "",
  },
  {
    what: "when a queue or a pool is full the heaviest pays",
    file: `${CORE}/history/heaviest.ts`,
    where: "#rise",
    code: "parent.bytes >= item.bytes",
    by: "true",
  },
  {
    what: "who has become lighter makes way for the heaviest",
    file: `${CORE}/history/heaviest.ts`,
    where: "#sink",
    code: "item.bytes >= child.bytes",
    by: "true",
  },
  {
    what: "an author who is exposed has a lower quota",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.#quotaOf",
    code: "this.#exposed.has(author)",
    by: "false",
  },
  {
    what: "what an author holds beyond the lower quota is dropped when they are exposed",
    file: `${CORE}/history/causal-queue.ts`,
    where: "CausalQueue.expose",
    code: "this.#makeRoom(this.#authors, author, this.#bounds.perExposedAuthor);",
    by: "",
  },
  {
    what: "a fork exposes its author to the queue",
    file: `${CORE}/history/history.ts`,
    where: "History.#recordFork",
    code: "this.#reception.expose(this.#chains.authorOf(fork.chain));",
    by: "",
  },
  {
    what: "what leaves the queue is not charged any more",
    file: `${CORE}/history/causal-queue.ts`,
    where: "refund",
    code: "account.bytes -= cost;",
    by: "",
  },
  {
    what: "what waits already is not queued again",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#settleOther",
    code: "this.#queue.get(key) !== undefined",
    by: "false",
  },
  {
    what: "the number of remembered rejections is bounded",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#remember",
    code: "this.#rejected.size > this.#rejectedLimit",
    by: "false",
  },
  {
    what: "the number of missing ids that are reported is bounded",
    file: `${CORE}/history/reception.ts`,
    where: "Reception.#missingOf",
    code: "missing.length >= MAX_MISSING_REPORTED",
    by: "false",
  },
  {
    what: "ids cannot be ground into one bucket",
    file: `${CORE}/history/id-table.ts`,
    where: "secret",
    code: "new Uint32Array(randomBytes(MAX_BYTES).slice().buffer)",
    by: "new Uint32Array(10)",
  },
  {
    what: "ids are compared whole",
    file: `${CORE}/history/id-table.ts`,
    where: "IdTable.isAt",
    code: "this.#ids[start + i] !== id[i]",
    by: "false",
  },

  // Forks.
  {
    what: "a second change on one prev is a fork",
    file: `${CORE}/history/chains.ts`,
    where: "Chains.add",
    code: "this.#next.at(prev)",
    by: "-1",
  },
  {
    what: "a second first change of a chain is a fork",
    file: `${CORE}/history/chains.ts`,
    where: "Chains.add",
    code: "this.#firsts.at(chain)",
    by: "-1",
  },
  {
    what: "of the changes of one seq the proof has the least two ids",
    file: `${CORE}/history/history.ts`,
    where: "History.#recordFork",
    code: "known?.seq === fork.seq",
    by: "false",
  },
  {
    what: "chains of one author with different numbers are different chains",
    file: `${CORE}/history/chains.ts`,
    where: "Chains.find",
    code: "this.#number.setBigUint64(0, chain)",
    by: "this.#number.setBigUint64(0, 0n)",
  },

  // Folding.
  {
    what: "values that do not fit the list are never visible",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.insertValues",
    code: "values.every((value) => fitsContent(item, value))",
    by: "true",
  },
  {
    what: "inert ops number elements like others",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.fold",
    code: "scope.made += op.made;",
    by: "scope.made += op.kind === INERT ? 0 : op.made;",
  },
  {
    what: "within one change the last assignment to a register is the only one",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.assign",
    code: "if (last >= 0) this.#replace(register, last);",
    by: "",
  },
  {
    what: "only a counter is incremented",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#foldOp",
    code: 'place?.kind === "counter"',
    by: "place != null",
  },
  {
    what: "values go only into lists",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#foldInsert",
    code: 'node?.kind === "list"',
    by: 'node?.kind === "list" || node?.kind === "text"',
  },
  {
    what: "only values go into lists",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#foldInsert",
    code: "op.kind === OP_INSERT_VALUES",
    by: "true",
  },
  {
    what: "only characters go into texts",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#foldInsert",
    code: "op.kind === OP_INSERT_TEXT",
    by: "true",
  },
  {
    what: "a removal that names anything that cannot be is inert as a whole",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#foldRemove",
    code: "return;",
    by: "continue;",
  },
  {
    what: "a removal in a detached change's range numbers no elements of others",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#removeOnChain",
    code: "history.isFoldable(change)",
    by: "true",
  },
  {
    what: "what was removed is not visited again",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.remove",
    code: "removed.add(element, end);",
    by: "",
  },
  {
    what: "changes whose elements are all removed are not visited again",
    file: `${CORE}/document/state.ts`,
    where: "DocumentState.#removeOnChain",
    code: "this.#unspent(history.prevAt(change))",
    by: "history.prevAt(change)",
  },
  {
    what: "fields of a struct's content are only its own",
    file: `${CORE}/document/containers.ts`,
    where: "Containers.field",
    code: "Object.hasOwn(parent.content, name)",
    by: "name in parent.content",
  },
  {
    what: "the element that made a struct is the first assignment only of fields that its content has",
    file: `${CORE}/document/containers.ts`,
    where: "Containers.makerOf",
    code: "Object.hasOwn(location.parent.content, location.name)",
    by: "location.name in location.parent.content",
  },
  {
    what: "fields shown from a struct's content are only its own",
    file: `${CORE}/document/view.ts`,
    where: "fieldView",
    code: "Object.hasOwn(node.content, name)",
    by: "name in node.content",
  },
  {
    what: "fields shown from nested content are only its own",
    file: `${CORE}/document/view.ts`,
    where: "contentView",
    code: "Object.hasOwn(given, name)",
    by: "name in given",
  },
  {
    what: "a schema has no inherited fields",
    file: `${CORE}/schema/schema.ts`,
    where: "struct",
    code: "Object.create(null)",
    by: "{}",
  },
  {
    what: "a view shares nothing with the state",
    file: `${CORE}/document/view.ts`,
    where: "shown",
    code: "copyOf(value)",
    by: "value",
  },
  {
    what: "what a listener throws does not fail a change",
    file: `${CORE}/document/document.ts`,
    where: "tell",
    code: "queueMicrotask(() => { throw error; });",
    by: "throw error;",
  },
  {
    what: "a set shows its values in the order of their bytes, not of arrival",
    file: `${CORE}/types/additions.ts`,
    where: "compareStrings",
    code: "a < b ? -1 : a > b ? 1 : 0",
    by: "0",
  },
  {
    what: "the greatest standing assignment is shown, and the greatest heads are named",
    file: `${CORE}/history/late-heap.ts`,
    where: "LateHeap.add",
    code: "this.#compare(heap[parent]!, item) >= 0",
    by: "true",
  },
  {
    what: "what is replaced is shown no more",
    file: `${CORE}/history/late-heap.ts`,
    where: "LateHeap.#dropGone",
    code: "!this.#isIn(this.#heap[0]!)",
    by: "false",
  },

  // Sync.
  {
    what: "only own properties choose how a message is read (type)",
    file: `${CORE}/sync/messages.ts`,
    where: "parseMessage",
    code: 'Object.hasOwn(value, "type") ? value["type"] : undefined',
    by: 'value["type"]',
  },
  {
    what: "only own properties choose how a message is read (reader)",
    file: `${CORE}/sync/messages.ts`,
    where: "parseMessage",
    code: "Object.hasOwn(READERS, type)",
    by: "true",
  },
  {
    what: "a stranger's text is short where it is shown",
    file: `${CORE}/sync/messages.ts`,
    where: "printable",
    code: "text.slice(0, most)",
    by: "text",
  },
  {
    what: "a stranger's text has no control characters where it is shown",
    file: `${CORE}/sync/messages.ts`,
    where: "printable",
    code: 'text.slice(0, most).replace(CONTROL_CHARACTERS, "?")',
    by: "text.slice(0, most)",
  },
  {
    what: "the tips in an answer are bounded",
    file: `${CORE}/sync/answers.ts`,
    where: "lacksOf",
    code: "MAX_PAGE_ENTRIES - tips.length",
    by: "2 ** 30",
  },
  {
    what: "samples go back in powers of two, so that their number is bounded",
    file: `${CORE}/sync/answers.ts`,
    where: "samplesOf",
    code: "steps *= 2",
    by: "steps += 1",
  },
  {
    what: "what is resent costs from a budget",
    file: `${CORE}/sync/budget.ts`,
    where: "ResendBudget.spend",
    code: "this.#spent += bytes;",
    by: "",
  },
  {
    what: "answers cost from the budget",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#answer",
    code: "this.#budget.spend(this.#reply(message))",
    by: "this.#reply(message)",
  },
  {
    what: "groups asked for by id cost from the budget",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#takeWant",
    code: "this.#budget.spend(this.#outbound.wanted(index))",
    by: "this.#outbound.wanted(index)",
  },
  {
    what: "a comparison that is repeated is within the budget",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#compare",
    code: "this.#budget.covered > 0 && this.#budget.isSpent",
    by: "false",
  },
  {
    what: "the questions of a repeated comparison cost from the budget",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#next",
    code: "this.#budget.spend(encodeMessage(question).length)",
    by: "0",
  },
  {
    what: "error replies run out",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#report",
    code: "this.#errorReplies--;",
    by: "",
  },
  {
    what: "error replies are earned slowly, and never pile up",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.receive",
    code: "this.#errorReplies < MAX_ERROR_REPLIES",
    by: "true",
  },
  {
    what: "what is remembered as received is bounded",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#boundReceived",
    code: "this.#received.runs > MAX_RECEIVED_RUNS",
    by: "false",
  },
  {
    what: "only what is durable leaves the process",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#affordable",
    code: "index < durable",
    by: "true",
  },
  {
    what: "only what is durable is announced",
    file: `${CORE}/sync/session.ts`,
    where: "SyncSession.#durable",
    code: "this.#options.durable?.() ?? Infinity",
    by: "Infinity",
  },
  {
    what: "frontiers are compared again a bounded number of times",
    file: `${CORE}/sync/inquiry.ts`,
    where: "Inquiry.askAgain",
    code: "this.#rounds--;",
    by: "",
  },
  {
    what: "a deep gap is asked for at once, not id by id",
    file: `${CORE}/sync/inquiry.ts`,
    where: "Inquiry.want",
    code: "this.#wantDepth > MAX_WANT_DEPTH && !this.#isOpen",
    by: "false",
  },
  {
    what: "pages in flight are bounded",
    file: `${CORE}/sync/comparison.ts`,
    where: "Comparison.next",
    code: "this.#pages.size < MAX_PAGES_IN_FLIGHT",
    by: "true",
  },
  {
    what: "tips to be asked about are bounded",
    file: `${CORE}/sync/comparison.ts`,
    where: "Comparison.takeLacks",
    code: "this.#probes.size < MAX_PROBES",
    by: "true",
  },
  {
    what: "a bucket's hash covers all of its tips",
    file: `${CORE}/sync/tips.ts`,
    where: "hashTips",
    code: "input.set(id, at + ID_BYTES + 16);",
    by: "",
  },
  {
    what: "kinds of sync hashes differ",
    file: `${CORE}/sync/tips.ts`,
    where: "startHash",
    code: "input[SYNC_TAG.length] = kind;",
    by: "",
  },
  {
    what: "a wide frontier is announced by its digest",
    file: `${CORE}/sync/tips.ts`,
    where: "announce",
    code: "ids.length <= MAX_LISTED_HEADS",
    by: "true",
  },

  // Store, relay and node.
  {
    what: "an append resolves when it is on the disk",
    file: `${CORE}/store/change-log.ts`,
    where: "ChangeLog.#write.sync",
    code: "sync: true",
    by: "sync: false",
  },
  {
    what: "after a failed write nothing is written",
    file: `${CORE}/store/change-log.ts`,
    where: "ChangeLog.append",
    code: "this.#failure !== null",
    by: "false",
  },
  {
    what: "a relay acknowledges what is durable, and not before",
    file: `${RELAY}/room.ts`,
    where: "Room.acknowledge",
    code: "this.history.indexOf(id) < this.#durable",
    by: "true",
  },
  {
    what: "a relay acknowledges what it has stored",
    file: `${RELAY}/room.ts`,
    where: "Room.#store",
    code: "await this.#log.append(records ?? this.#recordsOf(live));",
    by: "void this.#log.append(records ?? this.#recordsOf(live));",
  },
  {
    what: "a cursor names what is durable and no more",
    file: `${RELAY}/room.ts`,
    where: "Room.cursorAt",
    code: "Math.min(position, this.#durable)",
    by: "position",
  },
  {
    what: "whose changes wait is remembered for a bounded number of them",
    file: `${RELAY}/room.ts`,
    where: "Room.#awaitChange",
    code: "this.#awaitNoMore(oldest);",
    by: "",
  },
  {
    what: "a relay's room holds a bounded number of waiting bytes",
    file: `${RELAY}/room.ts`,
    where: "limitsOf.pendingBytes",
    code: "settings.roomPendingBytes",
    by: "2 ** 40",
  },
  {
    what: "a relay's room holds a bounded number of waiting bytes from one address",
    file: `${RELAY}/room.ts`,
    where: "limitsOf.pendingBytesPerPeer",
    code: "settings.peerPendingBytes",
    by: "2 ** 40",
  },
  {
    what: "a relay's room holds a bounded number of waiting bytes of one author",
    file: `${RELAY}/room.ts`,
    where: "limitsOf.pendingBytesPerAuthor",
    code: "settings.authorPendingBytes",
    by: "2 ** 40",
  },
  {
    what: "a relay's room holds fewer waiting bytes of an author who is exposed",
    file: `${RELAY}/room.ts`,
    where: "limitsOf.pendingBytesPerExposedAuthor",
    code: "settings.exposedPendingBytes",
    by: "2 ** 40",
  },
  {
    what: "a relay's room remembers a bounded number of rejected ids",
    file: `${RELAY}/room.ts`,
    where: "limitsOf.rejectedIds",
    code: "ROOM_REJECTED_IDS",
    by: "2 ** 40",
  },
  {
    what: "a relay's rooms together hold a bounded number of waiting bytes",
    file: `${RELAY}/rooms.ts`,
    where: "constructor",
    code: "new PendingPool(settings.pendingBytes)",
    by: "new PendingPool(2 ** 40)",
  },
  {
    what: "a room that is forgotten gives back its part of the pool",
    file: `${RELAY}/rooms.ts`,
    where: "Rooms.#drop",
    code: "entry.room?.history.forgetPending();",
    by: "",
  },
  {
    what: "what waits for all slow readers together is bounded",
    file: `${RELAY}/relay.ts`,
    where: "sending",
    code: "this.#sending.bytes > this.settings.sendBytes",
    by: "false",
  },
  {
    what: "the slowest reader is cut first",
    file: `${RELAY}/relay.ts`,
    where: "#cutSlowest",
    code: "session.unread > (slowest?.unread ?? 0)",
    by: "slowest === null",
  },
  {
    what: "what was received of all connections and waits is bounded",
    file: `${RELAY}/relay.ts`,
    where: "inboxShare",
    code: "Math.min(sessionInboxBytes, inboxBytes / Math.max(1, this.#sessions.size))",
    by: "sessionInboxBytes",
  },
  {
    what: "what was received of one connection and waits is bounded",
    file: `${RELAY}/relay.ts`,
    where: "inboxShare",
    code: "Math.min(sessionInboxBytes, inboxBytes / Math.max(1, this.#sessions.size))",
    by: "inboxBytes",
  },
  {
    what: "a relay takes no frame over its bound",
    file: `${RELAY}/http.ts`,
    where: "constructor.maxPayload",
    code: "settings.maxFrameBytes",
    by: "1_000_000_000",
  },
  {
    what: "networks whose newcomers are watched are remembered within a bound",
    file: `${RELAY}/conduct.ts`,
    where: "Conduct.strike",
    code: "this.#watched.size <= MAX_WATCHED",
    by: "true",
  },
  {
    what: "connections that are not let in are held within a bound",
    file: `${RELAY}/http.ts`,
    where: "HttpSide.#turnsAway",
    code: "this.#held.size >= mostHeld(this.#host.settings)",
    by: "false",
  },
  {
    what: "who is still owed an answer becomes no session",
    file: `${RELAY}/http.ts`,
    where: "HttpSide.constructor",
    code: "this.#isAhead(request.socket, null)",
    by: "false",
  },
  {
    what: "connections leave the store files that it may open",
    file: `${RELAY}/open-files.ts`,
    where: "withinOpenFiles",
    code: "needed <= limit",
    by: "true",
  },
  {
    what: "whoever is being turned away takes nobody's place",
    file: `${RELAY}/relay.ts`,
    where: "RunningRelay.#taken",
    code: "return this.#sessions.size - this.#turnedAway.size;",
    by: "return this.#sessions.size;",
  },
  {
    what: "a relay takes a bounded number of connections",
    file: `${RELAY}/relay.ts`,
    where: "RunningRelay.#accept",
    code: "const isOver = this.#taken >= maxSessions;",
    by: "const isOver = false;",
  },
  {
    what: "whoever joins no room in time is closed",
    file: `${RELAY}/session.ts`,
    where: "constructor",
    code: 'this.close("notJoined");',
    by: "",
  },
  {
    what: "whoever does not answer a ping is cut",
    file: `${RELAY}/session.ts`,
    where: "Session.checkAlive",
    code: "this.#isAlive || this.#socket.isPaused",
    by: "true",
  },
  {
    what: "a socket is not read while too much of it waits",
    file: `${RELAY}/intake.ts`,
    where: "Intake.#mayBeRead",
    code: "this.#awaited <= share * part",
    by: "true",
  },
  {
    what: "an empty frame that waits costs something",
    file: `${RELAY}/intake.ts`,
    where: "Intake.#put",
    code: "content.length + FRAME_OVERHEAD_BYTES",
    by: "content.length",
  },
  {
    what: "a slow reader gets no more until it has read",
    file: `${RELAY}/session.ts`,
    where: "Session.#send",
    code: "unread > sendSoftBytes",
    by: "false",
  },
  {
    what: "joining a room again does not refill what it may cost",
    file: `${RELAY}/session.ts`,
    where: "Session.#settle",
    code: "this.#budgets.get(room.history)",
    by: "undefined",
  },
  {
    what: "news are dropped for people who do not read",
    file: `${RELAY}/session.ts`,
    where: "Session.tell",
    code: "this.unread <= this.#host.settings.sendSoftBytes",
    by: "true",
  },
  {
    what: "fields of a join are only its own",
    file: `${RELAY}/session.ts`,
    where: "parseObject",
    code: "Object.create(null)",
    by: "{}",
  },
  {
    what: "the key file is made for its owner only",
    file: `${NODE}/key-file.ts`,
    where: "writeKeyFile",
    code: 'openSync(path, "wx", 0o600)',
    by: 'openSync(path, "wx", 0o644)',
  },
  {
    what: "a key file is never overwritten",
    file: `${NODE}/key-file.ts`,
    where: "writeKeyFile",
    code: 'openSync(path, "wx", 0o600)',
    by: 'openSync(path, "w", 0o600)',
  },
  {
    what: "a key that others can read is refused",
    file: `${NODE}/key-file.ts`,
    where: "readKeyFile",
    code: "fstatSync(file).mode",
    by: "0o600",
  },
  {
    what: "a line that is too long is not held",
    file: `${NODE}/lines.ts`,
    where: "LineSplitter.#hold",
    code: "this.#heldBytes > this.#maxBytes + 1",
    by: "false",
  },
  {
    what: "a node gives no more to a slow relay until it has read",
    file: `${NODE}/exchange.ts`,
    where: "Exchange.#send",
    code: "socket.bufferedAmount > sendBytes",
    by: "false",
  },
  {
    what: "a node takes no frame over its bound",
    file: `${NODE}/link.ts`,
    where: "Link.open.maxPayload",
    code: "maxPayload: MAX_FRAME_BYTES",
    by: "maxPayload: 0",
  },
  {
    what: "a relay that does not let a node in is dropped in time",
    file: `${NODE}/link.ts`,
    where: "Link.#join",
    code: 'this.#drop(socket, "it did not let us into the room in time");',
    by: "",
  },
  {
    what: "a node writes its mark after each append",
    file: `${NODE}/store.ts`,
    where: "append",
    code: "marks.write({ records: log.length, own: own ?? marks.mark?.own ?? null });",
    by: "",
  },
  {
    what: "a store that has lost its end keeps no chain",
    file: `${NODE}/store.ts`,
    where: "chainOf",
    code: "log.length < (marks.mark?.records ?? 0)",
    by: "false",
  },
  {
    what: "each opening of a store renews its nonce",
    file: `${NODE}/chain.ts`,
    where: "renewChain",
    code: 'randomBytes(16).toString("hex")',
    by: '"00"',
  },
];

/** The curated checks of a file; those whose code is not there (any more) are left out. */
export function curatedSitesOf(file: string, text: string): Site[] {
  const wanted = CURATED.filter((one) => one.file === file);
  if (wanted.length === 0) return [];
  const source = parse(file, text);
  return wanted.flatMap((one) => {
    const node = findCode(source, one);
    if (node === null) return [];
    const edits = ts.isStatement(node)
      ? replacedStatement(node, source, one.by)
      : ts.isPropertyAssignment(node)
        ? replaced(node.initializer, source, one.by.slice(one.by.indexOf(":") + 1))
        : replaced(node, source, one.by);
    const where = whereOf(node);
    return [{ key: `${file} ${where}: ${one.what}`, file, where, what: one.what, edits }];
  });
}

/** The first node, from the outside in, that is this code. */
function findCode(source: ts.SourceFile, { where, code }: Curated): ts.Node | null {
  let found: ts.Node | null = null;
  const visit = (node: ts.Node): void => {
    if (found !== null) return;
    const fits = ts.isStatement(node) || ts.isExpression(node) || ts.isPropertyAssignment(node);
    if (fits && oneLine(node.getText(source)) === code && whereOf(node).endsWith(where)) {
      found = node;
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
