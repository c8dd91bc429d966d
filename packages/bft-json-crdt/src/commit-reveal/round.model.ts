/** The rule of round.ts, word for word, by a search for every pair: what its walks are compared with. */
import type { Document } from "../document/index.ts";
import { fromHex, toHex } from "../encoding/index.ts";
import type { Schema } from "../schema/index.ts";
import { commitmentOf } from "./commitment.ts";
import type { RoundLog } from "./records.ts";
import type { Round } from "./round.ts";

type Entries = ReturnType<RoundLog["entries"]>;

/** State and value of every first commitment, by its id; the phase; who is contradicted. */
export interface ModelView {
  readonly phase: string;
  readonly states: { readonly [id: string]: unknown };
  readonly contradicted: readonly string[];
}

export function modelOf(document: Document<Schema>, log: RoundLog, round: Round): ModelView {
  const { history } = document;
  const [n, k] = [round.closers.length, round.threshold];
  const closers = round.closers.map(toHex);
  const entries = log.entries().filter(({ value }) => value.topic === round.topic);
  const of = (kind: string): Entries => entries.filter(({ value }) => value.kind === kind);
  const sees = (later: Entries[0], earlier: Entries[0]): boolean =>
    history.isAncestor(earlier.change, later.change);
  const firsts = (some: Entries): Entries =>
    some.filter(
      (it, at) =>
        !some.some((other, before) => {
          if (other === it || other.author !== it.author) return false;
          return other.change === it.change ? before < at : sees(it, other);
        }),
    );
  const ofClosers = (kind: string): Entries =>
    of(kind).filter(({ author }) => closers.includes(author));
  const closersSeen = (it: Entries[0]): number =>
    closers.filter((key) => ofClosers("close").some((c) => c.author === key && sees(it, c))).length;

  const closings = firsts(ofClosers("close"));
  const ends = firsts(ofClosers("end").filter((it) => closersSeen(it) >= k));
  const by = (some: Entries, key: string): Entries => some.filter(({ author }) => author === key);
  const sayers = (some: Entries): string[] => closers.filter((key) => by(some, key).length > 0);
  const supporters = (some: Entries, subjects: Entries): number =>
    closers.filter((key) => {
      const own = by(some, key);
      return own.length === 1 && subjects.some((subject) => sees(own[0]!, subject));
    }).length;
  const isEnded = sayers(ends).length >= k;

  const commits = firsts(of("commit").filter(({ value }) => value.commitment?.length === 32));
  const states = commits.map((it): [string, unknown] => {
    const support = supporters(closings, [it]);
    const rivals = by(commits, it.author).filter(
      (other) => supporters(closings, [other]) >= 2 * k - n,
    );
    if (rivals.length > 1) return [it.id, "contradicted"];
    if (support < k) {
      const silent = n - sayers(closings).length;
      return [it.id, support + silent >= k ? "pending" : "late"];
    }
    const reveals = by(of("reveal"), it.author).filter(({ value, ...entry }) => {
      if (value.value === undefined || value.salt?.length !== 32) return false;
      if (closersSeen({ value, ...entry }) < k) return false;
      const context = {
        document: document.id,
        author: fromHex(entry.author)!,
        topic: round.topic,
      };
      const opened = commitmentOf(context, { value: value.value, salt: value.salt });
      return opened !== null && toHex(opened) === toHex(it.value.commitment!);
    });
    const inTime = supporters(ends, reveals);
    if (reveals.length > 0 && (!isEnded || inTime >= k)) {
      return [it.id, { revealed: reveals[0]!.value.value, at: reveals[0]!.id }];
    }
    const silent = n - sayers(ends).length;
    return [it.id, isEnded && inTime + silent < k ? "withheld" : "sealed"];
  });
  return {
    phase: isEnded ? "ended" : sayers(closings).length >= k ? "revealing" : "committing",
    states: Object.fromEntries(states),
    contradicted: closers.filter((key) => by(closings, key).length > 1 || by(ends, key).length > 1),
  };
}
