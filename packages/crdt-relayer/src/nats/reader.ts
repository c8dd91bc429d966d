/**
 * Messages of a stream in their order, without a gap: an ephemeral consumer without acknowledgements, from which one
 * batch after another is pulled, so that no more than a batch waits here. Whatever makes it doubtful that all came (a
 * number left out, silence, a lost consumer, a broken connection) ends the reading with a ReadError, and whoever reads
 * begins anew behind the last message.
 */
import { createInbox, type Msg, type NatsConnection, nanos } from "@nats-io/transport-node";
import { AckPolicy, DeliverPolicy, type JetStreamManager, ReplayPolicy } from "@nats-io/jetstream";
import { NATS_BATCH, NATS_BATCH_BYTES, NATS_PULL_MS, NATS_SILENCE_MS } from "../limits.ts";
import { messageOf } from "../exit-codes.ts";

/** One message of a stream. */
export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its number in the stream, from 1. */
  readonly seq: number;
}

/** What is read. */
export interface Reading {
  readonly stream: string;
  /** Only messages on this subject, which may hold `*`. */
  readonly filter: string;
  /** The first message that is wanted. */
  readonly from: number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** Reading must begin anew. */
export class ReadError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ReadError";
  }
}

/** Milliseconds after which a server forgets a consumer that nobody pulls from. */
const INACTIVE_MS = 60_000;

/** Statuses of a pull (NATS sends them as the code of a message without content). */
const HEARTBEAT = 100;
const TIMED_OUT = 408;
const ENDED = 409;

/**
 * Reads until it is left or aborted; gives null when reading has begun and after each batch. Throws ReadError.
 */
export async function* readStream(
  connection: NatsConnection,
  manager: JetStreamManager,
  { stream, filter, from, signal }: Reading,
): AsyncGenerator<StreamMessage | null, never, void> {
  const arrivals = new Arrivals(signal);
  const inbox = createInbox();
  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) arrivals.add(message);
      else arrivals.fail(error.message);
    },
  });
  let consumer: string | null = null;
  try {
    consumer = await addConsumer(manager, stream, filter, from);
    yield null;
    let expected = 1;
    for (let pull = 1; ; pull++) {
      const reply = `${inbox}.${pull}`;
      requestBatch(connection, `${stream}.${consumer}`, reply);
      let received = 0;
      while (received < NATS_BATCH) {
        const message = await arrivals.next();
        if (message.subject.startsWith(`${inbox}.`)) {
          if (message.subject !== reply || !endsBatch(message, received)) continue;
          break;
        }
        const place = placeOf(message.reply ?? "");
        if (place?.delivered !== expected) throw new ReadError("a message was left out");
        expected++;
        received++;
        yield { subject: message.subject, data: message.data, seq: place.seq };
      }
      yield null;
    }
  } finally {
    subscription.unsubscribe();
    if (consumer !== null && !connection.isClosed()) {
      // The server forgets it anyway, a while later.
      manager.consumers.delete(stream, consumer).catch(() => undefined);
    }
  }
}

async function addConsumer(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  from: number,
): Promise<string> {
  try {
    const { name } = await manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      filter_subject: filter,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    return name;
  } catch (error) {
    throw new ReadError(messageOf(error), { cause: error });
  }
}

function requestBatch(connection: NatsConnection, consumer: string, reply: string): void {
  const request = {
    batch: NATS_BATCH,
    max_bytes: NATS_BATCH_BYTES,
    expires: nanos(NATS_PULL_MS),
    idle_heartbeat: nanos(NATS_PULL_MS / 2),
  };
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`, JSON.stringify(request), { reply });
}

/** Whether a status ends its batch; throws when the consumer is gone or something got lost on the way here. */
function endsBatch({ headers }: Msg, received: number): boolean {
  const code = headers?.code ?? 0;
  if (code === HEARTBEAT) return false;
  const description = headers?.description ?? "";
  const isEnd =
    code === TIMED_OUT ||
    (code === ENDED && /exceeds maxbytes|batch completed/iu.test(description));
  if (!isEnd) throw new ReadError(`the consumer ended: ${code} ${description}`);
  const unsent = headers?.get("Nats-Pending-Messages") ?? "";
  if (/^\d+$/u.test(unsent) && NATS_BATCH - Number(unsent) !== received)
    throw new ReadError("the last messages of a batch are missing");
  return true;
}

/**
 * Where a message stands, from its reply subject: `$JS.ACK.stream.consumer.tries.seq.delivered.time.pending`, with domain
 * and account before the stream in newer servers. Null when it is none of these.
 */
function placeOf(reply: string): { readonly seq: number; readonly delivered: number } | null {
  const tokens = reply.split(".");
  const at = tokens.length === 9 ? 5 : tokens.length >= 11 ? 7 : -1;
  const [seq, delivered] = [Number(tokens[at]), Number(tokens[at + 1])];
  if (at < 0 || !Number.isSafeInteger(seq) || !Number.isSafeInteger(delivered)) return null;
  return { seq, delivered };
}

/** What has come and was not read; no more than was asked for. */
class Arrivals {
  readonly #signal: AbortSignal;
  #waiting: Msg[] = [];
  #failure: string | null = null;
  #wake: (() => void) | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(message: Msg): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  fail(reason: string): void {
    this.#failure = reason;
    this.#wake?.();
  }

  /** The next message; throws ReadError when none comes. */
  async next(): Promise<Msg> {
    if (this.#waiting.length === 0) await this.#arrival();
    if (this.#signal.aborted) throw new ReadError("reading was broken off");
    const message = this.#waiting.shift();
    if (message === undefined) throw new ReadError(this.#failure ?? "the server fell silent");
    return message;
  }

  /** Resolves when something came, failed or was broken off, or nothing did for too long. */
  #arrival(): Promise<void> {
    if (this.#failure !== null || this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(silence);
        this.#signal.removeEventListener("abort", wake);
        this.#wake = null;
        resolve();
      };
      const silence = setTimeout(wake, NATS_SILENCE_MS).unref();
      this.#signal.addEventListener("abort", wake);
      this.#wake = wake;
    });
  }
}
