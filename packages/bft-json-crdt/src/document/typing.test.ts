import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { person } from "../../test/forge.ts";
import { MisuseError } from "../result.ts";
import { counter, struct, text } from "../schema/index.ts";
import { Document } from "./document.ts";

const ID = new Uint8Array(32).fill(3);
const SCHEMA = struct({ body: text(), other: text(), count: counter() });

const open = (number = 1): Document<typeof SCHEMA> =>
  new Document({ schema: SCHEMA, id: ID, keyPair: person(number), chain: BigInt(number) });

const isInsidePair = (value: string, index: number): boolean =>
  /^[\uDC00-\uDFFF]$/u.test(value.charAt(index)) || (value.charCodeAt(index) & 0xfc00) === 0xdc00;

/** Where the next edit is, from where the last one ended: mostly right there, as people type. */
const anyStep = fc.record({
  do: fc.constantFrom("insert", "insert", "insert", "delete", "backspace", "replace", "append"),
  move: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: -4, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: -60, max: 60 }) },
  ),
  count: fc.nat(4),
  typed: fc.constantFrom("a", "b", "🙂", "cd", "🙂x", ""),
  aside: fc.constantFrom("nothing", "nothing", "nothing", "read", "id", "other", "count", "length"),
});

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** What a plain string becomes, or null when the edit is a mistake. */
function edited(value: string, at: number, { do: what, count, typed }: Step): string | null {
  const [from, to] =
    what === "insert"
      ? [at, at]
      : what === "append"
        ? [value.length, value.length]
        : what === "backspace"
          ? [at - count, at]
          : [at, at + count];
  if (from < 0 || to > value.length || isInsidePair(value, from) || isInsidePair(value, to))
    return null;
  const inserted = what === "delete" || what === "backspace" ? "" : typed;
  return value.slice(0, from) + inserted + value.slice(to);
}

describe("a text that is typed in one change", () => {
  it("is what a plain string becomes by the same edits, with the same mistakes refused", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("", "plain", "🙂 and 🙃", "a".repeat(70)),
        fc.array(anyStep, { maxLength: 40, size: "max" }),
        (start, steps) => {
          const [alice, bob] = [open(1), open(2)];
          bob.receive(alice.change((doc) => doc.body.append(start)).bytes);
          let value = start;
          let other = "";
          let count = 0n;
          let cursor = 0;
          const change = alice.change((doc) => {
            const { body } = doc;
            for (const step of steps) {
              const at = cursor + step.move;
              const next = edited(value, at, step);
              const act = (): void => {
                if (step.do === "insert") body.insert(at, step.typed);
                else if (step.do === "append") body.append(step.typed);
                else if (step.do === "delete") body.delete(at, step.count);
                else if (step.do === "backspace") body.delete(at - step.count, step.count);
                else body.replace(at, step.count, step.typed);
              };
              if (next === null) {
                expect(act).toThrow(MisuseError);
              } else {
                act();
                cursor = step.do === "append" ? next.length : at + next.length - value.length;
                if (step.do === "delete") cursor = at;
                value = next;
              }
              switch (step.aside) {
                case "read":
                  expect(body.toString()).toBe(value);
                  break;
                case "length":
                  expect(body.length).toBe(value.length);
                  break;
                case "id":
                  if (value !== "") expect(body.indexOf(body.idAt(0))).toBe(0);
                  break;
                case "other":
                  doc.other.append("o");
                  other += "o";
                  break;
                case "count":
                  doc.count.increment();
                  count++;
                  break;
                default:
              }
            }
          });
          const expected = { body: value, other, count };
          expect(alice.view()).toEqual(expected);
          for (const group of change.groups) bob.receive(group);
          expect(bob.view()).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("leaves no trace of what was typed and erased again", () => {
    const empty = open(1).change(() => undefined, { time: null });
    const futile = open(1).change(
      (doc) => {
        for (const key of "hello 🙂") doc.body.append(key);
        doc.body.delete(0, doc.body.length);
      },
      { time: null },
    );
    expect(futile.bytes.length).toBe(empty.bytes.length);
  });

  it("is gone with a change that fails, and refused outside of one", () => {
    const alice = open(1);
    alice.change((doc) => doc.body.append("kept"));
    expect(() =>
      alice.change((doc) => {
        doc.body.append(" and lost");
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(() => {
      alice.root.body.append("!");
    }).toThrow(MisuseError);
    expect(() => {
      alice.root.body.delete(0, 1);
    }).toThrow(MisuseError);
    expect(alice.view().body).toBe("kept");
    alice.change((doc) => doc.body.append("."));
    expect(alice.view().body).toBe("kept.");
  });

  it("is seen by whatever reads the document within the change", () => {
    const alice = open(1);
    alice.change((doc) => {
      doc.body.append("typed");
      expect(alice.view().body).toBe("typed");
      doc.body.append(" on");
      expect(JSON.parse(alice.viewJson())).toMatchObject({ body: "typed on" });
    });
  });

  it("may be longer than a change, and comes in parts", () => {
    const alice = open(1);
    const bob = open(2);
    const long = "0123456789".repeat(30_000);
    const change = alice.change((doc) => {
      for (let at = 0; at < 5; at++) doc.body.append(long);
    });
    expect(change.groups.length).toBeGreaterThan(1);
    for (const group of change.groups) bob.receive(group);
    expect(bob.view().body).toBe(long.repeat(5));
  });
});
