/** The attacks, each of which one process makes: how many sockets, what they send, and how often. */
import type { Socket } from "node:net";
import { documentId } from "bft-json-crdt";
import { orphans } from "../../bench/src/flood/orphans.ts";
import { openLines, writeLine } from "../../packages/crdt-relayer/test/participant.ts";
import { type Attacker, frame, OPCODE } from "./attacker.ts";

/** The names of all attacks. */
export const ATTACKS = [
  "tiny fragments",
  "pings and pongs",
  "oversize",
  "slow handshake",
  "slowloris",
  "odd JSON",
  "wrong hashes",
  "wrong signatures",
  "room spraying",
  "odd room names",
  "sync requests",
  "silence",
] as const;

/** The name of one attack. */
export type AttackName = (typeof ATTACKS)[number];

/** What each does, for the report. */
export const ABOUT: { readonly [name in AttackName]: string } = {
  "tiny fragments": "messages in pieces of one byte and of none, 8 sockets",
  "pings and pongs": "8 sockets, half of which do not read",
  oversize: "4 sockets that announce 2 GiB, 2 that send the greatest frame",
  "slow handshake": "500 connections, a byte of the request each 100 ms",
  slowloris: "400 connections with a header line a second, 50 that ask and do not read",
  "odd JSON": "deep, keys twice, `__proto__`, 6 sockets",
  "wrong hashes": "changes in the attacked room that build on what nobody has, 4 sockets",
  "wrong signatures": "changes in the attacked room, 4 sockets",
  "room spraying": "a change in each of many new rooms, 4 sockets, and 300 that stay in one",
  "odd room names": "4 sockets",
  "sync requests":
    "12 sockets in the attacked room, half of which do not read; 4 ask only what a correct client might",
  silence: "10,000 WebSockets that join no room, and 1,000 connections that say nothing",
};

/** The room that attackers and honest clients share. */
export const ATTACKED_ROOM = "attacked";

/** Messages about what the relay has not said, which it closes a session for when they are many. */
const UNLIKELY: ReadonlySet<string> = new Set(["want", "probe", "lacks"]);

/** Makes an attack until the attacker's signal is aborted. What takes long to prepare is prepared at once. */
export const MAKE: { readonly [name in AttackName]: () => (attacker: Attacker) => Promise<void> } =
  {
    "tiny fragments": () => {
      const first = frame(OPCODE.text, Buffer.from("x"), false);
      const more = frame(OPCODE.more, Buffer.from("x"), false);
      const none = frame(OPCODE.more, Buffer.alloc(0), false);
      const last = frame(OPCODE.more, Buffer.from("x"));
      const short = Buffer.concat([first, ...Array<Buffer>(8).fill(more), none, none, last]);
      const shorts = Buffer.concat(Array<Buffer>(80).fill(short));
      const long = Buffer.concat([first, ...Array<Buffer>(1_000).fill(more), last]);
      return (attacker) =>
        attacker.swarm({
          sockets: 8,
          everyMs: 40,
          open: () => attacker.upgraded(),
          piece: () => (attacker.random.oneIn(4) ? [long, 1] : [shorts, 80]),
        });
    },

    "pings and pongs": () => {
      const pongs = Buffer.concat(Array<Buffer>(2_000).fill(frame(OPCODE.pong, Buffer.alloc(0))));
      const pings = Buffer.concat(Array<Buffer>(40).fill(frame(OPCODE.ping, Buffer.alloc(125))));
      return (attacker) =>
        attacker.swarm({
          sockets: 8,
          everyMs: 40,
          open: async () => {
            const socket = await attacker.upgraded();
            // Half of them do not read what answers their pings.
            if (attacker.random.oneIn(2)) socket?.pause();
            return socket;
          },
          piece: () => (attacker.random.oneIn(4) ? [pings, 40] : [pongs, 2_000]),
        });
    },

    oversize: () => {
      const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);
      const greatest = frame(OPCODE.binary, Buffer.alloc(1_048_576 + 65_536));
      return async (attacker) => {
        const open = (): Promise<Socket | null> => attacker.joined(ATTACKED_ROOM);
        await Promise.all([
          attacker.swarm({ sockets: 4, everyMs: 40, open, piece: () => [head, 1] }),
          attacker.swarm({ sockets: 2, everyMs: 100, open, piece: () => [greatest, 1] }),
        ]);
      };
    },

    "slow handshake": () => (attacker) => {
      const said = new WeakMap<Socket, number>();
      const request = Buffer.from(attacker.upgrade);
      return attacker.swarm({
        sockets: 500,
        openPerSecond: 200,
        everyMs: 100,
        open: () => attacker.connect(),
        piece: (socket) => {
          const at = said.get(socket) ?? 0;
          said.set(socket, at + 1);
          return at < request.length ? [request.subarray(at, at + 1), 1] : null;
        },
      });
    },

    slowloris: () => {
      const begin = Buffer.from("GET /websocket HTTP/1.1\r\n");
      const ask = Buffer.from("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(20));
      return async (attacker) => {
        const begun = new WeakSet<Socket>();
        await Promise.all([
          attacker.swarm({
            sockets: 400,
            openPerSecond: 200,
            everyMs: 1_000,
            open: () => attacker.connect(),
            piece: (socket) => {
              if (begun.has(socket))
                return [Buffer.from(`x-${attacker.random.below(1_000_000)}: y\r\n`), 1];
              begun.add(socket);
              return [begin, 1];
            },
          }),
          attacker.swarm({
            sockets: 50,
            openPerSecond: 50,
            everyMs: 1_000,
            open: async () => {
              const socket = await attacker.connect();
              socket?.pause();
              return socket;
            },
            piece: () => [ask, 20],
          }),
        ]);
      };
    },

    "odd JSON": () => {
      const deep = 15_000;
      const texts = [
        "[".repeat(deep),
        `{"type":"have","heads":${"[".repeat(deep)}${"]".repeat(deep)}}`,
        `{${'"a":{'.repeat(deep / 5)}`,
        `{"type":"want",${'"ids":[],'.repeat(1_500)}"ids":[]}`,
        '{"type":"have","heads":[],"type":"want","ids":[]}',
        '{"__proto__":{"type":"join","room":"main"},"type":"have","heads":[]}',
        '{"type":"have","constructor":{"prototype":{"heads":[]}},"__proto__":{"heads":[]}}',
        '{"type":"__proto__"}',
        `{"type":"want","ids":[${'"__proto__",'.repeat(200)}"toString"]}`,
        `{"type":"tips","page":1e999,"chains":[["${"0".repeat(64)}","-1",1e308,null]]}`,
        `{"type":"have","heads":"${"x".repeat(15_000)}"}`,
        `{"type":"join","room":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
        '"\\ud800"',
        "nul",
      ];
      const frames = texts.map((text) => frame(OPCODE.text, Buffer.from(text)));
      return (attacker) =>
        attacker.swarm({
          sockets: 6,
          everyMs: 40,
          open: () =>
            attacker.random.oneIn(2) ? attacker.joined(ATTACKED_ROOM) : attacker.upgraded(),
          piece: () => {
            const some = Array.from(
              { length: 8 },
              () => frames[attacker.random.below(frames.length)]!,
            );
            return [Buffer.concat(some), some.length];
          },
        });
    },

    "wrong hashes": () => {
      const frames = [...orphans(documentId(ATTACKED_ROOM), 4_000)].map((change) =>
        frame(OPCODE.binary, change),
      );
      return (attacker) => {
        let next = 0;
        return attacker.swarm({
          sockets: 4,
          everyMs: 40,
          open: () => attacker.joined(ATTACKED_ROOM),
          piece: () => {
            const some = Array.from({ length: 40 }, () => frames[next++ % frames.length]!);
            return [Buffer.concat(some), some.length];
          },
        });
      };
    },

    "wrong signatures": () => {
      const lines = openLines(ATTACKED_ROOM);
      const frames = Array.from({ length: 500 }, (_, n) =>
        frame(OPCODE.binary, writeLine(lines, `line ${n}`)),
      );
      return (attacker) =>
        attacker.swarm({
          sockets: 4,
          everyMs: 40,
          open: () => attacker.joined(ATTACKED_ROOM),
          piece: () => {
            const some = Array.from({ length: 80 }, () => {
              const bytes = Buffer.from(frames[attacker.random.below(frames.length)]!);
              // The first half of the signature, which stands at the end: the second one has a bound that is looked at first.
              const at = bytes.length - 64 + attacker.random.below(31);
              bytes[at] = bytes[at]! ^ (1 + attacker.random.below(255));
              return bytes;
            });
            return [Buffer.concat(some), some.length];
          },
        });
    },

    "room spraying": () => (attacker) => {
      let rooms = 0;
      const stays = new WeakSet<Socket>();
      const inRoom = (): Buffer => {
        const room = `spray ${attacker.random.below(1_000_000_000)} ${rooms++}`;
        const join = frame(OPCODE.text, Buffer.from(JSON.stringify({ type: "join", room })));
        return Buffer.concat([join, frame(OPCODE.binary, writeLine(openLines(room), "here"))]);
      };
      return Promise.all([
        attacker.swarm({
          sockets: 4,
          everyMs: 40,
          open: () => attacker.upgraded(),
          piece: () => [Buffer.concat(Array.from({ length: 4 }, inRoom)), 4],
        }),
        attacker.swarm({
          sockets: 300,
          openPerSecond: 100,
          everyMs: 0,
          open: () => attacker.upgraded(),
          piece: (socket) => {
            if (stays.has(socket)) return null;
            stays.add(socket);
            return [inRoom(), 1];
          },
        }),
      ]).then(() => undefined);
    },

    "odd room names": () => {
      const names = [
        '""',
        '" "',
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"../../../etc/passwd"',
        '"__proto__"',
        '"constructor"',
        '"*.>"',
        '"crdt.*.>"',
        '"\\u202e\\u200b\\ufeff"',
        '"👩‍👩‍👧‍👦"',
        `"${"é".repeat(1_024)}"`,
        `"${"x".repeat(1_025)}"`,
        `"${"x".repeat(3_900)}"`,
        `"${"0".repeat(64)}"`,
        "null",
        "7",
        "[]",
        "{}",
      ];
      const joins = names.map((name) => `{"type":"join","room":${name}}`);
      const documents = ['""', `"${"g".repeat(64)}"`, `"${"0".repeat(64)}"`, "null"].map(
        (name) => `{"type":"join","document":${name}}`,
      );
      const commands = ["/join", "/join  ", "/join \u202e", `/join ${"x".repeat(2_000)}`, "/who"];
      const frames = [...joins, ...documents, ...commands].map((text) =>
        frame(OPCODE.text, Buffer.from(text)),
      );
      return (attacker) =>
        attacker.swarm({
          sockets: 4,
          everyMs: 40,
          open: () => attacker.upgraded(),
          piece: () => {
            const some = Array.from(
              { length: 40 },
              () => frames[attacker.random.below(frames.length)]!,
            );
            return [Buffer.concat(some), some.length];
          },
        });
    },

    "sync requests": () => (attacker) => {
      const id = (): string => Buffer.from(attacker.random.bytes(32)).toString("hex");
      const ids = Array.from({ length: 256 }, id);
      const texts = [
        { type: "have", heads: [], again: true },
        { type: "have", heads: [] },
        { type: "have", heads: ids.slice(0, 100), again: true },
        { type: "have", digest: id() },
        { type: "want", ids },
        { type: "tips", page: 1, chains: ids.map((one) => [one, "0", 1_000, one]) },
        { type: "buckets", page: 0, hashes: ids },
        { type: "probe", tips: ids.slice(0, 32) },
        { type: "known", ids: ids.slice(0, 100) },
        { type: "lacks", of: 1, at: [0, 1, 2], tips: [] },
      ];
      const frames = texts.map((text) => frame(OPCODE.text, Buffer.from(JSON.stringify(text))));
      // What a correct client might ask, too, if it knew as much; and what none would.
      const likely = frames.filter((_, at) => !UNLIKELY.has(texts[at]!.type));
      const ask = (sockets: number, of: readonly Buffer[]): Promise<void> =>
        attacker.swarm({
          sockets,
          everyMs: 40,
          open: async () => {
            const socket = await attacker.joined(ATTACKED_ROOM);
            if (attacker.random.oneIn(2)) socket?.pause();
            return socket;
          },
          piece: () => {
            const some = Array.from({ length: 40 }, () => of[attacker.random.below(of.length)]!);
            return [Buffer.concat(some), some.length];
          },
        });
      return Promise.all([ask(8, frames), ask(4, likely)]).then(() => undefined);
    },

    silence: () => (attacker) => {
      const nothing = (): null => null;
      const everyMs = 60_000;
      return Promise.all([
        attacker.swarm({
          sockets: 2_000,
          openPerSecond: 250,
          everyMs,
          open: () => attacker.upgraded(),
          piece: nothing,
        }),
        attacker.swarm({
          sockets: 200,
          openPerSecond: 50,
          everyMs,
          open: () => attacker.connect(),
          piece: nothing,
        }),
      ]).then(() => undefined);
    },
  };

/** Processes that one attack takes, where one is not enough: each may only have so many files open. */
export const PROCESSES: { readonly [name in AttackName]?: number } = { silence: 5 };
