/**
 * Every exit code of the command, and the one exception that people are shown. The numbers are stable: scripts rely on
 * them, and they are the same as those of crdt-node.
 */

/** What the process's exit code says. */
export const EXIT = {
  /** Stopped by SIGTERM or SIGINT, with everything stored. */
  ok: 0,
  /** Something went wrong that fits nothing below, such as a full disk or a port in use. */
  failure: 1,
  /** The command line, a variable or the config file is wrong. */
  usage: 2,
  /** The data folder is in use by another relayer. */
  refused: 4,
  /** The store is damaged. */
  damaged: 5,
  /** A second signal came before everything was stored. */
  interrupted: 130,
} as const;

/** One of the codes in {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a relay cannot start or go on, in a form for people. */
export class RelayError extends Error {
  readonly exitCode: ExitCode;
  /** One clause: the reason, where there is more to say. */
  readonly why: string | undefined;
  /** The next command to type, or what to do. */
  readonly next: string | undefined;

  constructor(
    exitCode: ExitCode,
    complaint: {
      readonly what: string;
      readonly why?: string | undefined;
      readonly next?: string | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(complaint.what, options);
    this.name = "RelayError";
    this.exitCode = exitCode;
    this.why = complaint.why;
    this.next = complaint.next;
  }
}

/** The system's code of an error ("EADDRINUSE"), or "" when it has none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
