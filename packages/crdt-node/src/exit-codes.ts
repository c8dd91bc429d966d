/**
 * Every exit code of the command, and the one exception that carries one. These numbers are stable: scripts rely on them.
 */

/** What the process's exit code says. */
export const EXIT = {
  ok: 0,
  /** Something went wrong that fits nothing below. */
  failure: 1,
  /** The command line, a settings file or an input line is wrong; nothing was done with it. */
  usage: 2,
  /** No relay could be reached, or none acknowledged in time. What was written stays stored. */
  network: 3,
  /** It could have been done, and was refused to protect something: a key, a store in use, another document. */
  refused: 4,
  /** The store or a file holds bytes that fail their hash, link or signature. */
  damaged: 5,
  /** Ended by Ctrl-C before it was done. */
  interrupted: 130,
} as const;

/** One of the codes in {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a person is told when a command cannot go on. */
export interface Complaint {
  /** One clause: what happened. */
  readonly what: string;
  /** One clause: the reason, where there is more to say. */
  readonly why?: string | undefined;
  /** The next command to type. */
  readonly next?: string | undefined;
}

/** Ends a command with an exit code and a sentence for people; never shown with a stack trace. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly complaint: Complaint;

  constructor(exitCode: ExitCode, complaint: Complaint, options?: ErrorOptions) {
    super(complaint.what, options);
    this.name = "CommandError";
    this.exitCode = exitCode;
    this.complaint = complaint;
  }
}

/** The system's code of an error ("ENOENT"), or "" when it has none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

const WRITE_REASONS: { readonly [code: string]: string } = {
  EROFS: "the file system is read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOSPC: "the disk is full",
  EDQUOT: "this user's share of the disk is full",
};

/** Why a file or folder could not be written, in words where it is one of the usual reasons. */
export function writeReason(error: unknown): string {
  return WRITE_REASONS[systemCode(error)] ?? messageOf(error);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
