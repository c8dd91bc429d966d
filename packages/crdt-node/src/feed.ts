/**
 * What happens to a node's view, for those who watch it. A subscriber learns of a change only when it is durable here,
 * misses nothing between two events, and holds up nobody: what waits for one that reads slowly is bounded in bytes, and
 * above that it is dropped and the whole view is told instead.
 */
import { type DocumentEvent, type Patch, toHex } from "bft-json-crdt";
import type { LedgerDocument } from "./ledger.ts";

/** Bytes of JSON that wait for one subscriber; what is more is replaced by a view. */
export const SUBSCRIBER_BYTES = 1_048_576;

/** Characters of a view in one event: with every one of them escaped it fits a line. */
const VIEW_CHARACTERS = 262_144;

/** One event, as it travels. */
export type FeedEvent =
  /** The first one: whatever happens after the first `length` changes is told of. */
  | { readonly event: "subscribed"; readonly length: number }
  /** A piece of the RFC 8785 JSON of the whole view, as it is after `length` changes; `last` ends it. */
  | {
      readonly event: "view";
      readonly text: string;
      readonly last: boolean;
      readonly length: number;
    }
  /** What to do to the view before to get the view after, and the changes that did it; `length` are applied now. */
  | {
      readonly event: "changes";
      readonly origin: "local" | "remote";
      readonly ids: readonly string[];
      readonly patches: readonly Patch[];
      readonly length: number;
    }
  /** Events were dropped; a view follows, and takes the place of all that was told before. */
  | { readonly event: "lagged" };

interface Waiting {
  readonly event: FeedEvent & { readonly event: "changes" };
  readonly bytes: number;
}

/** Hands the events of one document to any number of subscribers; costs nothing while there are none. */
export class Feed {
  readonly #document: LedgerDocument;
  readonly #subscribers = new Set<Subscriber>();
  #unsubscribe: (() => void) | null = null;
  #durable: number;

  constructor(document: LedgerDocument) {
    this.#document = document;
    this.#durable = document.history.length;
  }

  /** Says that the first `length` changes are durable, and may be told of. */
  release(length: number): void {
    this.#durable = length;
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  /** Events from now on, until the signal; with `view`, the whole view as it is now comes first. */
  async *subscribe(view: boolean, signal: AbortSignal): AsyncGenerator<FeedEvent, void> {
    const subscriber = new Subscriber(view);
    const wake = (): void => {
      subscriber.wake();
    };
    this.#subscribers.add(subscriber);
    this.#unsubscribe ??= this.#document.subscribe((event) => {
      this.#take(event);
    });
    signal.addEventListener("abort", wake);
    try {
      yield { event: "subscribed", length: this.#document.history.length };
      while (!signal.aborted) {
        if (subscriber.takeLag()) yield { event: "lagged" };
        if (subscriber.takeViewWish()) yield* this.#view(subscriber, signal);
        const event = subscriber.next(this.#durable);
        if (event === null) await subscriber.woken();
        else yield event;
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) {
        this.#unsubscribe?.();
        this.#unsubscribe = null;
      }
    }
  }

  /** The view as it is at this moment, told when all that is in it is durable; what comes after it waits meanwhile. */
  async *#view(subscriber: Subscriber, signal: AbortSignal): AsyncGenerator<FeedEvent, void> {
    const json = this.#document.viewJson();
    const { length } = this.#document.history;
    while (this.#durable < length && !signal.aborted) await subscriber.woken();
    for (let start = 0; start < json.length && !signal.aborted;) {
      let end = Math.min(start + VIEW_CHARACTERS, json.length);
      // A pair of surrogates stays whole: each piece is written out on its own.
      if (end < json.length && (json.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
      yield { event: "view", text: json.slice(start, end), last: end === json.length, length };
      start = end;
    }
  }

  #take({ origin, changes, patches }: DocumentEvent): void {
    const { history } = this.#document;
    if (patches.some(({ path }) => path.length === 0)) {
      // The whole view is told in pieces, however large it is.
      for (const subscriber of this.#subscribers) subscriber.lag();
      return;
    }
    const event = {
      event: "changes",
      origin,
      ids: changes.map((index) => toHex(history.idAt(index))),
      patches,
      length: (changes.at(-1) ?? -1) + 1,
    } as const;
    const bytes = Buffer.byteLength(JSON.stringify(event));
    for (const subscriber of this.#subscribers) subscriber.offer({ event, bytes });
  }
}

/** What waits for one subscriber. */
class Subscriber {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lagged = false;
  #wantsView: boolean;
  #wake: () => void = () => undefined;

  constructor(view: boolean) {
    this.#wantsView = view;
  }

  offer(waiting: Waiting): void {
    // What is about to be told as a view need not be told as events.
    if (this.#lagged) return;
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes;
    if (this.#bytes > SUBSCRIBER_BYTES) this.lag();
    this.wake();
  }

  /** Drops what waits; the view follows. */
  lag(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#lagged = true;
    this.wake();
  }

  /** True once after events were dropped; the view is due then. */
  takeLag(): boolean {
    if (!this.#lagged) return false;
    this.#wantsView = true;
    return true;
  }

  /** True once when a view is due; the caller takes it before anything else can happen. */
  takeViewWish(): boolean {
    const wish = this.#wantsView;
    this.#wantsView = false;
    if (wish) {
      this.#lagged = false;
      this.#waiting = [];
      this.#bytes = 0;
    }
    return wish;
  }

  /** The next event whose changes are among the first `durable` ones. */
  next(durable: number): FeedEvent | null {
    const first = this.#waiting[0];
    if (first === undefined || first.event.length > durable) return null;
    this.#waiting.shift();
    this.#bytes -= first.bytes;
    return first.event;
  }

  /** Resolves at the next wake-up. */
  woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
