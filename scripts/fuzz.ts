// `pnpm fuzz`: see fuzz/command.ts.
import { main } from "../fuzz/command.ts";

process.exitCode = await main(process.argv.slice(2));
