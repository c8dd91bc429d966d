/**
 * One job in a process of its own: `child.js SUITE JOB PLAN`, the latter two as JSON. Takes its samples by turns with others
 * (by-turns.ts). Prints them as one line of JSON; anything that goes wrong is thrown, and so ends the process.
 */
import { waitForTurns } from "./measure.ts";
import { suiteOf } from "./suites/index.ts";
import type { Job, Plan } from "./suite.ts";

const [name = "", job = "", plan = ""] = process.argv.slice(2);
if (process.connected) waitForTurns();
const samples = await suiteOf(name).measure(JSON.parse(job) as Job, JSON.parse(plan) as Plan);
process.stdout.write(`${JSON.stringify(samples)}\n`);
if (process.connected) process.disconnect();
