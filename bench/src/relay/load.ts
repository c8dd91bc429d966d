/**
 * The load, the same for every server: sessions in one room, of which some write signed changes and all count what arrives.
 * What is waited for ends at the deadline, with an error that says how far it came.
 */
import { cpuNow } from "./cpu.ts";
import { Authors, numbersIn, ROOM } from "./groups.ts";
import { binaryFrame, CountingSocket } from "./socket.ts";

/** Sessions that write; all others read. */
export const WRITERS = 4;

/** Readers that look at what they get, at most. */
const LOOKING = 8;

/** Sessions that are opened at a time. */
const OPENING = 50;

/** How it goes when it goes as fast as it goes. */
export interface Capacity {
  /** Changes that have arrived at every session that did not write them, a second. */
  readonly changesPerSecond: number;
  /** Milliseconds. */
  readonly time: number;
  /** Milliseconds of processor time of the load meanwhile. */
  readonly cpu: number;
}

/** Sessions of one room on one server. */
export class Load {
  readonly #url: string;
  readonly #isSynced: boolean;
  readonly #authors = new Authors(WRITERS);
  readonly #sockets: CountingSocket[] = [];
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => undefined;
  /** Changes that were made, framed, by their numbers. */
  readonly #made: Buffer[] = [];
  /** Of each change that was sent, when it was due. */
  readonly #due: number[] = [];
  #latencies: number[] = [];
  /** How often each change was seen by those who look. */
  readonly #seen: number[] = [];
  #arrived: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;

  /** `isSynced`: sessions join and sync as a client of the relay does. `deadline`: milliseconds until all must be over. */
  constructor(url: string, isSynced: boolean, deadline: number) {
    this.#url = url;
    this.#isSynced = isSynced;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // It may fail when nothing is waited for.
    this.#failed.catch(() => undefined);
    this.#timer = setTimeout(() => {
      this.#fail(
        new Error(`the relay's benchmark is not over after ${deadline} ms: ${this.#progress()}`),
      );
    }, deadline);
  }

  get sessions(): number {
    return this.#sockets.length;
  }

  /** Opens sessions until there are so many. */
  async open(sessions: number): Promise<void> {
    while (this.sessions < sessions) {
      const some = Math.min(OPENING, sessions - this.sessions);
      const opened = Array.from({ length: some }, (_, i) => this.#join(this.sessions + i));
      this.#sockets.push(...(await this.#orFailed(Promise.all(opened))));
    }
  }

  /** Sees to it that there are so many changes to send. */
  make(count: number): void {
    const missing = this.#due.length + count - this.#made.length;
    if (missing <= 0) return;
    for (const change of this.#authors.next(missing)) this.#made.push(binaryFrame(change));
  }

  /** Closes all sessions. */
  close(): void {
    clearTimeout(this.#timer);
    for (const socket of this.#sockets) socket.close();
  }

  /** Changes of all sessions that arrive in so many milliseconds from a server that sends by itself. */
  async count(warmUp: number, milliseconds: number): Promise<{ perSecond: number; cpu: number }> {
    for (const socket of this.#sockets) socket.sendFrame(binaryFrame(Buffer.alloc(0)));
    const total = (): number => this.#sockets.reduce((sum, { changes }) => sum + changes, 0);
    await this.#orFailed(later(warmUp));
    const [start, cpu, before] = [performance.now(), cpuNow(), total()];
    do await this.#orFailed(later(milliseconds));
    while (total() === before);
    const time = performance.now() - start;
    return { perSecond: ((total() - before) / time) * 1_000, cpu: (cpuNow() - cpu) / time };
  }

  /**
   * Sends as fast as it goes: always `window` changes are on their way that not all sessions have. `most` are made before;
   * after `warmUp` milliseconds it is measured for `milliseconds`, or until no more are left. `look` is called at both ends.
   */
  async saturate(
    { most, window }: { readonly most: number; readonly window: number },
    warmUp: number,
    milliseconds: number,
    look: () => void,
  ): Promise<Capacity> {
    this.make(most);
    const first = this.#due.length;
    const begun = performance.now();
    let start: { readonly at: number; readonly cpu: number; readonly complete: number } | null =
      null;
    let capacity: Capacity | null = null;
    const step = (): void => {
      const now = performance.now();
      const complete = this.#complete() - first;
      if (start === null) {
        if (now - begun >= warmUp || complete >= most / 4) {
          start = { at: now, cpu: cpuNow(), complete };
          look();
        }
      } else if (
        complete === most ||
        (now - start.at >= milliseconds && complete > start.complete)
      ) {
        const time = now - start.at;
        capacity = {
          changesPerSecond: ((complete - start.complete) / time) * 1_000,
          time,
          cpu: cpuNow() - start.cpu,
        };
        look();
        return;
      }
      while (this.#due.length - first < Math.min(most, complete + window)) this.#send(now);
    };
    step();
    await this.#whenever(() => {
      if (capacity === null) step();
      return capacity !== null;
    });
    await this.#whenever(() => this.#isAllThere());
    return capacity!;
  }

  /**
   * Sends so many changes a second on a schedule that is kept whatever the server does; returns the milliseconds from when
   * each was due until it arrived at the sessions that look.
   */
  async keep(perSecond: number, milliseconds: number): Promise<readonly number[]> {
    const count = Math.max(WRITERS, Math.round((perSecond * milliseconds) / 1_000));
    this.make(count);
    this.#latencies = [];
    const first = this.#due.length;
    const start = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(count, ((performance.now() - start) * perSecond) / 1_000);
      for (let next = this.#due.length - first; next < due; next++)
        this.#send(start + (next * 1_000) / perSecond);
    }, 1);
    try {
      await this.#whenever(() => this.#due.length - first === count && this.#isAllThere());
    } finally {
      clearInterval(timer);
    }
    return this.#latencies;
  }

  /** Throws unless every session got each change of others once, and nothing else. */
  check(): void {
    const sent = this.#due.length;
    for (const [i, { changes }] of this.#sockets.entries()) {
      if (changes !== sent - ownOf(i, sent))
        throw new Error(`wrong result: session ${i} got ${changes} of ${sent} changes`);
    }
    const lookers = Math.min(LOOKING, this.sessions - WRITERS);
    if (this.#seen.length !== sent || this.#seen.some((times) => times !== lookers))
      throw new Error("wrong result: a change came twice, or not at all");
  }

  async #join(index: number): Promise<CountingSocket> {
    let synced: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      synced = resolve;
    });
    const socket = await CountingSocket.open(this.#url, {
      counted: () => {
        this.#arrived();
      },
      ended: (why) => {
        this.#fail(new Error(`${why}: ${this.#progress()}`));
      },
      ...(index >= WRITERS && index < WRITERS + LOOKING && { group: (group) => this.#look(group) }),
      ...(this.#isSynced && {
        text: (text) => {
          if (text.includes('"done"')) synced();
          // What the relay asks: there is nothing here.
          else if (text.includes('"have"')) socket.sendText('{"type":"done","heads":[]}');
        },
      }),
    });
    if (!this.#isSynced) return socket;
    socket.sendText(JSON.stringify({ type: "join", room: ROOM }));
    socket.sendText('{"type":"have","heads":[]}');
    await done;
    return socket;
  }

  #send(due: number): void {
    const number = this.#due.push(due) - 1;
    this.#sockets[number % WRITERS]!.sendFrame(this.#made[number]!);
  }

  #look(group: Buffer): void {
    const now = performance.now();
    for (const number of numbersIn(group)) {
      this.#seen[number] = (this.#seen[number] ?? 0) + 1;
      this.#latencies.push(now - this.#due[number]!);
    }
  }

  /** Changes that all readers have. */
  #complete(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = WRITERS; i < this.#sockets.length; i++)
      least = Math.min(least, this.#sockets[i]!.changes);
    return least;
  }

  #isAllThere(): boolean {
    const sent = this.#due.length;
    return this.#sockets.every(({ changes }, i) => changes >= sent - ownOf(i, sent));
  }

  /** Resolves when the condition holds, which is looked at whenever something has arrived. */
  async #whenever(condition: () => boolean): Promise<void> {
    await this.#orFailed(
      new Promise<void>((resolve) => {
        let isWaiting = false;
        const look = (): void => {
          isWaiting = false;
          if (condition()) resolve();
        };
        // Once for all sockets that can be read in a pass of the event loop.
        this.#arrived = () => {
          if (isWaiting) return;
          isWaiting = true;
          setImmediate(look);
        };
        this.#arrived();
      }),
    );
    this.#arrived = () => undefined;
  }

  #orFailed<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failed]);
  }

  #progress(): string {
    const complete = this.sessions > WRITERS ? this.#complete() : 0;
    return `${this.sessions} sessions, ${this.#due.length} changes sent, ${complete} of them everywhere`;
  }
}

/** How many of the first so many changes a session has written itself. */
function ownOf(session: number, sent: number): number {
  return session < WRITERS ? Math.floor((sent - session + WRITERS - 1) / WRITERS) : 0;
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
