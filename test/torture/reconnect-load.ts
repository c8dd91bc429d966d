/**
 * Thousands of clients, as a process of its own: `reconnect-load.ts URL CLIENTS ROOMS SEED NAME`; NAME stands in front of the
 * names of its rooms. They come in, say "ready", lose their relay, write meanwhile, and come back by themselves. Prints a line of JSON for each of these.
 */
import { generateKeyPair } from "bft-json-crdt";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { openLines } from "../../packages/crdt-relayer/test/participant.ts";
import { Client, pause, poll } from "./client.ts";
import { binned } from "./numbers.ts";

/** Clients that begin to connect at once: what is measured is their return. */
const AT_ONCE = 50;

/** One client in so many writes a line while the relay is away. */
const WRITES_ONE_IN = 50;

/** The bins in which attempts are counted, in milliseconds. */
const BIN_MS = 100;

// Ctrl-C goes to all; the parent ends this process, or is gone itself.
process.on("SIGINT", () => undefined);
process.stdin.resume().on("end", () => process.exit(1));

const [url = "", count = "", rooms = "", seed = "", name = ""] = process.argv.slice(2);
const random = new Random(Number(seed));
/** Readers need no key of their own. */
const SHARED = generateKeyPair();
const tried: number[] = [];
const joined: number[] = [];
let refused = 0;

const clients = Array.from({ length: Number(count) }, (_, n) => {
  const stream = random.split(`client ${n}`);
  const room = `${name} ${n % Number(rooms)}`;
  const isWriter = n % WRITES_ONE_IN === 0;
  const client = new Client({
    url: () => url,
    room,
    document: openLines(room, isWriter ? generateKeyPair() : SHARED),
    random: () => stream.below(1_000_000) / 1_000_000,
    onAttempt: (what) => {
      (what === "tried" ? tried : joined).push(performance.now());
    },
  });
  return { client, isWriter };
});

for (let n = 0; n < clients.length; n += AT_ONCE) {
  const some = clients.slice(n, n + AT_ONCE);
  for (const { client } of some) client.open();
  await poll("the clients to come in", () => some.every(({ client }) => client.isSynced));
}
say({ event: "ready", clients: clients.length });

tried.length = 0;
joined.length = 0;
await poll("the relay to go away", () => clients.every(({ client }) => !client.isSynced));
const lost = performance.now();
await pause(500);
clients.forEach(({ client, isWriter }, n) => {
  if (isWriter) client.write(`line ${n}`);
});
const expected = new Map<string, number>();
for (const { client, isWriter } of clients) {
  expected.set(client.room, (expected.get(client.room) ?? 0) + (isWriter ? 1 : 0));
}
say({ event: "away" });
await poll("all clients to be back", () => clients.every(({ client }) => isWhole(client)));
const over = performance.now();
const digests = new Map<string, Set<string>>();
for (const { client } of clients) {
  const some = digests.get(client.room) ?? new Set();
  digests.set(client.room, some.add(client.document.viewDigest()));
  refused += client.errors.length;
}
say({
  event: "back",
  binMs: BIN_MS,
  // Some lose it before all have.
  tried: binned(
    tried.map((moment) => moment - lost).filter((moment) => moment >= 0),
    BIN_MS,
  ),
  joined: binned(
    joined.map((moment) => moment - lost).filter((moment) => moment >= 0),
    BIN_MS,
  ),
  convergedMs: over - lost,
  unequal: [...digests.values()].filter((some) => some.size > 1).length,
  errors: refused,
  processorMs: processorMs(),
});
say({ event: "over" });
process.exit(0);

function isWhole(client: Client): boolean {
  return (
    client.isSynced &&
    client.isAcknowledged &&
    client.document.history.length === expected.get(client.room)
  );
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** What this process has taken of a processor since it started. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
