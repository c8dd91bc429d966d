/** Somebody new who comes to look: what a relay tells a client that knows nothing yet. */
import { openLines } from "../../packages/crdt-relayer/test/participant.ts";
import { Client } from "./client.ts";

/** What a relay shows. */
export interface Sight {
  readonly lines: readonly string[];
  readonly digest: string;
  /** The heads as one text. */
  readonly frontier: string;
}

/** Gets all of a room from a relay. */
export async function observe(url: string, room: string): Promise<Sight> {
  const client = new Client({ url: () => url, room, document: openLines(room) });
  client.open();
  try {
    await client.until(`all of ${room}`, () => client.isSynced);
    return sightOf(client);
  } finally {
    client.hold();
  }
}

/** What a client shows itself. */
export function sightOf(client: Client): Sight {
  const { document } = client;
  return {
    lines: document.view().lines,
    digest: document.viewDigest(),
    frontier: client.frontier(),
  };
}
