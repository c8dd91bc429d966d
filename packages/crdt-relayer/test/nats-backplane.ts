/** A backplane of real NATS servers, for the acceptance suite. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { toHex } from "bft-json-crdt";
import type { BackplaneUnderTest, SharedLog } from "./acceptance.ts";
import { type Servers, startServers } from "./nats-servers.ts";

/** The stream that relays use when nothing else is said. */
export const STREAM = "crdt-rooms";

/** Starts servers, and everything that the suite does with them. */
export async function natsBackplane(
  count: number,
): Promise<BackplaneUnderTest & { readonly servers: Servers }> {
  const servers = await startServers(count);
  const shared: SharedLog = {
    inject: (document, bytes, { id } = {}) =>
      asOutsider(servers.url, async (connection) => {
        const named = headers();
        if (id !== undefined) named.set("Nats-Msg-Id", id);
        await connection.request(`${STREAM}.${toHex(document)}`, bytes, {
          timeout: 5_000,
          ...(id === undefined ? {} : { headers: named }),
        });
      }),
    count: (document) => countMessages(servers.url, document),
    freeze: () => {
      for (const server of servers.list) server.freeze();
    },
    thaw: () => {
      for (const server of servers.list) server.thaw();
    },
    restart: async () => {
      await Promise.all(servers.list.map((server) => server.stop("SIGKILL")));
      await Promise.all(servers.list.map((server) => server.start()));
    },
  };
  return {
    settings: { backplane: servers.url, backplaneReplicas: count },
    shared,
    servers,
    close: () => servers.close(),
  };
}

/** Does something with a connection of one's own. */
export async function asOutsider<T>(
  url: string,
  work: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const servers = url.replaceAll("nats://", "").split(",");
  // One that does not answer is passed over.
  const connection = await connect({ servers, timeout: 1_000 });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Messages in the log of a document. */
export function countMessages(url: string, document: Uint8Array): Promise<number> {
  return asOutsider(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    const subject = `${STREAM}.${toHex(document)}`;
    const { state } = await manager.streams.info(STREAM, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  });
}

/** The name of the server that leads a stream, once it is not `former`. */
export function leaderOf(url: string, former?: string, stream = STREAM): Promise<string> {
  return asOutsider(url, async (connection) => {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
    for (;;) {
      const info = await manager.streams.info(stream).catch(() => null);
      const leader = info?.cluster?.leader ?? "";
      if (leader !== "" && leader !== former) return leader;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
}
