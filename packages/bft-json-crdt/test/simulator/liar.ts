/**
 * A Byzantine author: knows everything that honest hosts have made durable, and shows to each peer what it likes.
 *
 * What it does is a list of lies, each a strategy (liars/) with a seed. Besides, it may take part in the protocol as if
 * it were honest, so that it also serves what it knows, or stay silent there.
 */
import type { KeyPair } from "../../src/crypto/index.ts";
import { Document } from "../../src/document/index.ts";
import type { History } from "../../src/history/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { SyncSession } from "../../src/sync/index.ts";
import type { Scene } from "./host.ts";
import type { Endpoint, Frame, Port } from "./network.ts";
import type { Random } from "./random.ts";

/** Who is shown something: everyone, one of two halves that never change, or one peer. */
export type Audience = "all" | "some" | "others" | "one";

/** What a strategy works with. */
export interface Lie {
  readonly random: Random;
  readonly id: Uint8Array;
  readonly schema: Schema;
  /** The liar's own keys; those after the first pass for other people. */
  readonly keys: readonly KeyPair[];
  /** Public keys of honest authors. */
  readonly victims: readonly Uint8Array[];
  /** A document that holds what the liar knows. It cannot be edited. */
  readonly document: Document<Schema>;
  /** Sends a group; everyone gets it when nobody is named. */
  show(group: Uint8Array, audience?: Audience): void;
  /** Sends a text frame. */
  say(text: string, audience?: Audience): void;
  /** Goes on after so many milliseconds. */
  later(delay: number, step: () => void): void;
}

/** Something that a Byzantine author does. */
export type Strategy = (lie: Lie) => void;

/** A host whose changes are public as far as they are durable. */
export interface Source {
  readonly history: History;
  readonly published: number;
}

/** A Byzantine author with all its keys. */
export class Liar implements Endpoint {
  readonly name: string;
  readonly isUp = true;
  /** Groups shown so far. */
  shown = 0;
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #keys: readonly KeyPair[];
  readonly #victims: readonly Uint8Array[];
  readonly #sources: () => readonly Source[];
  readonly #sessions = new Map<Port, SyncSession | null>();
  readonly #speaks: boolean;
  readonly #document: Document<Schema>;

  constructor(options: {
    readonly name: string;
    readonly keys: readonly KeyPair[];
    readonly victims: readonly Uint8Array[];
    /** True to take part in the sync protocol. */
    readonly speaks: boolean;
    readonly sources: () => readonly Source[];
    readonly scene: Scene;
    readonly random: Random;
  }) {
    this.name = options.name;
    this.#keys = options.keys;
    this.#victims = options.victims;
    this.#speaks = options.speaks;
    this.#sources = options.sources;
    this.#scene = options.scene;
    this.#random = options.random;
    const { schema, document: id } = options.scene;
    this.#document = new Document<Schema>({ schema, id, chain: 1n });
  }

  /** Tells one lie. */
  tell(strategy: Strategy, random: Random): void {
    this.#learn();
    const { clock, document: id, schema } = this.#scene;
    strategy({
      random,
      id,
      schema,
      keys: this.#keys,
      victims: this.#victims,
      document: this.#document,
      show: (group, audience = "all") => {
        this.shown++;
        this.#scene.universe.add(group, this.name, false);
        for (const port of this.#audience(audience, random)) port.send(group);
      },
      say: (text, audience = "all") => {
        for (const port of this.#audience(audience, random)) port.send(text);
      },
      later: (delay, step) => {
        clock.after(delay, `${this.name} goes on lying`, () => {
          this.#learn();
          step();
        });
      },
    });
  }

  opened(port: Port): void {
    const session = this.#speaks
      ? new SyncSession({
          history: this.#document.history,
          peer: port.peer,
          send: (frame) => port.send(frame),
          receiveGroup: (group) => this.#document.receive(group, port.peer),
        })
      : null;
    this.#sessions.set(port, session);
    session?.open();
  }

  received(port: Port, frame: Frame): void {
    this.#sessions.get(port)?.receive(frame);
  }

  drained(port: Port): void {
    this.#sessions.get(port)?.resume();
  }

  closed(port: Port): void {
    this.#sessions.get(port)?.close();
    this.#sessions.delete(port);
  }

  #audience(audience: Audience, random: Random): Port[] {
    const ports = [...this.#sessions.keys()];
    if (audience === "all" || ports.length === 0) return ports;
    if (audience === "one") return [random.pick(ports)];
    const isOfSome = (port: Port): boolean => this.#random.split(port.peer).oneIn(2);
    return ports.filter((port) => isOfSome(port) === (audience === "some"));
  }

  /** Learns what honest hosts have made durable, under few signatures. */
  #learn(): void {
    for (const { history, published } of this.#sources()) {
      const known: number[] = [];
      for (const { id } of this.#document.history.tips()) {
        const index = history.indexOf(id);
        if (index >= 0) known.push(index);
      }
      const missing = history.missingFor(known).filter((index) => index < published);
      for (const group of history.groupsFor(missing)) this.#document.receive(group, "spying");
    }
  }
}
