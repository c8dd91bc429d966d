/**
 * What the members have decided: a function of the set of signed facts.
 *
 * * Each member has one vote on each proposal. It is changed by another that names what it replaces; naming others' votes, or
 *   votes not seen, replaces nothing. Who has several standing votes of different stances has none until all are replaced.
 * * A member of whom two histories are proven has no vote any more.
 * * A proposal *passes* while enough members vote and more than the majority of them support it. That can change.
 * * It is *enacted* once more than two thirds of the members have confirmed it, and that is for ever: confirmations are never
 *   taken back, not even those of members exposed later. A vote that comes after that changes nothing.
 * * Honest members confirm what passes, and of several proposals in the place of one only one. So while less than a third
 *   lie, no two are enacted in the place of one. If more lie, the first in the order of the log is in force, and who
 *   confirmed two is named.
 */
import { equalBytes, toHex } from "bft-json-crdt";
import type { Document, LogEntry } from "bft-json-crdt";
import { councilId } from "./schema.ts";
import type { Constitution, Council } from "./schema.ts";

/** How a member stands to a proposal. */
export type Stance = "support" | "oppose" | "abstain";

/** A proposal as it stands. */
export interface Proposal {
  readonly id: string;
  readonly author: string;
  readonly parameter: string;
  readonly value: number;
  readonly base: string;
  /** Members by stance. */
  readonly count: Readonly<Record<Stance, number>>;
  readonly confirmations: number;
  readonly status: "open" | "passing" | "enacted";
}

/** A record without effect. */
export interface Ignored {
  readonly id: string;
  readonly author: string;
  readonly reason: "not a member" | "malformed" | "unknown proposal" | "unknown base";
}

/** What a replica shows of a council. */
export interface CouncilView {
  readonly proposals: readonly Proposal[];
  /** What is in force, by parameter, with the proposal that set it. */
  readonly parameters: ReadonlyMap<string, { readonly value: number; readonly proposal: string }>;
  /** Members who have signed two histories, sorted: their votes count no more. */
  readonly exposed: readonly string[];
  /** Members who confirmed two proposals in the place of one, sorted. */
  readonly doubleConfirmed: readonly string[];
  readonly ignored: readonly Ignored[];
}

/** Bytes of a parameter's name at most. */
const MOST_NAME = 100;
/** Votes that one vote may replace. */
export const MOST_REPLACED = 16;

const STANCES: readonly string[] = ["support", "oppose", "abstain"] satisfies Stance[];

type Vote = LogEntry<{ proposal: string; stance: string; replaces: unknown }>;
type Made = LogEntry<{ parameter: string; value: number; base: string }>;

/** Reads a council out of a replica. Throws when the document is of another constitution. */
export function councilOf(
  document: Document<typeof Council>,
  constitution: Constitution,
): CouncilView {
  if (!equalBytes(document.id, councilId(constitution))) {
    throw new Error("the document was founded on another constitution");
  }
  const members = new Set(constitution.members.map(toHex));
  const forked = document.history.forks().map(({ author }) => toHex(author));
  const exposed = [...new Set(forked)].filter((author) => members.has(author)).sort();
  const ignored: Ignored[] = [];
  const passes = <E extends LogEntry<unknown>>(
    entries: E[],
    fault: (entry: E) => Ignored["reason"] | null,
  ): E[] =>
    entries.filter((entry) => {
      const reason = members.has(entry.author) ? fault(entry) : "not a member";
      if (reason !== null) ignored.push({ id: entry.id, author: entry.author, reason });
      return reason === null;
    });

  const { proposals, votes, confirmations } = document.root;
  const made = new Map<string, Made>();
  for (const entry of passes(proposals.entries(), ({ value }) => faultOf(value))) {
    const { base, parameter } = entry.value;
    // In the order of the log nothing stands before what its author had seen: a base that is named comes first.
    if (base === "" || made.get(base)?.value.parameter === parameter) made.set(entry.id, entry);
    else ignored.push({ id: entry.id, author: entry.author, reason: "unknown base" });
  }
  const isKnown = (id: string): Ignored["reason"] | null =>
    made.has(id) ? null : "unknown proposal";
  const cast = passes(votes.entries(), ({ value }) =>
    STANCES.includes(value.stance) && isReplaceable(value.replaces)
      ? isKnown(value.proposal)
      : "malformed",
  );
  const confirmed = passes(confirmations.entries(), ({ value }) => isKnown(value.proposal));

  const stances = stancesOf(document, cast, new Set(exposed));
  const confirmers = new Map<string, Set<string>>();
  for (const { author, value } of confirmed) groupIn(confirmers, value.proposal).add(author);
  const shown = [...made.values()].map((entry): Proposal => {
    const { id, author, value } = entry;
    const count = { support: 0, oppose: 0, abstain: 0 };
    for (const stance of stances.get(id)?.values() ?? []) count[stance]++;
    const confirmations = confirmers.get(id)?.size ?? 0;
    const isEnacted = 3 * confirmations > 2 * members.size;
    const status = isEnacted ? "enacted" : isPassing(count, constitution) ? "passing" : "open";
    return { id, author, ...value, count, confirmations, status };
  });
  return {
    proposals: shown,
    parameters: inForce(shown),
    exposed,
    doubleConfirmed: doubleConfirmedIn(shown, confirmers),
    ignored,
  };
}

/** True while enough vote, and more than the majority support. Counts are whole numbers, so that nothing is rounded. */
export function isPassing(
  { support, oppose, abstain }: Proposal["count"],
  { members, quorum, majority }: Constitution,
): boolean {
  const turnout = support + oppose + abstain;
  return (
    turnout * 10_000 >= quorum * members.length && support * 10_000 > majority * (support + oppose)
  );
}

function faultOf({ parameter }: Made["value"]): "malformed" | null {
  return parameter.length > 0 && parameter.length <= MOST_NAME ? null : "malformed";
}

function isReplaceable(replaces: unknown): replaces is readonly string[] {
  return (
    Array.isArray(replaces) &&
    replaces.length <= MOST_REPLACED &&
    replaces.every((id) => typeof id === "string")
  );
}

/** The stance of each member on each proposal, for those who have one. */
function stancesOf(
  document: Document<typeof Council>,
  votes: readonly Vote[],
  exposed: ReadonlySet<string>,
): Map<string, Map<string, Stance>> {
  const byId = new Map(votes.map((vote) => [vote.id, vote]));
  const replaced = new Set<string>();
  for (const vote of votes) {
    for (const id of vote.value.replaces as readonly string[]) {
      const earlier = byId.get(id);
      const isOwn =
        earlier?.author === vote.author && earlier.value.proposal === vote.value.proposal;
      if (!isOwn || earlier === vote) continue;
      // Two of one change could name each other else.
      if (
        earlier.change === vote.change ||
        !document.history.isAncestor(earlier.change, vote.change)
      )
        continue;
      replaced.add(id);
    }
  }
  const standing = new Map<string, Map<string, Set<string>>>();
  for (const { id, author, value } of votes) {
    if (replaced.has(id) || exposed.has(author)) continue;
    const byMember = standing.get(value.proposal) ?? new Map<string, Set<string>>();
    standing.set(value.proposal, byMember);
    groupIn(byMember, author).add(value.stance);
  }
  const stances = new Map<string, Map<string, Stance>>();
  for (const [proposal, byMember] of standing) {
    const clear = [...byMember].flatMap(([author, said]) =>
      said.size === 1 ? [[author, [...said][0] as Stance] as const] : [],
    );
    stances.set(proposal, new Map(clear));
  }
  return stances;
}

/** Follows what is enacted from base to base. */
function inForce(proposals: readonly Proposal[]): CouncilView["parameters"] {
  const parameters = new Map<string, { value: number; proposal: string }>();
  // In the order of the log each comes after its base; of two in the place of one the first is in force.
  for (const { id, parameter, value, base, status } of proposals) {
    if (status !== "enacted" || (parameters.get(parameter)?.proposal ?? "") !== base) continue;
    parameters.set(parameter, { value, proposal: id });
  }
  return parameters;
}

function doubleConfirmedIn(
  proposals: readonly Proposal[],
  confirmers: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const seen = new Map<string, Set<string>>();
  const twice = new Set<string>();
  for (const { id, parameter, base } of proposals) {
    const known = groupIn(seen, `${base}/${parameter}`);
    for (const author of confirmers.get(id) ?? []) {
      if (known.has(author)) twice.add(author);
      known.add(author);
    }
  }
  return [...twice].sort();
}

function groupIn(groups: Map<string, Set<string>>, key: string): Set<string> {
  const group = groups.get(key) ?? new Set<string>();
  groups.set(key, group);
  return group;
}
