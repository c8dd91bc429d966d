/** Networks that a test can cut: each server in a network namespace of Linux, on a bridge that leads nowhere else. Needs root. */
import { execFileSync } from "node:child_process";

/** Each process has a network of its own in 10.213.0.0/16, to which nothing routes. */
const NUMBER = process.pid % 250;
const SUBNET = `10.213.${NUMBER}`;

/** Whether this process may make namespaces. */
export function canPartition(): boolean {
  if (process.getuid?.() !== 0) return false;
  const name = `crdt${process.pid}try`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return true;
  } catch {
    return false;
  }
}

/** A bridge with so many namespaces on it. */
export class Network {
  readonly #bridge = `crdt${NUMBER}`;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    // A process of this number may have been killed before it could.
    this.close();
    try {
      ip("link", "add", this.#bridge, "type", "bridge");
      ip("addr", "add", `${SUBNET}.1/24`, "dev", this.#bridge);
      ip("link", "set", this.#bridge, "up");
      for (let index = 0; index < count; index++) this.#addPlace(index);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The address of a place. */
  addressOf(index: number): string {
    return `${SUBNET}.${index + 10}`;
  }

  /** What stands before a command that shall run in a place. */
  enter(index: number): readonly string[] {
    return ["ip", "netns", "exec", this.#place(index)];
  }

  /** Takes the cable of a place out. */
  cut(index: number): void {
    ip("link", "set", this.#cable(index), "down");
  }

  heal(index: number): void {
    ip("link", "set", this.#cable(index), "up");
  }

  /** Removes everything. */
  close(): void {
    for (let index = 0; index < this.#count; index++) {
      quietly("link", "del", this.#cable(index));
      quietly("netns", "del", this.#place(index));
    }
    quietly("link", "del", this.#bridge);
  }

  #addPlace(index: number): void {
    const [place, cable] = [this.#place(index), this.#cable(index)];
    ip("netns", "add", place);
    ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", place);
    ip("link", "set", cable, "master", this.#bridge, "up");
    ip("-n", place, "addr", "add", `${this.addressOf(index)}/24`, "dev", "eth0");
    ip("-n", place, "link", "set", "eth0", "up");
    ip("-n", place, "link", "set", "lo", "up");
  }

  #place(index: number): string {
    return `${this.#bridge}n${index}`;
  }

  #cable(index: number): string {
    return `${this.#bridge}v${index}`;
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function quietly(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // It was not made.
  }
}
