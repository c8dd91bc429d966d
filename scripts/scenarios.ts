// `pnpm scenarios`: see test/scenarios/command.ts.
import { main } from "../test/scenarios/command.ts";

process.exitCode = await main(process.argv.slice(2));
