/** `pnpm example payment-cluster`: four core nodes, a payer who lies, a core node that lies, and who is paid in the end. */
import { toHex } from "bft-json-crdt";
import { Clock, command, keyPairOf, Mesh, paint, Participant, Random } from "example-kit";
import { reconcile, run, table } from "example-kit";
import { isCertified, isProven, proveBalance } from "./checkpoint.ts";
import { accuse, answer, ask, commit, pay, refutationOf } from "./client.ts";
import { serve, signCheckpoint, takePayout } from "./core.ts";
import { Cluster } from "./schema.ts";
import { ackCount, balanceOf, totalOf } from "./settle.ts";
import { termsOf } from "./terms.ts";
import { viewOf } from "./view.ts";

type Member = Participant<typeof Cluster>;

const CORE = ["ada", "bea", "cyd", "dan"];

const program = command(
  "payment-cluster",
  "Payments among strangers: a liar is refuted, a double spend comes to nothing,\na core node that lies loses its share of the fees, the others are paid.",
);

await run(program, ({ seed }) => {
  const clock = new Clock();
  const terms = termsOf({
    name: "cluster",
    core: CORE.map((name) => keyPairOf(seed, name).publicKey),
    faults: 1,
    fee: 8n,
    period: 8,
    allocation: [[toHex(keyPairOf(seed, "node1").publicKey), 10_000n]],
  });
  const join = (name: string): Member =>
    new Participant({ name, seed, schema: Cluster, id: terms.id, clock });
  const core = CORE.map(join) as [Member, Member, Member, Member];
  const [ada, bea, cyd, dan] = core;
  const [node1, node2] = [join("node1"), join("node2")];
  const random = new Random(seed);
  const mesh = new Mesh([...core, node1, node2], { clock, random });
  const show = (member: Member, people: readonly Member[]): void => {
    const { settled, expected } = viewOf(member.document, terms);
    const rows = people.map(({ name, author }) => [
      name,
      tokens(balanceOf(settled, author)),
      tokens(balanceOf(expected, author)),
    ]);
    print(
      ...table(
        [`${member.name} sees`, "settled", "expected"],
        [...rows, ["fee pot", tokens(settled.pot), tokens(expected.pot)]],
      ),
    );
  };

  title("Node1 has 100 tokens: the document's id commits to that");
  print(
    `4 core nodes (${CORE.join(", ")}), of which 1 may lie; 3 acknowledgements`,
    `settle a payment; each costs a fee of ${tokens(terms.fee)}, of which each core`,
    `node may take its share after ${terms.period} payments, again and again`,
  );
  show(node2, [node1, node2]);

  title("Node1 pays node2 one token");
  const before = node1.twin();
  const first = pay(node1, terms, node2.author, 100n);
  mesh.settle();
  print("signed by node1; no core node has seen it yet");
  show(node2, [node1, node2]);
  const sizeOfLast = ({ document: { history } }: Member): number =>
    history.groupOf(history.length - 1).length;
  const payment = sizeOfLast(node1);
  core.slice(0, 3).forEach((node) => serve(node, terms));
  const sizes = { payment, ack: sizeOfLast(ada) };
  mesh.settle();
  print(
    `ada, bea and cyd acknowledge it: ${ackCount(viewOf(node2.document, terms).facts, first)} of 4`,
  );
  show(node2, [node1, node2]);

  title("Node3 comes, asks node1, and is lied to");
  const node3 = join("node3");
  const question = ask(node3, node1.author);
  // The liar answers as the one who has not paid yet.
  reconcile(before.document, node3.document);
  answer(before, terms, question);
  reconcile(before.document, node3.document);
  print('node1 signs: "I have paid nothing"; node3 knows nothing else:');
  show(node3, [node1, node2]);
  print("node3 asks node2, who sends what it has");
  reconcile(node3.document, node2.document);
  const { facts } = viewOf(node3.document, terms);
  const [claim] = facts.claims;
  const denied = claim === undefined ? null : refutationOf(node3.document, facts, claim);
  print(
    `refuted by node1's own payment number ${denied?.number ?? "?"} of ${tokens(denied?.amount ?? 0n)} to node2`,
    `forks proven on node1's chain: ${node3.document.history.forks().length}`,
  );
  show(node3, [node1, node2]);

  title("Node1 spends ten tokens twice, in two halves of a broken network");
  const everybody = new Mesh([...core, node1, node2, node3], { clock, random });
  everybody.settle();
  const [otherNode1, otherDan] = [node1.twin(), dan.twin()];
  const left = [ada, bea, otherDan, node1, node2];
  const right = [cyd, dan, otherNode1, node3];
  const toNode2 = pay(node1, terms, node2.author, 1_000n);
  const toNode3 = pay(otherNode1, terms, node3.author, 1_000n);
  for (const half of [left, right]) {
    const network = new Mesh(half, { clock, random });
    network.settle();
    for (const node of half)
      if (node.name !== "node1" && CORE.includes(node.name)) serve(node, terms);
    network.settle();
  }
  const counts = (member: Member): string =>
    [toNode2, toNode3]
      .map((id, at) => `${ackCount(viewOf(member.document, terms).facts, id)} for node${at + 2}`)
      .join(", ");
  print(
    `left:  ${counts(node2)}: settled, since dan acknowledges it too`,
    `right: ${counts(node3)}: not enough, so node3 does not rely on it`,
  );
  everybody.settle();
  new Mesh([node3, otherDan, node2], { clock, random }).settle();
  everybody.settle();
  const healed = viewOf(node3.document, terms);
  const spend = healed.doubleSpends[0]!;
  print(
    `whole: ${counts(node3)}; ${spend.chosen === toNode2 ? "node2" : "node3"} is paid, on every replica`,
    `proven: payment number ${spend.number} of node1 was signed ${spend.ids.length} times`,
  );
  show(node3, [node1, node2, node3]);

  title("Dan acknowledged both: node3 proves it, mallory copies the proof");
  const mallory = join("mallory");
  const all = new Mesh([...core, node1, node2, node3, mallory], { clock, random });
  const evidence = [toNode2, toNode3].map(
    (id) => healed.facts.acks.get(id)!.get(dan.author)![0]!.id,
  );
  const [one, two] = evidence as [string, string];
  const secret = commit(node3, terms, { first: one, second: two, salt: random.bytes(32) });
  all.settle();
  core.slice(0, 3).forEach((node) => serve(node, terms));
  all.settle();
  print("node3 commits to a proof by its hash; the core acknowledges the hash");
  accuse(node3, secret);
  all.settle();
  const copy = commit(mallory, terms, { first: one, second: two, salt: random.bytes(32) });
  all.settle();
  core.slice(0, 3).forEach((node) => serve(node, terms));
  all.settle();
  accuse(mallory, copy);
  all.settle();
  core.slice(0, 3).forEach((node) => serve(node, terms));
  all.settle();
  const after = viewOf(mallory.document, terms);
  for (const { author, id } of after.facts.accusations) {
    const who = author === node3.author ? "node3" : "mallory";
    print(
      `${who.padEnd(7)} accuses dan: "${after.verdicts.get(id)?.offence}", ${ackCount(after.facts, id)} of 4`,
    );
  }
  print("node3 gets half of dan's shares, in future too; the other half is nobody's");
  show(mallory, [node1, node2, node3, mallory]);

  title("Six payments later the core takes its shares, and dan tries");
  const serveAll = (): void => {
    all.settle();
    core.slice(0, 3).forEach((node) => serve(node, terms));
    all.settle();
  };
  for (let number = 0; number < 6; number++) {
    pay(node2, terms, node1.author, 10n);
    serveAll();
  }
  core.forEach((node) => takePayout(node, terms));
  serveAll();
  const { shares } = viewOf(node2.document, terms);
  const periodsOf = ({ author }: Member): string => {
    const paid = shares.find(({ core: node }) => node === author)!.paid;
    return `${paid} period${paid === 1 ? "" : "s"}`;
  };
  print(`paid out: ${core.map((node) => `${node.name} ${periodsOf(node)}`).join(", ")}`);
  show(node2, [ada, bea, cyd, dan, node3]);
  pay(ada, terms, node2.author, 8n);
  serveAll();
  print("ada spends hers: 0.08 for node2, and the fee");
  show(node2, [ada, node2, node3]);

  title("A checkpoint, for who has no history");
  core.slice(0, 3).forEach((node) => {
    signCheckpoint(node, terms);
    all.settle();
  });
  const { checkpoint, settled } = viewOf(node2.document, terms);
  const proof = proveBalance(settled, node2.author);
  if (checkpoint === null || proof === null) throw new Error("there should be a checkpoint");
  const size = checkpoint.signatures.length * 64 + 32 * (1 + proof.proof.path.length);
  print(
    `${checkpoint.settled} payments, signed by ${checkpoint.signatures.length} of 4: ${isCertified(checkpoint, terms) ? "good" : "bad"}`,
    `node2 had ${tokens(proof.state.balance)}: ${isProven(proof, checkpoint) ? "proven" : "not proven"} by ${size} bytes of signatures and hashes`,
  );

  title("In the end");
  const members = [...core, node1, node2, node3, mallory];
  const views = new Set(members.map(({ document }) => document.viewDigest()));
  const sums = new Set(members.map(({ document }) => totalOf(viewOf(document, terms).settled)));
  print(
    `node2 stores ${node2.document.history.length} signed changes in ${node2.document.save({ seal: false }).length} bytes`,
    `a payment took ${sizes.payment} bytes on the wire, an acknowledgement ${sizes.ack}`,
  );
  const isGood = views.size === 1 && sums.size === 1 && sums.has(terms.supply);
  print(
    paint(
      isGood ? "green" : "red",
      `${members.length} replicas, ${views.size} document, ${[...sums].map(tokens).join(" or ")} tokens in all`,
    ),
  );
});

function tokens(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

function title(text: string): void {
  console.log(`\n${paint("bold", text)}`);
}

function print(...lines: readonly string[]): void {
  for (const line of lines) console.log(`  ${line}`);
}
