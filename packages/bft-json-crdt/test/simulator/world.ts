/**
 * What checkers look at: the honest hosts at the end of a simulation, and what was noted about them on the way.
 */
import type { Document } from "../../src/document/index.ts";
import type { History, HistoryLimits } from "../../src/history/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import type { Universe } from "./universe.ts";

/** Something that must not be. */
export interface Finding {
  /** The checker that found it. */
  readonly checker: string;
  /** One sentence for people; it names hosts and changes. */
  readonly detail: string;
}

/** What was noted about one honest host, crashes included. */
export class Notes {
  /** Final verdicts by change id: "applied", or "rejected" and the code. More than one for an id is a contradiction. */
  readonly verdicts = new Map<string, Set<string>>();
  /** What honest peers have sent that was refused, as sentences. */
  readonly blames: string[] = [];
  /** Changes whose durability this host has vouched for, by id in hex; all that they build on is meant too. */
  readonly vouched = new Set<string>();
  /** Changes that were vouched for and not there after a restart. */
  readonly lost: string[] = [];
  /** Ids that this host has rejected since its last start. */
  readonly rejected = new Set<string>();
  /** Breaches of the rules for frames and queues, as sentences. */
  readonly breaches: string[] = [];
  /** Frames sent to honest peers. */
  framesToHonest = 0;
  peakPendingBytes = 0;
  peakAwaited = 0;
  /** Restarts, and edits made. */
  restarts = 0;
  edits = 0;
}

/** An honest host at the end. */
export interface Observed {
  readonly name: string;
  readonly history: History;
  readonly limits: HistoryLimits;
  readonly notes: Notes;
  /** What the disk alone gives, and what was found damaged in it. */
  readonly stored: History;
  readonly storedFaults: readonly string[];
  /** Honest peers whose sessions do not say that they are synced. */
  readonly unsynced: readonly string[];
  /** Of a replica. */
  readonly document: Document<Schema> | null;
  /** What a listener has made of the patches. */
  readonly mirror: unknown;
  /** Forks of which a listener was told: author and chain. */
  readonly announced: ReadonlySet<string>;
  /** Own changes of a replica that no relay among its peers has acknowledged, by relay. */
  readonly unacknowledged: readonly string[];
}

/** The end of a simulation. */
export interface World {
  readonly document: Uint8Array;
  readonly schema: Schema;
  readonly universe: Universe;
  /** Public keys of honest authors, in hex. */
  readonly honestKeys: ReadonlySet<string>;
  /** Honest hosts in groups that honest links connect. */
  readonly components: readonly (readonly Observed[])[];
  /** Times of comparing frontiers that it took after the last disturbance until all were in step. */
  readonly rounds: number;
  /** Frames that honest hosts sent to honest hosts while nothing happened but one comparison of frontiers each. */
  readonly idleFrames: number;
  /** Sessions between honest hosts, counted at both ends. */
  readonly sessions: number;
}

/** Judges the end of a simulation. It changes nothing. */
export type Checker = (world: World) => Finding[];
