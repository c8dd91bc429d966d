/**
 * Delivers everything to real documents in every way, and compares what can be seen of each with the model, each time.
 *
 * Two passes, neither of which is enough alone:
 *
 * - `checkGraph` visits every state that any deliveries can lead to by the model (any subset, any order, any of them
 *   repeated any number of times, before or after what it depends on), and in each state delivers each thing to a real
 *   document at least once. So nothing is left out, as far as two documents that look alike behave alike from then on.
 * - `checkOrders` does without that assumption: every order of all deliveries goes to a document of its own, from nothing
 *   on. Every order of every subset is the beginning of one of these (the rest is lost, and then comes after all).
 *   With `repeats` everything that came before comes again after each delivery; `checkDoubled` has each order in which one
 *   delivery stands twice.
 *
 * In each state, besides: what must be applied after enough repetitions is what the definition without arrival says, and
 * no repetition leads anywhere else.
 */
import { Document } from "../../src/document/index.ts";
import { canonicalJson, toHex } from "../../src/encoding/index.ts";
import type { Value } from "../../src/encoding/index.ts";
import { sha256 } from "../../src/crypto/index.ts";
import { decodeForkProof } from "../../src/history/index.ts";
import type { ReceivedGroup } from "../../src/history/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { chainOf, forkName, forksOf, frontierOf, tipsOf } from "../history-model.ts";
import { NaiveDocument } from "../naive-document.ts";
import { inspect } from "../random-edits.ts";
import { Mirror } from "../simulator/mirror.ts";
import { Model, isRejected } from "./model.ts";
import type { State } from "./model.ts";
import type { Delivery, Scenario } from "./scenario.ts";

/** How much was looked at. */
export interface Tally {
  /** States of the model (each with the set of what was delivered), and ways on from them. */
  states: number;
  ways: number;
  /** Deliveries to real documents, and how many of these documents there were. */
  deliveries: number;
  documents: number;
}

/** A new tally. */
export function noTally(): Tally {
  return { states: 0, ways: 0, deliveries: 0, documents: 0 };
}

/** Rounds of repetition that bring any replica as far as they ever will: each applies or rejects something. */
const MAX_ROUNDS = 16;

/** A state of the model with the set (as bits) of what has been delivered. */
interface Node {
  readonly key: string;
  readonly delivered: number;
  readonly state: State;
  /** By delivery; filled in when the node is visited. */
  readonly ways: Way[];
}

interface Way {
  readonly said: string;
  readonly to: Node;
  isDone: boolean;
}

/** One scenario under examination. Throws an Error with the deliveries so far as soon as anything is not as it must be. */
export class Exploration {
  readonly tally = noTally();
  readonly scenario: Scenario;
  readonly #model: Model;
  readonly #nodes = new Map<string, Node>();
  readonly #root: Node;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #portraits = new Map<string, Portrait>();
  /** Each change has one form in all deliveries, so that even the bytes of fork proofs are the same. */
  readonly #isUniform: boolean;
  readonly #proofs = new Map<string, string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#model = new Model(scenario);
    this.#numbers = new Map(scenario.changes.map(({ hex }, at) => [hex, at]));
    this.#isUniform = scenario.deliveries.every(
      ({ entries }) => entries.length === 1 && entries[0]!.signature === "good",
    );
    this.#root = this.#node(0, this.#model.start());
  }

  /** Every state and every way on from it. */
  checkGraph(): this {
    const nodes = this.#everyNode();
    for (const node of nodes) this.#checkEnd(node);
    this.tally.states = nodes.length;
    this.tally.ways = nodes.reduce((sum, { ways }) => sum + ways.length, 0);
    for (
      let path = this.#unvisited(this.#root);
      path !== null;
      path = this.#unvisited(this.#root)
    ) {
      const run = new Run(this);
      for (let way: number[] | null = path; way !== null; way = this.#unvisited(run.node)) {
        for (const delivery of way) run.deliver(delivery);
        // What has come already is cheap to deliver again, and mostly leads nowhere.
        for (const [delivery, { to, isDone }] of this.waysFrom(run.node).entries())
          if (to === run.node && !isDone) run.deliver(delivery);
        run.compare();
      }
      run.compareAll();
      // Where signatures were left out it matters how changes came in, and so what can be sent on.
      if (!this.#isUniform || this.tally.documents === 1) run.compareSaved();
    }
    return this;
  }

  /** Every order of all deliveries; with `repeats` everything comes again after each of them. */
  checkOrders({ repeats }: { readonly repeats: boolean }): this {
    const all = [...this.scenario.deliveries.keys()];
    this.#checkEach(permutations(all), repeats);
    return this;
  }

  /** Every order of all deliveries in which one of them stands twice. */
  checkDoubled(): this {
    const all = [...this.scenario.deliveries.keys()];
    this.#checkEach(doubled(all), false);
    return this;
  }

  /** What a delivery leads to by the model. */
  waysFrom(node: Node): readonly Way[] {
    if (node.ways.length === 0) {
      for (const [at, delivery] of this.scenario.deliveries.entries()) {
        const { state, said } = this.#model.deliver(node.state, delivery);
        node.ways.push({
          said,
          to: this.#node(node.delivered | (1 << at), state),
          isDone: false,
        });
      }
    }
    return node.ways;
  }

  /** Where every run begins. */
  get root(): Node {
    return this.#root;
  }

  /** The number of a change, for people. */
  numberOf(id: Uint8Array): number | string {
    return this.#numbers.get(toHex(id)) ?? toHex(id);
  }

  /** What a replica in a state shows, by the naive models. */
  portraitOf(state: State): Portrait {
    const applied = state.map((verdict) => (verdict === "applied" ? "a" : "-")).join("");
    const waits = state.map((verdict) => (verdict === "pending" ? "p" : "-")).join("");
    const key = `${applied} ${waits}`;
    let portrait = this.#portraits.get(key);
    if (portrait === undefined) this.#portraits.set(key, (portrait = this.#paint(state)));
    return portrait;
  }

  /** Fork proofs prove what they should from their bytes alone, and are the same bytes where that can be. */
  checkProofs(document: Document<Schema>, expected: readonly string[], isLive = true): void {
    const found = document.history.forks().map((proof) => {
      const decoded = decodeForkProof(proof.bytes);
      if (!decoded.ok) throw new Error(`a fork proof is ${decoded.error.code}`);
      const { author, chain, seq, ids } = decoded.value;
      const name = forkName(chainOf({ author, chain } as never), seq, ids.map(toHex));
      const bytes = toHex(proof.bytes);
      const known = this.#proofs.get(name) ?? bytes;
      if (isLive) this.#proofs.set(name, known);
      if (this.#isUniform && isLive && known !== bytes) throw new Error("a fork has two proofs");
      return name;
    });
    same("forks", found.toSorted().join("\n"), expected.join("\n"));
  }

  #paint(state: State): Portrait {
    const { changes } = this.scenario;
    const applied = new Map(
      changes.filter((_, at) => state[at] === "applied").map((change) => [change.hex, change]),
    );
    const naive = new NaiveDocument(
      this.scenario.schema,
      [...applied.values()].map(({ body }) => body),
    );
    const json = canonicalJson((naive.view() ?? null) as Value);
    const pending = changes.filter((_, at) => state[at] === "pending");
    const waitsFor = new Set(
      pending.flatMap((change) =>
        [change.header.prev, ...change.header.parents, ...change.header.refs]
          .filter((id) => id !== null)
          .filter(
            (id) => !["applied", "pending"].includes(state[this.#numbers.get(toHex(id)) ?? -1]!),
          )
          .map(toHex),
      ),
    );
    return {
      applied: [...applied.keys()].toSorted().join("\n"),
      frontier: frontierOf(applied).join("\n"),
      tips: tipsOf(applied).join("\n"),
      forks: forksOf(applied),
      pending: pending.length,
      waitsFor: [...waitsFor].toSorted().join("\n"),
      json,
      digest: toHex(sha256(new TextEncoder().encode(json))),
      inspected: plain(naive.inspect()),
    };
  }

  #node(delivered: number, state: State): Node {
    const key = `${delivered} ${state.join()}`;
    let node = this.#nodes.get(key);
    if (node === undefined) this.#nodes.set(key, (node = { key, delivered, state, ways: [] }));
    return node;
  }

  #everyNode(): Node[] {
    const found = new Set([this.#root]);
    for (const node of found) for (const { to } of this.waysFrom(node)) found.add(to);
    return [...found];
  }

  /** Repetitions of what was delivered lead to one end, which the definition without arrival gives. */
  #checkEnd(node: Node): void {
    const { deliveries } = this.scenario;
    const had = deliveries.filter((_, at) => node.delivered & (1 << at));
    let last = node;
    for (let rounds = 0, before: Node | null = null; last !== before; rounds++) {
      if (rounds > MAX_ROUNDS) throw this.#failure("repetitions have no end", [node.key]);
      before = last;
      for (const at of deliveries.keys())
        if (node.delivered & (1 << at)) last = this.waysFrom(last)[at]!.to;
    }
    const expected = this.#endOf(had, node.delivered);
    const found = last.state.map((verdict) => (isRejected(verdict) ? "rejected" : verdict)).join();
    this.#ends.set(node.delivered, this.#ends.get(node.delivered) ?? found);
    if (this.#ends.get(node.delivered) !== found)
      throw this.#failure("verdicts depend on the order", [this.#ends.get(node.delivered)!, found]);
    const applied = last.state.flatMap((verdict, at) => (verdict === "applied" ? [at] : []));
    if (applied.join() !== expected)
      throw this.#failure("not what must be applied", [node.key, applied.join(), expected]);
  }

  readonly #ends = new Map<number, string>();
  readonly #applicable = new Map<number, string>();

  #endOf(had: readonly Delivery[], delivered: number): string {
    const known = this.#applicable.get(delivered);
    if (known !== undefined) return known;
    const applied = [...this.#model.applicable(had)].toSorted((a, b) => a - b).join();
    this.#applicable.set(delivered, applied);
    return applied;
  }

  #failure(what: string, details: readonly string[]): Error {
    return new Error(`${this.scenario.name}: ${what}: ${details.join(" / ")}`);
  }

  /** The shortest deliveries from a node to and along a way that no document has gone; null when there is none. */
  #unvisited(from: Node): number[] | null {
    const open: { node: Node; path: number[] }[] = [{ node: from, path: [] }];
    const seen = new Set([from]);
    for (const { node, path } of open) {
      for (const [delivery, { to, isDone }] of this.waysFrom(node).entries()) {
        if (!isDone) return [...path, delivery];
        if (seen.has(to)) continue;
        seen.add(to);
        open.push({ node: to, path: [...path, delivery] });
      }
    }
    return null;
  }

  #checkEach(orders: Iterable<readonly number[]>, repeats: boolean): void {
    let before: readonly number[] = [];
    for (const order of orders) {
      // What begins like the order before has been looked at.
      let known = 0;
      while (order[known] === before[known]) known++;
      before = [...order];
      const run = new Run(this, { patches: true });
      for (const [place, delivery] of order.entries()) {
        run.deliver(delivery);
        if (repeats) for (const earlier of order.slice(0, place)) run.deliver(earlier);
        if (place >= known) run.compare();
      }
      // Whatever was discarded because it came too early comes again.
      for (let last: Node | null = null; last !== run.node;) {
        last = run.node;
        if (this.waysFrom(last).every(({ to }) => to === last)) break;
        for (const delivery of order) run.deliver(delivery);
      }
      run.compareAll();
    }
  }
}

/** What a replica shows. */
interface Portrait {
  readonly applied: string;
  readonly frontier: string;
  readonly tips: string;
  readonly forks: readonly string[];
  readonly pending: number;
  readonly waitsFor: string;
  readonly json: string;
  readonly digest: string;
  readonly inspected: string;
}

/** A real document, and where it must be by the model. */
class Run {
  node: Node;
  readonly #exploration: Exploration;
  readonly #document: Document<Schema>;
  readonly #delivered: number[] = [];
  readonly #mirror: Mirror | null = null;

  constructor(exploration: Exploration, options: { readonly patches?: boolean } = {}) {
    this.#exploration = exploration;
    this.node = exploration.root;
    const { document: id, schema } = exploration.scenario;
    this.#document = new Document<Schema>({ schema, id, chain: 1n });
    exploration.tally.documents++;
    if (options.patches !== true) return;
    const mirror = new Mirror(this.#document.view());
    this.#document.subscribe(({ patches }) => {
      for (const patch of patches) mirror.apply(patch);
    });
    this.#mirror = mirror;
  }

  /** Delivers one thing, and compares what is said about it. */
  deliver(delivery: number): void {
    this.#delivered.push(delivery);
    const { scenario, tally } = this.#exploration;
    tally.deliveries++;
    this.#attempt(() => {
      const way = this.#exploration.waysFrom(this.node)[delivery]!;
      const received = this.#document.receive(scenario.deliveries[delivery]!.bytes);
      const { length, pending } = this.#document.history;
      same("verdicts", this.#said(received), way.said);
      way.isDone = true;
      this.node = way.to;
      const expected = count(way.to.state, "applied");
      same("number of applied changes", length, expected);
      same("number of pending changes", pending.count, count(way.to.state, "pending"));
    });
  }

  /** Compares what is cheap to ask. */
  compare(): void {
    this.#attempt(() => {
      const { history } = this.#document;
      const portrait = this.#exploration.portraitOf(this.node.state);
      const ids = Array.from({ length: history.length }, (_, index) => toHex(history.idAt(index)));
      same("applied", ids.toSorted().join("\n"), portrait.applied);
      same("frontier", this.#document.frontier().map(toHex).join("\n"), portrait.frontier);
      if (portrait.pending === 0) same("bytes of nothing pending", history.pending.bytes, 0);
      same("missing", history.pendingMissing().map(toHex).toSorted().join("\n"), portrait.waitsFor);
      same("view", this.#document.viewJson(), portrait.json);
      const { schema } = this.#exploration.scenario;
      same("handles", plain(inspect(schema, this.#document.root)), portrait.inspected);
      if (this.#mirror === null) return;
      same("patches", canonicalJson((this.#mirror.view ?? null) as Value), portrait.json);
    });
  }

  /** Compares everything. */
  compareAll(): void {
    this.compare();
    this.#attempt(() => {
      const document = this.#document;
      const portrait = this.#exploration.portraitOf(this.node.state);
      same("digest", document.viewDigest(), portrait.digest);
      const tips = document.history.tips().map(({ id }) => toHex(id));
      same("tips", tips.toSorted().join("\n"), portrait.tips);
      this.#exploration.checkProofs(document, portrait.forks);
    });
  }

  /** Compares what a document shows that is made from the saved bytes of this one. */
  compareSaved(): void {
    this.#attempt(() => {
      const document = this.#document;
      const { schema } = this.#exploration.scenario;
      const loaded = Document.load(document.save(), { schema, id: document.id, chain: 1n });
      if (!loaded.ok) throw new Error(`what was saved is refused as ${loaded.error.code}`);
      const frontier = loaded.value.frontier().map(toHex);
      same("saved frontier", frontier.join("\n"), document.frontier().map(toHex).join("\n"));
      same("saved view", loaded.value.viewDigest(), document.viewDigest());
      const { forks } = this.#exploration.portraitOf(this.node.state);
      this.#exploration.checkProofs(loaded.value, forks, false);
    });
  }

  #said({ results }: ReceivedGroup): string {
    return results
      .map(({ id, status, code, scope }) =>
        [this.#exploration.numberOf(id), status, code, scope]
          .filter((word) => word !== undefined)
          .join(" "),
      )
      .toSorted()
      .join("; ");
  }

  #attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const { name } = this.#exploration.scenario;
      throw new Error(`${name}: after deliveries ${this.#delivered.join(" ")}: ${what}`, {
        cause: error,
      });
    }
  }
}

/** All orders of a few things, those that begin alike one after another. */
function* permutations(items: readonly number[]): Generator<number[]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries())
    for (const rest of permutations(items.toSpliced(at, 1))) yield [item, ...rest];
}

/** All orders of a few things in which one stands twice. */
function* doubled(items: readonly number[]): Generator<number[]> {
  for (const order of permutations(items)) {
    for (const [first, item] of order.entries())
      for (let second = first + 1; second <= order.length; second++)
        yield order.toSpliced(second, 0, item);
  }
}

function count(state: State, verdict: "applied" | "pending"): number {
  return state.filter((each) => each === verdict).length;
}

/** Text of anything that handles tell, whatever the order of keys; not for people. */
function plain(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "nothing";
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`;
  if (Array.isArray(value)) return `[${value.map(plain).join()}]`;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${plain(inner)}`).join()}}`;
}

function same(what: string, found: string | number, expected: string | number): void {
  if (found !== expected) throw new Error(`${what}:\n${found}\nand not\n${expected}`);
}
