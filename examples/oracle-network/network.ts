/** The document of a network of oracles: three logs of signed facts, and the rules by which everybody reads them. */
import { bigint, bytes, integer, json, log, string, struct } from "bft-json-crdt";
import type { AggregateRules } from "./aggregate.ts";
import type { Freshness } from "./attestation.ts";

/** What oracles write. Nobody can take any of it back. */
export const schema = struct({
  /** Prices. */
  attestations: log(
    struct({
      pair: string(),
      price: bigint(),
      /** Basis points. */
      confidence: integer(),
      /** Seconds since 1970. */
      timestamp: integer(),
      nonce: integer(),
      /** An array of what `readSources` reads. */
      sources: json(),
    }),
  ),
  /** Responses of sources, after the fact. */
  reveals: log(
    struct({
      /** Id of the attestation's record. */
      attestation: string(),
      /** Which of its sources, from 0. */
      source: integer(),
      salt: bytes(),
      response: string(),
    }),
  ),
  /** What an oracle thinks is wrong with an attestation. It counts for nothing unless the facts say the same. */
  reports: log(struct({ attestation: string(), kind: string() })),
});

/** The rules. Replicas that read by the same ones and have the same facts see the same. */
export interface NetworkRules extends AggregateRules, Freshness {
  /** Public keys of the oracles, hex. Keys are free: without this list nobody could say what a minority is. */
  readonly members: readonly string[];
  /** Seconds of a round. An oracle has one price for each pair in each round. */
  readonly roundSeconds: number;
  /** Seconds after which responses that were not revealed count against their oracle. */
  readonly revealWithin: number;
}

/** The rules of this example, for seven oracles of which two may lie. */
export function rulesFor(
  members: readonly string[],
  given: Partial<NetworkRules> = {},
): NetworkRules {
  return {
    members,
    // More than twice two: then the honest ones among them outnumber the liars.
    minimumOracles: 5,
    tolerance: 50n,
    maximumAge: 60,
    maximumLead: 2,
    minimumSources: 2,
    roundSeconds: 5,
    revealWithin: 30,
    ...given,
  };
}
