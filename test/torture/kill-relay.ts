/**
 * SIGKILL of a relay, again and again, while people write: every line that it acknowledged must be there when it is back.
 *
 * After each kill the clients are held back until somebody new has seen what the relay still has: they would bring what
 * it lost, and nobody would notice. Rooms are changed now and then, so that the histories stay short.
 */
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import type { Program } from "../../packages/crdt-node/test/processes.ts";
import { agree, Client, pause } from "./client.ts";
import { Ledger, Tally } from "./ledger.ts";
import { observe, sightOf } from "./observer.ts";
import { type Context, type Part, whole } from "./part.ts";
import { Processes } from "./processes.ts";

const ROOMS = 2;
const CLIENTS_PER_ROOM = 3;

/** Kills before the rooms are left for new ones. */
const KILLS_PER_ERA = 10;

/** A kill comes so many milliseconds after the clients may connect; their load is a line in so many, each. */
const LONGEST_LIFE_MS = 400;
const LINE_EVERY_MS = 8;

/** One kill in so many comes while the relay starts, at most so many milliseconds after the process began. */
const EARLY_ONE_IN = 8;
const EARLY_MS = 600;

export const killRelay: Part = {
  name: "relay",
  title: "A relay that is killed",
  about:
    "`crdt-relayer`, a process on LevelDB, gets SIGKILL at random moments while six clients in two rooms write a line each " +
    "8 ms; one kill in eight while it starts. A line is acknowledged when its writer got the relay's `ack`. After each kill, before any " +
    "writer is back, somebody new gets all from the relay: this must hold every acknowledged line once.",
  run: (context) => new RelayKiller(context).run(),
};

class RelayKiller {
  readonly #context: Context;
  readonly #random: Random;
  readonly #processes = new Processes();
  readonly #ledger = new Ledger();
  readonly #tally = new Tally();
  #program: Program | null = null;
  #url = "";
  #port = 0;
  #written = 0;
  #kills = 0;
  #early = 0;
  #rooms = 0;
  #unequal = 0;
  #checkedRooms = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#random = context.random;
  }

  async run(): Promise<void> {
    const { kills, signal } = this.#context;
    try {
      await this.#start();
      while (this.#kills < kills && !signal.aborted) await this.#era();
    } finally {
      await this.#processes.clear();
      this.#conclude();
    }
  }

  /** Some kills with the same rooms; at the end all in a room must show the same. */
  async #era(): Promise<void> {
    const { kills, signal } = this.#context;
    const rooms = Array.from({ length: ROOMS }, () => `room ${this.#rooms++}`);
    const clients = rooms.flatMap((room) =>
      Array.from({ length: CLIENTS_PER_ROOM }, () => this.#client(room)),
    );
    for (let n = 0; n < KILLS_PER_ERA && this.#kills < kills && !signal.aborted; n++) {
      for (const client of clients) client.open();
      const load = setInterval(() => {
        for (const client of clients) client.write(`line ${this.#written++}`);
      }, LINE_EVERY_MS);
      await pause(this.#random.below(LONGEST_LIFE_MS));
      await this.#kill();
      clearInterval(load);
      for (const client of clients) client.hold();
      await this.#restart();
      for (const room of rooms) await this.#look(room);
      this.#context.progress(this.#kills, kills, "kills of a relay");
    }
    if (signal.aborted) return;
    await this.#settle(rooms, clients);
  }

  /** Everybody gets in step, and then shows the same as somebody new. */
  async #settle(rooms: readonly string[], clients: readonly Client[]): Promise<void> {
    for (const client of clients) client.open();
    for (const room of rooms) {
      const inside = clients.filter((client) => client.room === room);
      await agree(inside);
      const { digest } = await this.#look(room);
      this.#checkedRooms++;
      if (inside.some((client) => sightOf(client).digest !== digest)) this.#unequal++;
    }
    await Promise.all(clients.map((client) => client.leave()));
  }

  #client(room: string): Client {
    return new Client({
      url: () => this.#url,
      room,
      random: () => this.#random.below(1_000_000) / 1_000_000,
      onAcknowledged: (line) => {
        this.#ledger.acknowledge(room, line);
      },
    });
  }

  async #look(room: string): Promise<{ readonly digest: string }> {
    const sight = await observe(this.#url, room);
    this.#tally.add(`kill ${this.#kills}, ${room}`, this.#ledger.compare(room, sight.lines));
    return sight;
  }

  async #restart(): Promise<void> {
    const { kills } = this.#context;
    while (this.#kills < kills && this.#random.oneIn(EARLY_ONE_IN)) {
      const { program } = this.#processes.relay(this.#port);
      await pause(this.#random.below(EARLY_MS));
      await program.end("SIGKILL");
      this.#kills++;
      this.#early++;
    }
    await this.#start();
  }

  async #start(): Promise<void> {
    const { program, listens } = this.#processes.relay(this.#port);
    this.#program = program;
    this.#url = await listens;
    this.#port = Number(new URL(this.#url).port);
  }

  async #kill(): Promise<void> {
    await this.#program?.end("SIGKILL");
    this.#kills++;
  }

  #conclude(): void {
    const { findings } = this.#context;
    const tally = this.#tally;
    findings.say(
      `${whole(this.#kills)} kills, ${whole(this.#early)} of them while it started; ${whole(this.#written)} lines written in ` +
        `${whole(this.#rooms)} rooms, ${whole(this.#ledger.total)} acknowledged.`,
    );
    findings.expect("no acknowledged line is lost", tally.isLossless, tally.describe());
    findings.expect("no line is shown twice", tally.twice === 0, tally.describe());
    findings.expect(
      "digests are equal at the end",
      this.#unequal === 0,
      `${this.#checkedRooms - this.#unequal} of ${this.#checkedRooms} rooms`,
    );
  }
}
