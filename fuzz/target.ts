/** What the fuzzer fuzzes: targets, each with an oracle that says when an input has shown a fault. */
import type { Choices } from "../packages/bft-json-crdt/test/random-edits.ts";
import type { Tree } from "./tree.ts";

/** One thing to fuzz. */
export interface Target {
  /** As in `--target`, and the folder of its corpus. */
  readonly name: string;
  /** One clause for people: what is fed with inputs. */
  readonly about: string;
  /** Texts that mean something to it. */
  readonly words: readonly string[];
  /** An input made from nothing. */
  readonly fresh: (choices: Choices) => Tree;
  /** Runs one input, whatever it is; throws when a promise was broken. */
  readonly run: (input: Tree) => void | Promise<void>;
}

/** A promise that an input has shown to be broken. */
export class Violation extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Violation";
  }
}

/** Throws a {@link Violation} unless something holds; the sentence says what is wrong. */
export function promise(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Violation(sentence);
}

/** What a call throws, of which nothing is promised but that it is of a class; null when it throws nothing. */
export function thrownBy<T extends Error>(
  expected: new (...args: never[]) => T,
  call: () => void,
): T | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof expected) return error;
    throw error;
  }
}
