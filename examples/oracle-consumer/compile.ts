/** Compiles OracleConsumer.sol. It takes about a second and gives the same bytes each time. */
import { readFileSync } from "node:fs";
import solc from "solc";
import type { AbiEntry } from "./abi.ts";
import { bytesOf } from "./ethereum.ts";

/** A contract that can be deployed. */
export interface Artifact {
  readonly name: string;
  readonly abi: readonly AbiEntry[];
  readonly code: Uint8Array;
}

/** The rules of the machine that the code is for: the same as the chain's in chain.ts. */
export const HARDFORK = "prague";

const FILE = "OracleConsumer.sol";

interface Output {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly abi: readonly AbiEntry[];
            readonly evm: { readonly bytecode: { readonly object: string } };
          }
        >
      >
    >
  >;
}

/** The contracts of the file by name. Throws what the compiler says, if it says anything; warnings count. */
export function compile(): ReadonlyMap<string, Artifact> {
  const content = readFileSync(new URL(FILE, import.meta.url), "utf8");
  const input = {
    language: "Solidity",
    sources: { [FILE]: { content } },
    settings: {
      evmVersion: HARDFORK,
      optimizer: { enabled: true, runs: 200 },
      // Else a hash of the source, comments and all, would be part of the code.
      metadata: { appendCBOR: false },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)) as string) as Output;
  const [fault] = output.errors ?? [];
  if (fault !== undefined) throw new Error(fault.formattedMessage);
  const contracts = Object.entries(output.contracts?.[FILE] ?? {});
  return new Map(
    contracts.map(([name, { abi, evm }]) => [
      name,
      { name, abi, code: bytesOf(evm.bytecode.object)! },
    ]),
  );
}
