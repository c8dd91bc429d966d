/** `log`: the history, every change after all that it builds on. */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { describeChange } from "../inspection.ts";
import { formatTime, paint, print, printable, short } from "../output.ts";
import { collect } from "../requests.ts";
import { withReader } from "./with-node.ts";

/** Options of the command, as typed. */
export interface LogOptions {
  readonly room?: string;
  readonly json?: boolean;
}

/** Prints one change per line. */
export function log(name: string, options: LogOptions): Promise<ExitCode> {
  return withReader(name, options, "log", async ({ call }) => {
    await collect(call, "log", {}, (entry) => {
      if (options.json === true) {
        print(JSON.stringify(entry));
        return;
      }
      const { id, author, chain, seq, time, forked, rival } = entry;
      const place = chain === "0" ? `#${seq}` : `#${seq} of chain ${short(chain)}…`;
      const what = describeChange(entry).map(printable).join("; ");
      const who = paint(forked ? "red" : "cyan", short(author));
      const lie =
        rival === null ? "" : paint("red", `  (equivocation: ${short(rival)} is #${seq}, too)`);
      print(`${paint("yellow", short(id))}  ${who}  ${place}  ${formatTime(time)}  ${what}${lie}`);
    });
    return EXIT.ok;
  });
}
