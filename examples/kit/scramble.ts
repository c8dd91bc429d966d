/**
 * For tests: what was written, delivered anew to replicas that know nothing, to each in another order, some of it twice,
 * some of it only after a partition. Whatever a program shows must then be the same on all.
 */
import { Document, toHex } from "bft-json-crdt";
import type { Schema } from "bft-json-crdt";
import { reconcile } from "./mesh.ts";
import type { Participant } from "./participant.ts";
import type { Random } from "./random.ts";

/** All changes of a document, by honest and by dishonest authors. */
export interface Scenario<S extends Schema> {
  readonly schema: S;
  readonly id: Uint8Array;
  /** One closed group for each change. */
  readonly groups: readonly Uint8Array[];
}

/** Everything that any of the participants has; twins that nobody has met included. */
export function scenario<S extends Schema>(participants: readonly Participant<S>[]): Scenario<S> {
  const { schema, id } = participants[0]!.document;
  const groups = new Map<string, Uint8Array>();
  for (const { document } of participants) {
    const { history } = document;
    for (let index = 0; index < history.length; index++) {
      // The shortest is the change itself with its own signature, which may wait for what it depends on. Where a replica
      // has only a later signature that covers it, its group is longer, and is dropped when it comes too early.
      const id = toHex(history.idAt(index));
      const group = history.groupOf(index);
      if (group.length < (groups.get(id)?.length ?? Infinity)) groups.set(id, group);
    }
  }
  return { schema, id, groups: [...groups.values()] };
}

/** New replicas without keys that have received all of it, each in an order of its own. */
export function replicasOf<S extends Schema>(
  { schema, id, groups }: Scenario<S>,
  random: Random,
  count: number,
): Document<S>[] {
  const replicas = Array.from({ length: count }, () => new Document({ schema, id }));
  // Until the partition heals each has only a part; then those of one half meet, and at last all is delivered.
  for (const replica of replicas) {
    for (const group of random.shuffled(groups)) if (random.chance(0.6)) replica.receive(group);
  }
  for (let at = 0; at + 1 < count; at += 2) reconcile(replicas[at]!, replicas[at + 1]!);
  for (const replica of replicas) {
    for (const group of random.shuffled(groups)) {
      replica.receive(group);
      if (random.chance(0.2)) replica.receive(group);
    }
    // What stands under a later signature only, since nobody has its own any more, cannot wait, and is sent again.
    for (let before = -1; before !== replica.history.length;) {
      before = replica.history.length;
      for (const group of random.shuffled(groups)) replica.receive(group);
    }
  }
  for (const { history } of replicas) {
    if (history.length !== groups.length) throw new Error("a replica lacks some of the changes");
  }
  return replicas;
}
