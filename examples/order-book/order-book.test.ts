/** Honest trade and dishonest authors at once, delivered in other orders: all replicas show one book, and it is sound. */
import { expectReached, runs } from "example-kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random, reconcile, replicasOf, scenario } from "example-kit";
import { cancel, confirm, execute, fatesIn, meet, place, trader } from "./floor.model.ts";
import type { Fate, Trader } from "./floor.model.ts";
import { confirmableBy, isConfirmed, matchesOf, MOST, viewOf } from "./index.ts";
import type { Book, Side } from "./index.ts";

/** One trading day, and what honest traders relied on. */
class Day {
  readonly random: Random;
  readonly traders = ["ann", "ben", "cem"].map(trader);
  readonly matchers = ["max", "moe"].map(trader);
  /** Everybody who writes for the liars: the equivocator's two copies, the backdater, the rude one. */
  readonly liars: readonly Trader[];
  /** Executions that a trader saw confirmed by two honest owners. */
  readonly settled = new Map<string, bigint>();
  /** Honest cancellations: the order, and the executions that the owner had seen. */
  readonly cancelled = new Map<string, ReadonlySet<string>>();
  /** The backdater has stopped listening, and knows the later ids from elsewhere. */
  #isDeaf = false;

  constructor(seed: number) {
    this.random = new Random(seed);
    const mallory = trader("mallory");
    place(mallory, "sell", 9n, 98n);
    place(mallory, "buy", 9n, 102n);
    this.liars = [mallory, mallory.twin(), trader("backdater"), trader("rude")];
  }

  get honest(): readonly Trader[] {
    return [...this.traders, ...this.matchers];
  }

  run(): void {
    for (let step = 0; step < 58; step++) {
      if (step === 25) this.#isDeaf = true;
      if (step % 16 === 15) this.#race();
      this.#trade(this.random.pick(this.traders));
      if (this.random.chance(0.5)) this.#match(this.random.pick(this.matchers));
      if (this.random.chance(0.4)) this.#lie(this.random.pick(this.liars));
      this.#talk(step > 30 && step < 50);
    }
    meet(...this.honest);
    for (const who of this.traders) this.#confirmAll(who);
    meet(...this.honest);
    this.#note(viewOf(this.traders[0]!.document));
    this.#unsay();
    // The worst comes last, when the honest rely on what they have seen.
    for (let i = 0; i < 12; i++) this.#lie(this.random.pick(this.liars));
  }

  #trade(who: Trader): void {
    const { random } = this;
    const book = viewOf(who.document);
    this.#note(book);
    const own = [...book.orders.values()].filter(
      ({ owner, status }) => owner === who.author && status === "open",
    );
    if (random.chance(0.15) && own.length > 0) {
      const { id } = random.pick(own);
      const seen = who.document.root.executions.entries().map((execution) => execution.id);
      cancel(who, id);
      this.cancelled.set(id, new Set(seen));
    } else if (random.chance(0.5)) this.#confirmAll(who);
    else {
      const side: Side = random.chance(0.5) ? "buy" : "sell";
      place(who, side, BigInt(random.between(1, 12)), BigInt(random.between(97, 103)));
    }
  }

  #confirmAll(who: Trader): void {
    for (const { execution, amount } of confirmableBy(viewOf(who.document), who.author)) {
      confirm(who, execution, amount);
    }
  }

  #match(who: Trader): void {
    for (const { buy, sell, amount, price } of matchesOf(viewOf(who.document), 3)) {
      execute(who, buy, sell, amount, price);
    }
  }

  /**
   * An owner cancels while somebody executes, either of them honest or not: once before it, once without having seen it, once after
   * it. Who lies cancels again, as if that had been later.
   */
  #race(): void {
    const { random } = this;
    const rude = this.liars[3]!;
    const owner = random.pick([...this.traders, rude]);
    const matcher = random.pick([...this.matchers, rude].filter((it) => it !== owner));
    const [one, other] = random.shuffled<Side>(["buy", "sell"]) as [Side, Side];
    const [id, counter] = [place(owner, one, 9n, 100n), place(matcher, other, 9n, 100n)];
    const [buy, sell] = one === "buy" ? [id, counter] : [counter, id];
    reconcile(owner.document, matcher.document);
    execute(matcher, buy, sell, 1n, 100n);
    if (random.chance(0.7)) reconcile(owner.document, matcher.document);
    const seen = owner.document.root.executions.entries().map((execution) => execution.id);
    cancel(owner, id);
    this.cancelled.set(id, new Set(seen));
    execute(matcher, buy, sell, 2n, 100n);
    if (random.chance(0.7)) reconcile(owner.document, matcher.document);
    execute(matcher, buy, sell, 3n, 100n);
    reconcile(owner.document, matcher.document);
    if (owner === rude) cancel(owner, id);
  }

  /** An owner confirms an execution, and cancels by a twin that claims to know of none. */
  #unsay(): void {
    const [owner, twin, , matcher] = this.liars as [Trader, Trader, Trader, Trader];
    const { id } = owner.document.root.orders
      .entries()
      .find(({ author }) => author === owner.author)!;
    const counter = place(matcher, "buy", 9n, 98n);
    reconcile(owner.document, matcher.document);
    const execution = execute(matcher, counter, id, 1n, 98n);
    reconcile(owner.document, matcher.document);
    confirm(owner, execution, 1n);
    cancel(twin, id);
  }

  /** Anything that hurts: over-fills, others' orders, promises twice, absurd values. */
  #lie(who: Trader): void {
    const { random } = this;
    const amount = random.pick([1n, 3n, 9n, 50n, MOST, MOST + 1n, 0n, -1n]);
    const price = BigInt(random.between(97, 103));
    const known = this.liars.map(({ document }) => document.root);
    const orders = known.flatMap((root) => root.orders.entries());
    const executions = who.document.root.executions.entries().map(({ id }) => id);
    const act = random.below(7);
    if (act === 0) place(who, random.pick(["buy", "sell", "x"] as Side[]), amount, price);
    else if (act === 1) cancel(who, random.pick(orders).id);
    else if (act === 2) confirm(who, random.pick([...executions, "__proto__"]), amount);
    else if (act === 3) {
      for (const fill of viewOf(who.document).fills) confirm(who, fill.execution, fill.asked);
    } else {
      // Often what honest traders would accept, were it not too much, too late or too early.
      const buy = random.pick(orders.filter(({ value }) => value.side !== "sell" || act === 4));
      const sell = random.pick(orders.filter(({ value }) => value.side !== "buy" || act === 4));
      execute(who, buy.id, sell.id, amount, act === 5 ? buy.value.price : price);
    }
  }

  #talk(isParted: boolean): void {
    const { random } = this;
    const [one, two] = random.shuffled([...this.honest, ...this.liars]) as [Trader, Trader];
    const side = (who: Trader): boolean => this.honest.indexOf(who) % 2 === 0;
    if (isParted && side(one) !== side(two)) return;
    // One copy of an equivocator never meets the other.
    if (this.#isDeaf && [one, two].includes(this.liars[2]!)) return;
    if ([one, two].some((who) => this.liars.slice(0, 2).includes(who)) && random.chance(0.7))
      return;
    reconcile(one.document, two.document);
  }

  #note(book: Book): void {
    const isHonest = (id: string): boolean =>
      this.traders.some(({ author }) => author === book.orders.get(id)!.owner);
    for (const fill of book.fills) {
      if (isConfirmed(fill) && isHonest(fill.buy) && isHonest(fill.sell)) {
        this.settled.set(fill.execution, fill.amount);
      }
    }
  }
}

function checkBook(book: Book): void {
  const filled = new Map<string, bigint>();
  for (const fill of book.fills) {
    const [buy, sell] = [book.orders.get(fill.buy)!, book.orders.get(fill.sell)!];
    expect(fill.amount > 0n && fill.amount <= fill.asked).toBe(true);
    expect(fill.price <= buy.price && fill.price >= sell.price).toBe(true);
    expect([buy.side, sell.side, buy.owner === sell.owner]).toEqual(["buy", "sell", false]);
    for (const { id } of [buy, sell]) filled.set(id, (filled.get(id) ?? 0n) + fill.amount);
  }
  for (const order of book.orders.values()) {
    expect(order.filled).toBe(filled.get(order.id) ?? 0n);
    expect(order.filled <= order.amount).toBe(true);
    expect(order.left >= 0n && order.filled + order.left <= order.amount).toBe(true);
  }
}

/** What is filled, and why the rest is not, is what the naive model says; returns that. */
function checkFates(document: Trader["document"], book: Book): readonly Fate[] {
  const fates = fatesIn(document);
  const filled = [...fates].flatMap(([id, { amount }]) => (amount > 0n ? [[id, amount]] : []));
  expect(book.fills.map(({ execution, amount }) => [execution, amount])).toEqual(filled);
  const reasons = new Map(book.ignored.map(({ id, reason }) => [id, reason]));
  for (const [id, { amount, reason }] of fates) {
    expect(reasons.has(id)).toBe(amount === 0n);
    if (reason !== "invalid") expect(reasons.get(id) ?? null).toBe(reason);
  }
  return [...fates.values()];
}

test("every replica shows one sound book, whatever equivocators and backdaters do", () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const day = new Day(seed);
      day.run();
      const everybody = [...day.honest, ...day.liars];
      const replicas = replicasOf(scenario(everybody), new Random(seed).split("delivery"), 4);
      const [book, ...others] = replicas.map(viewOf) as [Book, ...Book[]];
      for (const other of others) expect(other).toEqual(book);
      checkBook(book);
      for (const { document } of everybody) checkBook(viewOf(document));
      for (const { amount, reason, crossing } of checkFates(replicas[0]!, book)) {
        const what = `${crossing} ${reason === "cancelled" ? "refused" : amount > 0n ? "filled" : ""}`;
        reached.set(what, (reached.get(what) ?? 0) + 1);
      }
      const honest = new Set(day.traders.map(({ author }) => author));
      // What two honest owners confirmed is final.
      const fills = new Map(book.fills.map((fill) => [fill.execution, fill]));
      for (const [id, amount] of day.settled) expect(fills.get(id)?.amount).toBe(amount);
      // Nobody honest can be shown as overcommitted.
      expect(book.overcommitments.filter(({ owner }) => honest.has(owner))).toEqual([]);
      for (const { id, owner, side, status } of book.orders.values()) {
        if (!honest.has(owner)) continue;
        const seen = day.cancelled.get(id);
        // Only the owner cancels, and nothing fills that the owner had neither seen then nor confirmed.
        expect(status === "withdrawn" || (status === "cancelled" && seen === undefined)).toBe(
          false,
        );
        if (seen === undefined) continue;
        expect(status === "cancelled" || status === "filled").toBe(true);
        for (const fill of book.fills.filter(({ buy, sell }) => buy === id || sell === id)) {
          const confirmed = side === "buy" ? fill.buyerConfirmed : fill.sellerConfirmed;
          expect(confirmed > 0n || seen.has(fill.execution)).toBe(true);
        }
      }
    }),
    runs(8),
  );
  for (const what of [
    ...["concurrent refused", "after it refused", "before it filled"],
    // Its owner is bound.
    "concurrent filled",
  ])
    expectReached(reached.get(what) ?? 0, `executions: a cancellation, ${what}`);
});
