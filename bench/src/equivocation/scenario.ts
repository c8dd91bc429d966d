/**
 * The scenario, the same for every library: Mallory makes two different changes with one number, and shows one to Alice
 * and the other to Bob. Alice and Bob are honest, use the library as its documentation says, and sync with each other.
 *
 * Nothing here depends on a clock or on chance. What happens is noted, not judged.
 */
import { canonicalJson } from "bft-json-crdt";
import type { Accusation, Attempt, Content, Edit, Kind, Replica, Subject, Way } from "./subject.ts";

/** Where in Mallory's line of changes the two branches begin. */
const PLACES = ["first", "middle", "last"] as const;
const KINDS: readonly Kind[] = ["text", "map", "list"];
/** Whether both branches have as many characters, keys or items, or Bob's has more. */
const SIZES = ["equal", "longer"] as const;

/**
 * What happens around the lie:
 *
 *     honest    there is none, as a control: one branch to Bob, and nobody sees the other; they sync, edit and sync
 *     split     one branch to Alice, the other to Bob; they sync
 *     work      then both edit, also what Mallory wrote; they sync
 *     crossed   then Mallory gives each of them the other branch too; they sync
 *     late      both get one branch, edit and sync; then Bob gets the other; they sync
 */
export const STORIES = ["honest", "split", "work", "crossed", "late"] as const;
export type Story = (typeof STORIES)[number];

/** One way in which the lie can be told. */
export interface Variant {
  readonly story: Story;
  readonly kind: Kind;
  readonly place: (typeof PLACES)[number];
  readonly size: (typeof SIZES)[number];
}

/** Every variant: 18 for each story. */
export const VARIANTS: readonly Variant[] = STORIES.flatMap((story) =>
  KINDS.flatMap((kind) =>
    PLACES.flatMap((place) => SIZES.map((size) => ({ story, kind, place, size }))),
  ),
);

/** What was seen when all was said. */
export interface Outcome {
  readonly variant: Variant;
  readonly contents: readonly [alice: Content, bob: Content];
  readonly versions: readonly [alice: string, bob: string];
  readonly accusations: readonly [alice: readonly Accusation[], bob: readonly Accusation[]];
  /** Whether both documents show both branches; of maps, which show one value for each key, this is not asked. */
  readonly showsBoth: boolean;
  /** Whether an honest edit did not reach the other replica. */
  readonly isEditLost: boolean;
  /** The texts of all errors that the library threw, in order. */
  readonly errors: readonly string[];
  /** What the library printed. */
  readonly printed: readonly string[];
}

/** Equal documents; or different ones, with versions that say that they are equal, or with versions that differ. */
export type Verdict = "converged" | "diverged" | "stalled";

/** Whether Alice and Bob ended with one document, and whether their versions tell. */
export function verdictOf({ contents, versions }: Pick<Outcome, "contents" | "versions">): Verdict {
  const [alice, bob] = contents;
  if (jsonOf(alice) === jsonOf(bob)) return "converged";
  return versions[0] === versions[1] ? "diverged" : "stalled";
}

/** Plays one variant. */
export function play<R extends Replica>(
  subject: Subject<R>,
  { sync }: Way<R>,
  variant: Variant,
): Outcome {
  const errors: string[] = [];
  const attempt: Attempt = (action) => {
    try {
      action();
      return true;
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  const [alice, bob, mallory] = [
    subject.open("alice"),
    subject.open("bob"),
    subject.open("mallory"),
  ];
  const { result, printed } = listening(() => {
    alice.edit([
      { kind: "text", at: 0, remove: 0, insert: "Ledger. " },
      { kind: "map", key: "title", value: "Ledger" },
      { kind: "list", at: 0, insert: "Ledger" },
    ]);
    sync(alice, mallory, attempt);
    const lie = branchesOf(mallory, variant);
    const show = (to: R, changes: readonly Uint8Array[]): void => {
      for (const change of changes) attempt(() => to.receive(change));
    };
    show(alice, lie.before);
    sync(alice, bob, attempt);

    const work = (): void => {
      attempt(() => alice.edit(workOf("alice", variant.kind, alice.content())));
      attempt(() => bob.edit(workOf("bob", variant.kind, bob.content())));
      sync(alice, bob, attempt);
    };
    const { story } = variant;
    if (story !== "honest") show(alice, lie.branches[0]);
    if (story !== "late") show(bob, lie.branches[1]);
    sync(alice, bob, attempt);
    if (story !== "split") work();
    if (story === "crossed") show(alice, lie.branches[1]);
    if (story === "crossed") show(bob, lie.branches[0]);
    if (story === "late") show(bob, lie.branches[1]);
    sync(alice, bob, attempt);
    return [alice, bob] as const;
  });
  const contents = [result[0].content(), result[1].content()] as const;
  return {
    variant,
    contents,
    versions: [result[0].version(), result[1].version()],
    accusations: [result[0].accusations(), result[1].accusations()],
    showsBoth: variant.kind !== "map" && contents.every((content) => shows(content, PAYEES)),
    isEditLost: variant.story !== "split" && !contents.every((content) => shows(content, MARKS)),
    errors,
    printed,
  };
}

/** What Mallory prepares: changes that everyone may see, and two branches that follow them. */
function branchesOf(
  mallory: Replica,
  { kind, place, size }: Variant,
): { before: Uint8Array[]; branches: [Uint8Array[], Uint8Array[]] } {
  const write = (replica: Replica, lines: Readonly<Record<string, string>>): Uint8Array =>
    replica.edit(written(replica.content(), kind, lines));
  const branch = (replica: Replica, lines: Readonly<Record<string, string>>, next: string) => {
    const changes = [write(replica, lines)];
    if (place === "middle") changes.push(write(replica, { for: next }));
    return changes;
  };
  const before = place === "first" ? [] : [write(mallory, { mallory: "M. " })];
  const other = mallory.twin();
  const more: Record<string, string> = size === "longer" ? { then: ", then 2000" } : {};
  return {
    before,
    branches: [
      branch(mallory, { pay: "10 to Alice" }, " for rent"),
      branch(other, { pay: "1000 to Bob", ...more }, " for food"),
    ],
  };
}

/** Edits that write each line at the end of the text or list, or under its key. */
function written(
  { text, list }: Content,
  kind: Kind,
  lines: Readonly<Record<string, string>>,
): Edit[] {
  let end = kind === "text" ? text.length : list.length;
  return Object.entries(lines).map(([key, line]) => {
    const at = end;
    end += kind === "text" ? line.length : 1;
    if (kind === "map") return { kind, key, value: line };
    return kind === "list" ? { kind, at, insert: line } : { kind, at, remove: 0, insert: line };
  });
}

/** What tells the branches from each other, and stays when an amount is edited. */
const PAYEES = [" to Alice", " to Bob"];
/** What honest people write, to be found again. */
const MARKS = ["[alice]", "[bob]"];

/** An honest person's change: something of their own, and something that builds on what Mallory wrote. */
function workOf(who: "alice" | "bob", kind: Kind, { text, list }: Content): Edit[] {
  const own = `[${who}]`;
  if (kind === "map") {
    const edits: Edit[] = [{ kind, key: who, value: own }];
    if (who === "bob") edits.push({ kind, key: "pay", value: "settled" });
    return edits;
  }
  if (kind === "list") {
    const lie = list.findIndex((item) => item.includes(" to "));
    const edits: Edit[] = [{ kind, at: lie + 1, insert: "really?" }];
    edits.push({ kind, at: who === "alice" ? list.length + 1 : 0, insert: own });
    return edits;
  }
  // The last digit of the amount becomes a question mark.
  const edits: Edit[] = [{ kind, at: text.indexOf(" to ") - 1, remove: 1, insert: "?" }];
  edits.push({ kind, at: who === "alice" ? text.length : 0, remove: 0, insert: own });
  return edits;
}

function shows(content: Content, words: readonly string[]): boolean {
  const json = jsonOf(content);
  return words.every((word) => json.includes(word));
}

/** The same for equal contents, whatever the order of the keys. */
function jsonOf({ text, map, list }: Content): string {
  return canonicalJson({ text, map: { ...map }, list: [...list] });
}

const CHANNELS = ["debug", "error", "info", "log", "warn"] as const;

/** Runs something and keeps what it says on the console. */
function listening<T>(action: () => T): { result: T; printed: string[] } {
  const printed: string[] = [];
  const usual = CHANNELS.map((channel) => console[channel]);
  const keep = (...words: readonly unknown[]): void =>
    void printed.push(words.map(String).join(" "));
  for (const channel of CHANNELS) console[channel] = keep;
  try {
    return { result: action(), printed };
  } finally {
    for (const [index, channel] of CHANNELS.entries()) console[channel] = usual[index]!;
  }
}
