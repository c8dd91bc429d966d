/** `verify`: re-checks every hash, link and signature in the store. */
import { openToVerify } from "../access.ts";
import { CommandError, EXIT, type ExitCode } from "../exit-codes.ts";
import { count, print } from "../output.ts";
import { collect } from "../requests.ts";
import { endOnInterrupt } from "../signals.ts";
import { startOver } from "../store.ts";
import type { Damage } from "../verification.ts";
import { placeOf } from "./with-node.ts";

/** Options of the command, as typed. */
export interface VerifyOptions {
  readonly room?: string;
  readonly json?: boolean;
}

/** Damages that are listed one by one for people; a change that is damaged takes all that build on it with it. */
const MAX_LISTED = 20;

/** Prints what is damaged and by which change it can be named; exit code 5 when anything is. */
export async function verify(name: string, options: VerifyOptions): Promise<ExitCode> {
  const { home, settings } = placeOf(name, options);
  endOnInterrupt();
  const access = await openToVerify(home, settings);
  try {
    const damages: Damage[] = [];
    const { changes, damaged } = await collect(access.call, "verify", {}, (damage) => {
      if (damages.length < MAX_LISTED) damages.push(damage);
    });
    if (options.json === true) print(JSON.stringify({ changes, damaged, damages }));
    else for (const { detail } of damages) print(detail);
    if (damaged === 0) {
      if (options.json !== true)
        print(`${count(changes, "change")} verified: every hash, link and signature is right`);
      return EXIT.ok;
    }
    const first = damages[0]?.damaged[0] ?? damages[0]?.lost[0];
    throw new CommandError(EXIT.damaged, {
      what: `${count(damaged, "record")} of the store cannot be trusted${first === undefined ? "" : `, first change ${first}`}`,
      why: `the bytes on disk are not what was written; ${count(changes, "change")} ${changes === 1 ? "is" : "are"} right`,
      next: startOver(home),
    });
  } finally {
    await access.close();
  }
}
