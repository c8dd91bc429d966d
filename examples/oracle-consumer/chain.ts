/**
 * A blockchain in memory: the virtual machine of Ethereum, accounts, and a clock. Each transaction is signed, costs gas
 * by the rules of the network, and has a block of its own. There are no miners and no rival blocks: what consensus would
 * do is taken for granted here.
 */
import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Mainnet } from "@ethereumjs/common";
import type { Common } from "@ethereumjs/common";
import { createFeeMarket1559Tx } from "@ethereumjs/tx";
import { createAccount, createAddressFromString } from "@ethereumjs/util";
import { createVM, runTx } from "@ethereumjs/vm";
import type { VM } from "@ethereumjs/vm";
import { decodeValues, encodeValues, joined, selectorOf, topicOf } from "./abi.ts";
import type { AbiEntry, AbiValue } from "./abi.ts";
import { HARDFORK } from "./compile.ts";
import type { Artifact } from "./compile.ts";
import { addressOf, bytesOf, hex, keccak } from "./ethereum.ts";
import type { Hex } from "./ethereum.ts";

/** Someone with a key and, at first, a hundred ether. */
export interface Account {
  readonly secretKey: Uint8Array;
  readonly address: Hex;
}

/** A contract on the chain. */
export interface Contract {
  readonly address: Hex;
  readonly abi: readonly AbiEntry[];
}

/** An error or an event of a contract, with what it carries. */
export interface Named {
  readonly name: string;
  readonly args: readonly AbiValue[];
}

/** What became of a transaction; a reverted one has changed nothing and cost its gas. */
export interface Receipt {
  readonly gas: bigint;
  /** The error that it ended with, or null when it went through. */
  readonly error: Named | null;
  readonly events: readonly Named[];
}

/** Wei in one ether. */
export const ETHER = 10n ** 18n;

/** Gas that a transaction may use: half of what a block of the main network holds. */
const GAS_LIMIT = 15_000_000n;

/** The errors that the compiler itself puts into contracts. */
const BUILT_IN: readonly AbiEntry[] = [
  { type: "error", name: "Panic", inputs: [{ name: "code", type: "uint256" }] },
];

/** A chain with its clock. */
export class Chain {
  readonly id: bigint;
  /** Seconds since 1970, of the next block. */
  time: bigint;
  readonly #vm: VM;
  readonly #common: Common;
  /** Of all contracts here: a contract passes on the errors of those that it calls. */
  readonly #errors: AbiEntry[] = [...BUILT_IN];
  #height = 0n;

  private constructor(id: bigint, time: bigint, vm: VM, common: Common) {
    this.id = id;
    this.time = time;
    this.#vm = vm;
    this.#common = common;
  }

  static async create(id: bigint, time: bigint): Promise<Chain> {
    const common = createCustomCommon({ chainId: Number(id) }, Mainnet, { hardfork: HARDFORK });
    return new Chain(id, time, await createVM({ common }), common);
  }

  /** An account whose key depends on the name alone. */
  async account(name: string): Promise<Account> {
    const secretKey = keccak(new TextEncoder().encode(`account/${name}`));
    const address = addressOf(secretKey);
    const balance = 100n * ETHER;
    await this.#vm.stateManager.putAccount(
      createAddressFromString(address),
      createAccount({ balance }),
    );
    return { secretKey, address };
  }

  /** Wei that an address has. */
  async balance(address: Hex): Promise<bigint> {
    const account = await this.#vm.stateManager.getAccount(createAddressFromString(address));
    return account?.balance ?? 0n;
  }

  /** Puts a contract on the chain; its receipt says why not, when its constructor refuses. */
  async deploy(
    from: Account,
    { abi, code }: Artifact,
    args: readonly AbiValue[],
  ): Promise<{ readonly contract: Contract | null; readonly receipt: Receipt }> {
    this.#errors.push(...abi.filter(({ type }) => type === "error"));
    const inputs = abi.find(({ type }) => type === "constructor")?.inputs ?? [];
    const { receipt, created } = await this.#transact(
      from,
      null,
      joined([code, encodeValues(inputs, args)]),
      0n,
      abi,
    );
    return { contract: created === null ? null : { address: created, abi }, receipt };
  }

  /** A transaction that calls a function, with some wei. */
  async send(
    from: Account,
    contract: Contract,
    name: string,
    args: readonly AbiValue[] = [],
    value = 0n,
  ): Promise<Receipt> {
    const data = callData(contract, name, args);
    return (await this.#transact(from, contract.address, data, value, contract.abi)).receipt;
  }

  /** Asks a function that only reads. Throws a RevertError when it reverts. */
  async call(
    contract: Contract,
    name: string,
    args: readonly AbiValue[] = [],
  ): Promise<readonly AbiValue[]> {
    const { execResult } = await this.#vm.evm.runCall({
      to: createAddressFromString(contract.address),
      data: callData(contract, name, args),
      block: this.#block(),
      gasLimit: GAS_LIMIT,
      isStatic: true,
    });
    if (execResult.exceptionError !== undefined) {
      const { error } = execResult.exceptionError;
      throw new RevertError(errorOf(this.#errors, execResult.returnValue, error));
    }
    return decodeValues(functionOf(contract, name).outputs ?? [], execResult.returnValue);
  }

  async #transact(
    from: Account,
    to: Hex | null,
    data: Uint8Array,
    value: bigint,
    abi: readonly AbiEntry[],
  ): Promise<{ readonly receipt: Receipt; readonly created: Hex | null }> {
    const sender = await this.#vm.stateManager.getAccount(createAddressFromString(from.address));
    const block = this.#block();
    const tx = createFeeMarket1559Tx(
      {
        nonce: sender?.nonce ?? 0n,
        gasLimit: GAS_LIMIT,
        maxFeePerGas: 1n,
        maxPriorityFeePerGas: 0n,
        chainId: this.id,
        value,
        data,
        ...(to === null ? {} : { to: createAddressFromString(to) }),
      },
      { common: this.#common },
    ).sign(from.secretKey);
    this.#height++;
    const { execResult, totalGasSpent, createdAddress } = await runTx(this.#vm, { tx, block });
    const exception = execResult.exceptionError;
    const error =
      exception === undefined
        ? null
        : errorOf(this.#errors, execResult.returnValue, exception.error);
    const events = (execResult.logs ?? []).map(([, topics, logged]) =>
      eventOf(abi, topics, logged),
    );
    const isCreated = error === null && createdAddress !== undefined;
    return {
      receipt: { gas: totalGasSpent, error, events },
      created: isCreated ? hex(createdAddress.bytes) : null,
    };
  }

  #block(): ReturnType<typeof createBlock> {
    const header = {
      number: this.#height + 1n,
      timestamp: this.time,
      gasLimit: 2n * GAS_LIMIT,
      baseFeePerGas: 1n,
    };
    return createBlock({ header }, { common: this.#common });
  }
}

/** A call that only reads ended with an error of the contract. */
export class RevertError extends Error {
  readonly revert: Named;

  constructor(revert: Named) {
    super(`the contract reverts: ${revert.name}(${revert.args.map(String).join(", ")})`);
    this.revert = revert;
  }
}

function functionOf({ abi }: Contract, name: string): AbiEntry {
  const entry = abi.find((known) => known.type === "function" && known.name === name);
  if (entry === undefined) throw new TypeError(`the contract has no function ${name}`);
  return entry;
}

function callData(contract: Contract, name: string, args: readonly AbiValue[]): Uint8Array {
  const entry = functionOf(contract, name);
  return joined([selectorOf(entry), encodeValues(entry.inputs ?? [], args)]);
}

/** The error that a contract returned; what ends otherwise (no gas left, say) has the machine's own words for a name. */
function errorOf(errors: readonly AbiEntry[], returned: Uint8Array, otherwise: string): Named {
  const selector = hex(returned.subarray(0, 4));
  const entry = errors.find((known) => hex(selectorOf(known)) === selector);
  if (entry === undefined) return { name: otherwise, args: [] };
  return { name: entry.name!, args: decodeValues(entry.inputs ?? [], returned.subarray(4)) };
}

/** What a contract logged; no event here has indexed parameters, so all that it carries is in the data. */
function eventOf(abi: readonly AbiEntry[], topics: readonly Uint8Array[], data: Uint8Array): Named {
  const topic = hex(topics[0] ?? new Uint8Array());
  const entry = abi.find((known) => known.type === "event" && hex(topicOf(known)) === topic);
  return entry === undefined
    ? { name: "unknown", args: [] }
    : { name: entry.name!, args: decodeValues(entry.inputs ?? [], data) };
}

/** The bytes32 that stands for a short name: ASCII, filled up with zeros. Throws a RangeError when it has no place there. */
export function bytes32Of(name: string): Hex {
  if (!/^[\x20-\x7e]{1,31}$/.test(name)) throw new RangeError(`"${name}" is no short name`);
  const bytes = new Uint8Array(32);
  bytes.set(new TextEncoder().encode(name));
  return hex(bytes);
}

/** The short name that a bytes32 stands for, or null. */
export function nameOf(value: Hex): string | null {
  const bytes = bytesOf(value);
  if (bytes === null) return null;
  const name = new TextDecoder().decode(bytes).replace(/\0*$/, "");
  return /^[\x20-\x7e]{1,31}$/.test(name) ? name : null;
}
