/**
 * A relay with a window in its side, as a process of its own: `churn-relay.ts DIR`. Says where it listens, and, for each
 * line that it reads, what it holds, after collecting garbage: `node --expose-gc`.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRelay } from "crdt-relayer";

// Ctrl-C goes to all; the parent ends this process.
process.on("SIGINT", () => undefined);

const [data = ""] = process.argv.slice(2);

/** Seconds that an empty room stays: short, so that rooms come and go. */
const GRACE_SECONDS = 1;

const relay = await createRelay({ port: 0, data, roomGraceSeconds: GRACE_SECONDS });
say({ event: "listening", url: relay.url });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") break;
  globalThis.gc?.();
  const { rooms, sessions, changes } = relay.status();
  const { rss, heapUsed, external } = process.memoryUsage();
  say({
    event: "state",
    rooms,
    sessions,
    changes: changes.applied,
    rss,
    heap: heapUsed + external,
    ...held(),
  });
}
await relay.close();
say({ event: "over" });
process.exit(0);

/** Timers and other things that keep a process alive, and files that are open, but for those of the database. */
function held(): { readonly resources: string[]; readonly files: number } {
  const resources = process.getActiveResourcesInfo();
  let files = 0;
  try {
    for (const number of readdirSync("/proc/self/fd")) {
      try {
        if (!readlinkSync(`/proc/self/fd/${number}`).startsWith(data)) files++;
      } catch {
        // The one that was read the folder with.
      }
    }
  } catch {
    // Only Linux tells.
  }
  return { resources, files };
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
