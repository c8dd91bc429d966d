/** `pnpm example oracle-consumer`: prices that oracles agree on in a document decide about money in contracts. */
import { command, run, say, table, title } from "example-kit";
import { aggregate, decimal, timeWeightedMean } from "example-oracle-network";
import type { Timed } from "example-oracle-network";
import type { AbiValue } from "./abi.ts";
import { argumentOf, attest, batchOf, digestOf, domainOf } from "./attestation.ts";
import type { Attestation, Domain } from "./attestation.ts";
import { isBound, registryOf } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { bytes32Of, Chain, ETHER } from "./chain.ts";
import type { Account, Receipt } from "./chain.ts";
import { compile } from "./compile.ts";
import { deploy, reasonOf } from "./deployment.ts";
import type { Deployment } from "./deployment.ts";
import { signHash } from "./ethereum.ts";
import { Network, PAIR } from "./network.ts";

const HOUR = 3_600n;
const STRIKE = 1_600n * 10n ** 8n;

/** Everything on stage. */
interface Stage extends Deployment {
  readonly network: Network;
  readonly chain: Chain;
  readonly owner: Account;
  readonly domain: Domain;
  /** The medians that the contract has taken, with their times. */
  readonly rounds: Timed[];
}

const program = command("oracle-consumer", "Contracts that use the prices of oracles.");
await run(program, async ({ seed }) => {
  const network = new Network(seed);
  network.run(120);
  showPrices(network);
  showBindings(network);
  const stage = await deployed(network);
  await showRound(stage);
  await showRefusals(stage);
  await showExposure(stage);
  await showLoan(stage);
  await showOption(stage);
});

function showPrices(network: Network): void {
  title("Seven oracles price ether in a document; two of them say a fifth more");
  const exported = network.exported();
  const rows = network.members.flatMap(({ name, oracle }) =>
    exported
      .filter((each) => each.oracle === oracle.participant.author)
      .map((each) => [name, dollars(each.price), percent(BigInt(each.confidence))]),
  );
  say(...table(["oracle", "dollars", "confidence"], rows));
}

function showBindings(network: Network): void {
  title("Each has an Ethereum key, too, and both keys sign that they belong together");
  const bindings = network.members.map(({ binding }) => binding);
  const held = bindings.filter(isBound).length;
  const [ann, mallory] = ["ann", "mallory"].map((name) => network.member(name).binding) as [
    Binding,
    Binding,
  ];
  say(`ann: Ed25519 ${ann.identity.slice(0, 8)}…  Ethereum ${ann.address.slice(0, 10)}…`);
  const claim = { ...mallory, address: ann.address, byAddress: ann.byAddress };
  say(
    `${held} of ${bindings.length} bindings hold; ` +
      `that mallory has ann's address ${isBound(claim) ? "holds" : "does not"}`,
  );
}

async function deployed(network: Network): Promise<Stage> {
  title("Three contracts are compiled and put on a chain");
  const chain = await Chain.create(31_337n, BigInt(network.now));
  const owner = await chain.account("deployer");
  const { rules, members } = network;
  const deployment = await deploy(chain, compile(), owner, {
    pair: PAIR,
    oracles: [...registryOf(members.map(({ binding }) => binding)).keys()],
    quorum: BigInt(rules.minimumOracles),
    faults: 2n,
    leastConfidence: 7_000n,
    leastSources: BigInt(rules.minimumSources),
    maxAge: BigInt(rules.maximumAge),
    maxLead: BigInt(rules.maximumLead),
    tolerance: rules.tolerance,
  });
  const rows = [...deployment.gas].map(([name, gas]) => [name, grouped(gas)]);
  say(...table(["contract", "gas"], rows));
  const domain = domainOf(chain.id, deployment.aggregator);
  return { ...deployment, network, chain, owner, domain, rounds: [] };
}

async function showRound(stage: Stage): Promise<void> {
  title("The oracles sign for the contract what the document says; anybody submits it");
  const batch = stage.network.attestations(stage.domain);
  const { gas, numbers } = await submit(stage, batch);
  const { minimumOracles, tolerance } = stage.network.rules;
  const model = aggregate(
    batch.map(({ price, confidence }) => ({ price, confidence, weight: confidence })),
    { minimumOracles, tolerance },
  )!;
  const { price, mean, deviation, confidence, kept } = model;
  const computed = [price, mean, deviation, confidence, BigInt(kept.length)];
  const shown = (values: readonly bigint[]): string[] =>
    values.map((value, i) => (i < 3 ? dollars(value) : i === 3 ? percent(value) : `${value}`));
  const names = ["median", "mean", "deviation", "confidence", "oracles kept"];
  const [chain, here] = [shown(numbers), shown(computed)];
  const rows = names.map((name, i) => [name, chain[i]!, here[i]!]);
  say(...table(["", "on the chain", "in TypeScript"], rows));
  const isEqual = numbers.every((number, i) => number === computed[i]);
  say(`${isEqual ? "equal" : "NOT equal"} to the last digit; ${grouped(gas)} gas`);
}

async function showRefusals(stage: Stage): Promise<void> {
  title("What the contract does not take");
  const { network, chain, domain } = stage;
  network.run(120);
  const old = network.attestations(domain);
  network.run(480);
  const fresh = network.attestations(domain);
  const [first, ...others] = fresh as [Attestation, ...Attestation[]];
  const other = network.members.find(({ binding }) => binding.address !== first.oracle)!;
  const byOther = { ...first, signature: signHash(digestOf(first, domain), other.secretKey) };
  const stranger = attest(first, (await chain.account("stranger")).secretKey, domain);
  const ahead = network.members.map(({ secretKey }) =>
    attest({ ...first, time: first.time + 600n }, secretKey, domain),
  );
  const cases: readonly (readonly [string, readonly Attestation[]])[] = [
    ["a price raised after it was signed", [{ ...first, price: first.price + 1n }, ...others]],
    ["another oracle's signature", [byOther, ...others]],
    ["a stranger among the oracles", [stranger, ...others]],
    ["signed for another chain", network.attestations({ ...domain, chainId: 1n })],
    ["one oracle twice", [...fresh, first]],
    ["four oracles of seven", fresh.slice(0, 4)],
    ["eight minutes old", old],
    ["ten minutes ahead", ahead],
  ];
  const rows: string[][] = [];
  for (const [what, batch] of cases) rows.push([what, ...(await refusal(stage, batch))]);
  await submit(stage, fresh);
  rows.push(["submitted a moment ago", ...(await refusal(stage, fresh))]);
  say(...table(["submission", "error", "gas"], rows));
}

async function showExposure(stage: Stage): Promise<void> {
  title("Mallory signs two prices with one number, and somebody shows both");
  const { network, chain, owner, aggregator, domain } = stage;
  const { secretKey, binding } = network.member("mallory");
  const one = network.attestations(domain).find(({ oracle }) => oracle === binding.address)!;
  const two = attest({ ...one, price: one.price * 2n }, secretKey, domain);
  const { events, gas } = await chain.send(owner, aggregator, "expose", [
    argumentOf(one),
    argumentOf(two),
  ]);
  const isOut = events.some(({ name, args }) => name === "Exposed" && args[0] === binding.address);
  say(`mallory ${isOut ? "has no part" : "keeps its part"} in this contract; ${grouped(gas)} gas`);
  network.run(120);
  say(
    `with mallory's price a submission ends with ${(await refusal(stage, network.attestations(domain)))[0]}`,
  );
  const later = await submit(stage, withoutMallory(stage));
  say(`without, the six others make a price as before; ${grouped(later.gas)} gas`);
}

async function showLoan(stage: Stage): Promise<void> {
  title("A loan is called in when the price has fallen");
  const { network, chain, lending } = stage;
  const [carol, dave] = [await chain.account("carol"), await chain.account("dave")];
  const act = (
    who: Account,
    name: string,
    args: readonly AbiValue[],
    value = 0n,
  ): Promise<Receipt> => chain.send(who, lending, name, args, value);
  const [carols, daves] = [14_000n * 10n ** 8n, 15_000n * 10n ** 8n];
  await act(carol, "deposit", [], 10n * ETHER);
  await act(carol, "borrow", [carols]);
  await act(dave, "deposit", [], 20n * ETHER);
  await act(dave, "borrow", [daves]);
  say(`carol owes ${dollars(carols)} dollars against 10 ether`);
  const early = await act(dave, "liquidate", [carol.address]);
  say(`at ${price(stage)} dave may not take them: ${reasonOf(early)}`);
  network.shift(-1_500);
  network.run(120);
  const late = await act(dave, "liquidate", [carol.address]);
  say(`the price falls, but none has been submitted yet: ${reasonOf(late)}`);
  await submit(stage, withoutMallory(stage));
  const { events, gas } = await act(dave, "liquidate", [carol.address]);
  const [, , paid, taken] = events[0]!.args as readonly bigint[];
  say(
    `at ${price(stage)} he pays ${dollars(paid!)} dollars for ${ether(taken!)} ether; ` +
      `${grouped(gas)} gas`,
  );
  say(`${ether(10n * ETHER - taken!)} ether stay carol's`);
}

async function showOption(stage: Stage): Promise<void> {
  title("An option is settled at the price of its last hour");
  const { network, chain, options, rounds } = stage;
  const [writer, holder] = [await chain.account("writer"), await chain.account("holder")];
  const expiry = chain.time + HOUR + 600n;
  await chain.send(writer, options, "write", [holder.address, STRIKE, expiry], 10n * ETHER);
  say(`erin may have 10 ether of frank's for ${dollars(STRIKE)} dollars each, in 70 minutes`);
  for (let minutes = 10; minutes <= 70; minutes += 10) {
    if (minutes === 70) network.shift(1_500);
    network.run(600);
    await submit(stage, withoutMallory(stage));
    if (minutes === 60) {
      const early = await chain.send(holder, options, "settle", [0n]);
      say(`ten minutes before, it cannot be settled: ${reasonOf(early)}`);
    }
  }
  chain.time += 1n;
  const { events, gas } = await chain.send(holder, options, "settle", [0n]);
  const [, settled, toHolder, toWriter] = events[0]!.args as readonly bigint[];
  const mean = timeWeightedMean(rounds, Number(expiry - HOUR), Number(expiry));
  say(
    `at the end the price jumps to ${price(stage)}; the mean of the hour is ${dollars(settled!)}`,
  );
  say(`${settled === mean ? "equal" : "NOT equal"} to TypeScript's to the last digit`);
  say(`erin gets ${ether(toHolder!)} ether, frank ${ether(toWriter!)} back; ${grouped(gas)} gas`);
}

/** Submits a batch that the contract has to take; what it cost, and the numbers of the round. */
async function submit(
  stage: Stage,
  batch: readonly Attestation[],
): Promise<{ readonly gas: bigint; readonly numbers: readonly bigint[] }> {
  const receipt = await transact(stage, batch);
  const [priced] = receipt.events;
  if (priced === undefined) throw new Error(`a round was refused: ${reasonOf(receipt)}`);
  const [, time, ...numbers] = priced.args as readonly bigint[];
  stage.rounds.push({ price: numbers[0]!, timestamp: Number(time) });
  return { gas: receipt.gas, numbers };
}

/** The error and the gas of a batch that the contract refuses. */
async function refusal(stage: Stage, batch: readonly Attestation[]): Promise<[string, string]> {
  const receipt = await transact(stage, batch);
  return [reasonOf(receipt), grouped(receipt.gas)];
}

function transact(stage: Stage, batch: readonly Attestation[]): Promise<Receipt> {
  const { chain, owner, aggregator, network } = stage;
  chain.time = BigInt(network.now);
  return chain.send(owner, aggregator, "submit", [bytes32Of(PAIR), batchOf(batch)]);
}

function withoutMallory({ network, domain }: Stage): Attestation[] {
  const { address } = network.member("mallory").binding;
  return network.attestations(domain).filter(({ oracle }) => oracle !== address);
}

/** The newest price on the chain. */
function price({ rounds }: Stage): string {
  return dollars(rounds.at(-1)!.price);
}

function grouped(number: bigint): string {
  return String(number).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** With two decimals, rounded down. */
function dollars(amount: bigint): string {
  const [whole, fraction] = decimal(amount).split(".") as [string, string];
  return `${grouped(BigInt(whole))}.${fraction.slice(0, 2)}`;
}

function percent(basisPoints: bigint): string {
  return `${Number(basisPoints) / 100} %`;
}

/** With four decimals, rounded down. */
function ether(amount: bigint): string {
  return (Number(amount / 10n ** 14n) / 1e4).toFixed(4);
}
