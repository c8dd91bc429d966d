/**
 * What a relay can be asked for at `/metrics`, in the text format of Prometheus. Each relay has a registry of its own. What
 * happens often is counted in plain numbers, which are read only when somebody asks; labels have values from closed sets,
 * never from outside.
 */
import { setImmediate, setTimeout } from "node:timers/promises";
import type { ReceivedGroup, ReceiveStatus, RejectionCode } from "bft-json-crdt";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Ending, ENDINGS } from "./endings.ts";
import { METRICS_EVERY_MS } from "./limits.ts";
import { processMetrics } from "./process-metrics.ts";

/** The media type of what {@link Metrics.text} returns. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** What is read when somebody asks. */
export interface MetricsSource {
  connections(): number;
  rooms(): number;
  changes(): { readonly [status in ReceiveStatus]: number };
  /** Bytes that wait for sockets to take them. */
  sendWaiting(): number;
  /** Bytes that were received and are not stored yet. */
  inboxWaiting(): number;
}

/** Seconds; from what memory takes to what people notice. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** The measurements of one relay. */
export class Metrics {
  readonly #registry = new Registry();
  /** Every code of the library: the type says so. */
  readonly #rejections: Record<RejectionCode, number> = {
    malformed: 0,
    too_large: 0,
    unsupported_version: 0,
    wrong_document: 0,
    bad_signature: 0,
    missing_signature: 0,
    wrong_prev: 0,
    wrong_lamport: 0,
    rejected_dependency: 0,
    over_quota: 0,
    room_read_only: 0,
    author_not_allowed: 0,
  };
  readonly #endings = new Map<Ending, number>(ENDINGS.map((ending) => [ending, 0]));
  readonly #fanOut: Histogram;
  readonly #append: Histogram;
  #groups = 0;
  #bytes = 0;
  /** What those get who ask now, until it is begun. */
  #next: Promise<string> | null = null;
  #madeAt = -Infinity;

  constructor(source: MetricsSource) {
    this.#gauge("connections", "Connections that are sessions.", () => source.connections());
    this.#gauge("rooms", "Rooms in memory.", () => source.rooms());
    this.#counter("changes", "Changes received, by verdict.", "verdict", () =>
      Object.entries(source.changes()),
    );
    this.#counter(
      "rejections",
      "Changes received and refused or set aside, and groups that could not be read, by code.",
      "code",
      () => Object.entries(this.#rejections),
    );
    this.#counter("groups_sent", "Groups of changes given to sockets.", null, () => [
      ["", this.#groups],
    ]);
    this.#counter(
      "sent_bytes",
      "Bytes of groups and messages given to sockets, without framing; a UTF-16 unit of text counts as one.",
      null,
      () => [["", this.#bytes]],
    );
    this.#gauge(
      "send_waiting_bytes",
      "Bytes that wait for sockets to take them; what goes to many counts once.",
      () => source.sendWaiting(),
    );
    this.#gauge("inbox_waiting_bytes", "Bytes that were received and are not stored yet.", () =>
      source.inboxWaiting(),
    );
    this.#counter(
      "sessions_closed",
      "Sessions that ended, by how: a name of the table of close codes, client (by the other end), lost (the connection broke) or cut (by the relay, without a close frame).",
      "close",
      () => [...this.#endings],
    );
    this.#fanOut = this.#histogram(
      "fan_out_seconds",
      "Seconds from the arrival of a group of changes until it was given to every socket in its room.",
    );
    this.#append = this.#histogram(
      "store_append_seconds",
      "Seconds that a group of changes took to become durable, waiting for others in the same write included.",
    );
  }

  /** A group was judged. */
  received({ status, code, results }: ReceivedGroup): void {
    if (status !== "rejected" && status !== "unsupported") return;
    if (results.length === 0 && code !== undefined) this.#rejections[code]++;
    for (const { code } of results) if (code !== undefined) this.#rejections[code]++;
  }

  /** A frame was given to a socket. */
  sent(frame: string | Uint8Array): void {
    this.#bytes += frame.length;
    if (typeof frame !== "string") this.#groups++;
  }

  /** A group was passed on; in milliseconds since it came. */
  passedOn(ms: number): void {
    this.#fanOut.observe(ms / 1e3);
  }

  /** A group is durable; in milliseconds since its write was asked for. */
  stored(ms: number): void {
    this.#append.observe(ms / 1e3);
  }

  /** A session ended. */
  ended(ending: Ending): void {
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1);
  }

  /**
   * All of it, and what is known of the process, as it is after this was called. It takes milliseconds of the process, so it
   * is made a few times a second at most, for all who have asked meanwhile, and a metric at a time.
   */
  text(): Promise<string> {
    this.#next ??= this.#make();
    return this.#next;
  }

  async #make(): Promise<string> {
    await setTimeout(Math.max(0, this.#madeAt + METRICS_EVERY_MS - performance.now()));
    this.#next = null;
    this.#madeAt = performance.now();
    const texts: string[] = [];
    for (const registry of [this.#registry, processMetrics()]) {
      for (const { name } of registry.getMetricsAsArray()) {
        texts.push(await registry.getSingleMetricAsString(name));
        // Whoever else has something to do is not kept waiting by all of them.
        await setImmediate();
      }
    }
    return `${texts.join("\n\n")}\n`;
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge = new Gauge({
      name: `crdt_relayer_${name}`,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    this.#registry.registerMetric(gauge);
  }

  /** Counts by the values of one label, or without any. */
  #counter(
    name: string,
    help: string,
    label: string | null,
    read: () => readonly (readonly [value: string, count: number])[],
  ): void {
    const counter = new Counter({
      name: `crdt_relayer_${name}_total`,
      help,
      labelNames: label === null ? [] : [label],
      registers: [],
      collect() {
        this.reset();
        for (const [value, count] of read())
          this.inc(label === null ? {} : { [label]: value }, count);
      },
    });
    this.#registry.registerMetric(counter);
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({
      name: `crdt_relayer_${name}`,
      help,
      buckets: BUCKETS,
      registers: [this.#registry],
    });
  }
}
