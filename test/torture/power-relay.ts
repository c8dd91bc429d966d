/** A relay whose machine loses its power at a given write: what it acknowledged must be there when it is on again. */
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { createRelay } from "crdt-relayer";
import { agree, Client, poll, within } from "./client.ts";
import { type Difference, Ledger } from "./ledger.ts";
import { observe, sightOf } from "./observer.ts";
import type { Cut, PowerDisk } from "./power-disk.ts";

/** What became of one run. */
export interface PowerRun {
  /** Writes until the power failed, or until all lines were acknowledged. */
  readonly writes: number;
  readonly acknowledged: number;
  /** What is wrong after the power is back, and at the end. */
  readonly differences: readonly Difference[];
  readonly isEqual: boolean;
  readonly forks: number;
}

/** Makes the disks of a run. */
export type MakeDisk = (
  random: Random,
  kept: PowerDisk["kept"] | undefined,
  cut: Cut | null,
) => PowerDisk;

const ROOMS = ["power a", "power b"] as const;
const CLIENTS_PER_ROOM = 2;

/** Milliseconds between two lines of one client. */
const LINE_EVERY_MS = 2;

/**
 * One run: `lines` of each client without a cut; with one, as many as it takes until the power fails. Then the same clients come back to a
 * relay on what the disk has kept.
 */
export async function relayPowerRun(
  random: Random,
  cut: Cut | null,
  lines: number,
  makeDisk: MakeDisk,
): Promise<PowerRun> {
  const disk = makeDisk(random.split("disk"), undefined, cut);
  const relay = await createRelay(
    { port: 0, data: ":memory:" },
    { openStore: () => Promise.resolve(disk) },
  );
  let { url } = relay;
  const ledger = new Ledger();
  const clients = ROOMS.flatMap((room) =>
    Array.from(
      { length: CLIENTS_PER_ROOM },
      () =>
        new Client({
          url: () => url,
          room,
          random: () => random.below(1_000) / 1_000,
          onAcknowledged: (line) => {
            ledger.acknowledge(room, line);
          },
        }),
    ),
  );
  const cutOff = new Promise<void>((resolve) => {
    disk.onCut = () => {
      for (const client of clients) client.hold();
      resolve();
    };
  });
  for (const client of clients) client.open();
  let written = 0;
  const load = setInterval(() => {
    if (cut === null && written >= lines * clients.length) return;
    for (const client of clients) client.write(`line ${written++}`);
  }, LINE_EVERY_MS);
  try {
    if (cut === null) {
      await poll("all lines to be written", () => written >= lines * clients.length);
      for (const room of ROOMS) await agree(clients.filter((client) => client.room === room));
    } else {
      await within(cutOff, `write ${cut.at}`);
    }
  } finally {
    clearInterval(load);
    for (const client of clients) client.hold();
    // Without power nothing can be stored any more, which it says.
    await relay.close().catch(() => undefined);
  }
  const { writes } = disk;

  const again = await createRelay(
    { port: 0, data: ":memory:" },
    { openStore: () => Promise.resolve(makeDisk(random.split("again"), disk.kept, null)) },
  );
  ({ url } = again);
  try {
    const differences: Difference[] = [];
    const look = async (room: string): Promise<{ readonly digest: string }> => {
      const sight = await observe(url, room);
      differences.push(ledger.compare(room, sight.lines));
      return sight;
    };
    // Before any writer is back, who would bring what is lost.
    for (const room of ROOMS) await look(room);
    const acknowledged = ledger.total;
    for (const client of clients) client.open();
    let isEqual = true;
    let forks = 0;
    for (const room of ROOMS) {
      const inside = clients.filter((client) => client.room === room);
      await agree(inside);
      const { digest } = await look(room);
      for (const client of inside) {
        isEqual &&= sightOf(client).digest === digest;
        forks += client.document.history.forks().length;
      }
    }
    return { writes, acknowledged, differences, isEqual, forks };
  } finally {
    for (const client of clients) client.hold();
    await again.close();
  }
}
