/**
 * A round of commitments: all commit, closers close, all reveal, closers end. There is no clock and no order that all agree
 * on, so "late" is a matter of history: of what the closers had seen, which the hashes of their changes prove.
 *
 * The rule, for n closers of whom `threshold` = k must agree, more than half of them:
 *
 * 1. Of the closings of one closer the *first* count: those whose author had seen no other of its own. Who has several
 *    firsts has said two things, is *contradicted*, and supports nothing any more. The same for ends.
 * 2. A closer *supports* a commitment that its closing had seen (that is in the closing's ancestry).
 * 3. Of an author's commitments the firsts count in the same sense. Who has two of them with the support of 2k − n closers
 *    each is contradicted, and none counts: it could choose between them else. Later ones are inert.
 * 4. A commitment *counts* that is such a first and has the support of k closers.
 * 5. A reveal is *valid* that has seen closings of k closers, is by the author of a commitment that counts, and opens it.
 * 6. An end is valid that has seen closings of k closers. Once there are ends of k closers, only those reveals count that
 *    k closers support by their ends; until then all valid ones do.
 *
 * What follows, and why:
 *
 * * *Whatever the closers do, every commitment that counts is in the ancestry of every reveal that counts*: it was made
 *   before. Of the k closers whose closings the reveal had seen, and the k who support the commitment, at least one
 *   (2k > n) is the same, and it has one first closing only, which is in both. So no liar commits after having seen.
 * * In the same way no reveal counts, once k have ended, whose author had seen k ends before.
 * * A commitment that k honest closers had seen, by an author who commits once, counts for ever. Honest closers close once.
 * * With fewer honest closers it can be undone: a closer who contradicts itself takes its support from all. It cannot
 *   choose from whom. A lone closer can so make the round void at any time, and is shown to have done it.
 * * Commitments that some closers had seen and some had not stay *pending* until no closer is left who could decide. A
 *   liar among the closers can decide late, but about commitments only that were made in time.
 * * n − k + 1 closers can end without a reveal that they have read, and nothing shows it: it is withheld, the others count.
 *
 * All of it is a function of the set of applied changes, so it is the same on every replica that has the same.
 */
import { equalBytes, fromHex, toHex } from "../encoding/index.ts";
import type { Value } from "../encoding/index.ts";
import { ID_BYTES } from "../change/index.ts";
import type { ElementId, LogEntry } from "../document/index.ts";
import type { View } from "../schema/index.ts";
import { MAX_CLOSERS, SALT_BYTES } from "../limits.ts";
import { MisuseError } from "../result.ts";
import { commitmentOf, isTopic } from "./commitment.ts";
import type { Opening } from "./commitment.ts";
import { countBits, firstsOf, marksAbove } from "./reach.ts";
import type { WalkedHistory } from "./reach.ts";
import type { RoundLog, RoundRecord, RoundRecordSchema } from "./records.ts";

/** What all who read a round must agree on, like a schema: best in the parameters of the genesis, or fixed in the program. */
export interface Round {
  /** Tells this round from others in the same log, and is bound into the commitments: text of 1 to 1,024 bytes. */
  readonly topic: string;
  /** Public keys of those who close and end it: 1 to 32, each once. */
  readonly closers: readonly Uint8Array[];
  /** How many of them must agree: more than half. With f liars among n, n − f of them always can, and 2k > n + f is safe. */
  readonly threshold: number;
}

/** Where a round is: before k closers have closed, before k have ended, or after. It never goes back. */
export type RoundPhase = "committing" | "revealing" | "ended";

/**
 * What has become of a commitment: "pending", it may still count; "late", it never will; "contradicted", its author made two;
 * "sealed", it counts and is not revealed; "revealed"; "withheld", it counts and can no longer be revealed.
 */
export type CommitmentState =
  | "pending"
  | "late"
  | "contradicted"
  | "sealed"
  | "revealed"
  | "withheld";

/** One commitment that its author had not committed before. */
export interface RoundCommitment {
  /** The id of its record. */
  readonly id: ElementId;
  /** Public key of who is committed, in hex. */
  readonly author: string;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** Local index of its change. */
  readonly change: number;
  /** What has become of it. */
  readonly state: CommitmentState;
  /** What it was revealed to be; there for "revealed" only. */
  readonly value?: Value;
  /** The id and the local change index of the first reveal that counts; there for "revealed" only. */
  readonly reveal?: { readonly id: ElementId; readonly change: number };
}

/** What one closer has said. */
export interface RoundCloser {
  /** Public key, in hex. */
  readonly author: string;
  /** It has said that it closes. */
  readonly hasClosed: boolean;
  /** It has said that it ends. */
  readonly hasEnded: boolean;
  /** It closed or ended twice, with neither having seen the other: proof that it lies, or lost its store. */
  readonly isContradicted: boolean;
}

/** Why a record has no effect. */
export type IgnoredReason =
  | "malformed"
  | "not a closer"
  | "its author had committed before"
  | "its author had closed before"
  | "its author had ended before"
  | "before the closing"
  | "too large"
  | "does not open a commitment that counts"
  | "after the end";

/** A record without effect. */
export interface IgnoredRecord {
  /** The id of the record. */
  readonly id: ElementId;
  /** Public key of who wrote it, in hex. */
  readonly author: string;
  /** Why it has none. */
  readonly reason: IgnoredReason;
}

/** A round as a replica sees it. */
export interface RoundView {
  /** That of the round. */
  readonly topic: string;
  /** The document id. */
  readonly document: Uint8Array;
  /** Where it is. */
  readonly phase: RoundPhase;
  /** So many closers are contradicted that no commitment, or no reveal, can ever count: nobody is to blame but them. */
  readonly isVoid: boolean;
  /** Ended, and nothing is left that honest closers' records still to come could decide. */
  readonly isSettled: boolean;
  /** In the order of the log's `entries()`. */
  readonly commitments: readonly RoundCommitment[];
  /** In the order in which the round names them. */
  readonly closers: readonly RoundCloser[];
  /** Records of this round that have no effect. */
  readonly ignored: readonly IgnoredRecord[];
}

/** What is read of a document: a `Document` is one. */
export interface RoundSource {
  /** The document id. */
  readonly id: Uint8Array;
  /** All that is applied: `document.history`. */
  readonly history: WalkedHistory;
}

/**
 * Reads a round out of a log, by the rule that the head of commit-reveal/round.ts gives. Takes a few walks over the history,
 * and one more for every 32 authors who committed more than once. Throws MisuseError for a round that is none: other numbers
 * of closers, a threshold of half of them or less, a closer twice.
 */
export function readRound(document: RoundSource, log: RoundLog, round: Round): RoundView {
  checkRound(round);
  return new Reading(document, log, round).view();
}

/**
 * The record that reveals one's own commitment, to be appended with `requires: document.frontier()`, so that it has seen the
 * closings. Throws MisuseError when that would be a mistake: no commitment by this author counts that this opens. Then the
 * secret is better kept: who has not committed yet could use it.
 */
export function revealRecord(view: RoundView, author: Uint8Array, opening: Opening): RoundRecord {
  const { topic, document } = view;
  const own = view.commitments.find(
    (it) => it.author === toHex(author) && (it.state === "sealed" || it.state === "revealed"),
  );
  const opened = commitmentOf({ document, author, topic }, opening);
  if (own === undefined || opened === null || !equalBytes(opened, own.commitment)) {
    throw new MisuseError("bad_round", "no commitment by this author counts that this would open");
  }
  return { kind: "reveal", topic, value: opening.value, salt: opening.salt };
}

type Entry = LogEntry<View<RoundRecordSchema>>;

/** One pass through the records of one round. */
class Reading {
  readonly #document: RoundSource;
  readonly #round: Round;
  readonly #history: WalkedHistory;
  /** Bits of the closers, by their keys in hex. */
  readonly #bits: ReadonlyMap<string, number>;
  readonly #records: Record<"commit" | "close" | "reveal" | "end", Entry[]> = {
    commit: [],
    close: [],
    reveal: [],
    end: [],
  };
  readonly #ignored = new Map<Entry, IgnoredReason>();
  readonly #order: readonly Entry[];

  constructor(document: RoundSource, log: RoundLog, round: Round) {
    this.#document = document;
    this.#history = document.history;
    this.#round = round;
    this.#bits = new Map(round.closers.map((key, bit) => [toHex(key), (1 << bit) >>> 0]));
    this.#order = log.entries().filter(({ value }) => value.topic === round.topic);
    for (const entry of this.#order) this.#sort(entry);
  }

  view(): RoundView {
    const { threshold: k, closers } = this.#round;
    const closings = this.#firsts("close", "its author had closed before");
    const closed = this.#statements(closings);
    const isClosedFor = this.#history.marksSeen(this.#marksOf(this.#records.close));
    const hasSeenClosing = ({ change }: Entry): boolean => countBits(isClosedFor[change]!) >= k;

    this.#keep("end", hasSeenClosing, "before the closing");
    const ended = this.#statements(this.#firsts("end", "its author had ended before"));
    const isEnded = countBits(ended.all) >= k;
    this.#keep("reveal", hasSeenClosing, "before the closing");

    const commitments = this.#commitments(closed);
    const counting = new Map(
      commitments.flatMap((it) => (it.state === "sealed" ? [[it.author, it] as const] : [])),
    );
    const reveals = this.#reveals(counting);
    const shown = commitments.map((it): RoundCommitment => {
      if (it.state !== "sealed") return it;
      return this.#revealed(it, reveals.get(it.author) ?? [], isEnded, ended);
    });

    const contradicted = contradictedIn(closed) | contradictedIn(ended);
    const isVoid = [closed, ended].some(
      (statements) => closers.length - countBits(contradictedIn(statements)) < k,
    );
    const phase = isEnded ? "ended" : countBits(closed.all) >= k ? "revealing" : "committing";
    const isOpen = ({ state }: RoundCommitment): boolean =>
      state === "pending" || state === "sealed";
    return {
      topic: this.#round.topic,
      document: this.#document.id,
      phase,
      isVoid,
      isSettled: isEnded && !shown.some(isOpen),
      commitments: shown,
      closers: [...this.#bits].map(([author, bit]) => ({
        author,
        hasClosed: (closed.all & bit) !== 0,
        hasEnded: (ended.all & bit) !== 0,
        isContradicted: (contradicted & bit) !== 0,
      })),
      ignored: this.#order.flatMap((entry) => {
        const reason = this.#ignored.get(entry);
        return reason === undefined ? [] : [{ id: entry.id, author: entry.author, reason }];
      }),
    };
  }

  /** Puts a record to those of its kind, if it is one. */
  #sort(entry: Entry): void {
    const { kind, commitment, value, salt } = entry.value;
    switch (kind) {
      case "commit":
        if (commitment?.length === ID_BYTES) this.#records.commit.push(entry);
        else this.#ignored.set(entry, "malformed");
        break;
      case "reveal":
        if (value !== undefined && salt?.length === SALT_BYTES) this.#records.reveal.push(entry);
        else this.#ignored.set(entry, "malformed");
        break;
      case "close":
      case "end":
        if (this.#bits.has(entry.author)) this.#records[kind].push(entry);
        else this.#ignored.set(entry, "not a closer");
        break;
      default:
        this.#ignored.set(entry, "malformed");
    }
  }

  /** Keeps the records of a kind that pass. */
  #keep(kind: "reveal" | "end", passes: (entry: Entry) => boolean, reason: IgnoredReason): void {
    const kept = this.#records[kind].filter((entry) => {
      if (passes(entry)) return true;
      this.#ignored.set(entry, reason);
      return false;
    });
    this.#records[kind] = kept;
  }

  #firsts(kind: "commit" | "close" | "end", reason: IgnoredReason): Entry[] {
    const records = this.#records[kind];
    const firsts = new Set(firstsOf(this.#history, records));
    for (const entry of records) if (!firsts.has(entry)) this.#ignored.set(entry, reason);
    return records.filter((entry) => firsts.has(entry));
  }

  /** What the closers have said by their first closings, or ends. */
  #statements(firsts: readonly Entry[]): Statements {
    let all = 0;
    let twice = 0;
    for (const { author } of firsts) {
      const bit = this.#bits.get(author)!;
      twice |= all & bit;
      all |= bit;
    }
    const consistent = all & ~twice;
    const of = firsts.filter(({ author }) => (consistent & this.#bits.get(author)!) !== 0);
    return { all, consistent, supporters: marksAbove(this.#history, this.#marksOf(of)) };
  }

  #marksOf(records: readonly Entry[]): Map<number, number> {
    const marks = new Map<number, number>();
    for (const { author, change } of records) {
      marks.set(change, (marks.get(change) ?? 0) | this.#bits.get(author)!);
    }
    return marks;
  }

  /** The first commitments of all authors, with what the closings say of them. */
  #commitments(closed: Statements): RoundCommitment[] {
    const { threshold: k, closers } = this.#round;
    const firsts = this.#firsts("commit", "its author had committed before");
    const supportOf = ({ change }: Entry): number => countBits(closed.supporters[change]!);
    const rivals = new Map<string, number>();
    for (const entry of firsts) {
      if (supportOf(entry) < 2 * k - closers.length) continue;
      rivals.set(entry.author, (rivals.get(entry.author) ?? 0) + 1);
    }
    const silent = closers.length - countBits(closed.all);
    return firsts.map((entry) => {
      const { id, author, change, value } = entry;
      const support = supportOf(entry);
      const state =
        (rivals.get(author) ?? 0) > 1
          ? "contradicted"
          : support >= k
            ? "sealed"
            : support + silent >= k
              ? "pending"
              : "late";
      return { id, author, commitment: value.commitment!, change, state };
    });
  }

  /** The valid reveals, by author. */
  #reveals(counting: ReadonlyMap<string, RoundCommitment>): Map<string, Entry[]> {
    const reveals = new Map<string, Entry[]>();
    for (const entry of this.#records.reveal) {
      const committed = counting.get(entry.author);
      const fault =
        committed === undefined
          ? "does not open a commitment that counts"
          : this.#faultOf(entry, committed);
      if (fault !== null) {
        this.#ignored.set(entry, fault);
        continue;
      }
      const others = reveals.get(entry.author);
      if (others === undefined) reveals.set(entry.author, [entry]);
      else others.push(entry);
    }
    return reveals;
  }

  #faultOf(
    { author, value: record }: Entry,
    { commitment }: RoundCommitment,
  ): IgnoredReason | null {
    const { id: document } = this.#document;
    const context = { document, author: fromHex(author)!, topic: this.#round.topic };
    const opened = commitmentOf(context, { value: record.value!, salt: record.salt! });
    if (opened === null) return "too large";
    return equalBytes(opened, commitment) ? null : "does not open a commitment that counts";
  }

  /** What has become of a commitment that counts, by the valid reveals of it. */
  #revealed(
    commitment: RoundCommitment,
    reveals: readonly Entry[],
    isEnded: boolean,
    ended: Statements,
  ): RoundCommitment {
    const { threshold: k, closers } = this.#round;
    const [first] = reveals;
    let support = 0;
    for (const { change } of reveals) support |= ended.supporters[change]!;
    if (first !== undefined && (!isEnded || countBits(support) >= k)) {
      const reveal = { id: first.id, change: first.change };
      return { ...commitment, state: "revealed", value: first.value.value!, reveal };
    }
    if (!isEnded || countBits(support) + closers.length - countBits(ended.all) >= k) {
      return commitment;
    }
    for (const entry of reveals) this.#ignored.set(entry, "after the end");
    return { ...commitment, state: "withheld" };
  }
}

/** What closers have said by closings, or by ends: bits of closers. */
interface Statements {
  /** Who has said anything. */
  readonly all: number;
  /** Who has said one thing. */
  readonly consistent: number;
  /** For each change the consistent ones who had seen it. */
  readonly supporters: Uint32Array;
}

/** Who has said more than one thing. */
function contradictedIn({ all, consistent }: Statements): number {
  return all & ~consistent;
}

function checkRound({ topic, closers, threshold }: Round): void {
  if (!isTopic(topic)) throw new MisuseError("bad_round", "a topic is text of 1 to 1024 bytes");
  if (closers.length > MAX_CLOSERS) {
    throw new MisuseError("bad_round", `a round has at most ${MAX_CLOSERS} closers`);
  }
  if (closers.some((key) => key.length !== ID_BYTES)) {
    throw new MisuseError("bad_round", "a closer is a public key of 32 bytes");
  }
  if (new Set(closers.map(toHex)).size < closers.length) {
    throw new MisuseError("bad_round", "a closer is named twice");
  }
  const isMajority = 2 * threshold > closers.length && threshold <= closers.length;
  if (!Number.isSafeInteger(threshold) || !isMajority) {
    throw new MisuseError(
      "bad_round",
      "the threshold is more than half of the closers, and at most all",
    );
  }
}
