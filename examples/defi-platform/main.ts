/**
 * `pnpm example defi-platform`: a borrower with an attested identity, a price that falls, a liquidation that is sold on the order
 * book, a trader with two stories, and another chain that stops the market.
 */
import { Clock, command, paint, Random, reconcile, run, say, table, title } from "example-kit";
import { viewOf } from "example-identity";
import { latestState, operate } from "example-state-channel";
import { admit, textOf } from "./platform.ts";
import { PARTIES, World } from "./world.ts";

const REPLICAS = 5;

function tell(seed: string): void {
  const world = new World(seed, new Clock());
  whoIsWho(world);
  const loan = borrow(world);
  fall(world, loan);
  sell(world);
  const twin = cheat(world);
  stop(world);
  leave(world);
  agreement(world, new Random(seed).split("orders"), twin);
}

function whoIsWho(world: World): void {
  title("Who may take part: those whom the registrar attests");
  world.attest(PARTIES);
  const { identity } = world.documents;
  const view = viewOf(identity.root, identity.history, world.clock.now);
  for (const name of [...PARTIES, "Sid"]) {
    const key = world.people.get(name)!.author;
    const { isAdmitted, reasons } = admit(view, world.terms.admission, key);
    const verdict = isAdmitted ? paint("green", "admitted") : paint("red", "not admitted: ");
    say(`${name.padEnd(8)} ${verdict}${reasons.join(", ")}`);
  }
  say("The channel's id is a hash of five keys and the chain's: nobody joins later.");
}

function borrow(world: World): string {
  title("Money comes in; Bob borrows usd against eth at the oracles' price");
  const { Lena, Bob } = world.parties;
  world.deposit("Lena", "usd", 1_000_000n);
  world.deposit("Bob", "eth", 4_000n);
  world.deposit("Kay", "usd", 600_000n);
  world.deposit("Tom", "usd", 700_000n);
  world.deposit("Mallory", "usd", 50_000n);
  world.observe(2_500);
  const { price, excluded } = world.platform();
  say(`seven oracles; one pushes prices up by a fifth, one signs two histories:`);
  say(`the price is ${dollars(price! * 1_000n)}, ${excluded.size} oracle is out for good`);
  world.advance(price!);
  operate(Lena, { kind: "supply", amount: 800_000n });
  world.settle();
  const loan = operate(Bob, { kind: "borrow", amount: 450_000n, collateral: 4_000n });
  world.settle();
  showLoans(world);
  prove(world.agree(), "all five sign this state: it is good on the chain");
  return loan;
}

function fall(world: World, loan: string): void {
  title("The price falls; Kay pays Bob's debt and gets eth for it");
  world.observe(1_450);
  say(`objections now: ${world.platform().objections.join("; ")}`);
  world.advance(world.platform().price!);
  showLoans(world);
  operate(world.parties.Kay, { kind: "liquidate", target: loan });
  world.settle();
  showLoans(world);
}

function sell(world: World): void {
  title("Kay sells what she got on the order book");
  const has = balance(world, "Kay", "eth");
  const { price } = world.platform();
  world.order("Kay", "sell", has, price! - 2n);
  world.order("Tom", "buy", 2_000n, price!);
  world.order("Mallory", "buy", 300n, price! - 1n);
  world.match("Tom");
  for (const { amount, price: paid } of world.platform().channel.trades.paid) {
    say(`${amount} thousandths of eth at ${dollars(paid * 1_000n)} for one`);
  }
  showBalances(world);
  prove(world.agree(), "all five sign again");
}

function cheat(world: World): World["parties"]["Mallory"] {
  title("Mallory pays the same money to two, each of whom hears of one payment");
  const { Mallory, Tom, Kay } = world.parties;
  const twin = Mallory.twin();
  const amount = balance(world, "Mallory", "usd");
  const payment = { kind: "transfer", asset: "usd", amount };
  operate(Mallory, { ...payment, to: Tom.author });
  operate(twin, { ...payment, to: Kay.author });
  reconcile(twin.document, Kay.document);
  world.settle();
  const { channel, equivocators } = world.platform();
  const [spent] = channel.doubleSpends;
  say(`operation ${spent!.number} stands once, the other is refused; her keys prove both`);
  say(`equivocators: ${equivocators.map((key) => world.nameOf(key)).join(", ")}`);
  prove(!world.agree(), "nobody signs any more: all can leave with the second state");
  return twin;
}

function stop(world: World): void {
  title("The bridge was robbed; its validators tell all chains to stop");
  world.alert("pause", 2);
  say(`two of four have signed: ${pauses(world)}`);
  world.alert("pause", 3);
  say(`three of four:           ${pauses(world)}`);
  for (const objection of world.platform().objections)
    say(`an honest party objects: ${shortened(world, objection)}`);
}

function leave(world: World): void {
  title("Everybody leaves by the last state that all have signed");
  const { chain, parties, terms } = world;
  const latest = latestState(parties.Lena, terms.channel)!;
  const [older] = world.platform().channel.agreed;
  chain.close(older!);
  say(`Mallory closes the channel with state ${older!.version}, where she has not paid yet`);
  chain.challenge(latest.state);
  say(`Lena challenges with state ${latest.state.version}`);
  for (let epoch = 0; epoch < terms.channel.disputeEpochs; epoch++) chain.advance(145n);
  for (const { leaf, proof } of latest.exits) chain.exit(leaf, proof);
  const rows = PARTIES.map((name) => {
    const { author } = parties[name];
    return [name, dollars(chain.paid(author, "usd")), String(chain.paid(author, "eth"))];
  });
  for (const line of table(["paid", "usd", "eth/1000"], rows)) say(line);
  const left = chain.vault("usd") + chain.vault("eth");
  prove(left === 0n, "the chain has paid all that was put in, and no more");
}

function agreement(world: World, random: Random, twin: World["parties"]["Mallory"]): void {
  title("Four documents, delivered to new replicas in other orders");
  const { documents, changes } = world.replicas(random, REPLICAS, [twin]);
  const texts = new Set(documents.map((replica) => textOf(world.platform(replica))));
  say(`${changes} changes, ${documents.length} replicas of each, ${texts.size} view`);
  prove(texts.size === 1, "all show the same platform");
}

function showLoans(world: World): void {
  const { loans, price } = world.platform();
  if (loans.length === 0) say("no loan");
  for (const { borrower, debt, collateral, percent } of loans) {
    const risk = percent! > 75n ? paint("red", "unsafe") : paint("green", "safe");
    say(
      `${world.nameOf(borrower)} owes ${dollars(debt)} for ${dollars(collateral * price!)} of eth: ${percent}%, ${risk}`,
    );
  }
}

function showBalances(world: World): void {
  const { ledger } = world.platform().channel;
  const rows = PARTIES.map((name) => {
    const { author } = world.parties[name];
    return [name, dollars(ledger.balance(author, "usd")), String(ledger.balance(author, "eth"))];
  });
  for (const line of table(["", "usd", "eth/1000"], rows)) say(line);
}

function balance(world: World, name: (typeof PARTIES)[number], asset: "eth" | "usd"): bigint {
  return world.platform().channel.ledger.balance(world.parties[name].author, asset);
}

function pauses(world: World): string {
  const { pauses } = world.platform();
  return pauses.length === 0 ? "the market goes on" : paint("red", "the market is paused");
}

function shortened(world: World, text: string): string {
  return text.replace(/[0-9a-f]{64}/g, (key) => world.nameOf(key));
}

function dollars(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
}

function prove(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not so: ${what}`);
  say(`${paint("green", "✓")} ${what}`);
}

const program = command("defi-platform", "Loans, trades and alerts without a middleman.");
await run(program, ({ seed }) => tell(seed));
