/** Input that nests, or is long, where something that recurses or copies would break. */
import {
  Document,
  decodeForkProof,
  decodeGenesis,
  decodeValue,
  encodeGroup,
  History,
  parseMessage,
} from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import { expectEqual } from "../measure.ts";
import { SIGNATURE } from "../free-signatures.ts";
import { chainOf, ID, live, make, ops } from "./change.ts";
import { course, replica, schema } from "./case.ts";
import type { Case } from "./case.ts";

/** Cases of this theme. */
export const cases: Case[] = [
  {
    name: "arrays n deep, wherever bytes come in",
    prepare(size) {
      const deep = new Uint8Array(size + 1).fill(0x81);
      deep[size] = 0x80;
      const objects = new Uint8Array(2 * size + 2).fill(0xa1);
      for (let i = 1; i < objects.length; i += 2) objects[i] = 0x60;
      const text = `${"[".repeat(size)}${"]".repeat(size)}`;
      const inside = `{"type":"have","heads":${text}}`;
      const history = new History({ document: ID });
      return [deep, objects].map((bytes, at) => ({
        name: at === 0 ? "arrays" : "objects",
        elements: size,
        again: true,
        work: () => {
          expectEqual(decodeValue(bytes).ok, false, "a value");
          expectEqual(history.receive(bytes).status, "rejected", "a group");
          expectEqual(
            history.receive(
              encodeGroup([{ body: bytes.subarray(0, 1_000_000), signature: SIGNATURE }]),
            ).status,
            "rejected",
            "a body",
          );
          expectEqual(decodeForkProof(bytes).ok, false, "a fork proof");
          expectEqual(decodeGenesis(bytes).ok, false, "a genesis");
          expectEqual(Document.load(bytes, { schema, id: ID }).ok, false, "a file");
          expectEqual(parseMessage(text).ok || parseMessage(inside).ok, false, "a message");
        },
      }));
    },
  },
  {
    name: "a value n deep inside of an op",
    prepare(size) {
      // Written by hand: an honest encoder refuses it.
      const depth = Math.min(size, 900_000);
      const deep = new Uint8Array(depth + 1).fill(0x81);
      deep[depth] = 0x80;
      const mark = 0x1234_5678;
      const { body } = make({ ops: [[4, 1, [["reg"]], mark]] });
      const at = body.length - 5;
      const nested = new Uint8Array(at + deep.length);
      nested.set(body.subarray(0, at));
      nested.set(deep, at);
      const document = replica();
      return [
        {
          name: "receive",
          elements: size,
          again: true,
          work: () => {
            const { status } = document.receive(
              encodeGroup([{ body: nested, signature: SIGNATURE }]),
            );
            expectEqual(status, "rejected", "a body");
          },
        },
      ];
    },
  },
  {
    name: "places n names deep",
    prepare(size) {
      const depth = Math.min(size, 50_000);
      const path = Array.from({ length: depth }, () => "list");
      const count = size / depth;
      const changes = chainOf(count, () => [
        ops.insert([...path], 1),
        ops.assign([...path], 1),
        ops.assign([0, 0, 0, ...path.slice(0, depth / 2)], 1),
      ]);
      return course(changes, size, ({ root }) => root.list.length, 0);
    },
  },
  {
    name: "n ops in changes of 10,000, all inert",
    prepare(size) {
      const inert: Value[] = Array.from({ length: 10_000 }, (_, at) => [9, 0, [at], null]);
      const changes = chainOf(size / 10_000 || 1, () => inert);
      return course(changes, size, ({ root }) => root.list.length, 0);
    },
  },
  {
    name: "one change of n elements, then another behind each",
    prepare(size) {
      const most = 100_000;
      const values = Array.from({ length: Math.min(size, most) }, (_, at) => at);
      const first = make({ ops: [ops.insert(["list"], ...values)] });
      const others = chainOf(size, (at) => [ops.right([1, at, at % values.length], at)], {
        prev: first,
      });
      return course(
        [first, ...others],
        size,
        ({ root }) => root.list.length,
        size + values.length,
        (document, at) =>
          document.change(({ list }) => list.delete((at * 7) % list.length), { time: null }),
      );
    },
  },
  {
    name: "groups of one change",
    prepare(size) {
      const groups = chainOf(size, (at) => [ops.insert(["list"], at)]).map(live);
      const document = replica();
      document.subscribe(() => undefined);
      return [
        {
          name: "receive, with a listener for patches",
          elements: size,
          work: () => {
            for (const group of groups) document.receive(group);
          },
          check: () => expectEqual(document.root.list.length, size, "items"),
        },
      ];
    },
  },
];
