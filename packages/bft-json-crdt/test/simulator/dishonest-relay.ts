/**
 * A dishonest relay: one or two honest relays ("faces") behind one name, and hands that tamper with what goes in and out.
 *
 * It has no key, so all that it can do is withhold, delay, repeat, reorder, break, and say what is not so.
 */
import type { Endpoint, Frame, Port } from "./network.ts";
import type { Random } from "./random.ts";
import type { Relay } from "./relay.ts";

/** What a tampering hand works with. */
export interface Hand {
  readonly random: Random;
  /** Public keys of all authors, in an order that never changes. */
  readonly authors: readonly Uint8Array[];
  /** Names of all peers that ever came. */
  readonly peers: readonly string[];
  /** Does something after so many milliseconds. */
  later(delay: number, step: () => void): void;
}

/** One way to tamper. A relay has its own instance. */
export interface Tamper {
  /** False: this group from a peer is not even looked at. */
  admits?(group: Uint8Array, from: string): boolean;
  /** Which of the two faces a peer is shown. */
  face?(peer: string): number;
  /** Sends something for a frame that an honest relay would send now. */
  send?(frame: Frame, to: string, send: (frame: Frame) => void): void;
}

/** Makes the hands of one relay. */
export type Tampering = (hand: Hand) => Tamper;

/** A relay that nobody should trust. */
export class DishonestRelay implements Endpoint {
  readonly name: string;
  readonly isUp = true;
  readonly #faces: readonly Relay[];
  readonly #tampers: readonly Tamper[];
  /** The port that a face sees, and the face, for each real port. */
  readonly #masks = new Map<Port, { readonly face: Relay; readonly port: Port }>();

  /** The faces must be started. */
  constructor(name: string, faces: readonly Relay[], tampers: readonly Tamper[]) {
    this.name = name;
    this.#faces = faces;
    this.#tampers = tampers;
  }

  opened(port: Port): void {
    const chosen = this.#tampers
      .map((tamper) => tamper.face?.(port.peer))
      .find((face) => face !== undefined);
    const face = this.#faces[chosen ?? 0] ?? this.#faces[0]!;
    const mask: Port = {
      peer: port.peer,
      send: (frame) => {
        this.#send(0, frame, port);
        return true;
      },
    };
    this.#masks.set(port, { face, port: mask });
    face.opened(mask);
  }

  received(port: Port, frame: Frame): void {
    const mask = this.#masks.get(port);
    if (mask === undefined) return;
    const isAdmitted =
      typeof frame === "string" ||
      this.#tampers.every((tamper) => tamper.admits?.(frame, port.peer) ?? true);
    if (isAdmitted) mask.face.received(mask.port, frame);
  }

  drained(): void {}

  closed(port: Port): void {
    const mask = this.#masks.get(port);
    if (mask !== undefined) mask.face.closed(mask.port);
    this.#masks.delete(port);
  }

  /** Passes a frame through the hands from `at` on. */
  #send(at: number, frame: Frame, port: Port): void {
    const tamper = this.#tampers[at];
    if (tamper === undefined) {
      if (this.#masks.has(port)) port.send(frame);
    } else if (tamper.send === undefined) {
      this.#send(at + 1, frame, port);
    } else {
      tamper.send(frame, port.peer, (instead) => {
        this.#send(at + 1, instead, port);
      });
    }
  }
}
