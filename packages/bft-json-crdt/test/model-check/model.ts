/**
 * What a replica must be after any deliveries: the rules of docs/wire-format.md §5.2 and §9, word by word, over numbered
 * changes. There is no order of arrival in a state, only what has become of each change. It shares nothing with history/.
 *
 * Beside it stands a definition that knows no deliveries at all: what must be applied in the end, given what can be had.
 */
import { toHex } from "../../src/encoding/index.ts";
import type { RejectionCode } from "../../src/result.ts";
import { chainOf, dependenciesOf, validOf } from "../history-model.ts";
import type { Forged } from "../forge.ts";
import type { Delivery, Scenario } from "./scenario.ts";

/** What has become of one change; a code means that its id is rejected. */
export type Verdict = "unheard" | "applied" | "pending" | RejectionCode;

/** What has become of each change of a scenario, by its number. */
export type State = readonly Verdict[];

/** What a delivery leads to, and what has to be said about each of its entries, sorted. */
export interface Step {
  readonly state: State;
  readonly said: string;
}

/** The rules for one scenario. */
export class Model {
  readonly changes: readonly Forged[];
  /** Numbers of the dependencies of each change; -1 for one that nobody has. */
  readonly dependencies: readonly (readonly number[])[];
  /** Number of the change before on the chain, or -1. */
  readonly prev: readonly number[];
  readonly #scenario: Scenario;
  readonly #byteFaults: readonly (RejectionCode | null)[];
  readonly #linkFaults: readonly (RejectionCode | null)[];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.changes = scenario.changes;
    const numbers = new Map(this.changes.map(({ hex }, at) => [hex, at]));
    const numberOf = (hex: string): number => numbers.get(hex) ?? -1;
    this.dependencies = this.changes.map((change) => dependenciesOf(change).map(numberOf));
    this.prev = this.changes.map(({ header }) =>
      header.prev === null ? -1 : numberOf(toHex(header.prev)),
    );
    this.#byteFaults = this.changes.map((change) => {
      const isForeign = toHex(change.header.document) !== toHex(scenario.document);
      return scenario.faults.get(change.hex) ?? (isForeign ? "wrong_document" : null);
    });
    this.#linkFaults = this.changes.map((_, at) => this.#linkFault(at));
  }

  /** Nothing has been delivered. */
  start(): State {
    return this.changes.map(() => "unheard");
  }

  /** Delivers one group to a replica in this state. */
  deliver(before: State, { entries }: Delivery): Step {
    const now = [...before];
    const said: string[] = [];
    const say = (at: number, ...words: (string | undefined)[]): void => {
      said.push([at, ...words].join(" "));
    };
    const candidates = this.#screen(now, entries, say);
    const order = candidates.map(({ at }) => at);
    const faulty = new Set<number>();
    const faults = candidates.map(({ at }, place) => {
      const dependencies = this.dependencies[at]!;
      const earlier = new Set(order.slice(0, place));
      const isCondemned = dependencies.some(
        (other) => faulty.has(other) || isRejected(now[other] ?? "unheard"),
      );
      const isKnown = dependencies.every((other) => now[other] === "applied" || earlier.has(other));
      const fault = isCondemned ? "rejected_dependency" : isKnown ? this.#linkFaults[at]! : null;
      if (fault !== null) faulty.add(at);
      return fault;
    });
    const admitted = this.#admitted(
      now,
      candidates.filter((_, place) => faults[place] === null),
    );
    for (const { at } of admitted) {
      now[at] = "applied";
      say(at, "applied");
    }
    this.#settle(now);
    const waiting: number[] = [];
    for (const [place, candidate] of candidates.entries()) {
      const { at, signed } = candidate;
      if (admitted.includes(candidate)) continue;
      const fault = faults[place]!;
      if (fault !== null) {
        now[at] = fault;
        this.#settle(now);
        say(at, "rejected", fault, "change");
      } else if (now[at] !== "unheard" || signed) {
        if (now[at] === "unheard") now[at] = "pending";
        this.#settle(now);
        waiting.push(at);
      } else {
        say(at, "rejected", candidate.bad ? "bad_signature" : "missing_signature", "copy");
      }
    }
    for (const at of waiting) {
      const verdict = now[at]!;
      if (isRejected(verdict)) say(at, "rejected", verdict, "change");
      else say(at, verdict);
    }
    return { state: now, said: said.toSorted().join("; ") };
  }

  /**
   * What must be applied when these deliveries have come often enough, whatever came when. Where all are signed it is what
   * is valid by the naive model of a history; else the closure of what each group, or each signed change alone, adds.
   */
  applicable(deliveries: readonly Delivery[]): Set<number> {
    const groups = deliveries.map(({ entries }) => entries.map(candidateOf));
    const had = new Set(groups.flat().map(({ at }) => at));
    if (groups.flat().every(({ signed }) => signed)) {
      const sound = this.changes.filter(
        ({ hex }, at) => had.has(at) && !this.#scenario.faults.has(hex),
      );
      const valid = validOf(this.#scenario.document, sound);
      return new Set([...had].filter((at) => valid.has(this.changes[at]!.hex)));
    }
    const signed = groups.flat().filter((entry) => entry.signed);
    const steps = [...groups, ...signed.map((entry) => [entry])];
    const now: Verdict[] = [...this.start()];
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const step of steps) {
        const fresh = step.filter(
          ({ at }) => now[at] !== "applied" && this.#byteFaults[at] === null,
        );
        const lazy = firstCopies(fresh);
        const all = this.#isFineWithCovers(lazy)
          ? lazy
          : firstCopies(fresh.filter(({ bad }) => !bad));
        const candidates = all.filter(({ at }) => this.#linkFaults[at] === null);
        for (const { at } of this.#admitted(now, candidates)) {
          now[at] = "applied";
          isDone = false;
        }
      }
    }
    return new Set([...had].filter((at) => now[at] === "applied"));
  }

  /** What the bytes and the signatures decide; returns what is left. */
  #screen(
    now: Verdict[],
    entries: Delivery["entries"],
    say: (at: number, ...words: (string | undefined)[]) => void,
  ): Candidate[] {
    const lazy = this.#sift([...now], entries, () => undefined);
    if (this.#isFineWithCovers(lazy)) return this.#sift(now, entries, say);
    return this.#sift(now, entries, say, true);
  }

  /** The same without a look at signatures, or with a look at all of them. */
  #sift(
    now: Verdict[],
    entries: Delivery["entries"],
    say: (at: number, ...words: (string | undefined)[]) => void,
    looks = false,
  ): Candidate[] {
    const candidates: Candidate[] = [];
    for (const entry of entries) {
      const { at, signature } = entry;
      const verdict = now[at]!;
      const fault = this.#byteFaults[at]!;
      if (verdict === "applied" || candidates.some((other) => other.at === at)) {
        say(at, "duplicate");
      } else if (isRejected(verdict)) {
        say(at, "rejected", verdict, "change");
      } else if (fault === "unsupported_version") {
        say(at, "unsupported", fault);
      } else if (fault !== null) {
        now[at] = fault;
        this.#settle(now);
        say(at, "rejected", fault, "change");
      } else if (looks && signature === "bad") {
        say(at, "rejected", "bad_signature", "copy");
      } else {
        candidates.push(candidateOf(entry));
      }
    }
    return candidates;
  }

  /** No bad signature is among those that nothing later in the chain seems to vouch for. */
  #isFineWithCovers(candidates: readonly Candidate[]): boolean {
    return candidates.every(({ bad }, place) => !bad || this.#isCovered(place, candidates));
  }

  #isCovered(place: number, candidates: readonly Candidate[]): boolean {
    const { at } = candidates[place]!;
    return candidates.some(
      (later, other) =>
        other > place &&
        this.prev[later.at] === at &&
        this.#isLinked(later.at) &&
        (later.signed || this.#isCovered(other, candidates)),
    );
  }

  /** The greatest set that can be applied in one step. */
  #admitted(now: State, candidates: readonly Candidate[]): readonly Candidate[] {
    let set = candidates;
    for (;;) {
      const next = set.filter(
        ({ at }, place) =>
          this.dependencies[at]!.every(
            (other) =>
              now[other] === "applied" ||
              set.slice(0, place).some((earlier) => earlier.at === other),
          ) && this.#isAuthentic(place, set),
      );
      if (next.length === set.length) return set;
      set = next;
    }
  }

  /** True when the one at a place of the set is signed, or continued in the set by one that is authentic. */
  #isAuthentic(place: number, set: readonly Candidate[]): boolean {
    const { at, signed } = set[place]!;
    return (
      signed ||
      set.some(
        (later, other) =>
          other > place && this.prev[later.at] === at && this.#isAuthentic(other, set),
      )
    );
  }

  /** Lets go of what waits and need not any more. */
  #settle(now: Verdict[]): void {
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const [at, verdict] of now.entries()) {
        if (verdict !== "pending") continue;
        const dependencies = this.dependencies[at]!.map((other) => now[other] ?? "unheard");
        if (dependencies.some(isRejected)) now[at] = "rejected_dependency";
        else if (dependencies.every((other) => other === "applied"))
          now[at] = this.#linkFaults[at] ?? "applied";
        else continue;
        isDone = false;
      }
    }
  }

  /** The fault that the headers of all dependencies show. */
  #linkFault(at: number): RejectionCode | null {
    const { header } = this.changes[at]!;
    const lamports = this.dependencies[at]!.map(
      (other) => this.changes[other]?.header.lamport ?? 0,
    );
    if (header.lamport !== Math.max(0, ...lamports) + 1) return "wrong_lamport";
    return header.prev === null || this.#isLinked(at) ? null : "wrong_prev";
  }

  /** True when a change is the next on the chain of what it calls the one before, as far as that is known. */
  #isLinked(at: number): boolean {
    const { header } = this.changes[at]!;
    const prev = this.changes[this.prev[at]!]?.header;
    return prev === undefined || (chainOf(prev) === chainOf(header) && header.seq === prev.seq + 1);
  }
}

interface Candidate {
  readonly at: number;
  /** With a good signature. */
  readonly signed: boolean;
  /** With a bad one. */
  readonly bad: boolean;
}

function candidateOf({ at, signature }: Delivery["entries"][number]): Candidate {
  return { at, signed: signature === "good", bad: signature === "bad" };
}

function firstCopies(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(
    ({ at }, place) => candidates.findIndex((other) => other.at === at) === place,
  );
}

/** True for a verdict that refuses the id. */
export function isRejected(verdict: Verdict): boolean {
  return verdict !== "unheard" && verdict !== "applied" && verdict !== "pending";
}
