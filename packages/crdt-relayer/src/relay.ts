/**
 * A relay: the sessions that its HTTP side takes (RFC 6455), the rooms behind them, what it counts, and the order in which
 * all of that starts and stops.
 */
import { setTimeout } from "node:timers/promises";
import { type ReceivedGroup, type ReceiveStatus, SliceCache } from "bft-json-crdt";
import { type Logger, pino } from "pino";
import type { WebSocket } from "ws";
import {
  type Backplane,
  type BackplaneHost,
  type BackplaneStatus,
  EmbeddedBackplane,
} from "./backplane.ts";
import { Ahead } from "./ahead.ts";
import type { CloseName } from "./close-codes.ts";
import { Conduct } from "./conduct.ts";
import { retryAfter, sendAway } from "./drain.ts";
import { EXIT, messageOf, RelayError } from "./exit-codes.ts";
import { type HttpHost, HttpSide, listeningError } from "./http.ts";
import { CLOSE_MS, DRAIN_MS, MOST_TURNS_MS, SLICES_BYTES, STRANGER_STRIKE } from "./limits.ts";
import { LiveSettings, type Reloaded } from "./live-settings.ts";
import { Metrics } from "./metrics.ts";
import { Newcomers } from "./newcomers.ts";
import { filesNeeded, openFilesLimit, withinOpenFiles } from "./open-files.ts";
import { type Frame, Outlets } from "./outlet.ts";
import { Pauses } from "./pauses.ts";
import { Pings } from "./pings.ts";
import { networkOf, Rates } from "./rates.ts";
import { counted, type Room, type RoomHost } from "./room.ts";
import { Policies } from "./room-policy.ts";
import { type Guest, Rooms } from "./rooms.ts";
import { SendAccount } from "./send-account.ts";
import { Session, type SessionHost } from "./session.ts";
import { completeSettings, EMBEDDED, type Settings } from "./settings.ts";
import { openStore, type Store } from "./store.ts";
import { hasTls, readTls } from "./tls.ts";
import { Turns } from "./turns.ts";

export { WEBSOCKET_PATH } from "./pages.ts";

/** A running relay. */
export interface Relay {
  /** Where it listens: `ws://127.0.0.1:8080/websocket`, or `wss:` with a certificate. */
  readonly url: string;
  readonly port: number;
  /** Where its metrics are: `http://127.0.0.1:8080/metrics`; null when they are off. */
  readonly metricsUrl: string | null;
  /** Resolves when the relay had to end by itself, after it has closed everything; never when close() was called. */
  readonly failed: Promise<RelayError>;
  /** What /healthz says. */
  status(): RelayStatus;
  /**
   * Goes by other settings from now on, those that are left out by their defaults; what a running relay cannot change
   * stays as it is. Throws RelayError, and changes nothing, when one is wrong.
   */
  reload(settings: Partial<Settings>): Reloaded;
  /**
   * Stops: takes nothing more in, stores what is on its way, closes the sessions (many of them spread over
   * `drainSeconds`), then the store. Rejects with RelayError, after all that, when something received could not be stored.
   */
  close(): Promise<void>;
}

/** How a relay is. Counts of changes are since it started. */
export interface RelayStatus {
  readonly status: "ok" | "stopping" | "failed";
  readonly uptime: number;
  /** False while nothing that is received could be made durable: a load balancer should choose another relay. */
  readonly ready: boolean;
  readonly backplane: BackplaneStatus;
  readonly rooms: number;
  readonly sessions: number;
  readonly changes: { readonly [status in ReceiveStatus]: number };
}

/** What a program may bring along. */
export interface RelayOptions {
  /** Nothing is logged without one. */
  readonly logger?: Logger;
  /** Opens another database than the settings name; the relay closes it. */
  readonly openStore?: (data: string) => Promise<Store>;
  /** For SIDE_HOME, where `data` is not given; the process's own by default. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a relay; settings that are left out have the defaults of the command. Throws RelayError when it cannot. */
export async function createRelay(
  settings: Partial<Settings> = {},
  options: RelayOptions = {},
): Promise<Relay> {
  const log = options.logger ?? pino({ level: "silent" });
  const complete = fitting(completeSettings(settings, options.env ?? process.env), log);
  const backplane = await openBackplane(complete, options, log);
  const relay = new RunningRelay(complete, backplane, log);
  try {
    await relay.listen();
  } catch (error) {
    await backplane.close();
    throw listeningError(error, complete);
  }
  return relay;
}

/** The settings, with no more connections than the process may open files for; the log is told when that makes a difference. */
function fitting(settings: Settings, log: Logger): Settings {
  const limit = openFilesLimit();
  const fits = withinOpenFiles(settings, limit);
  if (fits === settings) return settings;
  const { maxSessions, maxHttpConnections } = fits;
  const needed = filesNeeded(settings);
  log.warn(
    { limit, needed, maxSessions, maxHttpConnections },
    `the process may open ${limit} files: only ${counted(maxSessions, "session")} at once can be taken, and not ${settings.maxSessions}, before the store has none left; raise it with ulimit -n ${needed}, or LimitNOFILE=${needed} in its unit`,
  );
  return fits;
}

async function openBackplane(
  settings: Settings,
  options: RelayOptions,
  log: Logger,
): Promise<Backplane> {
  const { backplane, data } = settings;
  if (backplane === EMBEDDED) {
    const store = await (options.openStore?.(data) ?? openStore(data, log));
    return new EmbeddedBackplane(store, data);
  }
  // Imported late: most relays need none of it.
  const { openNatsBackplane } = await import("./nats/backplane.ts");
  return openNatsBackplane(settings, log);
}

class RunningRelay implements Relay, SessionHost, RoomHost, HttpHost, BackplaneHost {
  /** Read at use: its values change with {@link reload}. */
  readonly settings: Settings;
  readonly log: Logger;
  readonly outlets = new Outlets();
  readonly turns = new Turns(MOST_TURNS_MS, () => this.outlets.owedMs);
  readonly rates = new Rates(() => this.settings);
  readonly conduct = new Conduct(() => this.settings);
  readonly ahead = new Ahead();
  readonly pauses = new Pauses();
  readonly slices = new SliceCache(SLICES_BYTES);
  readonly failed: Promise<RelayError>;
  readonly policies: Policies;
  readonly #live: LiveSettings;
  readonly #backplane: Backplane;
  readonly #rooms: Rooms;
  readonly metrics: Metrics;
  readonly #http: HttpSide;
  readonly #sessions = new Set<Session>();
  /** Those of them that were turned away, and are just being closed: they take nobody's place. */
  readonly #turnedAway = new Set<Session>();
  /** Those of them that have joined no room yet. */
  readonly #strangers = new Newcomers<Session, Session>((session) => [
    networkOf(session.peer),
    session,
  ]);
  readonly #pings = new Pings<Session>(
    () => this.settings.pingSeconds * 1_000,
    (session) => {
      session.checkAlive();
    },
  );
  /** How many sessions there are from each address. */
  readonly #addresses = new Map<string, number>();
  readonly #sending = new SendAccount();
  readonly #started = performance.now();
  readonly #changes = { applied: 0, duplicate: 0, pending: 0, rejected: 0, unsupported: 0 };
  #state: RelayStatus["status"] = "ok";
  #closing: Promise<void> | null = null;
  #fail: (error: RelayError) => void = () => undefined;
  #noSessions: (() => void) | null = null;
  #storeError: unknown = null;
  #isLost = false;
  /** Closes the sessions when the backplane has been lost for long. */
  #grace: NodeJS.Timeout | null = null;

  constructor(complete: Settings, backplane: Backplane, log: Logger) {
    this.#live = new LiveSettings(complete);
    const settings = this.#live.current;
    this.settings = settings;
    this.log = log;
    this.#backplane = backplane;
    this.policies = new Policies(settings);
    this.#rooms = new Rooms(backplane, settings, this, log, this.policies);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.metrics = new Metrics({
      connections: () => this.#sessions.size,
      rooms: () => this.#rooms.size,
      changes: () => this.#changes,
      sendWaiting: () => this.#sending.bytes,
      inboxWaiting: () => [...this.#sessions].reduce((sum, { awaited }) => sum + awaited, 0),
    });
    this.#http = new HttpSide(this, (socket, address, dialled) => {
      this.#accept(socket, address, dialled);
    });
  }

  get port(): number {
    return this.#http.port;
  }

  get url(): string {
    return this.#http.url;
  }

  get metricsUrl(): string | null {
    return this.#http.metricsUrl;
  }

  listen(): Promise<void> {
    this.#backplane.start(this);
    return this.#http.listen();
  }

  status(): RelayStatus {
    return {
      status: this.#state,
      uptime: Math.round((performance.now() - this.#started) / 1_000),
      ready: this.unready() === null,
      backplane: this.#backplane.status(),
      rooms: this.#rooms.size,
      sessions: this.#sessions.size,
      changes: { ...this.#changes },
    };
  }

  unready(): string | null {
    if (this.#state !== "ok") {
      return this.#state === "failed"
        ? "changes cannot be stored; the relay is stopping"
        : "the relay is stopping";
    }
    if (this.#isLost) return "the relay cannot reach its log";
    const { maxSessions } = this.settings;
    return this.#taken < maxSessions
      ? null
      : `this relay takes no more than ${counted(maxSessions, "session")} at once`;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close("stopping", "stopping");
    return this.#closing;
  }

  reload(settings: Partial<Settings>): Reloaded {
    const next = fitting(completeSettings(settings, process.env), this.log);
    // What cannot be used must change nothing.
    if (hasTls(next)) readTls(next);
    const reloaded = this.#live.replace(next);
    const { logLevel } = this.settings;
    // The logs of sessions are children of this one, and follow it.
    if (reloaded.changed.includes("logLevel")) this.log.level = logLevel;
    this.#http.settingsChanged();
    this.policies.replace(this.settings);
    this.#rooms.settingsChanged();
    const concerned = [...this.#sessions].filter((session) => session.heedRules());
    for (const session of concerned) session.close("rulesChanged", retryAfter(concerned.length));
    if (reloaded.changed.includes("pingSeconds")) this.#pings.settingsChanged();
    return reloaded;
  }

  get inboxShare(): number {
    const { inboxBytes, sessionInboxBytes } = this.settings;
    return Math.min(sessionInboxBytes, inboxBytes / Math.max(1, this.#sessions.size));
  }

  get outboxShare(): number {
    const { sendBytes, sendSoftBytes } = this.settings;
    return Math.min(sendSoftBytes, sendBytes / Math.max(1, this.#sessions.size));
  }

  sending(frame: Frame): void {
    this.metrics.sent(frame);
    this.#sending.take(frame);
    if (this.#sending.bytes > this.settings.sendBytes) this.#cutSlowest();
  }

  sent(frame: Frame): void {
    this.#sending.give(frame);
  }

  /** Frees the memory at once: whoever does not read what waits would not read a close frame behind it either. */
  #cutSlowest(): void {
    let slowest: Session | null = null;
    for (const session of this.#sessions) {
      if (session.unread > (slowest?.unread ?? 0)) slowest = session;
    }
    if (slowest === null) return;
    const { peer, unread } = slowest;
    this.log.info({ peer, unread }, "too much waits for slow readers; the slowest is cut");
    slowest.terminate();
  }

  enter(document: Uint8Array, guest: Guest): ReturnType<Rooms["enter"]> {
    return this.#rooms.enter(document, guest);
  }

  leave(document: Uint8Array, guest: Guest): void {
    this.#rooms.leave(document, guest);
  }

  joined(session: Session): void {
    this.#strangers.delete(session);
  }

  ended(session: Session): void {
    this.metrics.ended(session.ending);
    this.#sessions.delete(session);
    this.#turnedAway.delete(session);
    this.#strangers.delete(session);
    this.#pings.delete(session);
    const network = networkOf(session.peer);
    const left = (this.#addresses.get(network) ?? 0) - 1;
    if (left > 0) this.#addresses.set(network, left);
    else this.#addresses.delete(network);
    if (this.#sessions.size === 0) this.#noSessions?.();
  }

  passedOn(ms: number): void {
    this.metrics.passedOn(ms);
  }

  stored(ms: number): void {
    this.metrics.stored(ms);
  }

  received(group: ReceivedGroup, room: Room): void {
    this.metrics.received(group);
    const { status, code, applied, results } = group;
    this.#changes.applied += applied.length;
    for (const result of results) if (result.status !== "applied") this.#changes[result.status]++;
    if (results.length === 0) this.#changes.rejected++;
    if (status === "rejected")
      this.log.debug({ code, document: Buffer.from(room.document).toString("hex") }, "rejected");
  }

  storingFailed(error: unknown): void {
    this.#storeError ??= error;
    if (this.#closing !== null) return;
    this.log.fatal({ reason: messageOf(error) }, "changes cannot be stored; the relay stops");
    this.#closing = this.#close("failed", "storeFailed").then(() => {
      this.#fail(this.#storingError(error));
    });
  }

  backplaneLost(reason: string): void {
    this.#isLost = true;
    for (const session of this.#sessions) session.hold(true);
    this.#grace ??= globalThis
      .setTimeout(() => {
        this.log.warn({ reason, sessions: this.#sessions.size }, "sessions are closed");
        for (const session of this.#sessions) session.close("backplaneLost");
      }, this.settings.backplaneGraceSeconds * 1_000)
      .unref();
  }

  backplaneBack(): void {
    this.#isLost = false;
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#grace = null;
    for (const session of this.#sessions) session.hold(false);
  }

  async #close(state: "stopping" | "failed", how: CloseName): Promise<void> {
    this.#state = state;
    if (this.#grace !== null) clearTimeout(this.#grace);
    for (const session of this.#sessions) session.drain();
    if (state === "stopping" && !(await within(DRAIN_MS, this.#rooms.close()))) {
      this.#storeError ??= new Error(`the store did not answer within ${DRAIN_MS / 1_000} s`);
    }
    const lost = this.#storeError;
    const gone = new Promise<void>((resolve) => {
      this.#noSessions = resolve;
      if (this.#sessions.size === 0) resolve();
    });
    if (state === "failed") {
      for (const session of this.#sessions) session.close(how);
    } else {
      await sendAway([...this.#sessions], this.settings.drainSeconds, (session, retryMs) => {
        session.close(how, retryMs);
      });
    }
    await within(CLOSE_MS, gone);
    for (const session of this.#sessions) session.terminate();
    // Until now whoever came was told that the relay stops (503), and /healthz said so.
    this.#http.close();
    this.#http.closeAllConnections();
    await this.#backplane.close();
    if (state === "stopping" && lost !== null) throw this.#storingError(lost);
  }

  /** Whatever is not stored was not acknowledged, so the nodes still have it. */
  #storingError(error: unknown): RelayError {
    const next = `${this.#backplane.remedyFor(error)}  # then start the relay again: nodes send what was not acknowledged`;
    return new RelayError(
      EXIT.failure,
      { what: "changes cannot be stored; the relay has stopped", why: messageOf(error), next },
      { cause: error },
    );
  }

  /** Places that are taken. */
  get #taken(): number {
    return this.#sessions.size - this.#turnedAway.size;
  }

  #accept(socket: WebSocket, address: string, dialled: string | null): void {
    const session = new Session(socket, address, this, dialled);
    const { maxSessions, maxAddressSessions } = this.settings;
    const network = networkOf(address);
    const fromThere = (this.#addresses.get(network) ?? 0) + 1;
    const isTooMany = fromThere > maxAddressSessions;
    if (this.#taken >= maxSessions && !isTooMany && !this.#isLost) this.#cutStranger(network);
    const isOver = this.#taken >= maxSessions;
    this.#sessions.add(session);
    this.#addresses.set(network, fromThere);
    if (isOver || isTooMany || this.#isLost) {
      this.#turnedAway.add(session);
      session.close(
        isOver ? "tooManySessions" : this.#isLost ? "backplaneLost" : "tooManyFromAddress",
      );
      return;
    }
    this.#strangers.add(session);
    this.#pings.add(session);
  }

  /**
   * Makes space for somebody new: whoever came long ago and joined no room uses the relay least, and of those one of the network
   * that has most. Somebody who comes from there makes no space for themselves.
   */
  #cutStranger(network: string): void {
    const oldest = this.#strangers.nextToGo;
    if (oldest === null) return;
    // Where all come from one network, nobody else is put out by it.
    if (this.#strangers.networks > 1) {
      this.conduct.strike(oldest.peer, STRANGER_STRIKE);
      if (networkOf(oldest.peer) === network) return;
    }
    this.log.info({ peer: oldest.peer }, "the relay is full; who has joined no room is cut");
    this.#strangers.delete(oldest);
    oldest.terminate();
    this.#sessions.delete(oldest);
  }
}

/** True when the promise resolves within so many milliseconds; resolves at the latest then. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const timeout = setTimeout(ms, false, { signal: late.signal }).catch(() => false);
  const isDone = await Promise.race([promise.then(() => true), timeout]);
  late.abort();
  return isDone;
}
