/**
 * What a network of oracles shows: a pure function of the set of facts, the rules, and the time at which one looks. Nothing
 * of it is stored or merged. An oracle that contradicts itself loses the records that do; one that signed two different
 * changes with one number, or whose own response convicts it, loses all, on every replica that has the facts.
 */
import { toHex } from "bft-json-crdt";
import type { Document } from "bft-json-crdt";
import { isConfidence, isPair, isPrice, isWithin, MAX_TIMESTAMP } from "./attestation.ts";
import { ANOMALY_KINDS } from "./facts.ts";
import type { Anomaly, Attestation, Entry, Exclusion, Ignored, LogName } from "./facts.ts";
import type { NetworkRules, schema } from "./network.ts";
import { PriceIndex } from "./price-index.ts";
import { Reputations } from "./reputation.ts";
import type { Reputation } from "./reputation.ts";
import { contradictions, frozenFeeds, judgeRounds, runningBackwards } from "./rounds.ts";
import { opens, priceOf, readSources, supports } from "./source.ts";
import type { Source } from "./source.ts";

/** What an oracle reported, and whether the facts say so too. */
export interface Report {
  readonly id: string;
  readonly reporter: string;
  readonly attestation: string;
  readonly kind: string;
  readonly isConfirmed: boolean;
}

/** What is shown. */
export interface NetworkView {
  readonly rules: NetworkRules;
  /** Seconds since 1970. */
  readonly now: number;
  /** Those that count, by pair and time. */
  readonly index: PriceIndex;
  /** The same, in the order of the log. */
  readonly attestations: readonly Attestation[];
  readonly excluded: ReadonlyMap<string, Exclusion>;
  /** Of each member. */
  readonly reputations: ReadonlyMap<string, Reputation>;
  readonly anomalies: readonly Anomaly[];
  readonly reports: readonly Report[];
  readonly ignored: readonly Ignored[];
  /** By attestation: the numbers of those sources whose response was revealed and says what was claimed. */
  readonly revealed: ReadonlyMap<string, ReadonlySet<number>>;
}

/** By document and reveal: whether it opens what it is for. Ids commit to content, so that nothing has to be hashed twice. */
const openings = new WeakMap<Document<typeof schema>, Map<string, boolean>>();

/** The view at a time (seconds) by rules. */
export function viewOf(
  document: Document<typeof schema>,
  rules: NetworkRules,
  now: number,
): NetworkView {
  const known = openings.get(document) ?? new Map<string, boolean>();
  openings.set(document, known);
  const reader = new Reader(rules, now, known);
  reader.readForks(document.history.forks().map(({ author }) => toHex(author)));
  reader.readAttestations(document.root.attestations.entries());
  reader.readReveals(document.root.reveals.entries());
  reader.judge();
  reader.readReports(document.root.reports.entries());
  return reader.view();
}

/** All of a view as text: equal on two replicas exactly if they show the same. */
export function textOf(view: NetworkView): string {
  return JSON.stringify({ ...view, index: undefined }, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    return value instanceof Map || value instanceof Set ? [...value] : value;
  });
}

/** Why a record is no attestation, or the attestation. */
export function readAttestation(
  { id, author, value }: Entry<"attestations">,
  { minimumSources }: Pick<NetworkRules, "minimumSources">,
): Attestation | string {
  const { pair, price, confidence, timestamp, nonce } = value;
  if (!isPair(pair)) return "no pair";
  if (!isPrice(price)) return "no price";
  if (!isConfidence(confidence)) return "no confidence";
  if (!isWithin(timestamp, 1, MAX_TIMESTAMP)) return "no time";
  if (!isWithin(nonce, 1, Number.MAX_SAFE_INTEGER)) return "no nonce";
  const sources = readSources(value.sources);
  if (sources === null) return "no sources";
  if (sources.length < minimumSources) return "too few sources";
  if (priceOf(sources) !== price) return "the price does not follow from its sources";
  const claim = { pair, price, confidence: BigInt(confidence), timestamp, nonce, sources };
  return { id, oracle: author, ...claim };
}

/** Reads the logs one after another. */
class Reader {
  readonly #rules: NetworkRules;
  readonly #now: number;
  readonly #openings: Map<string, boolean>;
  readonly #reputations: Reputations;
  readonly #claims: { readonly entry: Entry<"attestations">; readonly read: Attestation }[] = [];
  readonly #byId = new Map<string, Attestation>();
  readonly #standing: Attestation[] = [];
  readonly #excluded = new Map<string, Exclusion>();
  readonly #revealed = new Map<string, Set<number>>();
  readonly #anomalies: Anomaly[] = [];
  readonly #reports: Report[] = [];
  readonly #ignored: Ignored[] = [];

  constructor(rules: NetworkRules, now: number, known: Map<string, boolean>) {
    this.#rules = rules;
    this.#now = now;
    this.#openings = known;
    this.#reputations = new Reputations(rules.members);
  }

  readForks(authors: readonly string[]): void {
    for (const oracle of authors) {
      if (!this.#reputations.has(oracle) || this.#excluded.has(oracle)) continue;
      this.#excluded.set(oracle, "equivocated");
      const detail = "it signed two different changes with one number";
      this.#anomalies.push({ kind: "equivocation", oracle, attestation: null, detail });
    }
  }

  readAttestations(entries: readonly Entry<"attestations">[]): void {
    for (const entry of entries) {
      const isMember = this.#reputations.has(entry.author);
      const read = isMember ? readAttestation(entry, this.#rules) : "not by an oracle";
      if (typeof read === "string") this.#ignore("attestations", entry, read);
      else {
        this.#claims.push({ entry, read });
        this.#byId.set(read.id, read);
      }
    }
  }

  /** Whoever delivers a response: only the oracle can have committed to it. */
  readReveals(entries: readonly Entry<"reveals">[]): void {
    for (const entry of entries) {
      const { attestation: id, source: number, response } = entry.value;
      const attestation = this.#byId.get(id);
      const source = attestation?.sources[number];
      if (attestation === undefined) this.#ignore("reveals", entry, "of no attestation");
      else if (source === undefined) this.#ignore("reveals", entry, "of no source");
      else if (!this.#opens(entry, source)) this.#ignore("reveals", entry, "does not open it");
      else if (supports(source, response, attestation, this.#rules.maximumAge)) {
        this.#revealed.set(id, (this.#revealed.get(id) ?? new Set()).add(number));
      } else {
        const { oracle } = attestation;
        if (!this.#excluded.has(oracle)) this.#excluded.set(oracle, "lied about a source");
        const detail = `${source.name} answered something else`;
        this.#anomalies.push({ kind: "false source", oracle, attestation: id, detail });
      }
    }
  }

  judge(): void {
    const read = this.#claims.map((claim) => claim.read);
    const voided = contradictions(read, this.#rules.roundSeconds);
    const backwards = runningBackwards(read.filter(({ id }) => !voided.has(id)));
    for (const { entry, read: attestation } of this.#claims) {
      const { id, oracle } = attestation;
      const exclusion = this.#excluded.get(oracle);
      const contradiction = voided.get(id);
      if (contradiction !== undefined) {
        const detail = contradiction;
        this.#anomalies.push({ kind: "contradiction", oracle, attestation: id, detail });
      }
      if (exclusion !== undefined) {
        this.#ignore("attestations", entry, `its oracle ${exclusion}`);
      } else if (contradiction !== undefined) {
        this.#ignore("attestations", entry, contradiction);
      } else if (backwards.has(id)) {
        this.#ignore("attestations", entry, "time runs backwards");
      } else this.#standing.push(attestation);
    }
    for (const attestation of this.#standing) this.#count(attestation);
    this.#anomalies.push(
      ...judgeRounds(this.#standing, this.#rules, this.#reputations),
      ...frozenFeeds(this.#standing),
    );
    for (const oracle of this.#excluded.keys()) this.#reputations.exclude(oracle);
  }

  readReports(entries: readonly Entry<"reports">[]): void {
    const found = new Set(this.#anomalies.map(({ kind, attestation }) => `${kind} ${attestation}`));
    for (const entry of entries) {
      const { attestation, kind } = entry.value;
      if (!this.#reputations.has(entry.author)) this.#ignore("reports", entry, "not by an oracle");
      else if (!this.#byId.has(attestation)) this.#ignore("reports", entry, "of no attestation");
      else if (!ANOMALY_KINDS.some((known) => known === kind)) {
        this.#ignore("reports", entry, "of no known kind");
      } else {
        const isConfirmed = found.has(`${kind} ${attestation}`);
        this.#reports.push({
          id: entry.id,
          reporter: entry.author,
          attestation,
          kind,
          isConfirmed,
        });
      }
    }
  }

  view(): NetworkView {
    return {
      rules: this.#rules,
      now: this.#now,
      index: new PriceIndex(this.#standing),
      attestations: this.#standing,
      excluded: this.#excluded,
      reputations: this.#reputations.all(),
      anomalies: this.#anomalies,
      reports: this.#reports,
      ignored: this.#ignored,
      revealed: this.#revealed,
    };
  }

  #opens({ id, value }: Entry<"reveals">, source: Source): boolean {
    const isOpen = this.#openings.get(id) ?? opens(source, value.salt, value.response);
    this.#openings.set(id, isOpen);
    return isOpen;
  }

  #count({ id, oracle, timestamp, sources }: Attestation): void {
    this.#reputations.spoke(oracle, timestamp);
    const hidden = sources.length - (this.#revealed.get(id)?.size ?? 0);
    if (hidden === 0 || timestamp + this.#rules.revealWithin >= this.#now) return;
    this.#reputations.withheld(oracle);
    const detail = `${hidden} of ${sources.length}`;
    this.#anomalies.push({ kind: "withheld sources", oracle, attestation: id, detail });
  }

  #ignore(log: LogName, { id, author }: { id: string; author: string }, reason: string): void {
    this.#ignored.push({ id, author, log, reason });
    if (log === "attestations") this.#reputations.broke(author);
  }
}
