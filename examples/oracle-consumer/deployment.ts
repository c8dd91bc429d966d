/** Puts the three contracts on a chain. */
import type { AbiValue } from "./abi.ts";
import type { Account, Chain, Contract, Receipt } from "./chain.ts";
import { bytes32Of } from "./chain.ts";
import type { Artifact } from "./compile.ts";
import type { Hex } from "./ethereum.ts";

/** What the contracts are given for good. */
export interface Terms {
  readonly pair: string;
  readonly oracles: readonly Hex[];
  /** Fewest oracles whose prices are kept in a round. */
  readonly quorum: bigint;
  /** How many of them may lie. */
  readonly faults: bigint;
  /** Basis points. */
  readonly leastConfidence: bigint;
  readonly leastSources: bigint;
  /** Seconds for which an attestation may be submitted. */
  readonly maxAge: bigint;
  /** Seconds that an oracle's clock may be ahead of the chain's. */
  readonly maxLead: bigint;
  /** Basis points of the median within which nobody is an outlier. */
  readonly tolerance: bigint;
}

/** The contracts on the chain, and what putting them there has cost. */
export interface Deployment {
  readonly aggregator: Contract;
  readonly lending: Contract;
  readonly options: Contract;
  /** Gas by the name of the contract. */
  readonly gas: ReadonlyMap<string, bigint>;
}

/** Deploys them. Throws with the error of the contract when a constructor refuses the terms. */
export async function deploy(
  chain: Chain,
  artifacts: ReadonlyMap<string, Artifact>,
  from: Account,
  { pair, oracles, ...terms }: Terms,
): Promise<Deployment> {
  const gas = new Map<string, bigint>();
  const put = async (name: string, args: Parameters<Chain["deploy"]>[2]): Promise<Contract> => {
    const { contract, receipt } = await chain.deploy(from, artifacts.get(name)!, args);
    if (contract === null) throw new Error(`${name} was not deployed: ${reasonOf(receipt)}`);
    gas.set(name, receipt.gas);
    return contract;
  };
  const aggregator = await put("OracleAggregator", [oracles, termsOf(terms)]);
  const consumed = [aggregator.address, bytes32Of(pair)] as const;
  return {
    aggregator,
    lending: await put("LendingConsumer", consumed),
    options: await put("OptionsConsumer", consumed),
    gas,
  };
}

/** The terms as the constructor takes them. */
export function termsOf(terms: Omit<Terms, "pair" | "oracles">): AbiValue {
  const { quorum, faults, leastConfidence, leastSources, maxAge, maxLead, tolerance } = terms;
  return [quorum, faults, leastConfidence, leastSources, maxAge, maxLead, tolerance];
}

/** The error that a transaction ended with, by its name; "none" when it went through. */
export function reasonOf({ error }: Receipt): string {
  return error?.name ?? "none";
}
