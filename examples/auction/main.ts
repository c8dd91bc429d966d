/**
 * `pnpm example auction`: sealed bids for two lots, with one who copies, one who is late, one who does not reveal, one who
 * bids twice, and an auctioneer who tells two stories: to no avail beside two honest ones, alone with no gain.
 */
import { commitRecord, documentId, toHex } from "bft-json-crdt";
import type { Value } from "bft-json-crdt";
import {
  cast,
  Clock,
  command,
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
import { outcomeOf } from "./auction.ts";
import type { Lot, Outcome } from "./auction.ts";
import { Person } from "./people.ts";
import { House } from "./schema.ts";

const NAMES = ["Ann", "Ben", "Cem", "Mallory", "Lou", "Nora", "Eve", "Hana", "Ivo", "Jun"] as const;
const DEPOSIT = 2_000;

function main(seed: string): void {
  const clock = new Clock();
  const id = documentId("auction house");
  const random = new Random(seed).split("salts");
  const salt = (): Uint8Array => random.bytes(32);
  const people = cast(NAMES, (name) => new Person({ name, seed, schema: House, id, clock }));
  const [ann, ben, cem, mallory, lou, nora, eve, hana, ivo, jun] = people;
  const nameOf = namesOf(people);
  const twins: Person[] = [];
  const twinOf = (person: Person): Person => {
    const twin = new Person({ name: person.name, seed, schema: House, id, clock });
    reconcile(twin.document, person.document);
    twins.push(twin);
    return twin;
  };
  const meet = (...some: readonly Person[]): void => {
    for (let isNew = true; isNew;) {
      isNew = false;
      for (const a of some)
        for (const b of some) isNew = (a !== b && reconcile(a.document, b.document)) || isNew;
    }
  };
  const key = (person: Person): Uint8Array => person.keyPair.publicKey;

  const lot: Lot = {
    round: { topic: "a clock", closers: [hana, ivo, jun].map(key), threshold: 2 },
    reserve: 5_000,
  };
  title("Lot 1, a clock: three auctioneers, of whom two must agree; reserve 50.00");
  ann.bid("a clock", 12_000, salt());
  ben.bid("a clock", 10_000, salt());
  cem.bid("a clock", 9_000, salt());
  nora.bid("a clock", 11_000, salt());
  meet(ann, mallory);
  const seen = outcomeOf(mallory.document, lot).round.commitments;
  const annsSeal = seen.find(({ author }) => author === ann.author)!.commitment;
  mallory.write(commitRecord("a clock", annsSeal));
  say("Ann, Ben, Cem and Nora seal their bids. Mallory copies Ann's seal.");
  const secondEve = twinOf(eve);
  eve.bid("a clock", 6_000, salt());
  secondEve.bid("a clock", 20_000, salt());
  say("Eve seals a low bid for some and a high one for others, to choose later.");
  meet(ann, ben, cem, nora, eve, secondEve, mallory, hana, jun, ivo);
  const liar = twinOf(ivo);
  hana.close("a clock");
  jun.close("a clock");
  ivo.close("a clock");
  meet(hana, jun, ivo, ann, ben, cem, nora, eve, mallory);
  say("Hana, Jun and Ivo close.");

  title("They reveal");
  for (const person of [ann, ben, cem]) person.reveal(lot.round);
  meet(ann, ben, cem, nora, eve, mallory, hana, jun, ivo);
  say(
    `Mallory cannot open what she copied: ${mallory.reveal(lot.round) ? "?" : "the seal is bound to Ann's key"}.`,
  );
  say("Nora keeps silent. Lou is told the bids, and seals one that names none of it.");
  lou.bid("a clock", 10_001, salt());
  reconcile(lou.document, liar.document);
  liar.close("a clock");
  meet(lou, liar, hana);
  say("Ivo closes once more, as if he had not before, and this time with Lou's bid.");
  meet(...people);
  hana.end("a clock");
  jun.end("a clock");
  meet(...people);
  show(outcomeOf(ann.document, lot), nameOf, say);

  title("Lot 2, a lamp: Ivo alone is auctioneer");
  const lamp: Lot = {
    round: { topic: "a lamp", closers: [key(ivo)], threshold: 1 },
    reserve: 1_000,
  };
  for (const [person, cents] of [
    [ann, 3_000],
    [ben, 2_500],
  ] as const)
    person.bid("a lamp", cents, salt());
  const others = people.filter((it) => it !== lou);
  meet(...others);
  const again = twinOf(ivo);
  ivo.close("a lamp");
  meet(...others);
  ann.reveal(lamp.round);
  ben.reveal(lamp.round);
  lou.bid("a lamp", 3_100, salt());
  meet(lou, again);
  again.close("a lamp");
  say("Ivo closes, Ann and Ben reveal, and Ivo closes again with a bid by Lou.");
  meet(...people, again);
  show(outcomeOf(ann.document, lamp), nameOf, say);

  const [replica] = showAgreement(
    [...people, ...twins],
    new Random(seed).split("orders"),
    "outcome",
    (replica) => [lot, lamp].map((it) => plainOf(outcomeOf(replica, it))),
  );
  const forks = replica!.history.forks().map(({ author }) => nameOf(toHex(author)));
  say(`Proven to have signed two histories: ${forks.toSorted().join(", ")}.`);
}

function show(
  outcome: Outcome,
  nameOf: (author: string) => string,
  say: (line: string) => void,
): void {
  const { round, winner, price, status, forfeits } = outcome;
  const rows = round.commitments.map(({ author, state, value }) => [
    nameOf(author),
    state,
    typeof value === "number" ? money(value) : "-",
    forfeits.includes(author) ? money(DEPOSIT) : "-",
  ]);
  for (const line of table(["bidder", "seal", "bid", "forfeits"], rows.toSorted(byText))) say(line);
  for (const { author, isContradicted } of round.closers) {
    if (isContradicted) say(paint("red", `${nameOf(author)} closed twice: supports nothing.`));
  }
  if (winner !== null) say(paint("green", `${nameOf(winner)} wins and pays ${money(price)}.`));
  else say(paint("yellow", `The lot is ${status}: deposits go back.`));
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join(" ") < b.join(" ") ? -1 : 1;
}

function money(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

/** What is shown, without local indexes. */
function plainOf({ status, bids, winner, price, forfeits, round }: Outcome): Value {
  return [
    status,
    bids.map(({ bidder, cents }) => [bidder, cents]),
    winner,
    price,
    forfeits,
    round.commitments.map(({ id, state }) => [id, state]),
  ];
}

await run(command("auction", "A sealed-bid auction at the second price, with liars."), ({ seed }) =>
  main(seed),
);
