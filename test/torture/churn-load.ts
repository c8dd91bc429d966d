/**
 * Mixed load, as a process of its own: `churn-load.ts URL SECONDS SEED`. A crowd whose members come into a room, write,
 * read, look in with commands, vanish or leave, and are replaced by others; the rooms themselves come and go. Ends with all gone.
 */
import { once } from "node:events";
import { WebSocket } from "ws";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { Client, pause } from "./client.ts";

/** Members of the crowd at once, and rooms that they choose from; every so many seconds one of these is a new one. */
const CROWD = 40;
const ROOMS = 8;
const NEW_ROOM_EVERY_MS = 2_000;

/** Milliseconds that a member stays, and between two of their lines. */
const LONGEST_STAY_MS = 3_000;
const LINE_EVERY_MS = 60;

/** Of so many members one vanishes without a word, one is a person at a keyboard, and one writes long lines. */
const VANISHES_ONE_IN = 3;
const PERSON_ONE_IN = 10;
const LONG_ONE_IN = 8;
const LONG_CHARACTERS = 20_000;

// Ctrl-C goes to all; the parent ends this process, or is gone itself.
process.on("SIGINT", () => undefined);
process.stdin.resume().on("end", () => process.exit(1));

const [url = "", seconds = "", seed = ""] = process.argv.slice(2);
const random = new Random(Number(seed));
const end = performance.now() + Number(seconds) * 1_000;
let rooms = ROOMS;
let members = 0;
let written = 0;
let stranded = 0;

const renewal = setInterval(() => {
  rooms++;
}, NEW_ROOM_EVERY_MS);
await Promise.all(
  Array.from({ length: CROWD }, async () => {
    while (performance.now() < end) await live(random.split(`member ${members++}`));
  }),
);
clearInterval(renewal);
process.stdout.write(`${JSON.stringify({ event: "gone", rooms, members, written, stranded })}\n`);
process.stdout.write(`${JSON.stringify({ event: "over" })}\n`);
process.exit(0);

async function live(choices: Random): Promise<void> {
  const room = `churn ${rooms - 1 - choices.below(ROOMS)}`;
  if (choices.oneIn(PERSON_ONE_IN)) return look(room);
  const client = new Client({ url: () => url, room });
  const until = Math.min(end, performance.now() + choices.below(LONGEST_STAY_MS));
  const isLong = choices.oneIn(LONG_ONE_IN);
  client.open();
  while (performance.now() < until) {
    client.write(isLong ? `${written++} `.padEnd(LONG_CHARACTERS, "x") : `line ${written++}`);
    await pause(choices.below(2 * LINE_EVERY_MS));
  }
  if (choices.oneIn(VANISHES_ONE_IN)) {
    client.hold();
    return;
  }
  await client
    .until("its lines to be stored", () => client.isAcknowledged)
    .catch(() => {
      stranded++;
    });
  await client.leave();
}

/** Somebody with a WebSocket and a keyboard. */
async function look(room: string): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  await once(socket, "open");
  for (const command of [`/join ${room}`, "/who", "hello?", "/leave"]) {
    socket.send(command);
    await Promise.race([once(socket, "message"), pause(200)]);
  }
  const closed = once(socket, "close");
  socket.close();
  await closed;
}
