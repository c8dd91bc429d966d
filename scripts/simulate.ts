// `pnpm simulate`: see packages/bft-json-crdt/test/simulator/command.ts.
import { main } from "../packages/bft-json-crdt/test/simulator/command.ts";
import { runCommand } from "./help.ts";

process.exitCode = await runCommand(main);
