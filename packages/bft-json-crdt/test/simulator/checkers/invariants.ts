/**
 * Invariants: every history is what its definition says, and every view is what its history says, folded anew in the
 * order of arrival, by the naive model, and from saved bytes.
 */
import { isDeepStrictEqual } from "node:util";
import { changeId, decodeBody } from "../../../src/change/index.ts";
import type { DecodedBody } from "../../../src/change/index.ts";
import type { Node } from "../../../src/document/containers.ts";
import { Document } from "../../../src/document/index.ts";
import { DocumentState } from "../../../src/document/state.ts";
import { viewOf } from "../../../src/document/view.ts";
import { compareBytes, equalBytes, toHex } from "../../../src/encoding/index.ts";
import { History } from "../../../src/history/index.ts";
import { NaiveDocument } from "../../naive-document.ts";
import type { Checker, Finding, Observed, World } from "../world.ts";

/** Changes up to which the naive model is asked; it takes time with the square of them. */
const MAX_NAIVE_CHANGES = 120;

/** Structures checked from within where they can be, from without where not. */
export const checkInvariants: Checker = (world) => {
  const findings: Finding[] = [];
  for (const component of world.components) {
    for (const host of component) findings.push(...attempt(host, () => checkHistory(host.history)));
    const replicas = component.filter(({ document }) => document !== null);
    for (const host of replicas) findings.push(...attempt(host, () => checkFold(host, world)));
    // Those in step are alike: one of each stands for all.
    const [any, replica] = [component[0]!, replicas[0]];
    findings.push(...attempt(any, () => checkGroups(any.history)));
    if (replica === undefined) continue;
    findings.push(...attempt(replica, () => checkNaive(replica, world)));
    findings.push(...attempt(replica, () => checkSaved(replica, world)));
  }
  return findings;
};

/** The history as its rows and as its sets, compared with what the bodies say. */
function checkHistory(history: History): void {
  const dependents = new Set<number>();
  const continued = new Set<number>();
  for (let index = 0; index < history.length; index++) {
    const header = decoded(history, index);
    const prev = history.prevAt(index);
    const dependencies = history.dependencies(index);
    const named = [header.prev, ...header.parents, ...header.refs].filter((id) => id !== null);
    assert(
      equalBytes(changeId(history.bodyAt(index)), history.idAt(index)),
      "an id is not the hash",
    );
    assert(history.indexOf(history.idAt(index)) === index, "an id does not lead to its row");
    assert(
      named.map(toHex).join() === dependencies.map((at) => toHex(history.idAt(at))).join(),
      "dependencies are not those that the body names",
    );
    assert(
      dependencies.every((at) => at < index),
      "a change stands before what it builds on",
    );
    const greatest = Math.max(0, ...dependencies.map((at) => history.lamportAt(at)));
    assert(history.lamportAt(index) === greatest + 1, "a lamport is wrong");
    assert(
      prev < 0 ? history.seqAt(index) === 1 : history.seqAt(index) === history.seqAt(prev) + 1,
      "a seq is wrong",
    );
    if (prev >= 0)
      assert(history.chainIndexAt(prev) === history.chainIndexAt(index), "a link leaves its chain");
    for (const at of dependencies) dependents.add(at);
    if (prev >= 0) continued.add(prev);
    checkAncestors(history, index);
  }
  const all = Array.from({ length: history.length }, (_, index) => index);
  const byId = (a: number, b: number): number => compareBytes(history.idAt(a), history.idAt(b));
  const heads = all.filter((index) => !dependents.has(index)).sort(byId);
  assert(heads.join() === history.heads().join(), "heads are not what nobody builds on");
  const tips = all.filter((index) => !continued.has(index));
  const found = history
    .tips()
    .map(({ index }) => index)
    .sort((a, b) => a - b);
  assert(tips.join() === found.join(), "tips are not what nobody continues");
  assert(history.missingFor([]).join() === all.join(), "something is missing for nobody");
  assert(history.missingFor(heads).length === 0, "something is missing for who has all heads");
}

/** The jump pointers of a chain lead where single steps lead. */
function checkAncestors(history: History, index: number): void {
  let at = index;
  for (let steps = 0; steps <= 5; steps++) {
    assert(history.ancestorOnChain(index, steps) === at, "a jump along a chain misses");
    if (at >= 0) at = history.prevAt(at);
  }
}

/** What is sent to who has nothing, or half of it, is closed and complete. */
function checkGroups(history: History): void {
  for (const from of [0, history.length >> 1]) {
    const copy = new History({ document: history.document });
    const first = Array.from({ length: from }, (_, index) => index);
    for (const group of history.groupsFor(wholeGroups(history, first))) take(copy, group);
    const known = copy.frontier().map((id) => history.indexOf(id));
    for (const group of history.groupsFor(history.missingFor(known))) take(copy, group);
    assert(
      copy.frontier().map(toHex).join() === history.frontier().map(toHex).join(),
      "a copy is not the same",
    );
  }
}

/** The same without those whose cover is not among them. */
function wholeGroups(history: History, indexes: readonly number[]): number[] {
  const last = indexes.length;
  return indexes.filter((index) => history.groupRange(index)[1] <= last);
}

function take(copy: History, group: Uint8Array): void {
  const { status, code } = copy.receive(group);
  assert(status === "applied", `a group of its own is ${code ?? status}`);
}

/** The state folded anew in this replica's order, with everything that checks itself. */
function checkFold({ document, history }: Observed, { schema }: World): void {
  const state = new DocumentState(schema, history);
  for (let index = 0; index < history.length; index++) state.fold(index);
  checkNode(state.containers.root);
  assert(
    isDeepStrictEqual(viewOf(state.containers.root), document!.view()),
    "a fold anew shows another view",
  );
}

function checkNode(node: Node): void {
  switch (node.kind) {
    case "text":
      node.sequence.check();
      return;
    case "list":
      node.sequence.check();
      for (const item of node.items.values()) checkNode(item);
      return;
    case "map":
      for (const entry of node.entries.values())
        for (const value of entry.values?.values() ?? []) checkNode(value);
      return;
    case "struct":
      for (const field of node.fields.values()) checkNode(field);
      return;
    case "leaf":
    case "counter":
    case "set":
  }
}

function checkNaive({ document, history }: Observed, { schema }: World): void {
  if (history.length > MAX_NAIVE_CHANGES) return;
  const bodies = Array.from({ length: history.length }, (_, index) => history.bodyAt(index));
  const naive = new NaiveDocument(schema, bodies);
  assert(isDeepStrictEqual(naive.view(), document!.view()), "the naive model shows another view");
}

function checkSaved({ document }: Observed, { schema }: World): void {
  const loaded = Document.load(document!.save(), { schema, id: document!.id, chain: 1n });
  assert(loaded.ok, "what was saved does not load");
  if (!loaded.ok) return;
  const { value } = loaded;
  assert(
    value.frontier().map(toHex).join() === document!.frontier().map(toHex).join(),
    "saved is another history",
  );
  assert(value.viewDigest() === document!.viewDigest(), "saved is another view");
}

function decoded(history: History, index: number): DecodedBody {
  const header = decodeBody(history.bodyAt(index));
  if (!header.ok) throw new Error("an applied body does not decode");
  return header.value;
}

function attempt({ name }: Observed, check: () => void): Finding[] {
  try {
    check();
    return [];
  } catch (error) {
    return [
      {
        checker: "invariants",
        detail: `${name}: ${error instanceof Error ? error.message : String(error)}`,
      },
    ];
  }
}

function assert(isTrue: boolean, sentence: string): void {
  if (!isTrue) throw new Error(sentence);
}
