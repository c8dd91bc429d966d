/** Registers, maps, sets and counters under attack: very many concurrent assignments, keys, values. */
import { expectEqual } from "../measure.ts";
import { chainOf, groupsOf, make, ops } from "./change.ts";
import type { Made } from "./change.ts";
import { course, deliver, replica } from "./case.ts";
import type { Case, Doc } from "./case.ts";

/** Cases of this theme. */
export const cases: Case[] = [
  {
    name: "n standing assignments of a register",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.assign(["reg"], at)]),
        size,
        ({ root }) => `${root.reg.get()} ${root.reg.conflicts().length}`,
        `${size - 1} ${size}`,
        (document, at) => document.change(({ reg }) => reg.set(at), { time: null }),
      ),
  },
  {
    name: "n standing assignments of a map's key",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.assign(["map", "key"], at)]),
        size,
        ({ root }) => `${root.map.get("key")} ${root.map.conflicts("key").length}`,
        `${size - 1} ${size}`,
        (document, at) => document.change(({ map }) => map.set("key", at), { time: null }),
      ),
  },
  {
    name: "a storm on one key, each replacing 64",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [
          at < 64
            ? ops.assign(["map", "key"], at)
            : // Of these 64 all but the last have been replaced already.
              ops.assign(["map", "key"], at, 1, 63, 0, 64),
        ]),
        size,
        ({ root }) => `${root.map.get("key")} ${root.map.conflicts("key").length}`,
        `${size - 1} 1`,
        (document, at) => document.change(({ map }) => map.set("key", at), { time: null }),
      ),
  },
  {
    name: "n standing containers on one key, each edited",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.assign(["boxes", "key"], {}), ops.insert([0, 0, 0, "log"], at)]),
        size,
        ({ root }) => root.boxes.conflicts("key").length,
        size,
        (document, at) =>
          document.change(({ boxes }) => boxes.at("key").log.push(at), { time: null }),
      ),
  },
  {
    name: "a map of n keys",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.assign(["map", `key ${at}`], at)]),
        size,
        ({ root }) => root.map.size,
        size,
        editKeys,
      ),
  },
  {
    name: "a map of n keys like indexes",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.assign(["map", String(at * 4_001)], at)]),
        size,
        ({ root }) => root.map.size,
        size,
        editKeys,
      ),
  },
  {
    name: "a set of n values",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.add(["set"], at)]),
        size,
        ({ root }) => root.set.size,
        size,
        (document, at) =>
          document.change(
            ({ set }) => {
              set.add(-1 - at);
              set.delete(at);
            },
            { time: null },
          ),
      ),
  },
  {
    name: "one value added n times to a set",
    prepare: (size) => {
      let document: Doc | null = null;
      const changes = chainOf(size, () => [ops.add(["set"], 7)]);
      return [
        ...course(changes, size, ({ root }) => root.set.size, 1),
        {
          name: "its removal by Alice",
          elements: size,
          work: () => {
            document = replica();
            deliver(document, groupsOf(changes));
            document.change(({ set }) => set.delete(7), { time: null });
          },
          check: () => expectEqual(document!.root.set.size, 0, "values of the set"),
        },
      ];
    },
  },
  {
    name: "n increments",
    prepare: (size) =>
      course(
        chainOf(size, (at) => [ops.increment(["total"], at)]),
        size,
        ({ root }) => root.total.value,
        (BigInt(size) * BigInt(size - 1)) / 2n,
        (document, at) => document.change(({ total }) => total.increment(at), { time: null }),
      ),
  },
  {
    name: "n items of a list of structs, each edited",
    prepare: (size) => {
      const changes: Made[] = [];
      let prev: Made | null = null;
      for (let at = 0; at < size; at++) {
        prev = make({
          prev,
          ops: [ops.insert(["items"], {}), ops.insert([0, 0, 0, "log"], at)],
        });
        changes.push(prev);
      }
      return course(
        changes,
        size,
        ({ root }) => root.items.length,
        size,
        (document, at) =>
          document.change(({ items }) => items.at((at * 7) % size).log.push(at), { time: null }),
      );
    },
  },
];

function editKeys(document: Doc, at: number): void {
  document.change(
    ({ map }) => {
      map.set(`mine ${at}`, at);
      map.delete(`key ${at}`);
    },
    { time: null },
  );
}
