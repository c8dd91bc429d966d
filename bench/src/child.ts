/**
 * One job in a process of its own: `child.js SUITE JOB PLAN`, the latter two as JSON. Prints the samples as one line of
 * JSON; anything that goes wrong is thrown, and so ends the process.
 */
import { suiteOf } from "./suites/index.ts";
import type { Job, Plan } from "./suite.ts";

const [name = "", job = "", plan = ""] = process.argv.slice(2);
const samples = await suiteOf(name).measure(JSON.parse(job) as Job, JSON.parse(plan) as Plan);
process.stdout.write(`${JSON.stringify(samples)}\n`);
