import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { RequestQueue } from "./request-queue.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Resolves when the event loop has come around. */
const pass = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("serves the first of each network, then of the second of each, whoever came in thousands", async () => {
  vi.spyOn(performance, "now").mockReturnValue(1_000);
  // The last two are one network: all of a /64 count as one.
  const addresses = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...addresses), { maxLength: 30 }), async (come) => {
      const requests = new RequestQueue();
      const done: number[] = [];
      const nth = new Map<string, number>();
      const order = come.map((address, at) => {
        requests.next(address, () => done.push(at));
        const network = address.includes(":") ? "2001:db8" : address;
        const before = nth.get(network) ?? 0;
        nth.set(network, before + 1);
        return { at, before };
      });
      while (done.length < come.length) await pass();
      expect(done).toEqual(order.toSorted((a, b) => a.before - b.before).map(({ at }) => at));
      // Nobody is remembered: the next two are served in the order in which they come.
      for (const n of [0, 1]) requests.next(addresses[n]!, () => done.push(-1 - n));
      while (done.length < come.length + 2) await pass();
      expect(done.slice(-2)).toEqual([-1, -2]);
    }),
    { numRuns: 50 },
  );
});

it("serves who comes alone before those of a network of which hundreds have been waiting for a while", async () => {
  const now = vi.spyOn(performance, "now").mockReturnValue(1_000);
  const requests = new RequestQueue();
  const done: string[] = [];
  for (let n = 0; n < 300; n++) requests.next("10.0.0.1", () => done.push("many"));
  now.mockReturnValue(2_500);
  requests.next("10.0.0.2", () => done.push("alone"));
  while (!done.includes("alone")) await pass();
  expect(done.slice(0, 3)).toEqual(["many", "many", "alone"]);
});
