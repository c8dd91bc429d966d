/** The codes of errors on the control socket. They are stable: programs rely on them, as scripts on exit codes. */
import { CommandError, type Complaint, EXIT, type ExitCode } from "../exit-codes.ts";

/** Every code, and what a command exits with for it. */
export const CONTROL_CODES = {
  /** The line is no request; the connection is closed. */
  bad_request: EXIT.usage,
  /** The line has more than MAX_CONTROL_LINE_BYTES; the connection is closed. */
  line_too_long: EXIT.usage,
  /** The line is not UTF-8; the connection is closed. */
  not_utf8: EXIT.usage,
  /** MAX_CONTROL_CONNECTIONS are open; the connection is closed. */
  too_many_connections: EXIT.refused,
  /** A request with this id is under way on this connection. */
  id_in_use: EXIT.usage,
  unknown_method: EXIT.usage,
  bad_params: EXIT.usage,
  already_subscribed: EXIT.refused,
  not_subscribed: EXIT.refused,
  /** One line of the answer would have more than MAX_ANSWER_LINE_BYTES. */
  answer_too_long: EXIT.failure,
  failed: EXIT.failure,
  network: EXIT.network,
  refused: EXIT.refused,
  damaged: EXIT.damaged,
} as const satisfies { readonly [code: string]: ExitCode };

/** One of the codes above. */
export type ControlCode = keyof typeof CONTROL_CODES;

/** A failure with a code of its own. */
export class RequestError extends CommandError {
  readonly code: ControlCode;

  constructor(code: ControlCode, complaint: Complaint) {
    super(CONTROL_CODES[code], complaint);
    this.code = code;
  }
}

/** The code of any failure. */
export function codeOf(error: CommandError): ControlCode {
  if (error instanceof RequestError) return error.code;
  switch (error.exitCode) {
    case EXIT.usage:
      return "bad_params";
    case EXIT.network:
      return "network";
    case EXIT.refused:
      return "refused";
    case EXIT.damaged:
      return "damaged";
    default:
      return "failed";
  }
}
