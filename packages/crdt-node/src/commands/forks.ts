/** `forks`: who equivocated, and the proof of it as a file for anyone. */
import { writeFileSync } from "node:fs";
import { CommandError, EXIT, type ExitCode, messageOf, systemCode } from "../exit-codes.ts";
import { changeLines, type ForkEvidence, placeOf } from "../fork-evidence.ts";
import { quoted } from "../home.ts";
import { note, paint, print, printed, short } from "../output.ts";
import { collect } from "../requests.ts";
import { withReader } from "./with-node.ts";

/** Options of the command, as typed. */
export interface ForksOptions {
  readonly room?: string;
  readonly json?: boolean;
  /** A new file for one proof. */
  readonly proof?: string;
  /** Which one: the beginning of the author's key or of one of the two ids. */
  readonly of?: string;
}

/** Digits of an id that are enough to name one. */
const LEAST_DIGITS = 4;

/** Lists the proofs, or writes one to a file that is new. */
export function forks(name: string, options: ForksOptions): Promise<ExitCode> {
  const { proof, of = "", json = false } = options;
  if (of !== "" && (of.length < LEAST_DIGITS || !/^[0-9a-f]*$/u.test(of))) {
    throw new CommandError(EXIT.usage, {
      what: `--of cannot be ${JSON.stringify(of.slice(0, 80))}`,
      why: `it must be the beginning of a key or id, at least ${LEAST_DIGITS} hex digits`,
      next: `crdt-node forks ${name}`,
    });
  }
  return withReader(name, options, "forks", async ({ call }) => {
    const found: ForkEvidence[] = [];
    await collect(call, "forks", {}, (fork) => {
      if (of === "" || namesOf(fork).some((hex) => hex.startsWith(of))) found.push(fork);
    });
    if (proof !== undefined) {
      const one = theOnly(found, name, of);
      write(proof, one);
      if (proof === "-") {
        await printed();
        return EXIT.ok;
      }
      if (json) print(JSON.stringify(one));
      note(
        `the proof is in ${proof}; anyone can check it: crdt-node verify-proof ${quoted(proof)}`,
      );
      return EXIT.ok;
    }
    for (const fork of found)
      for (const line of json ? [JSON.stringify(fork)] : lines(fork)) print(line);
    if (found.length === 0 && !json)
      note(`nobody${of === "" ? "" : " of that name"} is known to have equivocated`);
    if (found.length > 0 && !json) {
      const which = found.length > 1 ? ` --of ${short(found[0]!.author)}` : "";
      note(`next: crdt-node forks ${name}${which} --proof FILE`);
    }
    return EXIT.ok;
  });
}

function namesOf({ author, changes }: ForkEvidence): string[] {
  return [author, ...changes.map(({ id }) => id)];
}

function lines(fork: ForkEvidence): string[] {
  const head = `${paint("red", short(fork.author))} signed two changes ${placeOf(fork)}:`;
  return [head, ...changeLines(fork)];
}

function theOnly(found: readonly ForkEvidence[], name: string, of: string): ForkEvidence {
  const [one, ...others] = found;
  if (one !== undefined && others.length === 0) return one;
  const which = of === "" ? "" : ` named ${of}…`;
  if (one === undefined) {
    throw new CommandError(EXIT.failure, {
      what: `there is no proof${which} here`,
      why: "nobody of that name is known to have equivocated",
      next: `crdt-node forks ${name}`,
    });
  }
  throw new CommandError(EXIT.usage, {
    what: `there are ${found.length} proofs${which}, and a file holds one`,
    next: `crdt-node forks ${name} --of ${short(one.changes[0].id)} --proof FILE`,
  });
}

function write(path: string, { proof }: ForkEvidence): void {
  const bytes = Buffer.from(proof, "base64");
  try {
    if (path === "-") process.stdout.write(bytes);
    else writeFileSync(path, bytes, { flag: "wx" });
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new CommandError(EXIT.refused, {
        what: `${path} exists`,
        why: "a proof never overwrites a file",
      });
    }
    throw new CommandError(EXIT.failure, { what: `cannot write ${path}`, why: messageOf(error) });
  }
}
