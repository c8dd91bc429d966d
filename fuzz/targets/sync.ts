/**
 * Sync sessions: whatever frames a peer or a relay slips in between two honest ends, loses or repeats, nothing throws,
 * every frame that is sent is well-formed, and once that stops both ends come to the same history.
 */
import { DOCUMENT, freshChanges, groupOf, makeChanges, schemaOf } from "../history.ts";
import type { MadeChange } from "../history.ts";
import { toHex } from "../../packages/bft-json-crdt/src/encoding/index.ts";
import { History } from "../../packages/bft-json-crdt/src/history/index.ts";
import { MAX_GROUP_BYTES } from "../../packages/bft-json-crdt/src/limits.ts";
import {
  liveGroups,
  parseMessage,
  SyncSession,
} from "../../packages/bft-json-crdt/src/sync/index.ts";
import type { SyncSessionOptions } from "../../packages/bft-json-crdt/src/sync/index.ts";
import type { Choices } from "../../packages/bft-json-crdt/test/random-edits.ts";
import { promise } from "../target.ts";
import type { Target } from "../target.ts";
import { asArray, asIndex, fieldOf } from "../tree.ts";
import type { Tree } from "../tree.ts";
import { frameOf, freshMessage, MESSAGE_WORDS } from "./messages.ts";

/** Opens an end; a test may open broken ones. */
export type OpenSession = (options: SyncSessionOptions) => SyncSession;

/** Frames that one input is answered with at most: a `probe` alone may be answered by 32. */
const MAX_ANSWERS = 256;

/** Frames between two honest ends of a few changes; far more than they need. */
const MAX_FRAMES = 5_000;

/** Times of comparing frontiers after the last fault. */
const MAX_ROUNDS = 4;

/**
 * Two sessions. Input: `{changes, left, right, events: [{at, to, kind, frame}, …]}`: what each end has applied, and, by
 * the number of the frame before which it happens, what is slipped in, or becomes of that frame.
 */
export function syncTarget(open: OpenSession = (options) => new SyncSession(options)): Target {
  return {
    name: "sync",
    about: "two sync sessions between which frames are forged, lost, repeated and altered",
    words: MESSAGE_WORDS,
    fresh,
    run: (input) => {
      run(input, open);
    },
  };
}

/** One of the two ends, and what is on its way to it. */
class End {
  readonly history = new History({ document: DOCUMENT });
  readonly inbox: (string | Uint8Array)[] = [];
  session: SyncSession | null = null;
  sent = 0;

  connect(peer: End, open: OpenSession): void {
    this.session = open({
      history: this.history,
      peer: "the other end",
      send: (frame) => {
        checkFrame(frame);
        this.sent++;
        peer.inbox.push(frame);
        return true;
      },
      receiveGroup: (group) => {
        const received = this.history.receive(group, "the other end");
        for (const live of liveGroups(this.history, group, received))
          this.session?.push(live.group, live.indexes);
        return received;
      },
    });
  }

  take(frame: string | Uint8Array): void {
    const before = this.sent;
    this.session?.receive(frame);
    promise(this.sent - before <= MAX_ANSWERS, "a frame is answered by too many");
  }
}

function checkFrame(frame: string | Uint8Array): void {
  if (typeof frame === "string") {
    const message = parseMessage(frame);
    promise(message.ok, "a message is sent that the other end must refuse");
  } else {
    promise(frame.length <= MAX_GROUP_BYTES, "a group is sent that is too large");
  }
}

function run(input: Tree, open: OpenSession): void {
  const changes = makeChanges(fieldOf(input, "changes"));
  const ends = [new End(), new End()] as const;
  const given = [fieldOf(input, "left"), fieldOf(input, "right")];
  ends.forEach(({ history }, side) => {
    for (const number of asArray(given[side])) {
      const change = changes[asIndex(number, changes.length)];
      if (change !== undefined) history.receive(change.group, "before");
    }
  });
  ends[0].connect(ends[1], open);
  ends[1].connect(ends[0], open);
  for (const { session } of ends) session?.open();

  const events = asArray(fieldOf(input, "events")).slice(0, 64);
  let last = 0;
  for (const event of events) last = Math.max(last, asIndex(fieldOf(event, "at"), 200));
  let step = 0;
  const pass = (): boolean => {
    const side = ends[step % 2]!.inbox.length > 0 ? step % 2 : 1 - (step % 2);
    const frame = ends[side]!.inbox.shift();
    const now = events.filter((event) => asIndex(fieldOf(event, "at"), 200) === step);
    const kept = now.reduce<readonly (string | Uint8Array)[]>(
      (frames, event) => disturbed(frames, event, changes, ends),
      frame === undefined ? [] : [frame],
    );
    for (const one of kept) ends[side]!.take(one);
    step++;
    promise(step < MAX_FRAMES, "two ends never come to an end");
    return frame !== undefined || step <= last;
  };
  while (pass());
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (const { session } of ends) session?.refresh();
    while (pass());
  }
  const [left, right] = ends.map(({ history }) => history.frontier().map(toHex).join());
  promise(left === right, "the two ends have different histories");
  promise(
    ends.every(({ session }) => session?.synced === true),
    "an end does not know that it is synced",
  );
}

/** What becomes of the frames that are on their turn. */
function disturbed(
  frames: readonly (string | Uint8Array)[],
  event: Tree,
  changes: readonly MadeChange[],
  ends: readonly End[],
): readonly (string | Uint8Array)[] {
  switch (asIndex(fieldOf(event, "kind"), 5)) {
    case 0:
      ends[asIndex(fieldOf(event, "to"), 2)]!.take(frameFrom(fieldOf(event, "frame"), changes));
      return frames;
    case 1:
      return [];
    case 2:
      return [...frames, ...frames];
    case 3:
      return [frameFrom(fieldOf(event, "frame"), changes)];
    default:
      return frames.map((frame) => altered(frame, asIndex(fieldOf(event, "frame"), 100_000)));
  }
}

function frameFrom(tree: Tree | undefined, changes: readonly MadeChange[]): string | Uint8Array {
  const group = fieldOf(tree, "group");
  return group === undefined ? frameOf(tree, changes) : groupOf(changes, group);
}

/** A frame with one bit flipped. */
function altered(frame: string | Uint8Array, bit: number): string | Uint8Array {
  if (frame.length === 0) return frame;
  const at = (bit >> 3) % frame.length;
  if (typeof frame !== "string") return frame.with(at, frame[at]! ^ (1 << (bit & 7)));
  const other = String.fromCharCode(frame.charCodeAt(at) ^ (1 << (bit & 7)));
  return frame.slice(0, at) + other + frame.slice(at + 1);
}

function fresh(choices: Choices): Tree {
  const changes = freshChanges(schemaOf(choices.below(2) + 4), choices, 14);
  const numbers = changes.map((_, n) => n);
  const some = (): Tree[] =>
    choices.oneIn(3)
      ? numbers.slice(0, choices.below(numbers.length + 1))
      : numbers.filter(() => !choices.oneIn(3));
  const events = Array.from({ length: choices.below(8) }, (): Tree => {
    const kind = choices.below(5);
    const isGroup = choices.oneIn(3);
    const frame: Tree =
      kind === 4
        ? choices.below(4_000)
        : isGroup
          ? { group: choices.shuffle(numbers).slice(0, 1 + choices.below(4)) }
          : freshMessage(changes.length, choices);
    return { at: choices.below(24), to: choices.below(2), kind, frame };
  });
  return { changes, left: some(), right: some(), events };
}
