/** The running node's end of the control socket; protocol.ts describes what is said on it. */
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { CommandError, EXIT, messageOf } from "../exit-codes.ts";
import type { NodeHome } from "../home.ts";
import { LineSplitter } from "../lines.ts";
import { claimAddress, releaseAddress } from "./address.ts";
import {
  controlError,
  type ControlReply,
  type Hello,
  MAX_CONTROL_LINE_BYTES,
  readRequest,
} from "./protocol.ts";

/** Answers one request: parts first, the result last; throws CommandError to refuse. */
export type Answer = (
  method: string,
  params: { readonly [key: string]: unknown },
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
      void serve(socket, hello, answer);
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

async function serve(socket: Socket, hello: Hello, answer: Answer): Promise<void> {
  const splitter = new LineSplitter(MAX_CONTROL_LINE_BYTES);
  try {
    await write(socket, { hello });
    for await (const chunk of socket) {
      for (const line of splitter.push(chunk as Buffer)) {
        const request = line.ok ? readRequest(line.text) : null;
        if (request === null) {
          await write(socket, {
            id: null,
            error: { exitCode: EXIT.usage, what: "this line is not a request" },
          });
          socket.end();
          return;
        }
        await reply(socket, request.id, answer(request.method, request.params));
      }
    }
  } catch {
    // The client hung up; there is nobody left to tell.
    socket.destroy();
  }
}

async function reply(
  socket: Socket,
  id: number,
  parts: AsyncGenerator<unknown, unknown>,
): Promise<void> {
  try {
    for (;;) {
      const step = await parts.next();
      if (step.done === true) {
        await write(socket, { id, result: step.value ?? null });
        return;
      }
      await write(socket, { id, part: step.value });
    }
  } catch (error) {
    if (socket.destroyed) throw error;
    const known =
      error instanceof CommandError
        ? error
        : new CommandError(EXIT.failure, { what: messageOf(error) });
    await write(socket, { id, error: controlError(known) });
  } finally {
    await parts.return(undefined);
  }
}

/** Writes a line and, when the client reads slowly, waits for it: an answer of any length costs bounded memory. */
function write(socket: Socket, message: ControlReply): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(new Error("the client hung up"));
      return;
    }
    if (socket.write(`${JSON.stringify(message)}\n`)) {
      resolve();
      return;
    }
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
