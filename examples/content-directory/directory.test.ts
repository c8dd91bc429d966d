/** The directory: its tree against flipped bits, each rule, and that nobody proves what he does not hold. */
import { documentId, toHex } from "bft-json-crdt";
import { Clock, Random, reconcile, replicasOf, scenario } from "example-kit";
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  askedChunk,
  CHUNK,
  chunkCount,
  chunksOf,
  Directory,
  directoryOf,
  fetchFile,
  isChunkOf,
  MOST_LIFE,
  MOST_SIZE,
  pathOf,
  Person,
  rootOf,
} from "./index.ts";
import type { DirectoryView } from "./index.ts";

const id = documentId("test directory");
const clock = new Clock();
const HOUR = 3_600_000;
const file = new Random("file").bytes(1_300);

function join(name: string): Person {
  return new Person({ name, seed: "test", schema: Directory, id, clock });
}

function meet(...people: readonly Person[]): void {
  for (let turn = 0; turn < 2; turn++)
    for (const one of people) reconcile(people[0]!.document, one.document);
}

const nonce = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const reasons = ({ ignored }: DirectoryView): string[] => ignored.map(({ reason }) => reason);

function begun() {
  const [pam, mallory, ann] = ["pam", "mallory", "ann"].map(join) as [Person, Person, Person];
  const root = pam.keep(file);
  pam.advertise(root, file.length, clock.now + HOUR);
  meet(pam, mallory, ann);
  mallory.advertise(root, file.length, clock.now + HOUR);
  meet(pam, mallory, ann);
  const view = (now = clock.now): DirectoryView => ann.view(now, [ann]);
  const advertOf = (person: Person): string =>
    view().listings[0]!.providers.find(({ author }) => author === person.author)!.advert;
  const orderOf = (): string[] => view().listings[0]!.providers.map(({ author }) => author);
  return { pam, mallory, ann, root, view, advertOf, orderOf };
}

describe("a file", () => {
  test("has the chunks that its size says, each of which is proven at its place and nowhere else", () => {
    for (const size of [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7, 9 * CHUNK]) {
      const file = new Random(size).bytes(size);
      const [chunks, root] = [chunksOf(file), rootOf(file)];
      const count = chunks.length;
      expect(count).toBe(chunkCount(size));
      expect(Buffer.concat(chunks)).toEqual(Buffer.from(file));
      for (const [index, chunk] of chunks.entries()) {
        const path = pathOf(file, index);
        for (const [other, { length }] of chunks.entries()) {
          expect(length).toBe(other < count - 1 ? CHUNK : size - (count - 1) * CHUNK);
          const isSame = other === index;
          expect(isChunkOf(root, chunk, { index: other, count, path })).toBe(isSame);
        }
        const longer = Uint8Array.of(...chunk, 0);
        expect(isChunkOf(root, longer, { index, count, path })).toBe(false);
      }
    }
  });
});

describe("an advert", () => {
  test("lasts as it says, not longer than a week, and is replaced by the next", () => {
    const { pam, ann, root, view } = begun();
    expect(view().listings[0]!.providers).toHaveLength(2);
    expect(view(clock.now + HOUR).listings).toEqual([]);
    expect(reasons(view(clock.now + HOUR))).toEqual(["expired", "expired"]);
    pam.advertise(root, file.length, clock.now + 10 * MOST_LIFE);
    meet(pam, ann);
    expect(reasons(view())).toEqual(["replaced"]);
    expect(view(clock.now + MOST_LIFE - 1).listings[0]!.providers).toHaveLength(1);
    expect(view(clock.now + MOST_LIFE).listings).toEqual([]);
  });

  test("of no known form is ignored", () => {
    const { ann, view } = begun();
    const root = nonce(1);
    ann.change(({ adverts }) => {
      for (const [size, expires] of [
        [-1, 9e15],
        [MOST_SIZE + 1, 9e15],
        [1, -1],
      ] as const)
        adverts.append({ root, size, expires });
      adverts.append({ root: nonce(1).subarray(1), size: 1, expires: 9e15 });
    });
    ann.change(({ adverts }) => adverts.append({ root, size: 1, expires: 9e15 }), { time: null });
    expect(reasons(view())).toEqual(Array.from({ length: 5 }, () => "malformed"));
  });

  test("from the future begins then", () => {
    const { ann, view } = begun();
    const time = clock.now + 2 * HOUR;
    ann.change(({ adverts }) => adverts.append({ root: nonce(1), size: 1, expires: 9e15 }), {
      time,
    });
    expect(view().listings).toHaveLength(1);
    expect(reasons(view())).toEqual(["not yet"]);
    expect(view(time).listings).toHaveLength(1);
    expect(reasons(view(time))).toEqual(["expired", "expired"]);
  });
});

describe("a challenge", () => {
  test("is met by who holds the file, whom readers try first", () => {
    const { pam, mallory, ann, root, view, advertOf, orderOf } = begun();
    for (const provider of [pam, mallory]) ann.challenge(advertOf(provider), nonce(7));
    meet(pam, mallory, ann);
    expect(pam.answerAll()).toBe(1);
    expect(pam.answerAll()).toBe(0);
    expect(mallory.answerAll()).toBe(0);
    meet(pam, mallory, ann);
    expect(orderOf()).toEqual([pam.author, mallory.author]);
    expect(view().listings[0]!.providers).toMatchObject([
      { proved: 1, open: 0 },
      { proved: 0, open: 1 },
    ]);
    // Whose questions a reader does not trust do not count.
    expect(ann.view(clock.now, [pam]).listings[0]!.providers).toMatchObject([
      { proved: 0, open: 0 },
      { proved: 0, open: 0 },
    ]);
    pam.lose(root);
    ann.challenge(advertOf(pam), nonce(8));
    expect(view().listings[0]!.providers.find(({ author }) => author === pam.author)).toMatchObject(
      { proved: 1, open: 1 },
    );
  });

  test("stays open, and what was proven stays, when the provider advertises anew", () => {
    const { pam, mallory, ann, root, view, advertOf, orderOf } = begun();
    for (const provider of [pam, mallory]) ann.challenge(advertOf(provider), nonce(7));
    meet(pam, mallory, ann);
    pam.answerAll();
    for (const provider of [pam, mallory])
      provider.advertise(root, file.length, clock.now + 2 * HOUR);
    meet(pam, mallory, ann);
    expect(orderOf()).toEqual([pam.author, mallory.author]);
    expect(view().listings[0]!.providers).toMatchObject([
      { proved: 1, open: 0 },
      { proved: 0, open: 1 },
    ]);
    // But not beyond the end of what is advertised.
    expect(view(clock.now + 2 * HOUR).listings).toEqual([]);
    expect(reasons(view(clock.now + 2 * HOUR))).toContain("unknown advert");
  });

  test("asks for chunks all over the file", () => {
    const asked = Array.from({ length: 200 }, (_, at) =>
      askedChunk({ author: "a", value: { advert: "x", nonce: nonce(at) } }, file.length),
    );
    expect(new Set(asked)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  test("that had not seen the advert, about none, or without 32 bytes is ignored", () => {
    const { pam, ann, view, advertOf } = begun();
    const advert = advertOf(pam);
    const early = join("ann");
    early.change(({ challenges }) => challenges.append({ advert, nonce: nonce(1) }));
    const stranger = join("stranger");
    stranger.change(({ challenges }) => challenges.append({ advert, nonce: nonce(1) }));
    ann.challenge("nothing", nonce(1));
    ann.challenge(advert, nonce(1).subarray(1));
    meet(ann, stranger);
    expect(reasons(view()).toSorted()).toEqual(["malformed", "unfair", "unknown advert"]);
  });
});

describe("a reader's order", () => {
  test("has who lost the file behind who was never asked, and who signed two histories last", () => {
    const { pam, mallory, ann, root, advertOf, orderOf } = begun();
    const twin = join("mallory");
    reconcile(twin.document, mallory.document);
    ann.challenge(advertOf(pam), nonce(7));
    meet(pam, mallory, ann);
    pam.answerAll();
    meet(pam, mallory, ann);
    expect(orderOf()).toEqual([pam.author, mallory.author]);
    pam.lose(root);
    ann.challenge(advertOf(pam), nonce(8));
    expect(orderOf()).toEqual([mallory.author, pam.author]);
    for (const one of [mallory, twin])
      one.advertise(root, file.length, clock.now + HOUR + Number(one === twin));
    meet(ann, mallory, twin);
    expect(orderOf()).toEqual([pam.author, mallory.author]);
  });
});

describe("an answer", () => {
  test("by another, to another challenge, with another chunk or path, or before it was asked proves nothing", () => {
    const { pam, mallory, ann, view, advertOf } = begun();
    for (let at = 0; at < 2; at++) ann.challenge(advertOf(pam), nonce(at));
    ann.challenge(advertOf(mallory), nonce(2));
    meet(pam, mallory, ann);
    const [one, two, hers] = ann.document.root.challenges.entries();
    const index = askedChunk(one!, file.length);
    expect(askedChunk(two!, file.length)).not.toBe(index);
    const [chunk, path] = [chunksOf(file)[index]!.slice(), [...pathOf(file, index)]];
    mallory.change(({ answers }) => answers.append({ challenge: one!.id, chunk, path }));
    const others = [
      { challenge: two!.id, chunk, path },
      { challenge: one!.id, chunk: chunk.slice(1), path },
      { challenge: one!.id, chunk, path: path.slice(1) },
      { challenge: one!.id, chunk, path: "x" },
      { challenge: one!.id, chunk, path: path.map(toHex) },
      { challenge: one!.id, chunk, path: Array.from({ length: 33 }, () => nonce(1)) },
      { challenge: "nothing", chunk, path },
    ];
    for (const wrong of others) pam.change(({ answers }) => answers.append(wrong));
    const early = join("pam");
    early.change(({ answers }) => answers.append({ challenge: one!.id, chunk, path }));
    mallory.change(({ answers }) => answers.append({ challenge: hers!.id, chunk: nonce(1), path }));
    meet(pam, mallory, ann, early);
    expect(view().listings[0]!.providers.map(({ proved }) => proved)).toEqual([0, 0]);
    expect(reasons(view()).toSorted()).toEqual([
      ...Array.from({ length: 7 }, () => "no proof"),
      "not asked",
      "not asked",
      "unknown challenge",
    ]);
  });
});

describe("a reader", () => {
  test("goes on to the next provider until one gives what the root names", () => {
    const { pam, mallory, root, view } = begun();
    const people = [pam, mallory];
    const connect = (author: string): Person | undefined =>
      people.find((it) => it.author === author);
    const order = [mallory, pam].map((person) =>
      view().listings[0]!.providers.find(({ author }) => author === person.author)!,
    );
    expect(fetchFile(root, order, connect)).toEqual({
      file,
      failed: [mallory.author],
      from: pam.author,
    });
    mallory.serve = () => file.subarray(1);
    expect(fetchFile(root, order, connect)).toMatchObject({ from: pam.author });
    expect(fetchFile(root, order, () => undefined)).toEqual({
      file: null,
      failed: [mallory.author, pam.author],
      from: null,
    });
  });
});

describe("whatever liars write", () => {
  test("all replicas list the same, and nobody proves a chunk that he was never given", () => {
    const steps = fc.array(fc.record({ who: fc.nat(4), act: fc.nat(7), what: fc.nat(99) }), {
      minLength: 20,
      maxLength: 60,
    });
    let proofs = 0;
    fc.assert(
      fc.property(steps, fc.nat(), (steps, seed) => {
        const { pam, mallory, ann, root } = begun();
        const twin = join("mallory");
        reconcile(twin.document, mallory.document);
        const ben = join("ben");
        const all = [pam, mallory, twin, ann, ben];
        for (const { who, act, what } of steps) {
          const person = all[who]!;
          const isLiar = person.name === "mallory";
          const listed = person.view(clock.now, [ann]).listings[0]?.providers ?? [];
          const advert = listed[what % Math.max(1, listed.length)]?.advert;
          const challenges = person.document.root.challenges.entries();
          const answers = person.document.root.answers.entries();
          if (act === 0 && (isLiar || person === pam))
            person.advertise(root, file.length, clock.now + (what + 1) * HOUR);
          else if (act < 3 && advert !== undefined) person.challenge(advert, nonce(what));
          else if (act === 3) person.answerAll();
          else if (act === 4 && isLiar && challenges.length > 0) {
            // What others have shown in public, or made up.
            const shown = answers[what % Math.max(1, answers.length)]?.value;
            const forged = {
              chunk: new Random(what).bytes(CHUNK),
              path: [nonce(1), nonce(2), nonce(3)],
            };
            const { chunk, path } =
              what % 2 === 0 && shown !== undefined
                ? { chunk: shown.chunk, path: shown.path as Uint8Array[] }
                : forged;
            person.change((doc) =>
              doc.answers.append({
                challenge: challenges[what % challenges.length]!.id,
                chunk,
                path,
              }),
            );
          } else
            for (const other of all)
              if ((what + other.document.history.length) % 3 !== 0)
                reconcile(person.document, other.document);
        }
        meet(pam, ann, ben, mallory, twin);
        const own = ann
          .view(clock.now, [])
          .listings[0]!.providers.find(({ author }) => author === pam.author)!;
        ann.challenge(own.advert, nonce(200));
        meet(pam, ann, ben, mallory, twin);
        pam.answerAll();
        meet(pam, ann, ben, mallory, twin);
        const whole = scenario(all);
        const askers = new Set([ann.author, ben.author]);
        const views = replicasOf(whole, new Random(seed), 3).map((replica) => {
          expect(replica.history.length).toBe(whole.groups.length);
          return directoryOf(replica, { now: clock.now, askers });
        });
        for (const view of views) expect(view).toEqual(views[0]);
        // Who trusts a liar to ask sees the same as others who do.
        const trusting = replicasOf(whole, new Random(seed), 3).map((replica) =>
          directoryOf(replica, { now: clock.now, askers: new Set([...askers, mallory.author]) }),
        );
        for (const view of trusting) expect(view).toEqual(trusting[0]);
        // A liar can repeat what others have shown, so what was shown is all that it can prove.
        const shown = new Set(
          pam.document.root.answers.entries().map(({ value }) => toHex(value.chunk)),
        );
        const challenges = pam.document.root.challenges.entries();
        const adverts = pam.document.root.adverts.entries();
        for (const { author, proved } of views[0]!.listings.flatMap(({ providers }) => providers)) {
          if (author === pam.author) {
            proofs += proved;
            continue;
          }
          const own = new Set(adverts.flatMap((it) => (it.author === author ? it.id : [])));
          const lucky = challenges.filter(({ author, value }) => {
            const index = askedChunk({ author, value }, file.length);
            return (
              askers.has(author) &&
              own.has(value.advert) &&
              shown.has(toHex(chunksOf(file)[index]!))
            );
          });
          expect(proved).toBeLessThanOrEqual(new Set(lucky.map(({ author }) => author)).size);
        }
      }),
      runs(12),
    );
    expectReached(proofs);
  });
});
