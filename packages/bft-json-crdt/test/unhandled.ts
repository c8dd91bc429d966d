/** Promises that nobody awaits. */

/** What promises are rejected with, and nobody hears of, until the next turn of the event loop. */
export async function catchUnhandled(): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => reasons.push(reason));
  await new Promise((resolve) => setImmediate(resolve));
  process.removeAllListeners("unhandledRejection");
  for (const listener of before) process.on("unhandledRejection", listener);
  return reasons;
}
