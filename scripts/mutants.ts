// `pnpm mutants`: see test/mutants/command.ts.
import { main } from "../test/mutants/command.ts";
import { runCommand } from "./help.ts";

process.exitCode = await runCommand(main);
