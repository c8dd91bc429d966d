/**
 * Bare loops of `node:crypto`, with nothing around them: what any program must at least spend on so many hashes,
 * signatures and verifications on one thread.
 */
import { generateKeyPairSync, hash, randomBytes, sign, verify } from "node:crypto";
import { expectEqual, samplesOf, timedInSlices } from "./measure.ts";
import type { Job, Plan, Sample } from "./suite.ts";
import { numberOf } from "./suite.ts";

/** Bytes of a small change. */
const HASHED = 200;

/** Bytes of what is signed: a domain and an id. */
const SIGNED = 60;

/** Messages that differ, taken in turns. */
const MESSAGES = 256;

/** Verifications or signatures that are measured at most; the time of more is told from these. */
const MOST_MEASURED = 20_000;

/** Loops by the name of their subject. */
const loops: Readonly<Record<string, (count: number) => Promise<number>>> = {
  "SHA-256 loop": async (count) => {
    const bytes = randomBytes(HASHED);
    let sum = 0;
    const time = await timedInSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        bytes.writeUInt32LE(i, 0);
        sum += hash("sha256", bytes, "buffer")[0]!;
      }
    });
    expectEqual(sum > 0 || count < 100, true, "some hash beginning with more than zeros");
    return time;
  },
  "sign loop": async (count) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const message = randomBytes(SIGNED);
    let last: Buffer = Buffer.alloc(0);
    const time = await timedInSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        message.writeUInt32LE(i, 0);
        last = sign(null, message, privateKey);
      }
    });
    expectEqual(verify(null, message, publicKey, last), true, "the last signature");
    return time;
  },
  "verify loop": async (count) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const messages = Array.from({ length: MESSAGES }, () => randomBytes(SIGNED));
    const signatures = messages.map((message) => sign(null, message, privateKey));
    let valid = 0;
    const time = await timedInSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        const at = i % MESSAGES;
        if (verify(null, messages[at]!, publicKey, signatures[at]!)) valid++;
      }
    });
    expectEqual(valid, count, "valid signatures");
    return time;
  },
  "sign and verify loop": async (count) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const message = randomBytes(SIGNED);
    let valid = 0;
    const time = await timedInSlices(count, (from, to) => {
      for (let i = from; i < to; i++) {
        message.writeUInt32LE(i, 0);
        if (verify(null, message, publicKey, sign(null, message, privateKey))) valid++;
      }
    });
    expectEqual(valid, count, "valid signatures");
    return time;
  },
};

/** The job of a yardstick: as many calls as there are operations beside it. */
export function yardstick(subject: string, on: string, count: number): Job {
  return { subject, on, parameters: { yardstick: true, count } };
}

/** Whether a job is a yardstick. */
export function isYardstick(job: Job): boolean {
  return job.parameters?.["yardstick"] === true;
}

/** Measures a yardstick's job. */
export function measureYardstick(job: Job, plan: Plan): Promise<Sample[]> {
  const count = numberOf(job, "count");
  const measured = job.subject === "SHA-256 loop" ? count : Math.min(count, MOST_MEASURED);
  const loop = loops[job.subject]!;
  return samplesOf(plan, async (part) => {
    const time = await loop(Math.max(1, Math.round(measured * part)));
    return { time: (time * count) / measured };
  });
}
