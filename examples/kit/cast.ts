/** Who plays in a program, and the end of it: everybody's changes in other orders, and one outcome. */
import { canonicalJson, sha256, toHex } from "bft-json-crdt";
import type { Document, Schema, Value } from "bft-json-crdt";
import type { Participant } from "./participant.ts";
import type { Random } from "./random.ts";
import { replicasOf, scenario } from "./scramble.ts";
import { say, title } from "./terminal.ts";

/** One for each name, in their order: as many as there are names, so that each can be called by its own. */
export function cast<const N extends readonly string[], T>(
  names: N,
  make: (name: string) => T,
): { -readonly [K in keyof N]: T } {
  return names.map((name) => make(name)) as { -readonly [K in keyof N]: T };
}

/** The names by which people know keys (in hex). A stranger is called by the first digits. */
export function namesOf(
  people: readonly { readonly name: string; readonly author: string }[],
): (author: string) => string {
  const names = new Map(people.map(({ name, author }) => [author, name]));
  return (author) => names.get(author) ?? author.slice(0, 8);
}

/** Replicas that are asked in the end. */
const REPLICAS = 6;

/**
 * Delivers what all have written to new replicas, to each in another order, and says how many outcomes they show, `what` being the
 * word for one. Throws if it is not one. Returns the replicas.
 */
export function showAgreement<S extends Schema>(
  people: readonly Participant<S>[],
  random: Random,
  what: string,
  outcomeOf: (replica: Document<S>) => Value,
): Document<S>[] {
  title("What all of them see");
  const all = scenario(people);
  const replicas = replicasOf(all, random, REPLICAS);
  const digests = new Set(
    replicas.map((replica) =>
      toHex(sha256(new TextEncoder().encode(canonicalJson(outcomeOf(replica))))),
    ),
  );
  const [digest = ""] = digests;
  say(`${all.groups.length} changes, delivered to ${REPLICAS} new replicas in other orders:`);
  say(`${digests.size} ${what}, ${digest.slice(0, 16)}…`);
  if (digests.size !== 1) throw new Error("the replicas differ");
  return replicas;
}
