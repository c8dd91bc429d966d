/**
 * `pnpm example content-directory`: four say to hold a file. One lies, one loses it, one tells two stories; a reader finds it all the
 * same.
 */
import { documentId, sha256 } from "bft-json-crdt";
import {
  cast,
  Clock,
  command,
  Mesh,
  namesOf,
  paint,
  Random,
  reconcile,
  run,
  say,
  showAgreement,
  table,
  title,
} from "example-kit";
import { directoryOf } from "./directory.ts";
import { chunkCount } from "./chunks.ts";
import { fetchFile, Person } from "./people.ts";
import { Directory } from "./schema.ts";

const HOUR = 3_600_000;

function main(seed: string): void {
  const clock = new Clock();
  const random = new Random(seed);
  const id = documentId("content directory");
  const join = (name: string): Person => new Person({ name, seed, schema: Directory, id, clock });
  const people = cast(["Pam", "Pit", "Pia", "Mallory", "Ann", "Ben"], join);
  const [pam, pit, pia, mallory, ann, ben] = people;
  const nameOf = namesOf(people);
  const mesh = new Mesh(people, { clock, random: random.split("mesh") });
  const nonce = (): Uint8Array => random.bytes(32);
  const file = random.bytes(5_000);
  const view = () => ann.view(clock.now, [ann, ben]);
  const pass = (hours: number): void => {
    clock.advance(hours * HOUR);
    mesh.settle();
  };
  const ask = (): void => {
    for (const asker of [ann, ben])
      for (const { advert } of view().listings[0]?.providers ?? [])
        asker.challenge(advert, nonce());
    pass(1);
    for (const provider of [pam, pit, pia, mallory]) provider.answerAll();
    pass(1);
  };
  const show = (): void => {
    const rows = (view().listings[0]?.providers ?? []).map(
      ({ author, proved, open, expires, isExposed }) => [
        nameOf(author),
        String(proved),
        String(open),
        `${Math.floor((expires - clock.now) / HOUR)} h`,
        isExposed ? paint("red", "exposed") : "",
      ],
    );
    for (const line of table(["provider", "proved", "open", "lasts", ""], rows)) say(line);
  };

  title(`Four say to hold a file of ${file.length} bytes, ${chunkCount(file.length)} chunks`);
  const root = pam.keep(file);
  pit.keep(file);
  pia.keep(file);
  for (const provider of [pam, pit, mallory])
    provider.advertise(root, file.length, clock.now + 48 * HOUR);
  pia.advertise(root, file.length, clock.now + 6 * HOUR);
  pass(1);
  show();

  title("Ann and Ben ask each for a chunk");
  ask();
  const copied = ann.document.root.answers
    .entries()
    .find(({ author }) => author === pam.author)!.value;
  const asked = ann.document.root.challenges
    .entries()
    .filter(({ value }) =>
      view().listings[0]!.providers.some(
        (it) => it.author === mallory.author && it.advert === value.advert,
      ),
    );
  mallory.change(({ answers }) =>
    answers.append({ ...copied, challenge: asked[0]!.id, path: copied.path }),
  );
  pass(1);
  show();
  const refused = view().ignored.find(({ author }) => author === mallory.author);
  say(`Mallory repeats a chunk that Pam has shown: ${paint("red", refused?.reason ?? "?")}.`);

  title("Pam's disk breaks, Pia's advert ends, Pit tells two stories");
  pam.lose(root);
  const twin = pit.twin();
  pit.advertise(root, file.length, clock.now + 24 * HOUR);
  twin.change(({ adverts }) =>
    adverts.append({ root: sha256(file), size: 1, expires: clock.now + HOUR }),
  );
  reconcile(twin.document, ben.document);
  pass(3);
  ask();
  show();

  title("Ann fetches it: one after another, until the root fits");
  const fetched = fetchFile(root, view().listings[0]!.providers, (author) =>
    people.find((it) => it.author === author),
  );
  say(
    `Failed: ${fetched.failed.map(nameOf).join(", ") || "nobody"}. Got ${fetched.file?.length ?? 0} bytes from ${paint("green", nameOf(fetched.from!))}.`,
  );
  say("He is exposed, and still what he gives is what the root names.");

  const viewpoint = { now: clock.now, askers: new Set([ann.author, ben.author]) };
  showAgreement([...people, twin], random.split("orders"), "directory", (replica) =>
    directoryOf(replica, viewpoint).listings.map(({ root, size, providers }) => [
      root,
      size,
      providers.map((it) => ({ ...it })),
    ]),
  );
}

await run(
  command("content-directory", "Who holds which file, with proofs of storage."),
  ({ seed }) => main(seed),
);
