/**
 * A node whose machine loses its power at a given write: what it said is stored must be there when it is on again, and
 * it must not sign a number of its chain twice, which it would if something had left it that was not stored.
 *
 * The mark beside the store is not synced, so it comes back as it was at any earlier moment.
 */
import { ChangeLog, documentId, generateKeyPair, type KeyPair, toHex } from "bft-json-crdt";
import type { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { nodeHome } from "../../packages/crdt-node/src/home.ts";
import type { Ledger as View } from "../../packages/crdt-node/src/ledger.ts";
import type { Mark } from "../../packages/crdt-node/src/mark.ts";
import { Node } from "../../packages/crdt-node/src/node.ts";
import type { Store } from "../../packages/crdt-node/src/store.ts";
import { pause, poll } from "./client.ts";
import { type Difference, Ledger } from "./ledger.ts";
import type { Cut, PowerDisk } from "./power-disk.ts";
import type { MakeDisk, PowerRun } from "./power-relay.ts";

/** Milliseconds between two lines of one node. */
const LINE_EVERY_MS = 2;

/** Lines that the node writes when the power is back. */
const LATER_LINES = 3;

/** A node that runs. */
interface Machine {
  readonly node: Node;
  /** What the mark said after each write, beginning with what it said at first. */
  readonly marks: readonly Mark[];
}

/** Before anything was stored. */
const NOTHING: Mark = { records: 0, own: null };

/** One run in a room of its own: `lines` of each of two nodes without a cut; with one, as many as it takes. */
export async function nodePowerRun(
  url: string,
  random: Random,
  cut: Cut | null,
  lines: number,
  makeDisk: MakeDisk,
): Promise<PowerRun> {
  const room = `power ${random.chain()}`;
  const keyPair = generateKeyPair();
  const calm = makeDisk(random.split("witness"), undefined, null);
  const witness = await switchOn(room, generateKeyPair(), calm, NOTHING);
  const disk = makeDisk(random.split("disk"), undefined, cut);
  const first = await switchOn(room, keyPair, disk, NOTHING);
  let machine = first;
  /** By who has stored a line. */
  const ledger = new Ledger();
  let written = 0;
  const write = (who: "subject" | "witness", { node }: Machine): void => {
    const memo = `line ${written++}`;
    node.append([{ from: "a", to: "b", amount: 1, memo }]).then(
      () => {
        ledger.acknowledge(who, memo);
      },
      // Whoever has no power promises nothing.
      () => undefined,
    );
  };
  try {
    for (const { node } of [witness, first]) node.connect([url]);
    while (cut === null ? written < 2 * lines : !disk.isCut) {
      write("subject", first);
      write("witness", witness);
      await pause(LINE_EVERY_MS);
    }
    if (cut === null) await poll("all to be stored", () => ledger.total === written);
    await first.node.close();
    const { writes, kept } = disk;

    const mark = first.marks[random.below(first.marks.length)]!;
    machine = await switchOn(room, keyPair, makeDisk(random.split("again"), kept, null), mark);
    const { node } = machine;
    // Before a relay can bring back what is lost.
    const differences: Difference[] = [ledger.compare("subject", memosOf(node))];
    const acknowledged = ledger.total;
    node.connect([url]);
    const before = written;
    for (let i = 0; i < LATER_LINES; i++) write("subject", machine);
    const isSettled = (): boolean =>
      ledger.total >= acknowledged + written - before && heads(node) === heads(witness.node);
    await poll("both nodes to have the same", isSettled);
    for (const one of [node, witness.node]) {
      for (const who of ["subject", "witness"]) differences.push(ledger.compare(who, memosOf(one)));
    }
    return {
      writes,
      acknowledged,
      differences,
      isEqual: node.digest() === witness.node.digest(),
      forks: node.history.forks().length + witness.node.history.forks().length,
    };
  } finally {
    await Promise.all([machine, witness].map(({ node }) => node.close()));
  }
}

/** Opens a node on a disk, with the mark as the power failure has left it. */
async function switchOn(
  room: string,
  keyPair: KeyPair,
  disk: PowerDisk,
  mark: Mark,
): Promise<Machine> {
  const marks = [mark];
  const log = new ChangeLog(disk, documentId(room));
  await log.open();
  const store: Store = {
    log,
    chain: 0n,
    cursors: new Map(),
    delivered: { id: null, set: () => undefined },
    get mark() {
      return marks.at(-1)!;
    },
    async append(records, own) {
      await log.append(records);
      marks.push({ records: log.length, own: own ?? marks.at(-1)!.own });
    },
    close: () => disk.close(),
  };
  const home = nodeHome("subject", {});
  const node = await Node.open({ home, room, keyPair, store });
  return { node, marks };
}

function heads({ history }: Node): string {
  return history.frontier().map(toHex).join(" ");
}

function memosOf(node: Node): string[] {
  const { transactions } = JSON.parse(node.viewJson()) as View;
  return transactions.map(({ memo = "" }) => memo);
}
