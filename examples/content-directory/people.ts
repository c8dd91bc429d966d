/** Providers and readers: what honest ones write. */
import { equalBytes, fromHex, toHex } from "bft-json-crdt";
import { Participant } from "example-kit";
import { askedChunk, directoryOf } from "./directory.ts";
import type { DirectoryView, Provider } from "./directory.ts";
import { chunksOf, pathOf, rootOf } from "./chunks.ts";
import type { Directory } from "./schema.ts";

/** One who holds files, asks others for proof, or both. */
export class Person extends Participant<typeof Directory> {
  readonly #files = new Map<string, Uint8Array>();

  /** Keeps a file; its root in hex. */
  keep(file: Uint8Array): string {
    const root = toHex(rootOf(file));
    this.#files.set(root, file);
    return root;
  }

  /** Loses a file. */
  lose(root: string): void {
    this.#files.delete(root);
  }

  /** Says to hold a file, true or not, until `expires` (milliseconds since 1970). */
  advertise(root: string, size: number, expires: number): void {
    this.change(({ adverts }) => adverts.append({ root: fromHex(root)!, size, expires }), {
      requires: this.document.frontier(),
    });
  }

  /** Asks for a chunk that nobody can foresee who does not know the 32 random bytes. */
  challenge(advert: string, nonce: Uint8Array): void {
    this.change(({ challenges }) => challenges.append({ advert, nonce }), {
      requires: this.document.frontier(),
    });
  }

  /** Answers all open challenges to its own adverts for which it has the file; how many. */
  answerAll(): number {
    const { adverts, challenges, answers } = this.document.root;
    const own = new Map(
      adverts
        .entries()
        .flatMap((it) => (it.author === this.author ? [[it.id, it.value] as const] : [])),
    );
    const done = new Set(
      answers
        .entries()
        .flatMap(({ author, value }) => (author === this.author ? [value.challenge] : [])),
    );
    let count = 0;
    for (const challenge of challenges.entries()) {
      const advert = own.get(challenge.value.advert);
      const file = advert && this.#files.get(toHex(advert.root));
      if (file === undefined || done.has(challenge.id)) continue;
      const index = askedChunk(challenge, file.length);
      const record = {
        challenge: challenge.id,
        chunk: chunksOf(file)[index]!.slice(),
        path: [...pathOf(file, index)],
      };
      this.change((doc) => doc.answers.append(record), { requires: this.document.frontier() });
      count++;
    }
    return count;
  }

  /** Gives a file to who asks for it: a connection of its own, which the directory does not see. */
  serve(root: string): Uint8Array | null {
    return this.#files.get(root) ?? null;
  }

  view(now: number, askers: readonly Person[]): DirectoryView {
    return directoryOf(this.document, { now, askers: new Set(askers.map(({ author }) => author)) });
  }
}

/** Tries one provider after another until one gives what the root names. Who failed before comes with it. */
export function fetchFile(
  root: string,
  providers: readonly Provider[],
  connect: (author: string) => Person | undefined,
): { file: Uint8Array | null; failed: string[]; from: string | null } {
  const failed: string[] = [];
  for (const { author } of providers) {
    const file = connect(author)?.serve(root) ?? null;
    if (file !== null && equalBytes(rootOf(file), fromHex(root)!))
      return { file, failed, from: author };
    failed.push(author);
  }
  return { file: null, failed, from: null };
}
