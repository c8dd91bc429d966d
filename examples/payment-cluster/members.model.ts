/** For the tests of this example: a small cluster whose members meet when the test says so. */
import { toHex } from "bft-json-crdt";
import {
  Clock,
  keyPairOf,
  Participant,
  Random,
  reconcile,
  replicasOf,
  scenario,
} from "example-kit";
import { expect } from "vitest";
import { Cluster } from "./schema.ts";
import { totalOf } from "./settle.ts";
import { termsOf } from "./terms.ts";
import { viewOf } from "./view.ts";
import type { ClusterView } from "./view.ts";

export type Member = Participant<typeof Cluster>;

export const CORE = ["ada", "bea", "cyd", "dan"] as const;
export const keyOf = (name: string): string => toHex(keyPairOf("test", name).publicKey);

export const terms = termsOf({
  name: "test",
  core: CORE.map((name) => keyPairOf("test", name).publicKey),
  faults: 1,
  fee: 8n,
  period: 2,
  allocation: [
    [keyOf("ann"), 1_000n],
    [keyOf("ben"), 500n],
    [keyOf("liar"), 1_000n],
  ],
});

const clock = new Clock();

export function join(...names: string[]): Member[] {
  return names.map(
    (name) => new Participant({ name, seed: "test", schema: Cluster, id: terms.id, clock }),
  );
}

/** Everybody gets everything. */
export function meet(...members: readonly Member[]): void {
  for (let round = 0; round < 2; round++)
    for (const one of members)
      for (const other of members) if (one !== other) reconcile(one.document, other.document);
}

/** What is shown, without what is local to a replica. */
export function shown({
  settled,
  expected,
  doubleSpends,
  verdicts,
  shares,
  checkpoint,
}: ClusterView) {
  return { settled, expected, doubleSpends, verdicts, shares, checkpoint };
}

/** Core nodes that were proven to lie → who gets half of their shares. */
export function convicted({ shares }: ClusterView): Map<string, string> {
  return new Map(shares.flatMap(({ core, prover }) => (prover === null ? [] : [[core, prover]])));
}

export const see = (member: Member): ClusterView => viewOf(member.document, terms);

/** The id of an author's last record. */
function lastOf(
  log: { entries(): readonly { id: string; author: string }[] },
  { author }: Member,
): string {
  return log.entries().findLast((entry) => entry.author === author)!.id;
}

export function ack(node: Member, target: string): string {
  node.change(({ acks }) => acks.append({ target }));
  return lastOf(node.document.root.acks, node);
}

/** Replicas that got it in other orders show the same, and all the money; returns what they show. */
export function agreed(members: readonly Member[], seed: number): ClusterView {
  const views = replicasOf(scenario(members), new Random(seed), 4).map((document) =>
    viewOf(document, terms),
  );
  for (const view of views) {
    expect(shown(view)).toEqual(shown(views[0]!));
    for (const balances of [view.settled, view.expected]) {
      expect(totalOf(balances)).toBe(terms.supply);
      expect(balances.pot).toBeGreaterThanOrEqual(0n);
      for (const { balance } of balances.accounts.values())
        expect(balance).toBeGreaterThanOrEqual(0n);
    }
  }
  return views[0]!;
}
