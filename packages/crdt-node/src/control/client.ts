/** A command's end of the control socket; protocol.ts describes what is said on it. */
import { connect, type Socket } from "node:net";
import { CommandError, EXIT, messageOf, systemCode } from "../exit-codes.ts";
import type { NodeHome } from "../home.ts";
import { LineSplitter } from "../lines.ts";
import { findAddress } from "./address.ts";
import {
  CONTROL_PROTOCOL,
  type ControlReply,
  type Hello,
  MAX_ANSWER_LINE_BYTES,
  readReply,
} from "./protocol.ts";

/** A connection to a running node. */
export class ControlClient {
  /** Who answered. */
  readonly hello: Hello;
  readonly #socket: Socket;
  readonly #replies: AsyncGenerator<ControlReply>;
  #lastId = 0;

  private constructor(socket: Socket, replies: AsyncGenerator<ControlReply>, hello: Hello) {
    this.#socket = socket;
    this.#replies = replies;
    this.hello = hello;
  }

  /** Connects to the running node of this home; null when none is running. */
  static async connect(home: NodeHome): Promise<ControlClient | null> {
    const socket = connect(findAddress(home));
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      });
    } catch (error) {
      socket.destroy();
      // Refused: the socket of a node that was killed, which never got to remove it.
      if (["ENOENT", "ECONNREFUSED", "ENOTSOCK", "ENOTDIR"].includes(systemCode(error)))
        return null;
      throw new CommandError(EXIT.failure, {
        what: `cannot talk to the running node "${home.name}"`,
        why: messageOf(error),
      });
    }
    const replies = repliesOf(socket);
    const first = await replies.next();
    // Hung up before a word: it was just about to end.
    if (first.done === true) return null;
    if ("error" in first.value) {
      socket.destroy();
      throw new CommandError(first.value.error.exitCode, first.value.error);
    }
    if (!("hello" in first.value) || first.value.hello.protocol !== CONTROL_PROTOCOL) {
      socket.destroy();
      throw new CommandError(EXIT.failure, {
        what: `the running node "${home.name}" speaks another version of the control protocol`,
        why: "it was started from another version of crdt-node",
        next: "stop it (Ctrl-C) and start it again",
      });
    }
    return new ControlClient(socket, replies, first.value.hello);
  }

  /** Makes one request, to its end before the next; yields the parts, returns the result, throws what the node refused. */
  async *call(method: string, params: object): AsyncGenerator<unknown, unknown> {
    const id = ++this.#lastId;
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    for (;;) {
      const next = await this.#replies.next();
      if (next.done === true) {
        throw new CommandError(EXIT.failure, {
          what: "the running node ended before it had answered",
        });
      }
      const reply = next.value;
      if ("error" in reply) throw new CommandError(reply.error.exitCode, reply.error);
      if (!("id" in reply) || reply.id !== id) continue;
      if ("result" in reply) return reply.result;
      yield reply.part;
    }
  }

  /** Hangs up. */
  close(): void {
    this.#socket.destroy();
  }
}

async function* repliesOf(socket: Socket): AsyncGenerator<ControlReply> {
  const splitter = new LineSplitter(MAX_ANSWER_LINE_BYTES);
  try {
    for await (const chunk of socket) {
      for (const line of splitter.push(chunk as Buffer)) {
        const reply = line.ok ? readReply(line.text) : null;
        if (reply !== null) yield reply;
      }
    }
  } catch {
    // A broken connection is the end of the replies; the caller says what that means.
  }
}
