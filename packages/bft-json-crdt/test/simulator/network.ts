/**
 * The network between endpoints: links with a delay, that lose, repeat and reorder frames, fill up, break and heal, each
 * direction for itself.
 *
 * A *stream* is what WebSockets give: frames arrive whole and in order, or the connection breaks, both ends learn of it,
 * and one of them dials again. A *datagram* link promises nothing and never breaks; an endpoint that comes back
 * after a crash goes on with whatever the other end still thinks of it.
 */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** What travels: text is a control message, bytes are a group. */
export type Frame = string | Uint8Array;

/** One end of a connection. */
export interface Port {
  /** Name of the endpoint at the other end. */
  readonly peer: string;
  /** Takes one frame. False: it was taken, but there is no room for more before `drained`. */
  send(frame: Frame): boolean;
}

/** Whoever has ports. */
export interface Endpoint {
  readonly name: string;
  readonly isUp: boolean;
  opened(port: Port): void;
  received(port: Port, frame: Frame): void;
  drained(port: Port): void;
  closed(port: Port): void;
}

/** What a link is like. */
export interface LinkQuality {
  readonly transport: "stream" | "datagram";
  /** Milliseconds from one end to the other, and at most so many more, drawn for each frame. */
  readonly latency: number;
  readonly jitter: number;
  /** Probabilities for each frame; of datagrams only. */
  readonly loss: number;
  readonly duplication: number;
  /** Bytes per millisecond; null: as many as come. */
  readonly bandwidth: number | null;
}

/** Bytes that wait for a slow link before its sender is told to stop. */
const CAPACITY = 4_096;

/** Milliseconds between two attempts to connect. */
const REDIAL_MS = 400;

/** A partition: what passes from `from` to `to` is held back, or lost. */
export interface Partition {
  readonly from: ReadonlySet<string>;
  readonly to: ReadonlySet<string>;
}

/** All links. */
export class Network {
  /** Frames that endpoints have given to their ports, and bytes of them. */
  frames = 0;
  bytes = 0;
  readonly clock: Clock;
  readonly #random: Random;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #links: Link[] = [];
  readonly #partitions = new Set<Partition>();
  #isHealed = false;
  #silenced: ReadonlySet<string> = new Set();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.name, endpoint);
  }

  /** Connects two endpoints from now on; the first one dials. `back` is what the way from the second is like. */
  link(a: string, b: string, there: LinkQuality, back: LinkQuality): void {
    const name = `${a}-${b}`;
    const link = new Link(
      this,
      name,
      [this.#endpoints.get(a)!, this.#endpoints.get(b)!],
      [there, back],
      this.#random.split(name),
    );
    this.#links.push(link);
    link.open();
  }

  /** Breaks a connection; streams only. */
  cut(a: string, b: string): void {
    for (const link of this.#links) if (link.joins(a, b)) link.cut();
  }

  /** Breaks all connections of an endpoint; streams only. */
  isolate(name: string): void {
    for (const link of this.#links) if (link.has(name)) link.cut();
  }

  /** Holds back (streams) or loses (datagrams) what passes that way. With `breaks`, streams are cut and stay so. */
  partition(partition: Partition, breaks: boolean): void {
    if (this.#isHealed) return;
    this.#partitions.add(partition);
    for (const link of this.#links) if (breaks && link.isBlocked) link.cut();
  }

  heal(partition: Partition): void {
    this.#partitions.delete(partition);
    for (const link of this.#links) link.resume();
  }

  /** From now on nothing is lost, repeated, reordered, held back, slow or cut. */
  healAll(): void {
    this.#isHealed = true;
    this.#partitions.clear();
    for (const link of this.#links) link.resume();
  }

  /** From now on nothing arrives from these endpoints. */
  silence(names: Iterable<string>): void {
    this.#silenced = new Set(names);
  }

  isSilenced(name: string): boolean {
    return this.#silenced.has(name);
  }

  /** An endpoint has come up. */
  up(name: string): void {
    for (const link of this.#links) if (link.has(name)) link.up(name);
  }

  /** An endpoint has crashed. */
  down(name: string): void {
    for (const link of this.#links) if (link.has(name)) link.down(name);
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }

  isBlocked(from: string, to: string): boolean {
    for (const partition of this.#partitions) {
      if (partition.from.has(from) && partition.to.has(to)) return true;
    }
    return false;
  }
}

/** One link; streams have a connection on it or none. */
class Link {
  readonly network: Network;
  readonly name: string;
  readonly #isStream: boolean;
  readonly #ends: readonly [Endpoint, Endpoint];
  readonly #qualities: readonly [LinkQuality, LinkQuality];
  readonly #random: Random;
  /** The lanes of the connection: from the first end, and from the second. */
  #lanes: [Lane, Lane] | null = null;
  #isDialing = false;

  constructor(
    network: Network,
    name: string,
    ends: readonly [Endpoint, Endpoint],
    qualities: readonly [LinkQuality, LinkQuality],
    random: Random,
  ) {
    this.network = network;
    this.name = name;
    this.#ends = ends;
    this.#qualities = qualities;
    this.#isStream = qualities[0].transport === "stream";
    this.#random = random;
  }

  has(name: string): boolean {
    return this.#ends.some((end) => end.name === name);
  }

  joins(a: string, b: string): boolean {
    return a !== b && this.has(a) && this.has(b);
  }

  get isBlocked(): boolean {
    const [a, b] = this.#ends;
    return this.network.isBlocked(a.name, b.name) || this.network.isBlocked(b.name, a.name);
  }

  /** Connects the ends if both are up; else tries again later. */
  open(): void {
    this.#isDialing = false;
    if (this.#lanes !== null) return;
    const [a, b] = this.#ends;
    if (!this.#isStream) {
      this.#lanes = this.#newLanes();
      for (const lane of this.#lanes) if (lane.from.isUp) lane.from.opened(lane);
      return;
    }
    if (!a.isUp || !b.isUp || this.isBlocked) {
      this.#redial();
      return;
    }
    this.#lanes = this.#newLanes();
    const [there, back] = this.#lanes;
    b.opened(back);
    // Answering can have brought down the connection.
    if (this.#lanes?.[0] === there) a.opened(there);
  }

  cut(): void {
    if (this.#lanes === null || !this.#isStream) return;
    const lanes = this.#lanes;
    this.#lanes = null;
    for (const lane of lanes) {
      lane.isClosed = true;
      if (lane.from.isUp) lane.from.closed(lane);
    }
    this.#redial();
  }

  up(name: string): void {
    for (const lane of this.#lanes ?? []) if (lane.from.name === name) lane.from.opened(lane);
  }

  down(name: string): void {
    if (this.#isStream) {
      this.cut();
      return;
    }
    for (const lane of this.#lanes ?? []) if (lane.from.name === name) lane.forget();
  }

  resume(): void {
    for (const lane of this.#lanes ?? []) lane.resume();
  }

  /** Takes a frame that arrives. */
  deliver(lane: Lane, frame: Frame): void {
    if (lane.isClosed || this.network.isSilenced(lane.from.name)) return;
    const back = this.#lanes?.find((other) => other !== lane);
    if (back === undefined || !lane.to.isUp) return;
    lane.to.received(back, frame);
  }

  #newLanes(): [Lane, Lane] {
    const [a, b] = this.#ends;
    const [there, back] = this.#qualities;
    return [
      new Lane(this, a, b, there, this.#random.split(a.name)),
      new Lane(this, b, a, back, this.#random.split(b.name)),
    ];
  }

  #redial(): void {
    if (this.#isDialing) return;
    this.#isDialing = true;
    this.network.clock.after(REDIAL_MS + this.#random.below(REDIAL_MS), "", () => {
      this.open();
    });
  }
}

/** One direction of a link, and the port of the end that sends on it. */
class Lane implements Port {
  readonly peer: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  isClosed = false;
  readonly #link: Link;
  readonly #quality: LinkQuality;
  readonly #random: Random;
  readonly #queue: Frame[] = [];
  #queuedBytes = 0;
  #isFull = false;
  #isBusy = false;
  #lastArrival = 0;
  #life = 0;

  constructor(link: Link, from: Endpoint, to: Endpoint, quality: LinkQuality, random: Random) {
    this.#link = link;
    this.#quality = quality;
    this.from = from;
    this.to = to;
    this.peer = to.name;
    this.#random = random;
  }

  send(frame: Frame): boolean {
    if (this.isClosed) return false;
    const { network } = this.#link;
    network.frames++;
    network.bytes += frame.length;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    this.#transmit();
    if (this.#queuedBytes > CAPACITY) this.#isFull = true;
    return !this.#isFull;
  }

  /** Goes on after a partition, or because everything has healed. */
  resume(): void {
    if (this.#link.network.isHealed) this.#abandonTransmission();
    this.#transmit();
    this.#tellRoom();
  }

  /** The sender has crashed: what it had not sent is gone. */
  forget(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#isFull = false;
    this.#abandonTransmission();
  }

  /** Puts frames on the way, one after another when the link is slow. */
  #transmit(): void {
    const { network } = this.#link;
    const quality = this.#quality;
    while (!this.#isBusy && this.#queue.length > 0 && !this.isClosed) {
      const isBlocked = network.isBlocked(this.from.name, this.to.name);
      if (isBlocked && quality.transport === "stream") return;
      const frame = this.#queue[0]!;
      if (quality.bandwidth === null || network.isHealed) {
        this.#queue.shift();
        this.#queuedBytes -= frame.length;
        this.#depart(frame, isBlocked);
        continue;
      }
      this.#isBusy = true;
      const life = this.#life;
      network.clock.after(Math.ceil(frame.length / quality.bandwidth), "", () => {
        if (this.isClosed || life !== this.#life) return;
        this.#isBusy = false;
        this.#queue.shift();
        this.#queuedBytes -= frame.length;
        this.#depart(frame, network.isBlocked(this.from.name, this.to.name));
        this.#transmit();
        this.#tellRoom();
      });
    }
  }

  /** What is on its way at the old speed is sent at the new one. */
  #abandonTransmission(): void {
    this.#isBusy = false;
    this.#life++;
  }

  /** Lets a sender that was told to stop go on. */
  #tellRoom(): void {
    if (!this.#isFull || this.#queuedBytes > CAPACITY / 2) return;
    this.#isFull = false;
    if (this.from.isUp && !this.isClosed) this.from.drained(this);
  }

  #depart(frame: Frame, isBlocked: boolean): void {
    const { network } = this.#link;
    const quality = this.#quality;
    const random = this.#random;
    const isPerfect = network.isHealed;
    const isStream = quality.transport === "stream";
    if (!isStream && !isPerfect && (isBlocked || random.chance(quality.loss))) {
      network.clock.note(`lost ${this.#describe(frame)}`);
      return;
    }
    const copies = !isStream && !isPerfect && random.chance(quality.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      let arrival = network.clock.now + quality.latency + random.below(quality.jitter + 1);
      if (isStream || isPerfect) {
        arrival = Math.max(arrival, this.#lastArrival);
        this.#lastArrival = arrival;
      }
      network.clock.at(arrival, this.#describe(frame), () => {
        network.clock.noteBytes(frame);
        this.#link.deliver(this, frame);
      });
    }
  }

  #describe(frame: Frame): string {
    const what = typeof frame === "string" ? frame.slice(0, 60) : `group of ${frame.length} bytes`;
    return `${this.from.name} to ${this.peer}: ${what}`;
  }
}
