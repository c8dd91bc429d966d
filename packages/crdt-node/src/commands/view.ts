/** `view`: what the document says now. */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { count, note, paint, print, printable, short } from "../output.ts";
import { ask, collect } from "../requests.ts";
import { withReader } from "./with-node.ts";
import { type Ledger, showTransaction } from "../ledger.ts";

/** Options of the command, as typed. */
export interface ViewOptions {
  readonly room?: string;
  readonly json?: boolean;
  readonly digest?: boolean;
}

/** Prints the view for people, as RFC 8785 JSON, or just its digest. */
export function view(name: string, options: ViewOptions): Promise<ExitCode> {
  return withReader(name, options, "view", async ({ call }) => {
    if (options.digest === true) {
      print((await ask(call, "digest", {})).digest);
      return EXIT.ok;
    }
    const parts: string[] = [];
    const { digest } = await collect(call, "view", {}, (part) => {
      parts.push(part);
    });
    const json = parts.join("");
    if (options.json === true) {
      print(json);
      return EXIT.ok;
    }
    const { transactions } = JSON.parse(json) as Ledger;
    for (const transaction of transactions) print(printable(showTransaction(transaction)));
    note(
      paint(
        "dim",
        `${count(transactions.length, "transaction")}, digest ${short(digest)}…`,
        process.stderr,
      ),
    );
    return EXIT.ok;
  });
}
