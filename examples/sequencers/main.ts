/**
 * `pnpm example sequencers`: three sequencers put users' transactions into batches. One censors, one equivocates, and a batch that
 * was chosen falls, since nothing here is final.
 */
import type { Value } from "bft-json-crdt";
import {
  cast,
  Clock,
  command,
  keyPairOf,
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
import { chainOf } from "./chain.ts";
import type { ChainView } from "./chain.ts";
import { Person } from "./people.ts";
import { Rollup, rollupId } from "./schema.ts";

const NAMES = ["Sam", "Sue", "Mallory"] as const;

function main(seed: string): void {
  const clock = new Clock();
  const committee = {
    name: "rollup",
    sequencers: NAMES.map((name) => keyPairOf(seed, name).publicKey),
  };
  const id = rollupId(committee);
  const join = (name: string): Person =>
    new Person({ name, seed, schema: Rollup, id, clock }, committee);
  const people = cast([...NAMES, "Ann", "Ben"], join);
  const [sam, sue, mallory, ann, ben] = people;
  const mesh = new Mesh(people, { clock, random: new Random(seed).split("mesh") });
  const nameOf = namesOf(people);
  const show = (document = ann.document): void => {
    const payloads = new Map(
      document.root.transactions
        .entries()
        .map((it) => [it.id, `${nameOf(it.author)} ${it.value.payload}`]),
    );
    const { chain, waiting } = chainOf(document, committee);
    const rows = chain.map((it) => [
      String(it.height),
      nameOf(it.sequencer),
      String(it.rivals),
      it.transactions.map((tx) => payloads.get(tx)).join(", "),
    ]);
    for (const line of table(["batch", "by", "rivals", "transactions"], rows)) say(line);
    say(`waiting: ${waiting.map((tx) => payloads.get(tx)).join(", ") || "nothing"}`);
  };

  title("Ann and Ben send; Mallory leaves Ben out, Sue does not");
  ann.send("buys 5");
  ann.send("buys 1");
  ben.send("sells 3");
  mesh.settle();
  const isBens = (tx: string): boolean =>
    mallory.document.root.transactions
      .entries()
      .some((it) => it.id === tx && it.author === ben.author);
  mallory.propose(isBens);
  sue.propose();
  mesh.settle();
  show();
  say("The batch with more transactions is chosen, by all.");

  title("Sam is silent: the others go on");
  ben.send("sells 2");
  mesh.settle();
  sue.propose();
  mesh.settle();
  show();

  title("Mallory proposes two batches: one for Ann, one for Ben");
  ann.send("buys 7");
  ben.send("sells 7");
  mesh.settle();
  const twin = mallory.twin();
  mallory.propose();
  twin.change(({ batches }) => {
    const { chain, waiting } = mallory.view;
    batches.append({
      height: chain.length - 1,
      parent: chain.at(-2)!.hash,
      transactions: [...waiting].slice(0, 1),
    });
  });
  reconcile(mallory.document, ann.document);
  show();
  say("Ann sees one of them, and it is chosen. Then the other arrives:");
  reconcile(twin.document, ben.document);
  mesh.settle();
  show();
  say(
    paint(
      "red",
      `Exposed: ${ann.view.exposed.map(nameOf).join(", ")}. The batch is gone, with all that anyone had built on it.`,
    ),
  );

  title("Sam is back");
  sam.propose();
  mesh.settle();
  show();

  showAgreement([...people, twin], new Random(seed).split("orders"), "chain", (replica) =>
    plainOf(chainOf(replica, committee)),
  );
}

function plainOf({ chain, waiting, exposed }: ChainView): Value {
  return [chain.map(({ id, transactions }) => [id, transactions]), waiting, exposed];
}

await run(
  command("sequencers", "Competing batches, chosen alike by all, and not final."),
  ({ seed }) => main(seed),
);
