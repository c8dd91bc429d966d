/**
 * One attacker, as a process of its own: `hostile-attack.ts NAME URL SEED ADDRESS…`. Attacks from each "go" on stdin to the next
 * "stop", from these addresses by turns, and then says how much it did. It has the lowest priority: it is to take the time
 * of the relay, and not the processor from it.
 *
 * Where Linux divides the processor between sessions first (autogroups), that is for its session, which must be its own: a
 * session that precedes others would take its attackers along, before the threads of the kernel that write to the disk. A
 * write of the relay that takes 0.3 ms then took up to 200.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { Random } from "../../packages/bft-json-crdt/test/simulator/random.ts";
import { Attacker } from "./attacker.ts";
import { type AttackName, MAKE } from "./attacks.ts";

setPriority(constants.priority.PRIORITY_LOW);
try {
  writeFileSync("/proc/self/autogroup", String(constants.priority.PRIORITY_LOW));
} catch {
  // There are none here: the priority counts for the whole system.
}
try {
  // Linux only: no more than what nobody else wants, and gone at once when somebody does, also in the middle of a slice of time.
  execFileSync("chrt", ["--all-tasks", "--idle", "--pid", "0", String(process.pid)]);
} catch {
  // The priority has to do.
}

const [name = "", url = "", seed = "", ...addresses] = process.argv.slice(2);
const attack = MAKE[name as AttackName]();
let ending = new AbortController();
let attacker: Attacker | null = null;
say({ event: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "go") {
    ending = new AbortController();
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
