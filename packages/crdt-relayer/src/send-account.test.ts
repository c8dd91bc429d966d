import fc from "fast-check";
import { expect, it } from "vitest";
import { SendAccount } from "./send-account.ts";

it("counts text each time and a group once, for as long as any socket has it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 60 }), (steps) => {
      const account = new SendAccount();
      const frames = [new Uint8Array(3), new Uint8Array(3), new Uint8Array(50), "", "abc", "abcd"];
      const held: (string | Uint8Array)[] = [];
      for (const [isTaken, which] of steps) {
        const frame = frames[which]!;
        if (isTaken) {
          account.take(frame);
          held.push(frame);
        } else {
          for (const given of held.splice(which, 1)) account.give(given);
        }
        const groups = new Set(held.filter((one) => typeof one !== "string"));
        const texts = held.reduce(
          (sum, one) => sum + (typeof one === "string" ? one.length : 0),
          0,
        );
        expect(account.bytes).toBe([...groups].reduce((sum, { length }) => sum + length, texts));
      }
      for (const one of held) account.give(one);
      expect(account.bytes).toBe(0);
    }),
  );
});
