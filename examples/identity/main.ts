/**
 * `pnpm example identity`: a circle that vouches for each other, a crowd that somebody made up, a lender who is shown one field
 * and no more, and a stolen key from which its owner gets the identity back.
 */
import { canonicalJson, sha256, toHex } from "bft-json-crdt";
import type { Document, Value } from "bft-json-crdt";
import {
  between,
  Clock,
  command,
  paint,
  Random,
  replicasOf,
  run,
  say,
  scenario,
  table,
  title,
} from "example-kit";
import { Circle, DAY, MOST_CROWD, NORM } from "./circle.ts";
import { checkPresentation, commitTo, present } from "./disclosure.ts";
import { Person } from "./people.ts";
import { judge } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { adviceOn, stateOf } from "./recovery.ts";
import { WHOLE } from "./schema.ts";
import type { IdentitySchema } from "./schema.ts";
import { matchSkills } from "./skills.ts";
import { sybilScore } from "./sybil.ts";
import { trustIn } from "./trust.ts";
import { viewOf } from "./view.ts";
import type { IdentityView } from "./view.ts";
import { votingPower } from "./voting.ts";

const YEAR = 365 * DAY;

function tell(seed: string, crowd: number, timing: boolean): void {
  const circle = new Circle(seed, new Clock(), crowd);
  eightPeople(circle);
  madeUpCrowd(circle);
  takenBack(circle);
  oneField(circle, new Random(seed).split("salts"));
  stolenKey(circle);
  work(circle);
  agreement(circle, new Random(seed).split("orders"));
  if (timing) showTimes(circle);
}

function eightPeople(circle: Circle): void {
  title("Eight people, and who vouches for whom");
  const { Ben, Dot, Fay, Hal } = circle.people;
  circle.vouch();
  circle.pass(45 * DAY);
  say("Ann sees the others along paths of at most 4 hops that share nobody:");
  showPeople(circle, [Ben, Dot, Fay, Hal]);
}

function madeUpCrowd(circle: Circle): void {
  const { people, mallory, crowd } = circle;
  title(`Mallory makes up ${crowd.length} identities, and talks Gus into vouching for her`);
  circle.vouchInCrowd();
  people.Gus.attest(mallory, "knows", 9_000);
  circle.pass(DAY);
  showPeople(circle, [people.Fay, people.Gus, mallory, crowd[0]!]);
  const power = powerIn(circle, people.Ann.view());
  const theirs = [mallory, ...crowd].reduce((sum, { id }) => sum + (power.get(id) ?? 0), 0);
  say(
    `Mallory and the ${crowd.length} have ${theirs} votes together; Gus has ${power.get(people.Gus.id)}.`,
  );
  say("All ways to them lead through Gus, so they are one path and share his votes.");
}

function takenBack(circle: Circle): void {
  title("Gus takes it back. Mallory tries to take back what Ann said of Ben");
  const { people, mallory } = circle;
  const { Ann, Ben, Gus } = people;
  Gus.revoke(mallory, "knows");
  const stated = Ann.view().attestations.find((it) => it.from === Ann.id && it.subject === Ben.id)!;
  mallory.state(({ revocations }) => revocations.append({ attestation: stated.id }));
  circle.pass(DAY);
  const view = Ann.view();
  say(`Ann's trust in Mallory   ${trust(circle, view, mallory)}`);
  say(`Ann's trust in Ben       ${trust(circle, view, Ben)}`);
  say(`Mallory's revocation     ${ignoredOf(view, mallory)}`);
}

function oneField(circle: Circle, random: Random): void {
  title("A registrar attests who Dot is; Dot shows a lender her country only");
  const { people, issuer, mallory, crowd } = circle;
  const { Ann, Dot, Fay } = people;
  const fields = [
    { name: "born", value: 1990 },
    { name: "country", value: "NL" },
    { name: "name", value: "Dorothea" },
  ];
  const { commitment, salted } = commitTo(Dot.id, "kyc", fields, (count) => random.bytes(count));
  const expires = circle.clock.now + YEAR;
  const record = { from: issuer.id, subject: Dot.id, claim: "kyc", confidence: 9_900 };
  issuer.state(({ attestations }) => attestations.append({ ...record, expires, commitment }));
  mallory.attest(crowd[0]!, "kyc", WHOLE);
  circle.pass(DAY);

  const view = Ann.view();
  const stated = view.attestations.find((it) => it.from === issuer.id)!;
  const challenge = random.bytes(32);
  const shown = present(stated, salted, ["country"], challenge, Dot.participant.keyPair);
  const altered = { ...shown, shown: shown.shown.map((field) => ({ ...field, value: "US" })) };
  const byFay = present(stated, salted, ["country"], challenge, Fay.participant.keyPair);
  for (const [what, presentation, asked] of [
    ["Dot, to the lender", shown, challenge],
    ["with another country", altered, challenge],
    ["replayed to another lender", shown, random.bytes(32)],
    ["Fay, with a copy of it all", byFay, challenge],
  ] as const) {
    const checked = checkPresentation(view, presentation, asked);
    const result = checked.isValid
      ? paint("green", checked.fields.map(({ name, value }) => `${name} ${value}`).join(", "))
      : paint("red", checked.reason);
    say(`${what.padEnd(27)} ${result}`);
  }
  showVerdicts(circle);
}

function showVerdicts(circle: Circle): void {
  title("The lender's policy: attested by the registrar, and no part of a crowd");
  const { people, issuer, crowd, clock } = circle;
  const policy: Policy = {
    at: circle.from(people.Ann),
    demands: [{ claims: ["kyc"], confidence: 9_000, age: YEAR, issuers: 1, by: [issuer.id] }],
    sybil: { norm: NORM, score: 4_000 },
  };
  for (const [who, person, now] of [
    ["Dot", people.Dot, clock.now],
    ["Fay", people.Fay, clock.now],
    ["Sybil 1", crowd[0]!, clock.now],
    ["Dot, in a year", people.Dot, clock.now + YEAR],
  ] as const) {
    const { isAllowed, findings } = judge(people.Ann.view(now), policy, person.id);
    say(`${who.padEnd(15)} ${isAllowed ? paint("green", "allowed") : paint("red", "denied")}`);
    for (const { isMet, reason } of findings) if (!isMet) say(`${" ".repeat(15)} ${reason}`);
  }
}

function stolenKey(circle: Circle): void {
  title("A thief has Eva's key");
  const { people, mallory, clock } = circle;
  const { Ann, Ben, Cem, Dot, Eva, Fay } = people;
  const thief = Eva;
  const held = Ann.view().identities.get(Eva.id)!.state;
  const { threshold, override, wait } = held;
  const plan = { guardians: [...held.guardians], threshold, override, wait };

  const helpers = [circle.newKey("Helper"), circle.newKey("Other helper")].map((it) => it.author);
  const own = { guardians: helpers, threshold: 2, override: 2, wait: 0 };
  thief.state(({ identities }) => identities.append(own));
  circle.pass(DAY);
  const isOther = Ann.view().identities.get(Eva.id)!.state.id === held.id;
  say(
    `names guardians of its own: ${isOther ? "another identity, which nobody knows" : "believed"}`,
  );

  const phone = circle.newKey("Eva's new phone");
  const next = stateOf(phone.author, plan, held.id);
  phone.change(({ proposals }) => proposals.append({ identity: Eva.id, state: held.id, ...plan }));
  circle.pass(0);
  for (const guardian of [Ann, Ben, Cem]) {
    guardian.state(({ approvals }) => approvals.append({ state: next.id }));
  }
  thief.state(({ vetoes }) => vetoes.append({ state: next.id }));
  circle.pass(2 * DAY);
  showAttempt("two days later", circle);
  circle.pass(DAY);
  showAttempt("three days later", circle);
  for (const guardian of [Ann, Ben, Cem, Dot]) {
    const record = { state: next.id, despiteVeto: true };
    guardian.state(({ confirmations }) => confirmations.append(record));
  }
  circle.pass(1_000);
  showAttempt("four overrule it", circle);

  thief.attest(mallory, "knows", WHOLE);
  circle.pass(DAY);
  say(`vouches for Mallory: ${ignoredOf(Ann.view(), thief)}`);
  say(
    `Ann's trust in Eva is ${trust(circle, Ann.view(), Eva)}; what Eva vouched for she says anew:`,
  );
  const before = trust(circle, Ann.view(), Fay);
  new Person(phone, clock, Eva.id).attest(Fay, "knows", 8_000);
  circle.pass(DAY);
  say(`Ann's trust in Fay goes from ${before} to ${trust(circle, Ann.view(), Fay)}`);
}

function work(circle: Circle): void {
  title("Who can weld, and drive a truck?");
  const { people, mallory, crowd } = circle;
  const { Ann, Ben, Cem, Dot, Fay, Hal } = people;
  Ben.attest(Dot, "skill:welding", 9_000);
  Cem.attest(Dot, "skill:truck", 8_000);
  Dot.attest(Fay, "skill:welding", 8_000);
  Dot.attest(Fay, "skill:truck", 9_000);
  Ben.attest(Hal, "skill:welding", 9_000);
  mallory.attest(crowd[1]!, "skill:welding", WHOLE);
  mallory.attest(crowd[1]!, "skill:truck", WHOLE);
  circle.pass(DAY);
  const skills = ["welding", "truck"];
  const rows = matchSkills(Ann.view(), circle.from(Ann), skills, 1_000).map((match) => [
    circle.nameOf(match.id),
    ...match.skills.map(percent),
  ]);
  for (const line of table(["", ...skills], rows)) say(line);
}

function agreement(circle: Circle, random: Random): void {
  title("Mallory signs two histories; then everything is delivered in other orders");
  const { people, mallory, crowd, clock } = circle;
  const twin = mallory.participant.twin();
  mallory.attest(crowd[2]!, "knows", 9_000);
  new Person(twin, clock, mallory.id).attest(people.Hal, "knows", 9_000);
  const participants = [...circle.everyone.map((it) => it.participant), ...circle.others, twin];
  const all = scenario(participants);
  const replicas = replicasOf(all, random, 6);
  const digests = new Set(replicas.map((replica) => digestOf(viewIn(replica, clock.now))));
  const view = viewIn(replicas[0]!, clock.now);
  say(
    `${all.groups.length} changes, ${replicas.length} replicas, ${digests.size} view: ${[...digests][0]!.slice(0, 16)}…`,
  );
  say(
    `${view.identities.size} identities; ${view.attestations.length} attestations count, ${view.ignored.length} records do not:`,
  );
  const counts = new Map<string, number>();
  for (const { reason } of view.ignored) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const reason of [...counts.keys()].sort()) say(`  ${counts.get(reason)!} ${reason}`);
  if (digests.size !== 1) throw new Error("the replicas differ");
  if (view.exposed.size !== 1) throw new Error("the liar was not exposed");
}

/** How long it takes to see all of it, on this machine. */
function showTimes(circle: Circle): void {
  title("Milliseconds of a processor, the median of five");
  const { Ann } = circle.people;
  const view = Ann.view();
  const at = circle.from(circle.crowd[0]!);
  const { id } = circle.crowd.at(-1)!;
  const { steps } = trustIn(view, at, id);
  const timed = (what: string, act: () => unknown): void => {
    const times = Array.from({ length: 5 }, () => {
      const start = process.cpuUsage();
      act();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1_000;
    });
    say(`${what.padEnd(52)} ${times.sort((a, b) => a - b)[2]!.toFixed(1)}`);
  };
  const records = Ann.participant.document.root.attestations.length;
  timed(`the view of ${records} attestations`, () => Ann.view());
  timed(`trust in one, ${steps} attestations looked at`, () => trustIn(view, at, id));
  timed("the Sybil score of one", () => sybilScore(view, at, NORM, id));
  timed("voting power of all", () => powerIn(circle, view));
}

/** A table of how Ann sees some others. */
function showPeople(circle: Circle, people: readonly Person[]): void {
  const { Ann } = circle.people;
  const view = Ann.view();
  const power = powerIn(circle, view);
  const rows = people.map(({ name, id }) => {
    const { score, paths } = trustIn(view, circle.from(Ann), id);
    const sybil = sybilScore(view, circle.from(Ann), NORM, id);
    const { diversity, clustering, rate, age } = sybil;
    const scores = [diversity, clustering, rate, age, sybil.score].map(percent);
    return [name, percent(score), String(paths.length), ...scores, String(power.get(id) ?? 0)];
  });
  const header = ["", "trust", "paths", "diverse", "open", "rate", "age", "person", "votes"];
  for (const line of table(header, rows)) say(line);
}

function showAttempt(when: string, circle: Circle): void {
  const { Ann, Eva } = circle.people;
  const { state, attempts } = Ann.view().identities.get(Eva.id)!;
  const [attempt] = attempts;
  if (attempt === undefined) {
    say(`${when}: ${paint("green", "the new key speaks for Eva")}`);
    return;
  }
  const advice = {
    wait: "the guardians wait",
    confirm: "the guardians confirm",
    vetoed: "three are not enough against a veto",
  }[adviceOn(state, attempt, circle.clock.now)];
  say(
    `${when}: approved by ${attempt.approvals}, ${attempt.vetoed ? "vetoed" : "not vetoed"}: ${advice}`,
  );
}

function powerIn(circle: Circle, view: IdentityView): Map<string, number> {
  const anchors = [circle.people.Ann.id];
  return votingPower(view, { anchors, budget: 1_000, via: { knows: WHOLE }, rounds: 6 });
}

function trust(circle: Circle, view: IdentityView, person: Person): string {
  return percent(trustIn(view, circle.from(circle.people.Ann), person.id).score);
}

/** Why the last thing that somebody stated does not count. */
function ignoredOf(view: IdentityView, person: Person): string {
  const { reason } = view.ignored.findLast((it) => it.author === person.participant.author)!;
  return paint("red", `ignored: ${reason}`);
}

function viewIn({ root, history }: Document<typeof IdentitySchema>, now: number): IdentityView {
  return viewOf(root, history, now);
}

function digestOf({ identities, attestations, ignored }: IdentityView): string {
  const value = { identities: [...identities], attestations, ignored };
  return toHex(sha256(new TextEncoder().encode(canonicalJson(value as unknown as Value))));
}

function percent(points: number): string {
  return `${(points / 100).toFixed(1)}%`;
}

const program = command("identity", "Who vouches for whom, and what that is worth.")
  .option(
    "--crowd <count>",
    `identities that Mallory makes up, ${MOST_CROWD} at most`,
    between(3, MOST_CROWD),
    30,
  )
  .option("--timing", "say at the end how long the views take");
await run(program, ({ seed, crowd, timing }) => tell(seed, Number(crowd), timing === true));
