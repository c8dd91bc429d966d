import fc from "fast-check";
import { expect, it } from "vitest";
import { SendAccount } from "./send-account.ts";

it("counts text each time and a group once, for as long as any socket has it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 60 }), (steps) => {
      const account = new SendAccount();
      const frames = [new Uint8Array(3), new Uint8Array(3), new Uint8Array(50), "", "abc", "abcd"];
      const held: { readonly frame: string | Uint8Array; readonly done: () => void }[] = [];
      for (const [isTaken, which] of steps) {
        const frame = frames[which]!;
        if (isTaken) held.push({ frame, done: account.take(frame) });
        else held.splice(which, 1)[0]?.done();
        const groups = new Set(
          held.flatMap(({ frame }) => (typeof frame === "string" ? [] : [frame])),
        );
        const texts = held.reduce(
          (sum, { frame }) => sum + (typeof frame === "string" ? frame.length : 0),
          0,
        );
        expect(account.bytes).toBe([...groups].reduce((sum, { length }) => sum + length, texts));
      }
      for (const { done } of held) done();
      expect(account.bytes).toBe(0);
    }),
  );
});
