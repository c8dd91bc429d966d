// `pnpm torture`: see test/torture/command.ts.
import { main } from "../test/torture/command.ts";
import { runCommand } from "./help.ts";

process.exitCode = await runCommand(main);
