/** `dag`: how the changes build on each other, as a drawing. */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { DagFormat } from "../inspection.ts";
import { collect } from "../requests.ts";
import { withReader } from "./with-node.ts";

/** Prints the graph in the given format. */
export function dag(
  name: string,
  options: { readonly room?: string; readonly format: DagFormat },
): Promise<ExitCode> {
  return withReader(name, options, "dag", async ({ call }) => {
    const parts: string[] = [];
    await collect(call, "dag", { format: options.format }, (part) => {
      parts.push(part);
    });
    process.stdout.write(parts.join(""));
    return EXIT.ok;
  });
}
