import fc from "fast-check";
import { expect, it } from "vitest";
import { type End, Newcomers, placeOfEnd } from "./newcomers.ts";

/** Two of these are one network. */
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"];
const networkOf = (address = ""): string => (address.includes(":") ? "2001:db8" : address);

it("gives up the oldest of whichever network has most, like a list that is looked through each time", () => {
  const step = fc.oneof(
    fc.record({ comes: fc.constantFrom(...ADDRESSES), port: fc.nat({ max: 6 }) }),
    fc.record({ ends: fc.nat() }),
    fc.constant("cut" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const newcomers = new Newcomers<End>(placeOfEnd);
      let all: End[] = [];
      // Networks in the order in which they came, without those of which nobody is left.
      let here: string[] = [];
      for (const one of steps) {
        if (one === "cut") {
          const counts = new Map<string, number>();
          for (const { remoteAddress } of all)
            counts.set(networkOf(remoteAddress), (counts.get(networkOf(remoteAddress)) ?? 0) + 1);
          const most = Math.max(0, ...counts.values());
          const network = here.find((each) => counts.get(each) === most);
          const wanted =
            all.find(({ remoteAddress }) => networkOf(remoteAddress) === network) ?? null;
          expect(newcomers.nextToGo).toBe(wanted);
          if (wanted !== null) newcomers.delete(wanted, wanted);
          all = all.filter((each) => each !== wanted);
        } else if ("comes" in one) {
          const end = { remoteAddress: one.comes, remotePort: one.port };
          const isSame = (each: End): boolean =>
            each.remoteAddress === end.remoteAddress && each.remotePort === end.remotePort;
          // A port that is in use cannot come again before its connection has ended.
          if (all.some(isSame)) continue;
          newcomers.add(end);
          all.push(end);
          here.push(networkOf(one.comes));
        } else {
          const end = all[one.ends % Math.max(1, all.length)];
          if (end === undefined) continue;
          newcomers.delete({ ...end });
          all = all.filter((each) => each !== end);
        }
        here = [...new Set(here)].filter((network) =>
          all.some(({ remoteAddress }) => networkOf(remoteAddress) === network),
        );
        expect([newcomers.size, new Set(newcomers)]).toEqual([all.length, new Set(all)]);
      }
    }),
  );
});

it("does not take the end of a connection for that of a later one with its port", () => {
  const newcomers = new Newcomers<End>(placeOfEnd);
  const [first, second] = [0, 1].map(() => ({ remoteAddress: "10.0.0.1", remotePort: 7 }));
  newcomers.add(first!);
  newcomers.add(second!);
  newcomers.delete(first!, first);
  expect([...newcomers]).toEqual([second]);
  newcomers.delete(second!, second);
  expect([newcomers.size, newcomers.nextToGo]).toEqual([0, null]);
});
