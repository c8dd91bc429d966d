/** What nobody catches or awaits. */

/** What promises are rejected with, and nobody hears of, until the next turn of the event loop. */
export function catchUnhandled(): Promise<unknown[]> {
  return collect("unhandledRejection");
}

/** What is thrown with nobody to catch it until the next turn of the event loop. */
export function catchUncaught(): Promise<unknown[]> {
  return collect("uncaughtException");
}

async function collect(event: "unhandledRejection" | "uncaughtException"): Promise<unknown[]> {
  const found: unknown[] = [];
  const emitter: NodeJS.EventEmitter = process;
  const before = emitter.listeners(event) as ((...args: unknown[]) => void)[];
  emitter.removeAllListeners(event);
  emitter.on(event, (reason) => found.push(reason));
  await new Promise((resolve) => setImmediate(resolve));
  emitter.removeAllListeners(event);
  for (const listener of before) emitter.on(event, listener);
  return found;
}
