/** `pnpm example state-channel`: three parties pay, lock, lend and trade off the chain; one cheats; all leave with what is theirs. */
import { sha256 } from "bft-json-crdt";
import { Clock, command, keyPairOf, Mesh, paint, Participant, Random } from "example-kit";
import { run, say, table, title } from "example-kit";
import { Chain, Refused } from "./chain.ts";
import { fold } from "./fold.ts";
import { confirm, match, offer } from "./market.ts";
import { latestState, operate, propose, signProposal } from "./party.ts";
import { Channel } from "./schema.ts";
import { ASSETS, channelTerms } from "./terms.ts";
import type { Asset } from "./terms.ts";

type Member = Participant<typeof Channel>;

const program = command(
  "state-channel",
  "Three parties share a ledger off the chain: payments, hash locks, loans, trades;\na cheat is outvoted by signatures, and the chain pays by merkle proofs.",
);

await run(program, ({ seed }) => {
  const clock = new Clock();
  const names = ["ann", "ben", "cem"];
  const chainKey = keyPairOf(seed, "chain");
  const terms = channelTerms({
    name: "channel",
    parties: names.map((name) => keyPairOf(seed, name).publicKey),
    chain: chainKey.publicKey,
    disputeEpochs: 3,
  });
  const join = (name: string): Member =>
    new Participant({ name, seed, schema: Channel, id: terms.id, clock });
  const members = names.map(join) as [Member, Member, Member];
  const [ann, ben, cem] = members;
  const chain = new Chain(chainKey, terms);
  const mesh = new Mesh(members, { clock, random: new Random(seed) });
  const nameOf = (author: string): string =>
    members.find((member) => member.author === author)?.name ?? "a stranger";
  const fund = (member: Member, asset: Asset, amount: bigint): void => {
    const receipt = chain.deposit(member.author, asset, amount);
    member.change(({ deposits }) => deposits.append(receipt));
  };
  const tick = (price: bigint): void => {
    const receipt = chain.advance(price);
    ann.change(({ epochs }) => epochs.append(receipt));
    mesh.settle();
  };
  const show = (): void => {
    const { ledger } = fold(ann.document, terms);
    const rows = members.map(({ name, author }) => [
      name,
      ...ASSETS.map((asset) => String(ledger.balance(author, asset))),
    ]);
    say(...table(["", ...ASSETS], rows));
  };
  const sign = (): void => {
    mesh.settle();
    for (const member of members) signProposal(member, terms);
    mesh.settle();
  };

  title("Ann, ben and cem put money in; the chain signs receipts");
  fund(ann, "usd", 100_000n);
  fund(ben, "eth", 1_000n);
  fund(cem, "usd", 50_000n);
  tick(250n);
  say("usd in cents, eth in thousandths; one unit of eth costs 250 units of usd");
  show();

  title("All three pay at once; nobody waits for anybody");
  operate(ann, { kind: "transfer", asset: "usd", amount: 1_000n, to: ben.author });
  operate(ben, { kind: "transfer", asset: "eth", amount: 100n, to: cem.author });
  operate(cem, { kind: "transfer", asset: "usd", amount: 500n, to: ann.author });
  mesh.settle();
  show();

  title("Ben spends 900 eth twice, by a twin that ann does not hear");
  const [twin, hidden] = [ben.twin(), ben.twin()];
  operate(ben, { kind: "transfer", asset: "eth", amount: 900n, to: ann.author });
  operate(twin, { kind: "transfer", asset: "eth", amount: 900n, to: cem.author });
  new Mesh([...members, twin], { clock, random: new Random(seed) }).settle();
  const [spend] = fold(cem.document, terms).doubleSpends;
  if (spend === undefined) throw new Error("there should be a double spend");
  const winner = cem.document.root.operations.entries().find(({ id }) => id === spend.done)!;
  say(
    `everywhere ${nameOf(winner.value.to)} has it; until all have signed that, nobody should rely on it`,
    `proven: ben signed two operations with number ${spend.number}, and forked his chain`,
    `fork proofs held by cem: ${cem.document.history.forks().length}`,
  );
  show();

  title("All sign the state: what is in it goes before everything else");
  propose(cem, terms);
  sign();
  const one = latestState(cem, terms)!;
  say(`version ${one.state.version}: ${one.state.signatures.length} of 3 signatures`);
  // That one has seen nothing since, so what it signs looks old.
  const late = operate(hidden, { kind: "transfer", asset: "eth", amount: 900n, to: cem.author });
  new Mesh([...members, hidden], { clock, random: new Random(seed) }).settle();
  const reason = fold(ann.document, terms).ignored.find(({ id }) => id === late)?.reason;
  say(`ben backdates another payment: "${reason}"`);

  title("A lock: who tells the secret in time has the money");
  const secret = new TextEncoder().encode("open sesame");
  const lock = (amount: bigint): string =>
    operate(ann, {
      kind: "lock",
      asset: "usd",
      amount,
      to: cem.author,
      data: sha256(secret),
      expiry: 3,
    });
  const [early, missed] = [lock(2_000n), lock(3_000n)];
  mesh.settle();
  operate(cem, { kind: "claim", target: early, data: secret });
  operate(ann, { kind: "withdraw", asset: "usd", amount: 5_000n });
  mesh.settle();
  propose(cem, terms);
  sign();
  const two = latestState(ann, terms)!;
  say(`cem claims 2000 in epoch ${chain.epoch}; all sign version ${two.state.version}`);
  const line = two.exits.find(
    ({ leaf }) => leaf.kind === "balance" && leaf.party === ann.author && leaf.asset === "usd",
  )!;
  const paid = chain.payWithdrawal(two.state, line.leaf, line.proof);
  say(`ann has withdrawn: the open channel pays her ${paid} for that state and a proof`);
  tick(250n);
  tick(250n);
  operate(cem, { kind: "claim", target: missed, data: secret });
  mesh.settle();
  say(
    `cem claims 3000 in epoch ${chain.epoch}: "${fold(ann.document, terms).ignored.at(-1)?.reason}"`,
  );
  show();

  title("Cem lends, ben borrows against eth, the price falls");
  const lender = winner.value.to === ann.author ? ann : cem;
  operate(lender, { kind: "transfer", asset: "eth", amount: 400n, to: ben.author });
  operate(cem, { kind: "supply", amount: 40_000n });
  mesh.settle();
  const loan = operate(ben, { kind: "borrow", amount: 30_000n, collateral: 300n });
  mesh.settle();
  operate(ann, { kind: "liquidate", target: loan });
  propose(ann, terms);
  sign();
  say(`at 250 ann may not liquidate: "${fold(ann.document, terms).ignored.at(-1)?.reason}"`);
  tick(120n);
  operate(ann, { kind: "liquidate", target: loan });
  mesh.settle();
  const { pool } = fold(ann.document, terms).ledger;
  say(`at 120 she may: the pool has ${pool.cash} for ${pool.totalShares} shares`);
  show();

  title("An order book: two offers cross, ben matches them");
  const buyer = lender === ann ? cem : ann;
  offer(lender, "sell", 110n, 80n);
  offer(buyer, "buy", 125n, 50n);
  mesh.settle();
  match(ben);
  mesh.settle();
  [lender, buyer].forEach((member) => confirm(member));
  mesh.settle();
  for (const { buyer, seller, amount, price } of fold(cem.document, terms).trades.paid)
    say(`${nameOf(seller)} sells ${nameOf(buyer)} ${amount} eth at ${price}; both have confirmed`);
  show();

  title("Ben closes the channel with an old state; ann has a newer one");
  propose(ann, terms);
  sign();
  const last = latestState(ann, terms)!;
  attempt("ben closes with version 1", () => chain.close(one.state));
  attempt("ben closes with version 2", () => chain.close(two.state));
  attempt(`ann challenges with version ${last.state.version}`, () => chain.challenge(last.state));
  attempt("ann leaves at once", () => chain.exit(line.leaf, line.proof));
  for (let epoch = 0; epoch < terms.disputeEpochs; epoch++) chain.advance(120n);
  for (const { leaf, proof } of last.exits) {
    if (leaf.kind !== "balance") continue;
    const amount = chain.exit(leaf, proof);
    say(`  ${nameOf(leaf.party)} leaves with ${amount} ${leaf.asset}, ${proof.path.length} hashes`);
  }
  attempt("ann leaves by the old state", () => chain.exit(line.leaf, line.proof));

  title("In the end");
  const digests = new Set(members.map(({ document }) => document.viewDigest()));
  const left = ASSETS.map((asset) => `${chain.vault(asset)} ${asset}`).join(" and ");
  const { length } = ann.document.history;
  say(
    paint("green", `3 replicas, ${digests.size} document; ${left} left on the chain`),
    `${length} signed changes in ${ann.document.save({ seal: false }).length} bytes; the chain saw ${chain.statesSeen} states`,
  );
});

function attempt(what: string, act: () => void): void {
  try {
    act();
    say(`${what}: done`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(`${what}: refused, ${error.message}`);
  }
}
