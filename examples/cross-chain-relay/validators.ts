/** Who vouches for a chain, or for a feed of prices: keys with stake, for a range of blocks or rounds. */
import { encodeValue, fromHex, sha256, toHex } from "bft-json-crdt";
import { joined, tag } from "./bytes.ts";

const SET = tag("validator set");

/** One epoch of a chain. Which sets there are is given, like a genesis: it is not for the document to say. */
export interface ValidatorSet {
  readonly chain: string;
  readonly epoch: number;
  /** Blocks (or rounds, of a feed) for which the set speaks, both included. */
  readonly first: bigint;
  readonly last: bigint;
  /** Stake of each public key in hex: a positive integer. */
  readonly stakes: ReadonlyMap<string, bigint>;
}

/** A set and its id in hex. */
export interface KnownSet {
  readonly id: string;
  readonly set: ValidatorSet;
}

/** 32 bytes that name a set with its chain, epoch, range, keys and stakes. */
export function setIdOf({ chain, epoch, first, last, stakes }: ValidatorSet): Uint8Array {
  const keys = [...stakes.keys()].sort();
  const members = keys.map((key) => [fromHex(key), stakes.get(key)!]);
  return sha256(joined(SET, encodeValue([chain, epoch, first, last, members])));
}

/** All stake of a set. */
export function totalOf({ stakes }: ValidatorSet): bigint {
  return [...stakes.values()].reduce((sum, stake) => sum + stake, 0n);
}

/** True for more than two thirds of a set's stake. */
export function isQuorum(stake: bigint, total: bigint): boolean {
  return stake * 3n > total * 2n;
}

/** The sets that an application goes by. */
export class ValidatorSets {
  readonly #byId = new Map<string, ValidatorSet>();

  /** Throws a RangeError for a set without stake, and for two that speak for one block of a chain. */
  constructor(sets: readonly ValidatorSet[]) {
    for (const set of sets) {
      if (set.stakes.size === 0 || [...set.stakes.values()].some((stake) => stake <= 0n)) {
        throw new RangeError(`a validator of ${set.chain}, epoch ${set.epoch}, has no stake`);
      }
      for (const other of this.#byId.values()) {
        if (other.chain === set.chain && other.first <= set.last && set.first <= other.last) {
          throw new RangeError(`two sets speak for one block of ${set.chain}`);
        }
      }
      this.#byId.set(toHex(setIdOf(set)), set);
    }
  }

  /** The set with an id in hex. */
  byId(id: string): ValidatorSet | undefined {
    return this.#byId.get(id);
  }

  /** All sets of a chain, with their ids in hex. */
  of(chain: string): KnownSet[] {
    return [...this.#byId]
      .filter(([, set]) => set.chain === chain)
      .map(([id, set]) => ({ id, set }));
  }

  /** The set that speaks for a block. */
  at(chain: string, block: bigint): KnownSet | undefined {
    return this.of(chain).find(({ set }) => speaksFor(set, block));
  }
}

/** True when a block, or round, is of a set's epoch. */
export function speaksFor({ first, last }: ValidatorSet, block: bigint): boolean {
  return block >= first && block <= last;
}
