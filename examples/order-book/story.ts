/** The scenes of the program: who places, matches, cancels, confirms and lies, and what everybody sees of it. */
import { documentId } from "bft-json-crdt";
import {
  Clock,
  Mesh,
  paint,
  Participant,
  prove,
  Random,
  replicasOf,
  say,
  scenario,
  title,
} from "example-kit";
import { confirmableBy, matchesOf, orderBook, viewOf } from "./index.ts";
import type { Book, ExecutionRecord, Side } from "./index.ts";
import { digestOf, fillLines, levelLines } from "./show.ts";
import type { Names } from "./show.ts";

type Trader = Participant<typeof orderBook>;

const NAMES = ["ann", "ben", "cem", "dot", "eve", "max", "moe", "zoe", "mallory"] as const;
type Name = (typeof NAMES)[number];

/** Replicas that at last get everything in an order of their own. */
const REPLICAS = 6;

/** All who take part, and the network between them. */
export class Story {
  readonly #clock = new Clock();
  readonly #random: Random;
  readonly #mesh: Mesh<typeof orderBook>;
  readonly #all: readonly Trader[];
  readonly #by: Readonly<Record<Name, Trader>>;
  readonly #names: Names;
  readonly #told = new Set<string>();

  constructor(seed: string) {
    const [schema, id, clock] = [orderBook, documentId("order-book"), this.#clock];
    this.#random = new Random(seed);
    this.#all = NAMES.map((name) => new Participant({ name, seed, schema, id, clock }));
    this.#by = Object.fromEntries(this.#all.map((who) => [who.name, who])) as Record<Name, Trader>;
    this.#names = new Map(this.#all.map(({ author, name }) => [author, name]));
    this.#mesh = new Mesh(this.#all, { clock, random: this.#random.split("mesh") });
  }

  tell(): void {
    this.#orders();
    this.#partition();
    this.#confirmations();
    this.#backdater();
    this.#cancellation();
    const twin = this.#equivocator();
    this.#end(twin);
  }

  #orders(): void {
    title("Orders: signed by their owners, in everybody's copy of one document");
    const { ann, ben, cem, dot } = this.#by;
    this.#place(ann, "buy", 100n, 101n);
    this.#place(ben, "sell", 60n, 99n);
    this.#place(cem, "sell", 30n, 100n);
    this.#place(dot, "buy", 30n, 97n);
    this.#pass();
    say(...levelLines(this.#book));
  }

  #partition(): void {
    title("The network parts; on either side a matcher fills what it sees");
    const { ann, ben, cem, dot, eve, max, moe, zoe, mallory } = this.#by;
    this.#mesh.part([ann, ben, max], [cem, dot, eve, moe, mallory], [zoe]);
    this.#place(cem, "sell", 50n, 98n);
    this.#pass();
    this.#match(max);
    this.#match(moe);
    this.#pass();
    say("Ann's side shows");
    say(...fillLines(viewOf(ann.document), this.#names));
    say("Cem's side shows");
    say(...fillLines(viewOf(cem.document), this.#names));

    title("It heals: 190 units for Ann's 100; executions count in the log's order");
    this.#mesh.part(
      this.#all.filter((who) => who !== zoe),
      [zoe],
    );
    this.#mesh.settle();
    say(...fillLines(this.#book, this.#names));
    this.#sayIgnored(this.#book);
    const filled = this.#orderOf(ann).filled;
    prove(filled === 100n, `Ann ordered 100 and gets ${filled}`);
  }

  #confirmations(): void {
    title("Owners confirm: with the word of both, a trade is final");
    const { ann, ben, cem } = this.#by;
    for (const who of [ann, ben, cem]) {
      for (const record of confirmableBy(viewOf(who.document), who.author)) {
        who.change(({ confirmations }) => confirmations.append(record));
      }
      say(`${who.name.padEnd(8)} confirms what is filled of the own orders`);
    }
    this.#mesh.settle();
    say(...fillLines(this.#book, this.#names));
  }

  #backdater(): void {
    title("Zoe has heard nothing since the orders, and executes Ann's at the worst");
    const { ann, ben, zoe } = this.#by;
    const before = this.#book.fills;
    const [buy, sell] = [this.#orderOf(ann).id, this.#orderOf(ben).id];
    this.#execute(zoe, { buy, sell, price: 101n, amount: 60n });
    this.#mesh.heal();
    this.#mesh.settle();
    const log = ann.document.root.executions.entries();
    const place = log.findIndex(({ author }) => author === zoe.author) + 1;
    say(`her execution is number ${place} of the ${log.length} in the log`);
    this.#sayIgnored(this.#book);
    const stands = before.every(({ execution, amount }) =>
      this.#book.fills.some((fill) => fill.execution === execution && fill.amount === amount),
    );
    prove(stands, "what both owners had confirmed is filled as before");
  }

  #cancellation(): void {
    title("Dot cancels; Moe has not heard of it and executes her order");
    const { cem, dot, moe } = this.#by;
    this.#place(cem, "sell", 30n, 96n);
    this.#pass();
    this.#mesh.part(
      [dot],
      this.#all.filter((who) => who !== dot),
    );
    const order = this.#orderOf(dot);
    dot.change(({ cancellations }) => cancellations.append({ order: order.id }));
    say(`dot      cancels her ${order.amount} at ${order.price}`);
    this.#match(moe);
    this.#mesh.heal();
    this.#mesh.settle();
    this.#sayIgnored(this.#book);
    prove(
      this.#orderOf(dot).filled === 0n,
      "it beats what its owner had neither seen nor confirmed",
    );
  }

  /** Mallory's other copy, for those who want to know all that was said. */
  #equivocator(): Trader {
    title("Mallory runs two copies of herself and promises one lot twice");
    const { ann, dot, eve, max, mallory } = this.#by;
    const lot = this.#place(mallory, "sell", 40n, 95n);
    const bids = [dot, eve].map((buyer) => [buyer, this.#place(buyer, "buy", 40n, 95n)] as const);
    this.#pass();
    for (const [, buy] of bids) this.#execute(max, { buy, sell: lot, price: 95n, amount: 40n });
    this.#pass();
    const twin = mallory.twin();
    const executions = max.document.root.executions.entries().slice(-2);
    this.#mesh.part([dot], [eve]);
    for (const [at, [buyer]] of bids.entries()) {
      const copy = at === 0 ? mallory : twin;
      const record = { execution: executions[at]!.id, amount: 40n };
      const { bytes } = copy.change(({ confirmations }) => confirmations.append(record));
      buyer.document.receive(bytes);
      buyer.change(({ confirmations }) => confirmations.append(record));
      say(`mallory  confirms ${buyer.name}'s 40, and shows it to ${buyer.name} alone`);
    }
    this.#mesh.heal();
    this.#mesh.settle();
    say(
      ...fillLines(this.#book, this.#names).filter((line, at) => at === 0 || /mallory/.test(line)),
    );
    this.#sayIgnored(this.#book);
    const [evidence] = this.#book.overcommitments;
    const [fork] = ann.document.history.forks();
    prove(this.#orderOf(mallory).filled === 40n, "of Mallory's 40 units 40 are sold, not 80");
    prove(
      evidence?.owner === mallory.author && fork !== undefined,
      `she promised ${evidence?.committed} of ${evidence?.amount} on two branches: all hold the evidence`,
    );
    return twin;
  }

  #end(twin: Trader): void {
    title(`The end: everything, to ${REPLICAS} new replicas, to each in another order`);
    const everything = scenario([...this.#all, twin]);
    const replicas = replicasOf(everything, this.#random.split("delivery"), REPLICAS);
    const books = replicas.map(viewOf);
    const digests = new Set(books.map(digestOf));
    const isSound = books.every(({ orders }) =>
      [...orders.values()].every(({ filled, amount }) => filled <= amount),
    );
    say(...levelLines(books[0]!));
    prove(
      digests.size === 1,
      `${REPLICAS} replicas of ${everything.groups.length} changes show one book`,
    );
    prove(isSound, "no order is filled beyond its amount on any of them");
    say(`book ${[...digests].join(" ")}`);
  }

  /** What Ann sees. */
  get #book(): Book {
    return viewOf(this.#by.ann.document);
  }

  /** The first order of an owner. */
  #orderOf(who: Trader) {
    return [...this.#book.orders.values()].find(({ owner }) => owner === who.author)!;
  }

  #place(who: Trader, side: Side, amount: bigint, price: bigint): string {
    const { id } = who.change(({ orders }) => orders.append({ side, amount, price }));
    say(`${who.name.padEnd(8)} ${side}s ${amount} at ${price}`);
    const change = who.document.history.indexOf(id);
    return who.document.root.orders.entries().find((entry) => entry.change === change)!.id;
  }

  #match(who: Trader): void {
    for (const record of matchesOf(viewOf(who.document))) this.#execute(who, record);
  }

  #execute(who: Trader, record: ExecutionRecord): void {
    const { orders } = viewOf(who.document);
    const [buyer, seller] = [record.buy, record.sell].map((id) =>
      this.#nameOf(orders.get(id)!.owner),
    );
    who.change(({ executions }) => executions.append(record));
    say(
      `${who.name.padEnd(8)} executes ${record.amount} at ${record.price}: ${buyer} from ${seller}`,
    );
  }

  /** Lets messages arrive. */
  #pass(): void {
    this.#clock.advance(1_000);
  }

  /** Executions without effect that have not been told of yet. */
  #sayIgnored(book: Book): void {
    const executions = new Map(
      this.#by.ann.document.root.executions.entries().map((entry) => [entry.id, entry]),
    );
    for (const { id, author, reason } of book.ignored) {
      const execution = executions.get(id);
      if (execution === undefined || this.#told.has(id)) continue;
      this.#told.add(id);
      const { amount, buy, sell } = execution.value;
      const [buyer, seller] = [buy, sell].map((order) =>
        this.#nameOf(book.orders.get(order)!.owner),
      );
      const what = `${amount} units, ${buyer} from ${seller}`;
      say(`${paint("red", "ignored")}  ${this.#nameOf(author)}'s ${what}: ${reason}`);
    }
  }

  #nameOf(author: string): string {
    return this.#names.get(author)!;
  }
}
