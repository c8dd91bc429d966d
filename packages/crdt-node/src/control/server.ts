/** The running node's end of the control socket; protocol.ts describes what is said on it. */
import { chmodSync } from "node:fs";
import { setMaxListeners } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { CommandError, EXIT, messageOf } from "../exit-codes.ts";
import type { NodeHome } from "../home.ts";
import { LineSplitter } from "../lines.ts";
import { RequestError } from "./errors.ts";
import { claimAddress, releaseAddress } from "./address.ts";
import {
  controlError,
  type ControlReply,
  type ControlRequest,
  type Hello,
  MAX_ANSWER_LINE_BYTES,
  MAX_CONTROL_CONNECTIONS,
  MAX_CONTROL_LINE_BYTES,
  MAX_WAITING_REQUESTS,
  readRequest,
} from "./protocol.ts";

/** Answers one request: parts first, the result last; throws CommandError to refuse. Ends soon after the signal. */
export type Answer = (
  method: string,
  params: { readonly [key: string]: unknown },
  signal: AbortSignal,
) => AsyncGenerator<unknown, unknown>;

/** Listens on a node's control socket until closed. */
export class ControlServer {
  readonly #server: Server;
  readonly #home: NodeHome;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, home: NodeHome) {
    this.#server = server;
    this.#home = home;
  }

  /** Starts to listen. The caller holds the store, so no other node of this name can. */
  static async listen(home: NodeHome, hello: Hello, answer: Answer): Promise<ControlServer> {
    const server = createServer();
    const control = new ControlServer(server, home);
    server.on("connection", (socket) => {
      control.#sockets.add(socket);
      socket.on("close", () => control.#sockets.delete(socket));
      // A client that goes away in the middle is its own affair.
      socket.on("error", () => socket.destroy());
      if (control.#sockets.size > MAX_CONTROL_CONNECTIONS) {
        // A client that reads nothing is not waited for.
        refuse(socket, "too_many_connections").catch(() => socket.destroy());
        socket.resume();
        return;
      }
      void new Connection(socket, answer).serve(hello);
    });
    const path = claimAddress(home);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // The socket is made inside listen(); with this mask it is never open to others, not even for a moment.
      const mask = process.umask(0o177);
      try {
        server.listen(path, resolve);
      } finally {
        process.umask(mask);
      }
    });
    chmodSync(path, 0o600);
    return control;
  }

  /** Stops listening and hangs up on everybody. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    releaseAddress(this.#home);
  }
}

/** Requests that go on beside the next ones once their first part is written: all that they hold by then is small. */
const BESIDE: ReadonlySet<string> = new Set(["send", "subscribe"]);

/** One client, from its first line to its last. */
class Connection {
  readonly #socket: Socket;
  readonly #answer: Answer;
  /** Ids of requests that have not been answered to their end. */
  readonly #underWay = new Set<number>();
  /** How many go on beside, the subscription not counted. */
  #waiting = 0;
  #madeRoom: () => void = () => undefined;
  /** Aborted when the client has hung up. */
  readonly #gone = new AbortController();
  #subscription: AbortController | null = null;

  constructor(socket: Socket, answer: Answer) {
    this.#socket = socket;
    this.#answer = answer;
    // Everything that waits for a relay listens to it.
    setMaxListeners(MAX_WAITING_REQUESTS + 1, this.#gone.signal);
    socket.on("close", () => {
      this.#subscription?.abort();
      this.#gone.abort();
    });
  }

  async serve(hello: Hello): Promise<void> {
    const splitter = new LineSplitter(MAX_CONTROL_LINE_BYTES);
    try {
      await write(this.#socket, { hello });
      for await (const chunk of this.#socket) {
        for (const line of splitter.push(chunk as Buffer)) {
          const request = line.ok ? readRequest(line.text) : null;
          if (request === null) {
            await refuse(this.#socket, line.ok ? "bad_request" : CODE_OF[line.reason]);
            return;
          }
          await this.#begin(request);
        }
      }
    } catch {
      // The client hung up; there is nobody left to tell.
      this.#socket.destroy();
    }
  }

  /** Resolves when the next request may begin. */
  async #begin(request: ControlRequest): Promise<void> {
    const { id } = request;
    if (this.#underWay.has(id)) {
      const what = `a request with id ${id} is under way`;
      await fail(this.#socket, id, new RequestError("id_in_use", { what }));
      return;
    }
    this.#underWay.add(id);
    let isBeside: () => void = () => undefined;
    const beside = new Promise<void>((resolve) => (isBeside = resolve));
    const answered = this.#reply(request, isBeside)
      // The client hung up; there is nobody left to tell.
      .catch(() => this.#socket.destroy())
      .then(() => {
        this.#underWay.delete(id);
      });
    if (!BESIDE.has(request.method)) {
      await answered;
      return;
    }
    // There is one subscription at most, and it may go on for ever.
    if (request.method !== "subscribe") this.#countWaiting(answered);
    await Promise.race([beside, answered]);
    if (this.#waiting >= MAX_WAITING_REQUESTS)
      await new Promise<void>((resolve) => (this.#madeRoom = resolve));
  }

  #countWaiting(answered: Promise<void>): void {
    this.#waiting++;
    void answered.then(() => {
      this.#waiting--;
      this.#madeRoom();
    });
  }

  async #reply({ id, method, params }: ControlRequest, written: () => void): Promise<void> {
    const parts = this.#partsOf(method, params);
    try {
      for (;;) {
        const step = await parts.next();
        if (step.done === true) {
          await write(this.#socket, { id, result: step.value ?? null });
          return;
        }
        await write(this.#socket, { id, part: step.value });
        written();
      }
    } catch (error) {
      if (this.#socket.destroyed) throw error;
      const known =
        error instanceof CommandError
          ? error
          : new CommandError(EXIT.failure, { what: messageOf(error) });
      await fail(this.#socket, id, known);
    } finally {
      await parts.return(undefined);
    }
  }

  async *#partsOf(method: string, params: ControlRequest["params"]): ReturnType<Answer> {
    if (method === "unsubscribe") {
      if (this.#subscription === null)
        throw new RequestError("not_subscribed", { what: "this connection has no subscription" });
      this.#subscription.abort();
      return {};
    }
    if (method !== "subscribe") return yield* this.#answer(method, params, this.#gone.signal);
    if (this.#subscription !== null)
      throw new RequestError("already_subscribed", {
        what: "this connection has a subscription",
        next: "unsubscribe first, or open another connection",
      });
    const subscription = new AbortController();
    this.#subscription = subscription;
    try {
      return yield* this.#answer(method, params, subscription.signal);
    } finally {
      this.#subscription = null;
    }
  }
}

const CODE_OF = { too_long: "line_too_long", not_utf8: "not_utf8" } as const;

const WHAT = {
  bad_request: "this line is not a request",
  line_too_long: `this line has more than ${MAX_CONTROL_LINE_BYTES} bytes`,
  not_utf8: "this line is not UTF-8",
  too_many_connections: `${MAX_CONTROL_CONNECTIONS} connections are open`,
} as const;

/** Says why and hangs up. */
async function refuse(socket: Socket, code: keyof typeof WHAT): Promise<void> {
  await fail(socket, null, new RequestError(code, { what: WHAT[code] }));
  socket.destroySoon();
}

function fail(socket: Socket, id: number | null, error: CommandError): Promise<void> {
  return write(socket, { id, error: controlError(error) });
}

/** Writes a line and, when the client reads slowly, waits for it: an answer of any length costs bounded memory. */
function write(socket: Socket, message: ControlReply): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(new Error("the client hung up"));
      return;
    }
    const line = JSON.stringify(message);
    if (Buffer.byteLength(line) > MAX_ANSWER_LINE_BYTES) {
      const what = `a line of the answer would have more than ${MAX_ANSWER_LINE_BYTES} bytes`;
      reject(new RequestError("answer_too_long", { what }));
      return;
    }
    if (socket.write(`${line}\n`)) resolve();
    else void drained(socket).then(resolve);
  });
}

/** Sockets that take nothing now, and when they will. */
const draining = new WeakMap<Socket, Promise<void>>();

/** Resolves when the socket takes more, or is gone. One promise for all who wait: each would add listeners of its own. */
function drained(socket: Socket): Promise<void> {
  const known = draining.get(socket);
  if (known !== undefined) return known;
  const promise = new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      draining.delete(socket);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
  draining.set(socket, promise);
  return promise;
}
