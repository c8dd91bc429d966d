/**
 * Publications on their way: each counts as stored once the reader of the log has brought it back. A server that has lost the
 * log's end acknowledges what comes behind the gap like anything else; what is read is read in order and without a gap, and
 * whoever begins to read anew looks first whether the last that was read is still there.
 */
import { equalBytes } from "bft-json-crdt";
import type { StreamMessage } from "./reader.ts";

/** A message that is to come back. */
export class Outstanding {
  isBack = false;
  readonly bytes: Uint8Array;
  #wake: (() => void) | null = null;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Resolves when it is back, when there is reason to look why it is not, and after so many milliseconds. */
  news(ms: number): Promise<void> {
    if (this.isBack) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake?.();
  }
}

/** All that is to come back; of each subject one at a time. */
export class ReadBack {
  readonly #outstanding = new Map<string, Outstanding>();

  /** From now on a message is looked for, in the place of the one before on its subject. */
  expect(subject: string, bytes: Uint8Array): Outstanding {
    const one = new Outstanding(bytes);
    this.#outstanding.set(subject, one);
    return one;
  }

  /** It is not looked for any more. */
  forget(subject: string, one: Outstanding): void {
    if (this.#outstanding.get(subject) === one) this.#outstanding.delete(subject);
  }

  /** A message was read. */
  saw({ subject, data }: StreamMessage): void {
    const one = this.#outstanding.get(subject);
    if (one === undefined || !equalBytes(one.bytes, data)) return;
    one.isBack = true;
    one.wake();
  }

  /** There is reason to look why one is not back, or none is. */
  wake(subject?: string): void {
    if (subject !== undefined) this.#outstanding.get(subject)?.wake();
    else for (const one of this.#outstanding.values()) one.wake();
  }
}
