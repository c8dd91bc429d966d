/** Changes of a few people, and their delivery: each is checked for whether what is said of it agrees with what became of it. */
import { expect } from "vitest";
import { decodeGroup, documentId } from "../src/change/index.ts";
import type { SignedBody } from "../src/change/index.ts";
import { encodeValue, toHex } from "../src/encoding/index.ts";
import { History } from "../src/history/index.ts";
import type { ReceivedGroup } from "../src/history/index.ts";
import { forge, person } from "./forge.ts";
import type { Forged } from "./forge.ts";
import {
  chainOf,
  dependenciesOf,
  forkName,
  forksOf,
  frontierOf,
  tipsOf,
  validOf,
} from "./history-model.ts";
import { same, sameAll } from "./same.ts";

export const DOCUMENT = documentId("history");
export const [ALICE, BOB, MALLORY] = [person(0), person(1), person(2)];

export const alice = (prev: Forged | null, ...parents: Forged[]): Forged =>
  forge({ document: DOCUMENT, author: ALICE, prev, parents });
export const bob = (prev: Forged | null, ...parents: Forged[]): Forged =>
  forge({ document: DOCUMENT, author: BOB, prev, parents });

export function newHistory(): History {
  return new History({ document: DOCUMENT });
}

/** `count` changes of one author, each on top of the one before. */
export function chainOfLength(
  count: number,
  author = ALICE,
  first: Forged | null = null,
): Forged[] {
  const line: Forged[] = [];
  for (let prev = first; line.length < count; line.push(prev)) {
    prev = forge({ document: DOCUMENT, author, prev });
  }
  return line;
}

export function appliedIds(history: History): string[] {
  return Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index)));
}

/** What is said of each change: its status, and its code and scope if it has any. */
export function verdicts({ results }: ReceivedGroup): string[] {
  return results.map(({ status, code, scope }) => [status, code, scope].filter(Boolean).join(" "));
}

/** Delivers a group and checks that what is said about it agrees with what became of it. */
export function deliver(history: History, group: Uint8Array, peer?: string): ReceivedGroup {
  const before = history.length;
  const received = history.receive(group, peer);
  const { status, results, applied, missing } = received;
  sameAll(
    applied,
    Array.from({ length: history.length - before }, (_, i) => before + i),
  );
  const entries = decodeGroup(group);
  if (entries.ok) same(results.length, entries.value.length);
  const severity = ["rejected", "unsupported", "pending", "applied", "duplicate"];
  const worst = severity.find((level) => results.some((result) => result.status === level));
  if (results.length > 0) same(status, worst);
  for (const result of results) {
    const isApplied = history.indexOf(result.id) >= 0;
    if (result.status === "applied" || result.status === "pending") {
      same(isApplied, result.status === "applied");
    }
    same(
      result.code !== undefined,
      result.status === "rejected" || result.status === "unsupported",
    );
    same(result.scope !== undefined, result.status === "rejected");
    if (result.scope === "change") same(isApplied, false);
  }
  for (const id of missing) same(history.indexOf(id), -1);
  if (missing.length > 0) expect(["pending", "rejected", "unsupported"]).toContain(status);
  return received;
}

/** Checks all that a history promises about what it has received. */
export function expectModel(history: History, changes: readonly Forged[]): void {
  const valid = validOf(history.document, changes);
  sameAll(appliedIds(history).toSorted(), [...valid.keys()].toSorted());
  sameAll(history.frontier().map(toHex), frontierOf(valid));
  expect(history.pending).toEqual({ count: 0, bytes: 0 });
  expect(history.pendingMissing()).toEqual([]);
  const tips = history.tips();
  sameAll(tips.map(({ id }) => toHex(id)).toSorted(), tipsOf(valid));
  for (const { index, author, chain, seq } of tips) {
    same(toHex(author), toHex(history.authorAt(index)));
    same(chain, history.chainAt(index));
    same(seq, history.seqAt(index));
  }
  const forks = history.forks();
  expect(
    forks
      .map((fork) => forkName(chainOf(asHeader(fork)), fork.seq, fork.ids.map(toHex)))
      .toSorted(),
  ).toEqual(forksOf(valid));
  for (let index = 0; index < history.length; index++) {
    const change = valid.get(toHex(history.idAt(index)))!;
    const { header } = change;
    same(history.indexOf(change.id), index);
    same(toHex(history.bodyAt(index)), toHex(change.body));
    same(toHex(history.authorAt(index)), toHex(header.author));
    same(history.chainAt(index), header.chain);
    same(history.seqAt(index), header.seq);
    same(history.lamportAt(index), header.lamport);
    same(history.timeAt(index), header.time);
    same(history.prevAt(index), header.prev === null ? -1 : history.indexOf(header.prev));
    const dependencies = history.dependencies(index);
    sameAll(
      dependencies.map((other) => toHex(history.idAt(other))),
      dependenciesOf(change),
    );
    same(
      dependencies.every((dependency) => dependency < index),
      true,
    );
    const signature = history.signatureAt(index);
    if (signature !== null) same(toHex(signature), toHex(change.signature));
  }
}

function asHeader(of: { author: Uint8Array; chain: bigint }): Forged["header"] {
  return of as Forged["header"];
}

/** The changes of a group, which must be one. */
export function entriesOf(group: Uint8Array): SignedBody[] {
  const decoded = decodeGroup(group);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}

/** An op that makes more elements than a change may. */
export function tooManyElements(): Uint8Array[] {
  return [encodeValue([1, 2 ** 20 + 1, [], 0, new Uint8Array(32)])];
}
