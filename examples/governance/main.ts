/**
 * `pnpm example governance`: seven members set a fee. One changes her mind, one votes two ways at once, a stranger votes too,
 * and a vote comes after the decision.
 */
import type { Value } from "bft-json-crdt";
import {
  cast,
  Clock,
  command,
  keyPairOf,
  Mesh,
  paint,
  Random,
  reconcile,
  run,
  say,
  showAgreement,
  table,
  title,
} from "example-kit";
import { councilOf } from "./council.ts";
import type { CouncilView } from "./council.ts";
import { Member } from "./member.ts";
import { Council, councilId } from "./schema.ts";
import type { Constitution } from "./schema.ts";

const NAMES = ["Ann", "Ben", "Cem", "Dot", "Eva", "Fay", "Mallory"] as const;

function main(seed: string): void {
  const clock = new Clock();
  const constitution: Constitution = {
    name: "council",
    members: NAMES.map((name) => keyPairOf(seed, name).publicKey),
    quorum: 6_000,
    majority: 5_000,
  };
  const id = councilId(constitution);
  const join = (name: string): Member =>
    new Member({ name, seed, schema: Council, id, clock }, constitution);
  const members = cast(NAMES, join);
  const [ann, ben, cem, dot, eva, fay, mallory] = members;
  const mesh = new Mesh(members, { clock, random: new Random(seed).split("mesh") });
  const show = (): void => {
    mesh.settle();
    const rows = ann.view.proposals.map(({ parameter, value, count, confirmations, status }) => [
      `${parameter} = ${value}`,
      String(count.support),
      String(count.oppose),
      String(count.abstain),
      String(confirmations),
      status,
    ]);
    for (const line of table(["proposal", "for", "against", "abstain", "confirmed", ""], rows))
      say(line);
  };

  title("Seven members; five make a quorum, half and more decide; five confirm");
  const thirty = ann.propose("fee", 30);
  mesh.settle();
  for (const member of [ann, ben, mallory]) member.vote(thirty, "support");
  for (const member of [cem, dot, eva]) member.vote(thirty, "oppose");
  show();

  title("Dot changes her mind: her new vote names the old one");
  dot.vote(thirty, "support");
  show();

  title("Mallory votes for some and against for others");
  const twin = mallory.twin();
  mallory.vote(thirty, "support");
  twin.change(({ votes }) => votes.append({ proposal: thirty, stance: "oppose", replaces: [] }));
  reconcile(twin.document, ben.document);
  const stranger = join("Stranger");
  reconcile(stranger.document, ben.document);
  stranger.vote(thirty, "oppose");
  reconcile(stranger.document, ben.document);
  show();
  say(
    `Exposed, and without a vote: ${ann.view.exposed.length}. Ignored: ${ann.view.ignored.map(({ reason }) => reason).join(", ")}.`,
  );

  title("Fay votes too; those who see it pass confirm");
  fay.vote(thirty, "support");
  mesh.settle();
  for (const member of [ann, ben, cem, dot]) member.confirmAll();
  show();
  eva.confirmAll();
  show();
  say(`In force: fee = ${paint("green", String(ann.view.parameters.get("fee")?.value))}`);

  title("Ben changes his mind, too late; the next proposal builds on this one");
  ben.vote(thirty, "oppose");
  dot.vote(thirty, "oppose");
  const twenty = cem.propose("fee", 20);
  mesh.settle();
  for (const member of [cem, dot, eva, ben, fay]) member.vote(twenty, "support");
  mesh.settle();
  for (const member of [ann, cem, dot, eva, ben]) member.confirmAll();
  show();
  say(`In force: fee = ${paint("green", String(ann.view.parameters.get("fee")?.value))}`);

  const all = [...members, twin, stranger];
  showAgreement(all, new Random(seed).split("orders"), "outcome", (replica) =>
    plainOf(councilOf(replica, constitution)),
  );
}

function plainOf({ parameters, ...view }: CouncilView): Value {
  return JSON.parse(JSON.stringify({ ...view, parameters: [...parameters] })) as Value;
}

await run(
  command("governance", "Members set parameters by votes that they can change."),
  ({ seed }) => main(seed),
);
