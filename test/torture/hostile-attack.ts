/**
 * One attacker, as a process of its own: `hostile-attack.ts NAME SEED`. Attacks from each "go URL ADDRESS…" on stdin to the next
 * "stop", from these addresses by turns, and then says how much it did.
 */
import { createInterface } from "node:readline";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { Attacker } from "./attacker.ts";
import { type AttackName, MAKE } from "./attacks.ts";
import { takeLowestPriority } from "./priorities.ts";

/** What stands before the URL and the addresses. */
const GO = "go ";

const isIdle = takeLowestPriority();
const [name = "", seed = ""] = process.argv.slice(2);
const attack = MAKE[name as AttackName]();
let ending = new AbortController();
let attacker: Attacker | null = null;
say({ event: "ready", isIdle });
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith(GO)) {
    ending = new AbortController();
    const [url = "", ...addresses] = line.slice(GO.length).split(" ");
    attacker = new Attacker(url, addresses, new Random(Number(seed)), ending.signal);
    void attack(attacker);
  } else if (line === "stop" && attacker !== null) {
    const { count, ended, open } = attacker;
    ending.abort();
    say({ event: "did", count, ended, open });
  }
}
process.exit(0);

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
