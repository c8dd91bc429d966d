// `pnpm mutants`: see test/mutants/command.ts.
import { main } from "../test/mutants/command.ts";

process.exitCode = await main(process.argv.slice(2));
