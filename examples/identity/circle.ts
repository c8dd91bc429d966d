/** The people of the story: eight who know each other, a registrar, one who makes up a crowd, and the network between them. */
import { Mesh, Random } from "example-kit";
import type { Clock, Participant } from "example-kit";
import { keyOnly, Person } from "./people.ts";
import { WHOLE } from "./schema.ts";
import type { IdentitySchema } from "./schema.ts";
import type { SybilNorm } from "./sybil.ts";
import type { Viewpoint } from "./trust.ts";

/** In milliseconds. */
export const DAY = 86_400_000;

const NAMES = ["Ann", "Ben", "Cem", "Dot", "Eva", "Fay", "Gus", "Hal"] as const;
type Name = (typeof NAMES)[number];

/** Who vouches for whom at the beginning, and with what confidence in basis points. */
const VOUCHES: readonly (readonly [from: Name, to: Name, confidence: number])[] = [
  ["Ann", "Ben", 9_500],
  ["Ann", "Cem", 9_000],
  ["Ann", "Gus", 8_000],
  ["Ben", "Dot", 9_000],
  ["Ben", "Eva", 8_500],
  ["Cem", "Dot", 8_000],
  ["Cem", "Eva", 9_000],
  ["Gus", "Hal", 8_000],
  ["Dot", "Fay", 9_000],
  ["Eva", "Fay", 8_000],
  ["Fay", "Ann", 9_000],
  ["Dot", "Ann", 9_000],
  ["Eva", "Ben", 9_000],
];

/** Those who hold Eva's identity for her, should she lose her key. */
const GUARDIANS: readonly Name[] = ["Ann", "Ben", "Cem", "Dot", "Fay"];

/** What makes an identity look like a person's. */
export const NORM: SybilNorm = { paths: 2, age: 30 * DAY, burst: 5, window: DAY, liars: 1 };

/** The largest crowd that is told of: each in it vouches for each, so that the time grows by the square; with this many a dozen seconds. */
export const MOST_CROWD = 100;

/** Everybody. */
export class Circle {
  readonly people: Readonly<Record<Name, Person>>;
  readonly issuer: Person;
  readonly mallory: Person;
  /** Mallory made them up: they reach the others through her. */
  readonly crowd: readonly Person[];
  /** Keys without an identity, and Mallory's twin. */
  readonly others: Participant<typeof IdentitySchema>[] = [];
  readonly clock: Clock;
  readonly #seed: string;
  readonly #mesh: Mesh<typeof IdentitySchema>;

  constructor(seed: string, clock: Clock, crowd: number) {
    this.#seed = seed;
    this.clock = clock;
    const plan = { threshold: 3, override: 4, wait: 3 * DAY };
    const guardians = GUARDIANS.map((name) => keyOnly(name, seed, clock).author);
    const found = (name: string): Person => Person.found(name, seed, clock, []);
    this.people = Object.fromEntries(
      NAMES.map((name) => [
        name,
        name === "Eva" ? Person.found(name, seed, clock, guardians, plan) : found(name),
      ]),
    ) as Record<Name, Person>;
    this.issuer = found("Registrar");
    this.mallory = found("Mallory");
    this.crowd = Array.from({ length: crowd }, (_, at) => found(`Sybil ${at + 1}`));
    const members = [...Object.values(this.people), this.issuer, this.mallory];
    this.#mesh = new Mesh(
      members.map((person) => person.participant),
      { clock, random: new Random(seed).split("mesh"), loss: 0.1, duplication: 0.1 },
    );
    for (const sybil of this.crowd) this.#reachesOthersBy(this.mallory, sybil.participant);
  }

  get everyone(): readonly Person[] {
    return [...Object.values(this.people), this.issuer, this.mallory, ...this.crowd];
  }

  /** What the eight know of each other. */
  vouch(): void {
    for (const [from, to, confidence] of VOUCHES) {
      this.people[from].attest(this.people[to], "knows", confidence);
    }
  }

  /** Everybody in the crowd vouches for everybody in it, and for Mallory, who vouches for all of them. */
  vouchInCrowd(): void {
    const all = [this.mallory, ...this.crowd];
    for (const from of all) {
      const records = all
        .filter((to) => to !== from)
        .map((to) => ({ from: from.id, subject: to.id, claim: "knows", confidence: WHOLE }));
      from.state(({ attestations }) => attestations.append(...records));
    }
  }

  /** A key that has no identity yet; what it states reaches the others by Ann. */
  newKey(name: string): Participant<typeof IdentitySchema> {
    const participant = keyOnly(name, this.#seed, this.clock);
    this.others.push(participant);
    this.#reachesOthersBy(this.people.Ann, participant);
    return participant;
  }

  /** Lets time pass, after which all have heard of everything. */
  pass(time: number): void {
    this.clock.advance(time);
    this.#mesh.settle();
  }

  /** As one person sees the others. */
  from(person: Person): Viewpoint {
    const via = { knows: WHOLE };
    return { from: [person.id], via, depth: 4, halfLife: 730 * DAY, paths: 4 };
  }

  nameOf(id: string): string {
    return this.everyone.find((person) => person.id === id)?.name ?? id.slice(0, 8);
  }

  #reachesOthersBy(person: Person, participant: Participant<typeof IdentitySchema>): void {
    const { document } = person.participant;
    const { history } = participant.document;
    for (let index = 0; index < history.length; index++) document.receive(history.groupOf(index));
    participant.onChange((groups) => {
      for (const group of groups) document.receive(group, participant.name);
    });
  }
}
