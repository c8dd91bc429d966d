/** What less than a third of the members can do at worst, which the property does not show by itself. */
import { Clock, keyPairOf, reconcile } from "example-kit";
import { expect, test } from "vitest";
import { Council, councilId, Member } from "./index.ts";

const names = ["ann", "ben", "cem", "dan"];
const members = names.map((name) => keyPairOf("worst", name).publicKey);
const constitution = { name: "worst", members, quorum: 5_000, majority: 5_000 };

function join(name: string): Member {
  const [id, clock] = [councilId(constitution), new Clock()];
  return new Member({ name, seed: "worst", schema: Council, id, clock }, constitution);
}

function meet(...people: readonly Member[]): void {
  for (let turn = 0; turn < 2; turn++)
    for (const one of people) reconcile(people[0]!.document, one.document);
}

test("a liar of four divides the honest, so that neither of two rivals is enacted, nor a third; other parameters go on", () => {
  const [ann, ben, cem, dan] = names.map(join) as [Member, Member, Member, Member];
  const [one, two] = [ann.propose("fee", 1), ann.propose("fee", 2)];
  meet(ann, ben, cem, dan);
  const twin = join("dan");
  reconcile(twin.document, dan.document);
  ann.vote(one, "support");
  ben.vote(two, "support");
  dan.vote(one, "support");
  twin.vote(two, "support");
  meet(ann, dan);
  meet(ben, twin);
  for (const member of [ann, ben]) member.confirmAll();
  meet(ann, ben, cem, dan, twin);
  for (const member of [ann, ben, cem]) {
    member.vote(one, "support");
    meet(ann, ben, cem);
  }
  for (const member of [ann, ben, cem]) member.confirmAll();
  meet(ann, ben, cem);
  const { proposals, parameters, exposed, doubleConfirmed } = cem.view;
  const confirmations = new Map(proposals.map((it) => [it.id, it.confirmations]));
  expect([confirmations.get(one), confirmations.get(two)]).toEqual([2, 1]);
  expect(parameters.size).toBe(0);
  expect([exposed, doubleConfirmed]).toEqual([[dan.author], []]);
  const [third, other] = [cem.propose("fee", 3), cem.propose("levy", 3)];
  meet(ann, ben, cem);
  for (const member of [ann, ben, cem])
    for (const proposal of [third, other]) member.vote(proposal, "support");
  meet(ann, ben, cem);
  for (const member of [ann, ben, cem]) member.confirmAll();
  meet(ann, ben, cem);
  // Each of the honest has confirmed one in the place of none, and confirms no other there.
  expect(cem.view.proposals.find(({ id }) => id === third)!.status).toBe("passing");
  expect(cem.view.parameters).toEqual(new Map([["levy", { value: 3, proposal: other }]]));
});
