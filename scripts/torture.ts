// `pnpm torture`: see test/torture/command.ts.
import { main } from "../test/torture/command.ts";

process.exitCode = await main(process.argv.slice(2));
