/**
 * Several relays with one durable log: a stream of NATS JetStream, one subject for each document.
 *
 * One reader per process follows the whole stream, and hands rooms that are loaded what is theirs; a room that is being
 * loaded reads its own subject from the beginning. A reader for each room would be a consumer on the server for each room
 * and relay; one reader with a list of subjects needs a server of 2.10 and would have to begin anew for each room that
 * comes and goes. What a relay pays for this is the traffic of rooms that it does not have: it looks at the
 * subject and drops the message.
 *
 * The server is trusted with durability, by its own rules (docs/backplane.md), and with nothing else: what it delivers
 * is verified like anything from outside, and what it acknowledges counts only once it was read back: see read-back.ts.
 */
import { createHash } from "node:crypto";
import { setImmediate, setTimeout } from "node:timers/promises";
import { jetstreamManager, type JetStreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { equalBytes, MAX_GROUP_BYTES } from "bft-json-crdt";
import type { Logger } from "pino";
import {
  type Backplane,
  BackplaneError,
  type BackplaneHost,
  type BackplaneStatus,
} from "../backplane.ts";
import { epochOf } from "../epochs.ts";
import { EXIT, messageOf, RelayError } from "../exit-codes.ts";
import {
  NATS_ANSWER_MS,
  NATS_HEADER_BYTES,
  NATS_PING_MS,
  NATS_READ_ATTEMPTS,
  NATS_READS,
  NATS_START_MS,
  NATS_TURN_MS,
} from "../limits.ts";
import type { Settings } from "../settings.ts";
import { readAcknowledgement } from "./acknowledgement.ts";
import { type NatsAddress, readNatsAddress, shownNatsAddress } from "./address.ts";
import { retryDelay } from "./backoff.ts";
import { Continuity, LogLostError } from "./continuity.ts";
import { Gate } from "./gate.ts";
import { type Outstanding, ReadBack } from "./read-back.ts";
import { readStream, type StreamMessage } from "./reader.ts";
import { type LogPort, NatsRoomLog } from "./room-log.ts";
import { isAbsent, prepareStream, storedMessage, subjectOf, subjectsOf } from "./stream.ts";

/** What concerns the backplane. */
export type BackplaneSettings = Pick<
  Settings,
  "backplane" | "backplaneStream" | "backplaneReplicas"
>;

/** Connects, prepares the stream, and checks that it can hold everything. Throws RelayError. */
export async function openNatsBackplane(
  settings: BackplaneSettings,
  log: Logger,
): Promise<Backplane> {
  const address = readNatsAddress(settings.backplane);
  if (address === null) throw new TypeError("the backplane is no address of NATS");
  const connection = await connected(address);
  try {
    const most = connection.info?.max_payload ?? 0;
    if (most < MAX_GROUP_BYTES) {
      throw new RelayError(EXIT.refused, {
        what: `${shownNatsAddress(address)} takes messages of ${most} bytes at most`,
        why: `groups of changes have up to ${MAX_GROUP_BYTES} bytes`,
        next: "max_payload: 1MB  # in the configuration of nats-server, which then has to reload it",
      });
    }
    const found = await prepared(connection, settings);
    return new NatsBackplane({ connection, ...found, log, address });
  } catch (error) {
    await connection.close();
    if (error instanceof RelayError) throw error;
    throw preparingError(error, address, settings);
  }
}

async function connected(address: NatsAddress): Promise<NatsConnection> {
  const { servers, tls, user, password, token } = address;
  try {
    return await connect({
      name: "crdt-relayer",
      servers: [...servers],
      ...(tls ? { tls: {} } : {}),
      ...(user === null ? {} : { user, pass: password ?? "" }),
      ...(token === null ? {} : { token }),
      timeout: NATS_ANSWER_MS,
      pingInterval: NATS_PING_MS,
      maxReconnectAttempts: -1,
      // A password that is being changed on the servers must not end the relay.
      ignoreAuthErrorAbort: true,
      reconnectDelayHandler: () => retryDelay(4),
    });
  } catch (error) {
    const isRefused = /auth/iu.test(messageOf(error));
    throw new RelayError(
      isRefused ? EXIT.refused : EXIT.failure,
      {
        what: `cannot connect to the backplane ${shownNatsAddress(address)}`,
        why: messageOf(error),
        next: isRefused
          ? "SIDE_RELAYER_BACKPLANE=nats://USER:PASSWORD@HOST:4222 crdt-relayer"
          : "systemctl status nats-server  # or: apt-get install nats-server",
      },
      { cause: error },
    );
  }
}

/** The stream as it is found. */
interface Prepared {
  readonly manager: JetStreamManager;
  readonly info: StreamInfo;
  /** Its last message; null when it has none, or that was deleted. */
  readonly last: StreamMessage | null;
}

/** Waits for a cluster that is just starting. */
async function prepared(
  connection: NatsConnection,
  settings: BackplaneSettings,
): Promise<Prepared> {
  const end = performance.now() + NATS_START_MS;
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: NATS_ANSWER_MS });
  for (let attempt = 0; ; attempt++) {
    try {
      const info = await prepareStream(manager, settings);
      const { last_seq: seq } = info.state;
      const last = seq === 0 ? null : await storedMessage(manager, info.config.name, seq);
      return { manager, info, last };
    } catch (error) {
      const mayPass = /unavailable|no responders|timeout|insufficient|no suitable peers/iu.test(
        messageOf(error),
      );
      // A server on its own that has no JetStream says so at once and for good.
      const isAlone = (connection.info?.cluster ?? "") === "";
      if (!mayPass || isAlone || performance.now() > end) throw error;
      await setTimeout(retryDelay(attempt));
    }
  }
}

function preparingError(
  error: unknown,
  address: NatsAddress,
  { backplaneStream: stream, backplaneReplicas: replicas }: BackplaneSettings,
): RelayError {
  const why = messageOf(error);
  const what = `cannot prepare the stream ${stream} on ${shownNatsAddress(address)}`;
  if (/not enabled|no responders/iu.test(why)) {
    return new RelayError(EXIT.refused, {
      what,
      why: "the server runs without JetStream, or this user may not use it",
      next: "jetstream { store_dir: /var/lib/nats }  # in the configuration of nats-server",
    });
  }
  if (/replicas|no suitable peers/iu.test(why)) {
    const next = "crdt-relayer --backplane-replicas 1";
    return new RelayError(EXIT.refused, { what, why: `${replicas} replicas: ${why}`, next });
  }
  return new RelayError(EXIT.failure, { what, why, next: "nats server check jetstream" });
}

interface Parts extends Prepared {
  readonly connection: NatsConnection;
  readonly log: Logger;
  readonly address: NatsAddress;
}

class NatsBackplane implements Backplane {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #log: Logger;
  readonly #address: NatsAddress;
  readonly #stream: string;
  /** Of this very stream: one that is made anew under the same name was created at another time. */
  readonly #name: string;
  readonly #continuity: Continuity;
  readonly #published = new ReadBack();
  readonly #rooms = new Map<string, NatsRoomLog>();
  readonly #reads = new Gate(NATS_READS);
  /** Why nothing can be made durable, by what is in trouble. */
  readonly #troubles = new Map<string, string>();
  readonly #closing = new AbortController();
  #host: BackplaneHost | null = null;
  #isConnected = true;
  /**
   * True from each interruption on until the log was found to be what it was, and is followed again: where servers were
   * killed it may have lost its end, and what is stored then comes behind a gap.
   */
  #isInDoubt = false;
  /** Is resolved and made anew when the connection is back, when the log is certain, and when something is closed. */
  #change = new Change();
  /** Ends what is being read when the connection breaks. */
  #reading = new AbortController();
  /** All live messages up to this number were handed to their rooms. */
  #position: number;
  #delivered = 0;
  #dropped = 0;

  constructor({ connection, manager, info, last, log, address }: Parts) {
    this.#connection = connection;
    this.#manager = manager;
    this.#log = log;
    this.#address = address;
    this.#stream = info.config.name;
    this.#name = `${info.config.name} ${info.created}`;
    this.#continuity = new Continuity(info, last);
    this.#position = info.state.last_seq;
  }

  start(host: BackplaneHost): void {
    this.#host = host;
    void this.#watch();
    void this.#live();
  }

  status(): BackplaneStatus {
    const [lost = null] = this.#troubles.values();
    return { kind: "nats", lost, delivered: this.#delivered, dropped: this.#dropped };
  }

  open(document: Uint8Array): NatsRoomLog {
    const subject = subjectOf(this.#stream, document);
    const closing = new AbortController();
    const port: LogPort = {
      epoch: epochOf(this.#name, document),
      publish: (bytes) => this.#publish(subject, bytes, closing.signal),
      last: () => this.#last(subject),
      read: (from, to) => this.#read(subject, from, to),
      delivered: () => this.#delivered++,
      dropped: () => this.#dropped++,
      closed: (log) => {
        closing.abort();
        this.#change.wake();
        this.#published.wake(subject);
        this.#calm(subject);
        if (this.#rooms.get(subject) === log) this.#rooms.delete(subject);
      },
    };
    const log = new NatsRoomLog(port);
    this.#rooms.set(subject, log);
    return log;
  }

  remedyFor(): string {
    return "nats stream report";
  }

  async close(): Promise<void> {
    this.#host = null;
    this.#closing.abort();
    this.#reading.abort();
    for (const room of [...this.#rooms.values()]) room.close();
    this.#change.wake();
    await this.#connection.close();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Follows what happens to the connection. */
  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "disconnect") {
        this.#isConnected = false;
        this.#doubt();
        this.#reading.abort();
        this.#worry("connection", `no connection to ${shownNatsAddress(this.#address)}`);
      } else if (status.type === "reconnect") {
        this.#isConnected = true;
        this.#reading = new AbortController();
        this.#calm("connection");
        this.#change.wake();
      }
    }
  }

  /** Resolves when there is a connection, or what waits for it was closed. */
  async #connected(closing: AbortSignal): Promise<void> {
    while (!this.#isConnected && !closing.aborted) await this.#change.next;
  }

  /** Resolves when the log is not in doubt, or what waits for that was closed. */
  async #certain(closing: AbortSignal): Promise<void> {
    while (this.#isInDoubt && !closing.aborted) await this.#change.next;
  }

  /** Hands live messages to their rooms, for as long as the backplane is open. */
  async #live(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      await this.#connected(this.#closing.signal);
      try {
        await this.#continuity.check(this.#manager);
        const reading = {
          stream: this.#stream,
          filter: subjectsOf(this.#stream),
          from: this.#position + 1,
          signal: this.#reading.signal,
        };
        let turn = performance.now();
        for await (const message of readStream(this.#connection, this.#manager, reading)) {
          if (message === null) {
            // The connection may be lost while what came before is dealt with.
            if (reading.signal.aborted) continue;
            if (this.#isInDoubt) {
              this.#isInDoubt = false;
              this.#change.wake();
            }
            this.#calm("reading");
            attempt = 0;
            continue;
          }
          this.#hear(message);
          if (performance.now() - turn < NATS_TURN_MS) continue;
          await setImmediate();
          turn = performance.now();
        }
      } catch (error) {
        this.#doubt();
        if (this.#isClosed) return;
        if (error instanceof LogLostError) {
          this.#host?.storingFailed(error);
          return;
        }
        this.#worry("reading", `the log cannot be followed: ${messageOf(error)}`);
      }
      await pause(attempt, this.#closing.signal);
    }
  }

  #hear(message: StreamMessage): void {
    this.#position = message.seq;
    this.#continuity.followed(message);
    this.#published.saw(message);
    this.#rooms.get(message.subject)?.hear(message);
  }

  #doubt(): void {
    this.#isInDoubt = true;
    this.#published.wake();
  }

  /** Publishes until it was read back; rejects when the room's log, or the backplane, was closed. */
  async #publish(subject: string, bytes: Uint8Array, closing: AbortSignal): Promise<void> {
    const outstanding = this.#published.expect(subject, bytes);
    try {
      let isNamed = true;
      for (let attempt = 0; ; attempt++) {
        await this.#certain(closing);
        if (closing.aborted) throw new BackplaneError("the room's log was closed");
        try {
          // What was read back before the log was in doubt is in what was found to be there.
          if (!outstanding.isBack) {
            const { seq, isDuplicate } = await this.#request(subject, bytes, isNamed);
            if (isDuplicate && !(await this.#holds(seq, subject, bytes))) {
              // The id is in use for something else, or for something that is not stored yet.
              isNamed = false;
              continue;
            }
            if (!isDuplicate || seq > this.#position) await this.#back(outstanding, seq, closing);
            // It was read before it was looked for.
            else await this.#continuity.check(this.#manager);
          }
          if (this.#isInDoubt || closing.aborted) continue;
          this.#calm(subject);
          return;
        } catch (error) {
          if (closing.aborted) continue;
          this.#worry(subject, `changes cannot be stored: ${messageOf(error)}`);
          this.#log.debug({ subject, reason: messageOf(error) }, "a publication failed");
          await pause(attempt, closing);
        }
      }
    } finally {
      this.#published.forget(subject, outstanding);
    }
  }

  /** Resolves when a message was read back, or cannot be for now. Throws BackplaneError when it is not where it should be. */
  async #back(outstanding: Outstanding, seq: number, closing: AbortSignal): Promise<void> {
    while (!outstanding.isBack && !this.#isInDoubt && !closing.aborted) {
      if (seq <= this.#position) throw new BackplaneError("the log does not show what it took");
      await outstanding.news(NATS_ANSWER_MS);
    }
  }

  /** One publication and its acknowledgement. The id only saves traffic; what is long enough goes without. */
  async #request(
    subject: string,
    bytes: Uint8Array,
    isNamed: boolean,
  ): Promise<{ readonly seq: number; readonly isDuplicate: boolean }> {
    const most = this.#connection.info?.max_payload ?? 0;
    const named = headers();
    named.set("Nats-Msg-Id", createHash("sha256").update(bytes).digest("hex"));
    const fits = bytes.length + NATS_HEADER_BYTES <= most;
    const answer = await this.#connection.request(subject, bytes, {
      timeout: NATS_ANSWER_MS,
      ...(isNamed && fits ? { headers: named } : {}),
    });
    return readAcknowledgement(answer.string(), this.#stream);
  }

  async #holds(seq: number, subject: string, bytes: Uint8Array): Promise<boolean> {
    const stored = seq === 0 ? null : await storedMessage(this.#manager, this.#stream, seq);
    return stored !== null && stored.subject === subject && equalBytes(stored.data, bytes);
  }

  /** Tries again for some time: in a cluster a server may be lost, or behind, while the connection is well. */
  async #last(subject: string): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        // A leader that was just chosen may be behind, and what a room missed by that would never come.
        if (this.#isInDoubt) throw new BackplaneError("the log is in doubt");
        const query = { last_by_subj: subject };
        const found = await this.#manager.streams.getMessage(this.#stream, query);
        return found?.seq ?? 0;
      } catch (error) {
        if (isAbsent(error)) return 0;
        await this.#again(attempt, error);
      }
    }
  }

  /** The same, behind what was read. */
  async *#read(
    subject: string,
    from: number,
    to: () => number,
  ): AsyncGenerator<StreamMessage, void, void> {
    const leave = await this.#reads.enter();
    let next = from;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          for await (const message of this.#messages(subject, next, to)) {
            next = message.seq + 1;
            this.#continuity.read(message);
            yield message;
          }
          return;
        } catch (error) {
          await this.#again(attempt, error);
        }
      }
    } finally {
      leave();
    }
  }

  async *#messages(
    subject: string,
    from: number,
    to: () => number,
  ): AsyncGenerator<StreamMessage, void, void> {
    const reading = { stream: this.#stream, filter: subject, from, signal: this.#reading.signal };
    let isFirst = true;
    let hasRead = false;
    for await (const message of readStream(this.#connection, this.#manager, reading)) {
      if (message !== null) {
        hasRead = true;
        yield message;
        if (message.seq >= to()) return;
      } else if (isFirst) {
        isFirst = false;
      } else if (!hasRead) {
        // Nothing came for a whole batch: the last message may have been deleted meanwhile.
        if ((await this.#last(subject)) < to()) return;
      } else {
        hasRead = false;
      }
    }
  }

  /** Waits before another attempt to read, or throws BackplaneError when there were enough, or there is no connection. */
  async #again(attempt: number, error: unknown): Promise<void> {
    if (attempt >= NATS_READ_ATTEMPTS || !this.#isConnected || this.#isClosed)
      throw new BackplaneError(messageOf(error), { cause: error });
    await pause(attempt, this.#closing.signal);
  }

  #worry(about: string, reason: string): void {
    const isNew = this.#troubles.size === 0;
    this.#troubles.set(about, reason);
    if (!isNew || this.#isClosed) return;
    this.#log.warn({ reason }, "the backplane is lost; nothing is taken until it is back");
    this.#host?.backplaneLost(reason);
  }

  #calm(about: string): void {
    if (!this.#troubles.delete(about) || this.#troubles.size > 0 || this.#isClosed) return;
    this.#log.info("the backplane is back");
    this.#host?.backplaneBack();
  }
}

/** Something that others wait for, again and again. */
class Change {
  next: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.next = new Promise((resolve) => (this.#resolve = resolve));
  }

  wake(): void {
    const resolve = this.#resolve;
    this.next = new Promise((again) => (this.#resolve = again));
    resolve();
  }
}

/** Waits before another attempt, or until it is pointless. */
async function pause(attempt: number, closing: AbortSignal): Promise<void> {
  const options = { signal: closing, ref: false };
  await setTimeout(retryDelay(attempt), undefined, options).catch(() => undefined);
}
